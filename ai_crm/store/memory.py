"""A store that forgets everything when the process ends: for tests, and for previews that must leave no trace."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec
from msgspec import Struct

from ai_crm.errors import StoreError
from ai_crm.model.change import Applied, ChangeKey, CreateTask, Notify, OutboundChange, ShowCard, UpdateTask
from ai_crm.model.decision import Decision
from ai_crm.model.item import ItemRef, PlatformName
from ai_crm.model.task import Task, TaskId
from ai_crm.ports import Commit
from ai_crm.store import live
from ai_crm.store.outbox import Current, informed
from ai_crm.store.tasks import follow, located


class _Entry(Struct, frozen=True, kw_only=True):
    """An outbound change, the event it comes from, and whether it was carried out."""

    event: str
    change: OutboundChange
    done: bool = False


class MemoryStore:
    """Implements ports.Store, with the same answers as a database. `decisions` are those committed, in order."""

    remembers: ClassVar[bool] = True

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self._tasks: dict[ItemRef, tuple[Task, ...]] = {}
        self._cards: dict[ItemRef, str] = {}
        self._messages: dict[tuple[ItemRef, PlatformName, str], str] = {}
        self._handled: set[ChangeKey] = set()
        self._ledger: dict[ChangeKey, _Entry] = {}
        self._offered: set[ChangeKey] = set()
        self._number = 0

    async def tasks_of(self, item: ItemRef) -> tuple[Task, ...]:
        return self._tasks.get(item, ())

    async def commit(self, decision: Decision, at: datetime) -> Commit:  # noqa: ARG002 - nothing here is ever sorted by time
        before = self._tasks.get(decision.item, ())
        followed = follow(decision, before, self._handled, self._new_id)
        self._tasks[decision.item] = followed.tasks
        self._handled.update(change.key for change in decision.changes if isinstance(change, UpdateTask))
        self.decisions.append(decision)
        renewals = live.renewals(decision, followed, self._live(decision.item)) if followed.updated else ()
        for change in (*followed.outbound, *renewals):
            self._plan(decision.event, change)
        outbox = self._pending(decision.event, decision.item)
        self._offered.update(change.key for change in outbox)
        return Commit(tasks=followed.tasks, created=followed.created, updated=followed.updated, outbox=outbox)

    async def commit_all(self, decisions: tuple[Decision, ...], at: datetime) -> Commit:
        """Nothing can come between them here; what became of the first."""
        first, *_behind = [await self.commit(each, at) for each in decisions]
        return first

    async def refresh(self, change: OutboundChange) -> OutboundChange | None:
        if change.key not in self._offered:
            return None
        self._offered.remove(change.key)
        message = self._messages.get(_place(change), "") if isinstance(change, Notify) else ""
        tasks, card = self._tasks.get(change.item, ()), self._cards.get(change.item, "")
        return informed(change, Current(tasks=tasks, where=card, message=message))

    async def settle(self, change: OutboundChange, applied: Applied) -> tuple[Task, ...]:
        if change.key not in self._ledger:
            raise StoreError("a change was carried out that no decision planned", where=change.key)
        self._ledger[change.key] = msgspec.structs.replace(self._ledger[change.key], done=True)
        if isinstance(change, ShowCard) and applied.where:
            self._cards[change.item] = applied.where
        if isinstance(change, Notify) and applied.where:
            self._messages[_place(change)] = applied.where
        if isinstance(change, ShowCard):
            self._tasks[change.item] = located(self._tasks.get(change.item, ()), applied.url)
        return self._tasks.get(change.item, ())

    def close(self) -> None:
        """What is in memory stays there."""

    def _live(self, item: ItemRef) -> tuple[tuple[PlatformName, str], ...]:
        return tuple(sorted((platform, target) for about, platform, target in self._messages if about == item))

    def _new_id(self, _change: CreateTask, _tasks: tuple[Task, ...]) -> TaskId:
        self._number += 1
        return TaskId(f"AICRM-{self._number}")

    def _plan(self, event: str, change: OutboundChange) -> None:
        """A change that waits already is planned anew by its own event only; what is done stays done."""
        known = self._ledger.get(change.key)
        if known is None or (known.event == event and not known.done):
            self._ledger[change.key] = _Entry(event=event, change=change)

    def _pending(self, event: str, item: ItemRef) -> tuple[OutboundChange, ...]:
        return tuple(
            entry.change
            for entry in self._ledger.values()
            if entry.event == event and entry.change.item == item and not entry.done
        )


def _place(change: Notify) -> tuple[ItemRef, PlatformName, str]:
    return change.item, change.platform, change.target
