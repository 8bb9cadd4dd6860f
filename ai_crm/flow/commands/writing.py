"""Commands that change something: each becomes a decision, and is answered with the task as it is then."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

import msgspec
from msgspec import UNSET

from ai_crm.cards.answers import Fact, Section, answer_card
from ai_crm.cards.task_card import task_card
from ai_crm.commands.command import (
    ChangeTask,
    CommentTask,
    NewTask,
)
from ai_crm.errors import VersionClash
from ai_crm.flow.commands.reply import Asker, CommandDesk, Reply, agents_of, logins_of, task_reply
from ai_crm.flow.requests import Request, changed_task, new_task
from ai_crm.model.agent import Agent
from ai_crm.model.decision import Answer
from ai_crm.model.record import TaskComment
from ai_crm.model.task import HistoryEntry, Task


async def written(command: NewTask | ChangeTask | CommentTask, who: Asker, desk: CommandDesk, request: str) -> Reply:
    asked = Request(id=request, actor=who.principal.name, workspace=who.principal.workspace, at=desk.clock.now())
    match command:
        case NewTask():
            wanted = msgspec.structs.replace(command, assignees=await logins_of(command.assignees, who, desk))
            return await _created(wanted, asked, desk, agents_of(who, desk))
        case ChangeTask(patch=patch):
            if patch.assignees is not UNSET:
                patch = msgspec.structs.replace(patch, assignees=await logins_of(patch.assignees, who, desk))
            return await _changed(msgspec.structs.replace(command, patch=patch), asked, desk, agents_of(who, desk))
        case CommentTask():
            return await _commented(command, asked, desk)
        case _:
            assert_never(command)


async def _created(wanted: NewTask, asked: Request, desk: CommandDesk, agents: tuple[Agent, ...]) -> Reply:
    decision = new_task(wanted, asked, desk.analyst, agents)
    commit = await desk.store(asked.workspace).commit(decision, asked.at)
    desk.wake()
    # The same request again creates nothing and is answered with what there is.
    task = (commit.created or commit.tasks)[0]
    return task_reply(f"{task.id} is there: {task.title}", task)


async def _changed(wanted: ChangeTask, asked: Request, desk: CommandDesk, agents: tuple[Agent, ...]) -> Reply:
    before = await desk.records.task(asked.workspace, wanted.task)
    decision = changed_task(before, wanted, asked, agents)
    if decision.answer is Answer.NOTHING:
        return task_reply(f"{before.id} is like that already", before)
    if wanted.version and wanted.version != before.version:
        return _stale(before, wanted.version)
    try:
        commit = await desk.store(asked.workspace).commit(decision, asked.at)
    except VersionClash:
        return _stale(await desk.records.task(asked.workspace, wanted.task), before.version)
    desk.wake()
    after = next((task for task in commit.tasks if task.id == before.id), before)
    return task_reply(_difference(before, after), after, before)


def _difference(before: Task, after: Task) -> str:
    changes = "; ".join(entry.what for entry in after.history[len(before.history) :])
    return f"{after.id}: {changes or 'nothing is different'}"


def _stale(task: Task, seen: int) -> Reply:
    """The card as it is now, and what happened since the one that was pressed."""
    since = _since(task, seen)
    text = f"{task.id} was changed meanwhile, so nothing was done. Look at it as it is now"
    facts = tuple(Fact(one.actor, f"{one.what} ({one.because})") for one in since)
    news = answer_card("Changed meanwhile", text, (Section("Since then", facts),) if facts else ())
    return Reply(text=text, cards=(task_card(task, answered=True), news), tasks=(task,), ok=False)


def _since(task: Task, seen: int) -> tuple[HistoryEntry, ...]:
    """The history from the version that was seen on. One version's entries have time, actor and reason in common."""
    missed = task.version - seen
    found: list[HistoryEntry] = []
    versions = 0
    for entry in reversed(task.history):
        if not found or _occasion(entry) != _occasion(found[-1]):
            versions += 1
        if versions > missed:
            break
        found.append(entry)
    return tuple(reversed(found))


def _occasion(entry: HistoryEntry) -> tuple[datetime | None, str, str]:
    return entry.at, entry.actor, entry.because


async def _commented(command: CommentTask, asked: Request, desk: CommandDesk) -> Reply:
    task = await desk.records.task(asked.workspace, command.task)
    comment = TaskComment(id=asked.id, task=task.id, at=asked.at, actor=asked.actor, text=command.text)
    await desk.comment(asked.workspace, comment)
    desk.wake()
    card = answer_card(f"Written under {task.id}", command.text, foot=task.title)
    return Reply(text=f"Written under {task.id}: {command.text}", cards=(card,), tasks=(task,))
