"""The statements: how tasks, decisions and changes become rows of one workspace, and rows become them again."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Update, insert, select, text, update

from ai_crm.errors import StoreError
from ai_crm.model.change import (
    AnyChange,
    Applied,
    CallWebhook,
    ChangeKey,
    CreateTask,
    Notify,
    OutboundChange,
    UpdateTask,
)
from ai_crm.model.decision import Decision
from ai_crm.model.item import ItemRef, PlatformName
from ai_crm.model.task import HistoryEntry, Task, TaskId
from ai_crm.store import messages, routes, tables
from ai_crm.store.database import announce
from ai_crm.store.payloads import read, written
from ai_crm.store.words import keep_words

CALLER = "caller"
HUB = "hub"

_PENDING = "pending"
_DONE = "done"
_PREFIX = "AICRM-"

_ADD_WORKSPACE = text("INSERT INTO workspace (id, last_number) VALUES (:workspace, 0) ON CONFLICT (id) DO NOTHING")
# Changing nothing still locks the row: of two transactions about one item the second waits here for the first, also
# when the row is new to both.
_LOCK_ITEM = text(
    "INSERT INTO item_card (workspace, item, card) VALUES (:workspace, :item, '') "
    "ON CONFLICT (workspace, item) DO UPDATE SET card = item_card.card"
)
_KEEP_DECISION = text(
    "INSERT INTO decision (workspace, id, event, item, answer, decided_at, payload) "
    "VALUES (:workspace, :id, :event, :item, :answer, :decided_at, :payload) ON CONFLICT (workspace, id) DO NOTHING"
)
_KEEP_NOTE = text(
    "INSERT INTO audit (workspace, id, at, actor, action, subject, cause) "
    "VALUES (:workspace, :id, :at, :actor, :action, :subject, :cause) ON CONFLICT (workspace, id) DO NOTHING"
)

_TASK = msgspec.json.Decoder(Task)
_ENTRY = msgspec.json.Decoder(HistoryEntry)
_OUTBOUND: msgspec.json.Decoder[OutboundChange] = msgspec.json.Decoder(OutboundChange)


class Known(Struct, frozen=True):
    """A change that has a row already: the event that planned it, whether it was carried out, its item, its carrier."""

    event: str
    done: bool
    item: str
    carrier: str


class Route(Struct, frozen=True):
    """Who carries a change out, `hub` or `caller`, and over which connection; that is empty where there is none.

    `not_before` is a stamp: until then the hub waits with it.
    """

    carrier: str
    connection: str = ""
    not_before: str = ""


class Entry(Struct, frozen=True, kw_only=True):
    """Who did what to what (a task, an item), and because of which event."""

    actor: str
    action: str
    subject: str
    cause: str


class Waiting(Struct, frozen=True):
    """A change in the outbox, and how often somebody began to carry it out."""

    change: OutboundChange
    attempts: int


def has_workspace(connection: Connection, workspace: str) -> bool:
    table = tables.workspace
    return connection.execute(select(table.c.id).where(table.c.id == workspace)).first() is not None


def add_workspace(connection: Connection, workspace: str) -> None:
    connection.execute(_ADD_WORKSPACE, {"workspace": workspace})


class Rows:
    """One workspace's rows within a transaction. No statement here is without a workspace."""

    def __init__(self, connection: Connection, workspace: str) -> None:
        self._connection = connection
        self._workspace = workspace

    def lock(self, item: ItemRef) -> None:
        """Until the end of the transaction nobody else changes the item's tasks and effects."""
        self._connection.execute(_LOCK_ITEM, {"workspace": self._workspace, "item": str(item)})

    def tasks(self, item: ItemRef) -> tuple[Task, ...]:
        """The item's tasks with their histories, oldest first."""
        table = tables.task
        found = self._connection.execute(
            select(table.c.number, table.c.payload)
            .where(table.c.workspace == self._workspace, table.c.item == str(item))
            .order_by(table.c.number)
        )
        stored = {number: read(_TASK, payload) for number, payload in found}
        histories = self._histories(tuple(stored))
        return tuple(msgspec.structs.replace(task, history=histories[number]) for number, task in stored.items())

    def next_id(self) -> TaskId:
        """A number that no task of the workspace ever had."""
        table = tables.workspace
        number = self._connection.execute(
            update(table)
            .where(table.c.id == self._workspace)
            .values(last_number=table.c.last_number + 1)
            .returning(table.c.last_number)
        ).scalar_one()
        return TaskId(f"{_PREFIX}{number}")

    def keep_tasks(self, before: tuple[Task, ...], after: tuple[Task, ...], at: datetime, *, cause: str = "") -> None:
        """Writes the tasks that became different, and what their histories gained because of an event or request."""
        old = {task.id: task for task in before}
        for task in after:
            if task.id not in old:
                self._add_task(task, at)
            elif task != old[task.id]:
                self._change_task(task, at)
            self._lengthen(task, len(old[task.id].history) if task.id in old else 0, cause)

    def keep_addresses(self, tasks: tuple[Task, ...]) -> None:
        """Writes where tasks show. It does not count as a change of the task."""
        for task in tasks:
            self._connection.execute(self._this_task(task).values(payload=_bare(task)))

    def known(self, changes: Collection[AnyChange]) -> Mapping[ChangeKey, Known]:
        """Which of the changes have rows already."""
        if not changes:
            return {}
        table = tables.change
        found = self._connection.execute(
            select(table.c.key, table.c.event, table.c.state, table.c.item, table.c.carrier).where(
                table.c.workspace == self._workspace, table.c.key.in_([change.key for change in changes])
            )
        )
        return {
            ChangeKey(key): Known(event, state == _DONE, item, carrier) for key, event, state, item, carrier in found
        }

    def keep_decision(self, decision: Decision, at: datetime) -> None:
        """Writes the decision, once however often it is made."""
        row = {
            "workspace": self._workspace,
            "id": _name(decision),
            "event": decision.event,
            "item": str(decision.item),
            "answer": decision.answer,
            "decided_at": stamp(at),
            "payload": decision.to_json().decode(),
        }
        self._connection.execute(_KEEP_DECISION, row)

    def keep_changes(
        self,
        decision: Decision,
        changes: tuple[tuple[AnyChange, Route], ...],
        known: Mapping[ChangeKey, Known],
        at: datetime,
    ) -> None:
        """Writes changes that have no rows yet: those of tasks as done, the others into the outbox.

        What waits there already is planned anew by its own event only, and for whoever it waits for: an Action that
        hands a decision in cannot change what the hub will write. What is done stays done.
        """
        wanted = {change.key: change for change, _ in changes}
        routes = {change.key: route for change, route in changes}
        new = [change for key, change in wanted.items() if key not in known]
        rows = [
            _routed(self._change_row(decision, change, position, at), routes[change.key])
            for position, change in enumerate(new)
        ]
        if rows:
            self._connection.execute(insert(tables.change), rows)
        if any(route.carrier == HUB for route in routes.values()):
            announce(self._connection)
        for key, change in wanted.items():
            waiting = key in known and not known[key].done and known[key].event == decision.event
            if waiting and known[key].carrier == routes[key].carrier:
                self._change(key, payload=written(change), state=_PENDING)

    def pending(self, event: str, item: ItemRef) -> tuple[Waiting, ...]:
        """What an event wants from its caller and nobody has carried out, in the order in which it was planned."""
        table = tables.change
        found = self._connection.execute(
            select(table.c.payload, table.c.attempts)
            .where(table.c.workspace == self._workspace, table.c.item == str(item), table.c.event == event)
            .where(table.c.state == _PENDING, table.c.carrier == CALLER)
            .order_by(table.c.planned_at, table.c.position)
        )
        return tuple(Waiting(outbound(payload), attempts) for payload, attempts in found)

    def begin(self, key: ChangeKey, attempts: int) -> bool:
        """Counts one more attempt; False when it is done, or when somebody else began since it had so many."""
        table = tables.change
        begun = self._connection.execute(
            update(table)
            .where(table.c.workspace == self._workspace, table.c.key == key)
            .where(table.c.state == _PENDING, table.c.attempts == attempts)
            .values(attempts=attempts + 1)
        )
        return begun.rowcount == 1

    def finish(self, applied: Applied, at: datetime | None) -> None:
        """Marks a change as carried out. Raises StoreError for one that was never committed."""
        columns = {"state": _DONE, "applied": written(applied), "holder": "", "lease_until": ""}
        if not self._change(applied.key, **columns, settled_at=stamp(at) if at else ""):
            raise StoreError("a change was carried out that no decision planned", where=applied.key)

    def card(self, item: ItemRef) -> str:
        """The platform's address of the item's card; empty while there is none."""
        table = tables.item_card
        found: str | None = self._connection.execute(
            select(table.c.card).where(table.c.workspace == self._workspace, table.c.item == str(item))
        ).scalar()
        return found or ""

    def keep_card(self, item: ItemRef, where: str) -> None:
        table = tables.item_card
        self._connection.execute(
            update(table).where(table.c.workspace == self._workspace, table.c.item == str(item)).values(card=where)
        )

    def message(self, change: Notify) -> str:
        """The address of the item's live message where the change goes; empty while there is none."""
        return messages.address_of(self._connection, self._workspace, change)

    def keep_message(self, change: Notify, address: str) -> None:
        messages.keep_address(self._connection, self._workspace, change, address)

    def messages(self, item: ItemRef) -> tuple[tuple[PlatformName, str], ...]:
        """Where the item has live messages: platform and target of each."""
        return messages.places_of(self._connection, self._workspace, item)

    def connection_for(self, platform: PlatformName, target: str = "") -> str:
        """The workspace's connection that reaches a message's target, or does anything else; empty where there is none."""
        return routes.connection_for(self._connection, self._workspace, platform, target)

    def note(self, entry: Entry, at: datetime) -> None:
        """Adds to the audit, once however often it is told."""
        row = {
            "workspace": self._workspace,
            "id": hashlib.sha256("\x1f".join((*msgspec.structs.astuple(entry), stamp(at))).encode()).hexdigest()[:32],
            "at": stamp(at),
            **msgspec.structs.asdict(entry),
        }
        self._connection.execute(_KEEP_NOTE, row)

    def _histories(self, numbers: tuple[int, ...]) -> dict[int, tuple[HistoryEntry, ...]]:
        if not numbers:
            return {}
        table = tables.task_history
        found = self._connection.execute(
            select(table.c.number, table.c.payload)
            .where(table.c.workspace == self._workspace, table.c.number.in_(numbers))
            .order_by(table.c.number, table.c.position)
        )
        histories: dict[int, tuple[HistoryEntry, ...]] = dict.fromkeys(numbers, ())
        for number, payload in found:
            histories[number] = (*histories[number], read(_ENTRY, payload))
        return histories

    def _add_task(self, task: Task, at: datetime) -> None:
        row = {
            "workspace": self._workspace,
            "number": _number(task),
            "item": str(task.item),
            "rule": task.rule,
            "status": task.status,
            "version": task.version,
            "updated_at": stamp(at),
            "payload": _bare(task),
        }
        self._connection.execute(insert(tables.task), row)
        keep_words(self._connection, self._workspace, _number(task), task)

    def _change_task(self, task: Task, at: datetime) -> None:
        self._connection.execute(
            self._this_task(task).values(
                status=task.status, version=task.version, updated_at=stamp(at), payload=_bare(task)
            )
        )
        keep_words(self._connection, self._workspace, _number(task), task)

    def _this_task(self, task: Task) -> Update:
        table = tables.task
        return update(table).where(table.c.workspace == self._workspace, table.c.number == _number(task))

    def _lengthen(self, task: Task, known: int, cause: str) -> None:
        """Adds the history entries after the first `known`."""
        this = {"workspace": self._workspace, "number": _number(task), "cause": cause}
        rows = [
            {**this, "position": position, "payload": written(entry)}
            for position, entry in enumerate(task.history)
            if position >= known
        ]
        if rows:
            self._connection.execute(insert(tables.task_history), rows)

    def _change_row(self, decision: Decision, change: AnyChange, position: int, at: datetime) -> dict[str, Any]:
        return {
            "workspace": self._workspace,
            "key": change.key,
            "decision": _name(decision),
            "event": decision.event,
            "item": str(decision.item),
            "position": position,
            "kind": change.__struct_config__.tag,
            "state": _DONE if isinstance(change, CreateTask | UpdateTask) else _PENDING,
            "attempts": 0,
            "planned_at": stamp(at),
            "payload": written(change),
            **_sent(change),
        }

    def _change(self, key: ChangeKey, **columns: str) -> bool:
        table = tables.change
        found = self._connection.execute(
            update(table).where(table.c.workspace == self._workspace, table.c.key == key).values(columns)
        )
        return found.rowcount == 1


