"""A hub's store for Actions that decide themselves: what they hand in, take in hand and report, change by change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, or_, select, update

from ai_crm.errors import PayloadInvalid, RecordMissing
from ai_crm.model.change import Applied, CallWebhook, ChangeKey, Notify, OutboundChange, Outcome, ShowCard
from ai_crm.model.decision import Decision
from ai_crm.model.delivery import ChangeState
from ai_crm.model.item import ItemRef
from ai_crm.model.task import Task
from ai_crm.ports import Commit
from ai_crm.ports.shared import HandedIn
from ai_crm.store import tables
from ai_crm.store.database import announce
from ai_crm.store.rows import CALLER, HUB, Entry, Route, Rows, add_workspace, outbound, stamp
from ai_crm.store.sql import Kept, committed, connection_of, current, kept, settled
from ai_crm.store.transactions import Transactions

# Seconds that a caller has to carry a change out: longer than any call of ours may take, with the questions before it.
_LEASE = 180.0
# Seconds that the hub's messages wait for their caller to show the card, because its address belongs into them.
_GRACE = 60.0

_CHANGE = tables.change
_OURS = ("create_task", "update_task")  # they are done with the transaction that plans them


class SqlShared:
    """Implements ports.shared.SharedStore for one workspace. `messages` says who sends them: the `hub`, or the `caller`."""

    def __init__(self, transactions: Transactions, workspace: str, *, messages: str = HUB) -> None:
        self._transactions = transactions
        self._workspace = workspace
        self._messages = messages

    async def tasks_of(self, item: ItemRef) -> tuple[Task, ...]:
        return await self._transactions.read(lambda connection: Rows(connection, self._workspace).tasks(item))

    async def hand_in(self, handed: HandedIn, by: str, at: datetime) -> Commit:
        return await self.hand_in_with(handed, (), by, at)

    async def hand_in_with(self, handed: HandedIn, behind: tuple[Decision, ...], by: str, at: datetime) -> Commit:
        """With decisions about the same item that the hub itself brings: all or none of them."""

        def work(connection: Connection) -> Commit:
            commit = self._handed_in(connection, handed, by, at)
            rows = Rows(connection, self._workspace)
            for each in behind:
                kept(rows, each, at, self._routes(rows, handed.decision, at))
            return commit

        return await self._transactions.write(work)

    async def begin(self, key: ChangeKey, holder: str, at: datetime) -> OutboundChange | None:
        """For three minutes only the same holder can take it again."""
        return await self._transactions.write(lambda connection: self._begun(connection, key, holder, at))

    async def conclude(self, applied: Applied, by: str, at: datetime) -> tuple[Task, ...]:
        return await self._transactions.write(lambda connection: self._concluded(connection, applied, by, at))

    def _handed_in(self, connection: Connection, handed: HandedIn, by: str, at: datetime) -> Commit:
        """What was brought along goes first, so that the decision finds the tasks that it was made about."""
        decision = handed.decision
        add_workspace(connection, self._workspace)
        rows = Rows(connection, self._workspace)
        rows.lock(decision.item)
        if any(known.item != str(decision.item) for known in rows.known(decision.changes).values()):
            raise PayloadInvalid("the key of a change belongs to another item", hint="Keys are made of rule and item")
        _take_over(rows, handed.tasks, decision.item, at)
        followed = kept(rows, decision, at, self._routes(rows, decision, at))
        waiting = {key for key, known in rows.known(decision.changes).items() if not known.done}
        for change in decision.changes:
            if change.key in waiting.intersection(handed.sent) and isinstance(change, Notify | CallWebhook):
                rows.finish(Applied(key=change.key, outcome=Outcome.ALREADY, detail="sent while the hub was away"), at)
        rows.note(Entry(actor=by, action="hand in decision", subject=str(decision.item), cause=decision.event), at)
        return committed(Kept(followed, rows.pending(decision.event, decision.item)))

    def _routes(self, rows: Rows, decision: Decision, at: datetime) -> Callable[[OutboundChange], Route]:
        shows = any(isinstance(change, ShowCard) for change in decision.changes)
        later = stamp(at + timedelta(seconds=_GRACE)) if shows else ""

        def route(change: OutboundChange) -> Route:
            if isinstance(change, Notify | CallWebhook) and self._messages == HUB:
                return Route(HUB, connection_of(rows, change), later)
            return Route(CALLER)

        return route

    def _begun(self, connection: Connection, key: ChangeKey, holder: str, at: datetime) -> OutboundChange | None:
        known = self._known(connection, key)
        is_free = or_(_CHANGE.c.lease_until <= stamp(at), _CHANGE.c.holder == holder)
        lease = {"holder": holder, "lease_until": stamp(at + timedelta(seconds=_LEASE))}
        begun = connection.execute(
            update(_CHANGE)
            .where(_CHANGE.c.workspace == self._workspace, _CHANGE.c.key == key, is_free)
            .where(_CHANGE.c.state == ChangeState.PENDING)
            .values(attempts=_CHANGE.c.attempts + 1, **lease)
        )
        return current(Rows(connection, self._workspace), known.change) if begun.rowcount else None

    def _concluded(self, connection: Connection, applied: Applied, by: str, at: datetime) -> tuple[Task, ...]:
        item = self._known(connection, applied.key).change.item
        rows = Rows(connection, self._workspace)
        rows.lock(item)  # of two that report at once the first one counts
        known = self._known(connection, applied.key)
        if known.is_done:
            return rows.tasks(item)
        settled(rows, known.change, applied, at)
        if isinstance(known.change, ShowCard):
            self._hurry(connection, known.event, item, at)
        rows.note(Entry(actor=by, action=known.kind, subject=str(item), cause=known.event), at)
        return rows.tasks(item)

    def _known(self, connection: Connection, key: ChangeKey) -> _Known:
        row = connection.execute(
            select(_CHANGE.c.payload, _CHANGE.c.event, _CHANGE.c.kind, _CHANGE.c.state)
            .where(_CHANGE.c.workspace == self._workspace, _CHANGE.c.key == key)
            .where(_CHANGE.c.carrier == CALLER, _CHANGE.c.kind.not_in(_OURS))
        ).first()
        if row is None:
            raise RecordMissing("this is a change that no decision planned for a caller", where=key)
        is_done = row.state == ChangeState.DONE
        return _Known(change=outbound(row.payload), event=row.event, kind=row.kind, is_done=is_done)

    def _hurry(self, connection: Connection, event: str, item: ItemRef, at: datetime) -> None:
        """The card is there: what waited for its address goes out."""
        waiting = connection.execute(
            update(_CHANGE)
            .where(_CHANGE.c.workspace == self._workspace, _CHANGE.c.item == str(item), _CHANGE.c.event == event)
            .where(_CHANGE.c.state == ChangeState.PENDING, _CHANGE.c.carrier == HUB, _CHANGE.c.attempts == 0)
            .where(_CHANGE.c.not_before <= stamp(at + timedelta(seconds=_GRACE)))  # who sleeps goes on sleeping
            .values(not_before="")
        )
        if waiting.rowcount:
            announce(connection)


class _Known(Struct, frozen=True, kw_only=True):
    """A caller's change as its row has it."""

    change: OutboundChange
    event: str
    kind: str
    is_done: bool


def _take_over(rows: Rows, tasks: tuple[Task, ...], item: ItemRef, at: datetime) -> None:
    """Tasks that were kept elsewhere, where there is none of their rule; the ids that they had there may be taken here."""
    before = rows.tasks(item)
    known = {task.rule for task in before}
    missing = {task.rule: task for task in tasks if task.item == item and task.rule not in known}
    if missing:
        moved = tuple(msgspec.structs.replace(task, id=rows.next_id()) for task in missing.values())
        rows.keep_tasks(before, (*before, *moved), at)
