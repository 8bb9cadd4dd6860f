"""Carries out what was decided: stores it first, then each outbound change once, then remembers what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from ai_crm.errors import AiCrmError, ChangeRefused, StoreError, Unsupported, UpstreamError
from ai_crm.model.change import Applied, CallWebhook, Notify, OutboundChange, Outcome, ShowCard
from ai_crm.model.decision import Decision
from ai_crm.model.item import PlatformName
from ai_crm.model.task import RuleId, Task
from ai_crm.ports import Applier, Store


class Failure(Struct, frozen=True):
    """A change that was not carried out, and the error that says why and what to do."""

    change: OutboundChange
    error: AiCrmError


class Report(Struct, frozen=True, kw_only=True):
    """What became of a decision. `tasks` are the item's as they are now."""

    created: tuple[Task, ...] = ()
    updated: tuple[Task, ...] = ()
    tasks: tuple[Task, ...] = ()
    applied: tuple[tuple[OutboundChange, Applied], ...] = ()
    failures: tuple[Failure, ...] = ()


async def deliver(decision: Decision, store: Store, appliers: Mapping[PlatformName, Applier], now: datetime) -> Report:
    """Stores the decision and carries out its changes in order; one that fails does not stop the others.

    Raises StoreError when nothing could be stored, and what the claim raised when that failed: then nothing happened.
    """
    commit = await store.commit(decision, now)
    tasks = commit.tasks
    applied: list[tuple[OutboundChange, Applied]] = []
    failures: list[Failure] = []
    yielded: set[RuleId] = set()
    for planned in commit.outbox:
        if planned.rule in yielded and not isinstance(planned, ShowCard):
            continue
        try:
            done = await _carry_out(planned, store, appliers)
        except (UpstreamError, StoreError, Unsupported) as error:
            if planned.key == commit.claim and isinstance(error, Unsupported):
                raise _no_home(error) from error
            if planned.key == commit.claim:
                raise
            failures.append(Failure(planned, error))
            continue
        if done is None:
            continue
        applied.append((done.change, done.applied))
        yielded.update(done.applied.yielded)
        tasks = done.tasks or tasks
    return Report(
        created=_still(commit.created, tasks, yielded if commit.claim else set()),
        updated=_still(commit.updated, tasks, set()),
        tasks=tasks,
        applied=tuple(applied),
        failures=tuple(failures),
    )


def _no_home(error: Unsupported) -> ChangeRefused:
    """What a platform cannot do took nothing from the rest, unless it was the claim: then the tasks have no home."""
    return ChangeRefused(error.what, where=error.where, hint=error.hint)


class _Done(Struct, frozen=True):
    """`tasks` are the item's after it; empty when the store was not told, because nothing was really done."""

    change: OutboundChange
    applied: Applied
    tasks: tuple[Task, ...] = ()


async def _carry_out(planned: OutboundChange, store: Store, appliers: Mapping[PlatformName, Applier]) -> _Done | None:
    """None when there is nothing left to do about it."""
    change = await store.refresh(planned)
    if change is None:
        return None
    applied = await _apply(change, appliers)
    if applied.outcome is Outcome.SHOWN:
        return _Done(change, applied)  # it stays in the outbox for a run that can
    return _Done(change, applied, await store.settle(change, applied))


async def _apply(change: OutboundChange, appliers: Mapping[PlatformName, Applier]) -> Applied:
    applier = appliers[platform_of(change)]
    if type(change) not in applier.capabilities.changes:
        raise Unsupported(applier.capabilities.absent[type(change)], where=f"{applier.name} {type(change).__name__}")
    return await applier.apply(change)


def platform_of(change: OutboundChange) -> PlatformName:
    """Where a change goes: a message to its chat platform, a webhook to its address, the rest to where its item lives."""
    match change:
        case Notify():
            return change.platform
        case CallWebhook():
            return PlatformName.WEBHOOK
        case _:
            return change.item.platform


def _still(before: tuple[Task, ...], now: tuple[Task, ...], yielded: set[RuleId]) -> tuple[Task, ...]:
    """The tasks as they are now, without those that another run turned out to have created."""
    current = {task.rule: task for task in now}
    return tuple(current.get(task.rule, task) for task in before if task.rule not in yielded)
