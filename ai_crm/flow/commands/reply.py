"""Who asks for something, what it is answered with, and what both have to do with the ports."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime

import msgspec
from msgspec import Struct

from ai_crm.cards.elements import Card
from ai_crm.cards.task_card import task_card
from ai_crm.commands import presses
from ai_crm.commands.words import MENTION
from ai_crm.errors import CommandRefused, RulesInvalid
from ai_crm.flow.commands.preferences import zone_of
from ai_crm.model.access import Permission, Principal
from ai_crm.model.agent import Agent
from ai_crm.model.item import PlatformName
from ai_crm.model.record import Report, TaskComment
from ai_crm.model.status_name import StatusName
from ai_crm.model.task import Task
from ai_crm.ports import Analyst, Clock, Store
from ai_crm.ports.members import Member, Members
from ai_crm.ports.records import Records
from ai_crm.ports.sessions import Visitor
from ai_crm.ports.watches import Watches


class Asker(Struct, frozen=True, kw_only=True):
    """Who asks: what they may do, and who they are on the platform where they ask. `name` is what people call them."""

    principal: Principal
    platform: PlatformName
    id: str
    name: str


WayIn = Callable[[Visitor], Awaitable[str]]


class CommandDesk(Struct, frozen=True, kw_only=True):
    """What commands are carried out with. `agents` are those that a workspace knows; they raise RulesInvalid.

    `comment` writes one in a workspace, and tells those whom it concerns.
    `statuses` are the names that a workspace has for statuses beside ours. `wake` tells the worker that there may be changes to carry out.
    `picture` gives the address where a picture of a report is to be had, or nothing. `way_in` gives the link
    that lets a visitor into the dashboard; it raises CommandRefused where there is none for them.
    """

    records: Records
    members: Members
    watches: Watches
    store: Callable[[str], Store]
    comment: Callable[[str, TaskComment], Awaitable[None]]
    analyst: Analyst
    agents: Callable[[str], tuple[Agent, ...]]
    statuses: Callable[[str], tuple[StatusName, ...]]
    clock: Clock
    wake: Callable[[], None]
    picture: Callable[[Report], str]
    way_in: WayIn


# What a permission is for, for people.
DOINGS: Mapping[Permission, str] = {
    Permission.TASKS_READ: "look at tasks",
    Permission.TASKS_WRITE: "make or change tasks",
    Permission.ANALYSES_WRITE: "ask for an analysis",
    Permission.RULES_READ: "see the agents",
    Permission.ANALYTICS_READ: "see the team's figures",
    Permission.EVENTS_READ: "see why something was decided",
    Permission.CONNECTIONS_READ: "see the connections",
}


class Reply(Struct, frozen=True, kw_only=True):
    """An answer. `text` is one line of plain words and stands for the cards where there is no room for them: it is made
    inert by whoever shows it. `private` is for the asker's eyes only; `ok` is false where nothing was done.
    """

    text: str
    cards: tuple[Card, ...] = ()
    private: bool = True
    tasks: tuple[Task, ...] = ()
    ok: bool = True

    @property
    def is_of_a_task(self) -> bool:
        """Whether the first card is a task's own."""
        return len(self.tasks) == 1 and self.cards[0].fallback_text.startswith(f"{self.tasks[0].id} · ")


def task_reply(text: str, task: Task, before: Task | None = None) -> Reply:
    undo = presses.undo(before, task) if before else None
    card = task_card(task, answered=True, undo=undo.data if undo else None)
    return Reply(text=text, cards=(card,), tasks=(task,))


def agents_of(who: Asker, desk: CommandDesk) -> tuple[Agent, ...]:
    """Those that the asker's workspace knows. Raises CommandRefused where the hub's own rules are broken."""
    try:
        return desk.agents(who.principal.workspace)
    except RulesInvalid as broken:
        what = "the hub's own rules are broken, so nobody knows which agents there are"
        raise CommandRefused(what, hint="Its operator has to mend them") from broken


async def logins_of(named: tuple[str, ...], who: Asker, desk: CommandDesk) -> tuple[str, ...]:
    """Whom a chat named by its own ids, by their logins. Raises CommandRefused for who has not said which is theirs."""
    found: list[str] = []
    for name in named:
        mention = re.fullmatch(MENTION, name)
        if mention is None:
            found.append(name)
            continue
        member = await desk.members.find(who.principal.workspace, who.platform, mention["id"])
        if member is None or not member.login:
            called = member.name if member else mention["name"] or mention["id"]
            hint = "They can say it: link LOGIN. Or write the login instead of the name"
            raise CommandRefused(f"{called} has not said which login on GitHub is theirs", hint=hint)
        found.append(member.login)
    return tuple(found)


async def member_of(who: Asker, desk: CommandDesk) -> Member:
    """What is known of who asks, under the name that they have today."""
    found = await desk.members.find(who.principal.workspace, who.platform, who.id)
    return (
        msgspec.structs.replace(found, name=who.name)
        if found
        else Member(platform=who.platform, id=who.id, name=who.name)
    )


def me_of(member: Member) -> str:
    """The login that `@me` stands for: what they linked, else their name where it could be one."""
    return member.login or (member.name if re.fullmatch(_LOGIN, member.name, re.ASCII) else "")


_LOGIN = r"[A-Za-z0-9][A-Za-z0-9_-]{0,61}"


def today_of(member: Member, now: datetime) -> date:
    return now.astimezone(zone_of(member.preferences)).date()


def reply_of(card: Card) -> Reply:
    return Reply(text=card.fallback_text, cards=(card,))
