"""Whom a decision concerns personally: who was given a task, whose task moved, who watches it, for whom the analysis speaks.

Only who says so watches a task. Whoever made it or wrote under it does not, as that would be a second inbox nobody asked
for: one command, or one press of a button, is the whole price.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import ClassVar, Protocol

from msgspec import UNSET, Struct

from ai_crm.cards.inert import mrkdwn, one_line, teams
from ai_crm.commands.command import NoticeKind
from ai_crm.flow.commands.preferences import zone_of
from ai_crm.model.agent import Agent
from ai_crm.model.change import (
    AnyChange,
    Applied,
    ChangeKey,
    CreateTask,
    Notify,
    OutboundChange,
    Text,
    UpdateTask,
    change_key,
)
from ai_crm.model.decision import Answer, Decision
from ai_crm.model.item import ItemRef, PlatformName
from ai_crm.model.task import AgentChoice, RuleId, Task, TaskId, TaskPatch, TaskStatus
from ai_crm.ports import Commit, Store
from ai_crm.ports.members import Member, Members, Preferences
from ai_crm.ports.shared import HandedIn, SharedStore
from ai_crm.ports.watches import Watches

_TITLE, _NAMES, _WORDS = 200, 100, 300  # characters

Watching = tuple[tuple[TaskId, Member], ...]


class Occasion(Struct, frozen=True, kw_only=True):
    """What happened to one task, and to whom it matters: to those with `logins`, and to all who watch `watched`.

    `words` are what somebody wrote. `once` says that it cannot happen twice.
    """

    kind: NoticeKind
    rule: RuleId
    logins: tuple[str, ...]
    said: str
    title: str
    because: str
    watched: TaskId | None = None
    words: str = ""
    once: bool = False


class Listeners(Struct, frozen=True, kw_only=True):
    """Where the people of a workspace are found. `agents` are those that it knows."""

    members: Members
    watches: Watches
    workspace: str
    agents: Callable[[], tuple[Agent, ...]]


class Known(Protocol):
    """Whatever says which tasks an item has."""

    async def tasks_of(self, item: ItemRef) -> tuple[Task, ...]: ...


async def with_notices(decision: Decision, store: Known, listeners: Listeners, now: datetime) -> tuple[Decision, ...]:
    """The decision, and behind it what people are told about it, as a decision of its own where there is something.

    Raises StoreUnavailable.
    """
    if not any(isinstance(change, CreateTask | UpdateTask) for change in decision.changes):
        return (decision,)
    happened = tuple(occasions(decision, await store.tasks_of(decision.item), listeners.agents()))
    told = await told_of(decision, happened, listeners, now)
    return (decision, told) if told else (decision,)


async def told_of(
    about: Decision, happened: tuple[Occasion, ...], listeners: Listeners, now: datetime
) -> Decision | None:
    """What people are told about it, as a decision of its own; None where nobody is. Raises StoreUnavailable."""
    logins = tuple(dict.fromkeys(login for each in happened for login in each.logins))
    watched = tuple(dict.fromkeys(each.watched for each in happened if each.watched))
    members = await listeners.members.of_logins(listeners.workspace, logins) if logins else ()
    watching = await listeners.watches.watchers(listeners.workspace, watched) if watched else ()
    told = tuple(notices(about, happened, members, watching, now))
    return _decision(about, told) if told else None


class Whole(Store, Protocol):
    """A store that takes several decisions at once."""

    async def commit_all(self, decisions: tuple[Decision, ...], at: datetime) -> Commit:
        """As `commit` does with each, all or none of them; what became of the first."""
        ...


class Telling:
    """Implements ports.Store: what a person or a program brings to `store` is told to whom it concerns, too.

    In one transaction: whoever asks again after a crash finds the task as it is wanted, and would tell nobody.
    """

    remembers: ClassVar[bool] = True

    def __init__(self, store: Whole, listeners: Listeners) -> None:
        self._store = store
        self._listeners = listeners

    async def tasks_of(self, item: ItemRef) -> tuple[Task, ...]:
        return await self._store.tasks_of(item)

    async def commit(self, decision: Decision, at: datetime) -> Commit:
        return await self._store.commit_all(await with_notices(decision, self._store, self._listeners, at), at)

    async def refresh(self, change: OutboundChange) -> OutboundChange | None:
        return await self._store.refresh(change)

    async def settle(self, change: OutboundChange, applied: Applied) -> tuple[Task, ...]:
        return await self._store.settle(change, applied)

    def close(self) -> None:
        self._store.close()


class SharedWhole(SharedStore, Protocol):
    """A shared store that takes decisions of the hub's own behind one that is handed in."""

    async def hand_in_with(self, handed: HandedIn, behind: tuple[Decision, ...], by: str, at: datetime) -> Commit:
        """As `hand_in`, and with it the others, which the hub carries out: all or none of them."""
        ...


