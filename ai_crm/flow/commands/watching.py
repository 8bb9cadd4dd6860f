"""Commands about hearing of tasks that are not one's own, and the button that does the same."""

from __future__ import annotations

import re
from contextlib import suppress

import msgspec

from ai_crm.cards.answers import Fact, Section, answer_card
from ai_crm.cards.task_card import with_watch
from ai_crm.commands import presses
from ai_crm.commands.command import WatchTasks
from ai_crm.commands.query import ME
from ai_crm.commands.words import MENTION
from ai_crm.errors import CommandRefused, RecordMissing, StoreUnavailable
from ai_crm.flow.commands.reply import Asker, CommandDesk, Reply, member_of, task_reply
from ai_crm.model.task import TaskId
from ai_crm.ports.members import Member


async def watched(command: WatchTasks, who: Asker, desk: CommandDesk) -> Reply:
    """Of several tasks each is told for itself: what is not possible with one does not stop the others."""
    member = await member_of(who, desk)
    if len(command.tasks) == 1:
        said = await _said(command.tasks[0], command, member, who, desk)
        task = await desk.records.task(who.principal.workspace, command.tasks[0])
        return task_reply(said, task)
    facts: list[Fact] = []
    done = False
    for name in command.tasks:
        try:
            said = await _said(name, command, member, who, desk)
            done = True
        except (RecordMissing, CommandRefused) as error:
            said = str(error)
        facts.append(Fact(name, said))
    heading = "What you watch" if command.watching else "What you watch no more"
    card = answer_card(heading, "", (Section("", tuple(facts)),), "my watched shows all of them")
    return Reply(text=f"{heading}: {', '.join(command.tasks)}", cards=(card,), ok=done)


async def own_view(reply: Reply, who: Asker, desk: CommandDesk) -> Reply:
    """The answer as this person alone sees it: a task's card has the button to watch it, or to do so no more."""
    if not reply.is_of_a_task:
        return reply
    task, workspace = reply.tasks[0], who.principal.workspace
    with suppress(StoreUnavailable):  # what was asked for is done: it is not refused for want of a button
        watches = await desk.watches.watched_by(workspace, who.platform, who.id)
        own = with_watch(reply.cards[0], presses.watch(task.id, watched=task.id in watches))
        return msgspec.structs.replace(reply, cards=(own, *reply.cards[1:]))
    return reply


def watchers_of(named: tuple[str, ...], who: Asker) -> tuple[str, ...]:
    """Those whom a query names as a store knows them: logins stay, ME and people whom the chat named are ids there."""
    return tuple(_watcher(each, who) for each in named)


def readable_watchers(known: tuple[str, ...], who: Asker) -> tuple[str, ...]:
    """The same for people: whoever reads finds themselves as ME."""
    return tuple(ME if each == _watcher(ME, who) else each for each in known)


def _watcher(named: str, who: Asker) -> str:
    mention = re.fullmatch(MENTION, named)
    if mention is None and named != ME:
        return named
    return f"{who.platform}:{mention['id'] if mention else who.id}"


async def _said(task: TaskId, command: WatchTasks, member: Member, who: Asker, desk: CommandDesk) -> str:
    """Does it, and says what is different. Raises RecordMissing and CommandRefused."""
    workspace = who.principal.workspace
    if command.watching:
        new = await desk.watches.watch(workspace, task, member)
        return f"You watch {task} now" if new else f"You watched {task} before"
    ended = await desk.watches.unwatch(workspace, task, member)
    return f"You do not watch {task} any more" if ended else f"You did not watch {task}"