def _routed(row: dict[str, Any], route: Route) -> dict[str, Any]:
    """The row with who carries it out. Of two times before which it may not be, the later one counts."""
    later = max(row["not_before"], route.not_before)
    return {**row, "carrier": route.carrier, "connection": route.connection, "not_before": later}


def _sent(change: AnyChange) -> dict[str, str]:
    """Whom a message is for, and when it may be sent at the earliest."""
    match change:
        case Notify():
            later = stamp(change.not_before) if change.not_before else ""
            return {"target": f"{change.platform} {change.target}", "not_before": later}
        case CallWebhook():
            return {"target": change.url, "not_before": ""}
        case _:
            return {"target": "", "not_before": ""}


def stamp(at: datetime) -> str:
    """A time as every column has it: UTC with a fixed width, so that it sorts as text."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def outbound(payload: str) -> OutboundChange:
    """A change as it stands in its row. Raises StoreError for one that somebody else wrote."""
    return read(_OUTBOUND, payload)


def _name(decision: Decision) -> str:
    return hashlib.sha256(decision.to_json()).hexdigest()


def _number(task: Task) -> int:
    return int(task.id.removeprefix(_PREFIX))


def _bare(task: Task) -> str:
    """A task without its history, which has a table of its own."""
    return written(msgspec.structs.replace(task, history=()))