class TellingShared:
    """Implements ports.shared.SharedStore: what an Action hands in is told to whom it concerns, like the hub's own."""

    def __init__(self, store: SharedWhole, listeners: Listeners) -> None:
        self._store = store
        self._listeners = listeners

    async def tasks_of(self, item: ItemRef) -> tuple[Task, ...]:
        return await self._store.tasks_of(item)

    async def hand_in(self, handed: HandedIn, by: str, at: datetime) -> Commit:
        _first, *behind = await with_notices(handed.decision, self._store, self._listeners, at)
        return await self._store.hand_in_with(handed, tuple(behind), by, at)

    async def begin(self, key: ChangeKey, holder: str, at: datetime) -> OutboundChange | None:
        return await self._store.begin(key, holder, at)

    async def conclude(self, applied: Applied, by: str, at: datetime) -> tuple[Task, ...]:
        return await self._store.conclude(applied, by, at)


def occasions(decision: Decision, before: tuple[Task, ...], agents: tuple[Agent, ...]) -> Iterator[Occasion]:
    """What happens to the item's tasks by a decision. `before` are they as they were. Pure."""
    known = {task.rule: task for task in before}
    for change in decision.changes:
        if isinstance(change, CreateTask) and change.rule not in known:
            yield from _created(change, agents)
        elif isinstance(change, UpdateTask) and change.rule in known:
            yield from _updated(change, known[change.rule], decision.actor, agents)


def notices(
    decision: Decision, happened: Iterable[Occasion], members: tuple[Member, ...], watching: Watching, now: datetime
) -> Iterator[Notify]:
    """A message to each member whom an occasion matters to, who wants to know, and who did not do it. Pure.

    Who watches a task that is theirs, too, hears of it once.
    """
    told: set[tuple[RuleId, PlatformName, str]] = set()
    for occasion in happened:
        for member in _concerned(occasion, members, watching):
            place = (occasion.rule, member.platform, member.id)
            if _is_told(member, occasion.kind, decision.actor) and not (occasion.watched and place in told):
                told.add(place)
                yield _notice(decision, occasion, member, now)


def _concerned(occasion: Occasion, members: tuple[Member, ...], watching: Watching) -> Iterator[Member]:
    wanted = {login.lower() for login in occasion.logins}
    yield from (member for member in members if member.login.lower() in wanted)
    yield from (member for task, member in watching if task == occasion.watched)


def end_of_quiet(preferences: Preferences, now: datetime) -> datetime | None:
    """When the quiet hours that `now` falls in are over; None outside of them."""
    if preferences.quiet is None:
        return None
    begin, end = preferences.quiet
    local = now.astimezone(zone_of(preferences))
    over_midnight = begin > end
    inside = (local.time() >= begin or local.time() < end) if over_midnight else begin <= local.time() < end
    if not inside:
        return None
    day = local.date() + timedelta(days=1 if over_midnight and local.time() >= begin else 0)
    return datetime.combine(day, end, local.tzinfo)


def _created(change: CreateTask, agents: tuple[Agent, ...]) -> Iterator[Occasion]:
    if change.assignees:
        yield Occasion(
            kind=NoticeKind.ASSIGNED,
            rule=change.rule,
            logins=change.assignees,
            said="You've been assigned a new task: ",
            title=change.title,
            because="the task was given to this person",
            once=True,
        )
    yield from _recommended(change.rule, change.agent, change.title, agents, once=True)


