"""The hub's records in a database: which transaction answers which question, and what is not there."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

import msgspec
from sqlalchemy import ColumnElement, Connection, insert, select

from ai_crm.commands.query import TaskQuery
from ai_crm.errors import RecordMissing, StoreError
from ai_crm.model.decision import Decision
from ai_crm.model.delivery import Delivery
from ai_crm.model.item import ItemRef
from ai_crm.model.record import (
    ConnectionHealth,
    DeadLetterPage,
    DecisionRecord,
    EventPage,
    EventRecord,
    Report,
    TaskComment,
    TaskPage,
    TaskStep,
)
from ai_crm.model.task import Task, TaskId
from ai_crm.store import figures, letters, search, stages, tables
from ai_crm.store.inbox import delivery_of
from ai_crm.store.rows import HUB, Entry, Route, Rows, stamp
from ai_crm.store.sql import connection_of, kept
from ai_crm.store.transactions import Transactions
from ai_crm.store.words import keep_words

Waiting = Callable[[str, str], Awaitable[EventRecord | None]]

_NUMBER = re.compile(r"AICRM-([1-9][0-9]{0,17})", re.ASCII)
_DECISION = msgspec.json.Decoder(Decision)


class SqlRecords:
    """Implements ports.records.Records. `waiting` knows events that were accepted and are not in the database yet."""

    def __init__(self, transactions: Transactions, waiting: Waiting | None = None) -> None:
        self._transactions = transactions
        self._waiting = waiting

    async def tasks(self, workspace: str, query: TaskQuery, now: datetime, cursor: str, most: int) -> TaskPage:
        return await self._transactions.read(
            lambda connection: search.search(connection, workspace, query, now, cursor, most)
        )

    async def task(self, workspace: str, task: TaskId) -> Task:
        return await self._transactions.read(lambda connection: _task(connection, workspace, task))

    async def tasks_of(self, workspace: str, item: ItemRef) -> tuple[Task, ...]:
        return await self._transactions.read(lambda connection: Rows(connection, workspace).tasks(item))

    async def history(self, workspace: str, task: TaskId) -> tuple[TaskStep, ...]:
        return await self._transactions.read(lambda connection: _history(connection, workspace, task))

    async def comments(self, workspace: str, task: TaskId) -> tuple[TaskComment, ...]:
        return await self._transactions.read(lambda connection: _comments(connection, workspace, task))

    async def add_comment(self, workspace: str, comment: TaskComment, told: Decision | None) -> None:
        await self._transactions.write(lambda connection: _add_comment(connection, workspace, comment, told))

    async def events(self, workspace: str, state: str, cursor: str, most: int) -> EventPage:
        return await self._transactions.read(
            lambda connection: stages.events(connection, workspace, state, cursor, most)
        )

    async def event(self, workspace: str, event: str) -> EventRecord:
        name = _storable("event", event)
        try:
            return await self._stored(workspace, name)
        except RecordMissing:
            waiting = await self._waiting(workspace, name) if self._waiting else None
        # One that waits no longer may have come into the database since we looked.
        return waiting or await self._stored(workspace, name)

    async def delivery(self, workspace: str, event: str) -> Delivery:
        name = _storable("event", event)
        return await self._transactions.read(lambda connection: _delivery(connection, workspace, name))

    async def decisions_of(self, workspace: str, event: str) -> tuple[DecisionRecord, ...]:
        """The oldest first; () for an event that nobody decided about."""
        about = tables.decision.c.event == _storable("event", event)
        return await self._transactions.read(lambda connection: _decisions(connection, workspace, about))

    async def decision(self, workspace: str, decision: str) -> DecisionRecord:
        this = tables.decision.c.id == _storable("decision", decision)
        found = await self._transactions.read(lambda connection: _decisions(connection, workspace, this))
        if not found:
            raise stages.missing("decision", decision)
        return found[0]

    async def dead_letters(self, workspace: str, reason: str, cursor: str, most: int) -> DeadLetterPage:
        if not reason.isprintable():
            return DeadLetterPage(letters=(), next="")
        return await self._transactions.read(
            lambda connection: letters.dead_letters(connection, workspace, reason, cursor, most)
        )

    async def replay(self, workspace: str, letter: str, actor: str, now: datetime, *, anew: bool) -> str:
        name = _storable("dead letter", letter)
        return await self._transactions.write(
            lambda connection: letters.replay(connection, workspace, name, actor, now, anew=anew)
        )

    async def connections(self, workspace: str) -> tuple[ConnectionHealth, ...]:
        return await self._transactions.read(partial(figures.health, workspace=workspace))

    async def report(self, workspace: str, since: datetime, until: datetime) -> Report:
        return await self._transactions.read(lambda connection: figures.report(connection, workspace, since, until))

    async def _stored(self, workspace: str, event: str) -> EventRecord:
        return await self._transactions.read(lambda connection: stages.event(connection, workspace, event))


def _storable(kind: str, name: str) -> str:
    """Refuses what no database would take as text, before it says so in its own words."""
    if not name.isprintable():
        raise stages.missing(kind, "")
    return name


def _task(connection: Connection, workspace: str, name: TaskId) -> Task:
    table = tables.task
    number = number_of(name)
    payload = connection.execute(
        select(table.c.payload).where(table.c.workspace == workspace, table.c.number == number)
    ).scalar()
    if payload is None:
        raise task_missing(name)
    return search.whole(connection, workspace, {number: payload})[0]


def number_of(task: TaskId) -> int:
    """Raises RecordMissing for what is no task's name."""
    found = _NUMBER.fullmatch(task)
    if found is None:
        raise task_missing(task)
    return int(found.group(1))


