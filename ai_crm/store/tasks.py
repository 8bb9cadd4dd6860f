"""What a decision makes of an item's tasks: the same birth, change and history wherever they are kept. Pure."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator

import msgspec
from msgspec import UNSET, Struct

from ai_crm.errors import VersionClash
from ai_crm.model.change import ChangeKey, CreateTask, OutboundChange, ShowCard, UpdateTask
from ai_crm.model.decision import Decision
from ai_crm.model.task import AgentChoice, HistoryEntry, Task, TaskId

# Titles are strangers' words and may be long; a history entry keeps enough of one to recognise it.
_SHOWN_IN_HISTORY = 120

NewId = Callable[[CreateTask, tuple[Task, ...]], TaskId]


class Followed(Struct, frozen=True, kw_only=True):
    """An item's tasks after a decision. `outbound` is what is left for platforms, in the order of the decision."""

    tasks: tuple[Task, ...]
    created: tuple[Task, ...]
    updated: tuple[Task, ...]
    outbound: tuple[OutboundChange, ...]


def created(change: CreateTask, decision: Decision, task_id: TaskId) -> Task:
    """The task at its first version."""
    birth = HistoryEntry(
        at=change.seen_at or change.asked_at, actor=decision.actor, what="created", because=change.because
    )
    return Task(
        id=task_id,
        rule=change.rule,
        item=change.item,
        title=change.title,
        description=change.description,
        priority=change.priority,
        agent=change.agent,
        assignees=change.assignees,
        labels=change.labels,
        due=change.due,
        analysis=change.analysis,
        born_of=decision.event,
        seen_at=change.seen_at,
        history=(birth,),
    )


def updated(task: Task, change: UpdateTask, decision: Decision) -> Task:
    """The task with the patch in it: one version more, one history entry for each field that became different.

    An event that is older than what the task already followed changes nothing. One that is newer but brings nothing
    new only moves `seen_at`, so that what happened between the two stays late. Raises VersionClash for a patch that was
    made for another version.
    """
    if change.seen_at and task.seen_at and change.seen_at < task.seen_at:
        return task
    seen_at = change.seen_at or task.seen_at
    fields = {name: value for name, value in _wanted(change) if value != getattr(task, name)}
    if change.version and change.version != task.version:
        raise VersionClash(
            f"{task.id} was changed meanwhile: it is at version {task.version}, and this was made for {change.version}",
            where=task.id,
            hint="Look at it as it is now, and say again what shall be different",
        )
    if not fields:
        return task if seen_at == task.seen_at else msgspec.structs.replace(task, seen_at=seen_at)
    entries = tuple(
        HistoryEntry(
            at=change.seen_at or change.asked_at,
            actor=decision.actor,
            what=f"{name}: {_words(getattr(task, name))} → {_words(value)}",
            because=change.because,
        )
        for name, value in fields.items()
    )
    history = (*task.history, *entries)
    return msgspec.structs.replace(task, **fields, seen_at=seen_at, version=task.version + 1, history=history)


def follow(decision: Decision, tasks: tuple[Task, ...], handled: Container[ChangeKey], new_id: NewId) -> Followed:
    """What becomes of the item's tasks. `handled` are the keys of updates that they have in them already.

    When another event was first to create a rule's task, the rest of what the rule wanted is that event's, except
    that the card is shown in any case. All changes of a decision are about its item.
    """
    now = {task.rule: task for task in tasks}
    lost = {
        change.rule
        for change in decision.changes
        if isinstance(change, CreateTask) and change.rule in now and now[change.rule].born_of != decision.event
    }
    outbound: list[OutboundChange] = []
    for change in decision.changes:
        match change:
            case CreateTask():
                if change.rule not in now:
                    now[change.rule] = created(change, decision, new_id(change, tuple(now.values())))
            case UpdateTask():
                if change.rule in now and change.key not in handled:
                    now[change.rule] = updated(now[change.rule], change, decision)
            case ShowCard():
                outbound.append(change)
            case _:
                if change.rule not in lost:
                    outbound.append(change)
    before = {task.rule: task.version for task in tasks}
    return Followed(
        tasks=tuple(now.values()),
        created=tuple(task for rule, task in now.items() if rule not in before),
        updated=tuple(task for rule, task in now.items() if rule in before and task.version > before[rule]),
        outbound=tuple(outbound),
    )


def located(tasks: tuple[Task, ...], url: str) -> tuple[Task, ...]:
    """The tasks with an address for people where they had none. Where a task shows is no change of the task."""
    if not url:
        return tasks
    return tuple(task if task.url else msgspec.structs.replace(task, url=url) for task in tasks)


def _wanted(change: UpdateTask) -> Iterator[tuple[str, object]]:
    """The fields that the patch names: they are called as the task's own."""
    for name in change.patch.__struct_fields__:
        value = getattr(change.patch, name)
        if value is not UNSET:
            yield name, value


def _words(value: object) -> str:
    """A field's value in a history entry."""
    match value:
        case tuple():
            text = ", ".join(value)
        case AgentChoice(name=name, assigned=assigned):
            text = name if assigned else f"{name} (recommended)"
        case _:
            text = str(value or "")
    return (text if len(text) <= _SHOWN_IN_HISTORY else f"{text[: _SHOWN_IN_HISTORY - 1]}…") or "none"