def _updated(change: UpdateTask, task: Task, actor: str, agents: tuple[Agent, ...]) -> Iterator[Occasion]:
    patch = change.patch
    title = task.title if patch.title is UNSET else patch.title
    assignees = task.assignees if patch.assignees is UNSET else patch.assignees
    added = tuple(login for login in assignees if login not in task.assignees)
    if added:
        yield Occasion(
            kind=NoticeKind.ASSIGNED,
            rule=change.rule,
            logins=added,
            said="You've been assigned a task: ",
            title=title,
            because="the task was given to this person",
        )
    if patch.status is not UNSET and patch.status != task.status:
        yield Occasion(
            kind=NoticeKind.STATUS,
            rule=change.rule,
            logins=tuple(login for login in assignees if login not in added),
            said=f"Moved to {_words(patch.status)} by {one_line(actor) or 'somebody'}: ",
            title=title,
            because="this person's task moved",
        )
    if patch.agent is not UNSET and patch.agent != task.agent:
        yield from _recommended(change.rule, patch.agent, title, agents, once=False)
    if happened := " and ".join(_seen(patch, task)):
        yield Occasion(
            kind=NoticeKind.WATCHED,
            rule=change.rule,
            logins=(),
            watched=task.id,
            said=f"{task.id} was {happened} by {one_line(actor) or 'somebody'}: ",
            title=title,
            because="this person watches the task",
        )


def _seen(patch: TaskPatch, task: Task) -> Iterator[str]:
    """What those who watch a task want to know of a change: where it is, and who has it. The rest is on its card."""
    if patch.status is not UNSET and patch.status != task.status:
        yield f"moved to {_words(patch.status)}"
    if patch.assignees is not UNSET and set(patch.assignees) != set(task.assignees):
        yield f"given to {one_line(', '.join(patch.assignees), _NAMES)}" if patch.assignees else "taken from everybody"


def _words(status: TaskStatus) -> str:
    return status.replace("-", " ").capitalize()


def _recommended(
    rule: RuleId, choice: AgentChoice | None, title: str, agents: tuple[Agent, ...], *, once: bool
) -> Iterator[Occasion]:
    """The people behind an agent, where a rules file names them, hear that the analysis speaks for them."""
    if choice is None or choice.assigned:
        return
    people = next((agent.people for agent in agents if agent.name == choice.name), ())
    logins = tuple(person.github for person in people if person.github and "/" not in person.github)
    if logins:
        yield Occasion(
            kind=NoticeKind.RECOMMENDED,
            rule=rule,
            logins=logins,
            said=f"PM analysis suggests {choice.name} for: ",
            title=title,
            because="the analysis speaks for this person's role",
            once=once,
        )


def _is_told(member: Member, kind: NoticeKind, actor: str) -> bool:
    """What somebody did themselves is no news to them, and a terminal and who removed the app cannot be told anything."""
    if member.platform not in _CALLED or member.away:
        return False
    own = {member.login.lower(), f"{member.name} ({_CALLED[member.platform]})".lower()}
    return kind not in member.preferences.off and actor.lower() not in own


_CALLED = {PlatformName.SLACK: "Slack", PlatformName.TEAMS: "Teams"}


def _notice(decision: Decision, occasion: Occasion, member: Member, now: datetime) -> Notify:
    inert = teams if member.platform is PlatformName.TEAMS else mrkdwn
    words = "\n" + inert(one_line(occasion.words, _WORDS)) if occasion.words else ""
    return Notify(
        key=change_key(
            occasion.rule,
            decision.item,
            f"tell {occasion.kind} {member.platform} {member.id}",
            "" if occasion.once else decision.event,
        ),
        rule=occasion.rule,
        item=decision.item,
        because=occasion.because,
        platform=member.platform,
        target=member.address,
        text=Text((inert(occasion.said) + " " + inert(one_line(occasion.title, _TITLE)) + words,)),
        not_before=end_of_quiet(member.preferences, now),
    )


def _decision(about: Decision, told: tuple[AnyChange, ...]) -> Decision:
    return Decision(
        event=about.event,
        platform=about.platform,
        names=("notices",),
        actor=about.actor,
        item=about.item,
        answer=Answer.ACT,
        rules="",
        verdicts=(),
        changes=told,
        skips=(),
    )