def task_missing(name: str) -> RecordMissing:
    return RecordMissing("there is no such task", where=name if name.isprintable() else "", hint="Tasks are AICRM-1, …")


def _history(connection: Connection, workspace: str, name: TaskId) -> tuple[TaskStep, ...]:
    table = tables.task_history
    task = _task(connection, workspace, name)
    causes = connection.execute(
        select(table.c.cause)
        .where(table.c.workspace == workspace, table.c.number == number_of(name))
        .order_by(table.c.position)
    ).scalars()
    return tuple(
        TaskStep(at=entry.at, actor=entry.actor, what=entry.what, because=entry.because, cause=cause)
        for entry, cause in zip(task.history, causes, strict=True)
    )


def _comments(connection: Connection, workspace: str, name: TaskId) -> tuple[TaskComment, ...]:
    table = tables.task_comment
    task = _task(connection, workspace, name)
    rows = connection.execute(
        select(table)
        .where(table.c.workspace == workspace, table.c.number == number_of(name))
        .order_by(table.c.at, table.c.id)
    )
    return tuple(
        TaskComment(id=row.id, task=task.id, at=datetime.fromisoformat(row.at), actor=row.actor, text=row.body)
        for row in rows
    )


def _add_comment(connection: Connection, workspace: str, comment: TaskComment, told: Decision | None) -> None:
    table = tables.task_comment
    number = number_of(comment.task)
    rows = Rows(connection, workspace)
    rows.lock(_task(connection, workspace, comment.task).item)
    task = _task(connection, workspace, comment.task)  # as it is now that nobody else changes it
    known = select(table.c.id).where(table.c.workspace == workspace, table.c.number == number, table.c.id == comment.id)
    if connection.execute(known).first():
        return
    row = {
        "workspace": workspace,
        "number": number,
        "id": comment.id,
        "at": stamp(comment.at),
        "actor": comment.actor,
        "body": _kept(comment.text),
    }
    connection.execute(insert(table).values(row))
    keep_words(connection, workspace, number, task)
    rows.note(Entry(actor=comment.actor, action="comment", subject=comment.task, cause=comment.id), comment.at)
    if told:
        kept(rows, told, comment.at, lambda change: Route(HUB, connection_of(rows, change)))


def _kept(body: str) -> str:
    """Without what not every database keeps: NUL, and halves of surrogate pairs."""
    return body.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _delivery(connection: Connection, workspace: str, event: str) -> Delivery:
    table = tables.delivery
    row = connection.execute(select(table).where(table.c.workspace == workspace, table.c.id == event)).one_or_none()
    if row is None:
        raise stages.missing("event", event)
    return delivery_of(row)


def _decisions(connection: Connection, workspace: str, which: ColumnElement[bool]) -> tuple[DecisionRecord, ...]:
    table = tables.decision
    rows = connection.execute(
        select(table.c.id, table.c.decided_at, table.c.payload)
        .where(table.c.workspace == workspace, which)
        .order_by(table.c.decided_at, table.c.id)
    )
    try:
        return tuple(
            DecisionRecord(
                id=row.id, decided_at=datetime.fromisoformat(row.decided_at), decision=_DECISION.decode(row.payload)
            )
            for row in rows
        )
    except msgspec.DecodeError as error:
        raise StoreError("a stored decision cannot be read", hint="Restore the database from a backup") from error
