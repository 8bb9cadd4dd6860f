"""The store in a database: tasks, decision and outbox of an event in one transaction, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import ClassVar, TypeVar

from sqlalchemy import Connection, Engine

from ai_crm.model.change import (
    AnyChange,
    Applied,
    CallWebhook,
    ChangeKey,
    CreateTask,
    Notify,
    OutboundChange,
    ShowCard,
    UpdateTask,
)
from ai_crm.model.decision import Decision
from ai_crm.model.item import ItemRef, PlatformName
from ai_crm.model.task import Task
from ai_crm.ports import Commit, Offload
from ai_crm.store import live
from ai_crm.store.database import engine_for
from ai_crm.store.outbox import Current, informed, wants_tasks
from ai_crm.store.rows import CALLER, HUB, Entry, Route, Rows, Waiting, add_workspace, has_workspace
from ai_crm.store.tasks import Followed, follow, located
from ai_crm.store.transactions import Direct, Transactions

T = TypeVar("T")


class SqlStore:
    """Implements ports.Store for one workspace. The tables are made on first use; until then nothing connects.

    Every method raises StoreUnavailable when the database is locked or unreachable, VersionClash when the same call
    can succeed with fresh data, and StoreError for a database that is not ours or newer than this program.
    """

    remembers: ClassVar[bool] = True

    def __init__(
        self,
        database: Engine | str | Transactions,
        offload: Offload | None,
        workspace: str,
        *,
        carrier: str = CALLER,
    ) -> None:
        """`database` is an engine, shared with other stores, a URL as `engine_for` takes it, or how a hub reaches its own.

        An engine or a URL needs an `offload`. `carrier` says who carries out what is decided: the `caller` or the `hub`.
        """
        self._transactions = _transactions(database, offload)
        self._workspace = workspace
        self._carrier = carrier
        self._offered: dict[ChangeKey, int] = {}
        self._known = False

    async def tasks_of(self, item: ItemRef) -> tuple[Task, ...]:
        await self._prepare()
        return await self._transactions.read(lambda connection: self._rows(connection).tasks(item))

    async def commit(self, decision: Decision, at: datetime) -> Commit:
        return await self.commit_all((decision,), at)

    async def commit_all(self, decisions: tuple[Decision, ...], at: datetime) -> Commit:
        """All of them or none; what became of the first."""
        made = await self._write(lambda rows: [self._kept(rows, each, at) for each in decisions])
        self._offered.update((each.change.key, each.attempts) for every in made for each in every.waiting)
        return committed(made[0])

    async def refresh(self, change: OutboundChange) -> OutboundChange | None:
        """Takes the change: of several runs that wait to carry it out at the same time, one gets it."""
        attempts = self._offered.pop(change.key, None)
        if attempts is None:
            return None
        return await self._write(lambda rows: current(rows, change) if rows.begin(change.key, attempts) else None)

    async def settle(self, change: OutboundChange, applied: Applied, at: datetime | None = None) -> tuple[Task, ...]:
        def work(rows: Rows) -> tuple[Task, ...]:
            settled(rows, change, applied, at)
            return rows.tasks(change.item)

        return await self._write(work)

    def close(self) -> None:
        """Lets go of all connections."""
        self._transactions.close()

    def _rows(self, connection: Connection) -> Rows:
        return Rows(connection, self._workspace)

    async def _write(self, work: Callable[[Rows], T]) -> T:
        await self._prepare()
        return await self._transactions.write(lambda connection: work(self._rows(connection)))

    async def _prepare(self) -> None:
        """Once for each process. It writes only where something is missing: who reads need not wait for a writer."""
        if self._known:
            return
        if not await self._transactions.read(lambda connection: has_workspace(connection, self._workspace)):
            await self._transactions.write(lambda connection: add_workspace(connection, self._workspace))
        self._known = True

    def _kept(self, rows: Rows, decision: Decision, at: datetime) -> Kept:
        followed = kept(rows, decision, at, lambda change: self._route(rows, change))
        return Kept(followed, rows.pending(decision.event, decision.item))

    def _route(self, rows: Rows, change: OutboundChange) -> Route:
        return Route(HUB, connection_of(rows, change)) if self._carrier == HUB else Route(CALLER)


class Kept:
    """What became of a decision, and what of its event waits for the caller."""

    def __init__(self, followed: Followed, waiting: tuple[Waiting, ...]) -> None:
        self.followed = followed
        self.waiting = waiting


def kept(rows: Rows, decision: Decision, at: datetime, route: Callable[[OutboundChange], Route]) -> Followed:
    """Stores tasks, decision, outbox and audit, within a transaction that may do more than that; what became of the tasks."""
    rows.lock(decision.item)
    before = rows.tasks(decision.item)
    known = rows.known(decision.changes)
    followed = follow(decision, before, known, lambda _change, _tasks: rows.next_id())
    about_tasks: tuple[tuple[AnyChange, Route], ...] = tuple(
        (change, Route(CALLER)) for change in decision.changes if isinstance(change, CreateTask | UpdateTask)
    )
    rows.keep_tasks(before, followed.tasks, at, cause=decision.event)
    rows.keep_decision(decision, at)
    renewals = live.renewals(decision, followed, rows.messages(decision.item)) if followed.updated else ()
    known = {**known, **rows.known(renewals)}  # an event that is decided anew may have renewed them before
    outbound = tuple(_routed((*followed.outbound, *renewals), route))
    rows.keep_changes(decision, (*about_tasks, *outbound), known, at)
    for action, tasks in (("create task", followed.created), ("update task", followed.updated)):
        for task in tasks:
            entry = Entry(actor=decision.actor, action=action, subject=task.id, cause=decision.event)
            rows.note(entry, at)
    return followed


def committed(made: Kept) -> Commit:
    """What a caller is told of it."""
    return Commit(
        tasks=made.followed.tasks,
        created=made.followed.created,
        updated=made.followed.updated,
        outbox=tuple(each.change for each in made.waiting),
    )


def _routed(
    changes: Iterable[OutboundChange], route: Callable[[OutboundChange], Route]
) -> Iterator[tuple[OutboundChange, Route]]:
    """Without cards that nobody can show: where the hub has no connection to an item, whoever has shows it next time."""
    for change in changes:
        way = route(change)
        if not (isinstance(change, ShowCard) and way.carrier == HUB and not way.connection):
            yield change, way


def settled(rows: Rows, change: OutboundChange, applied: Applied, at: datetime | None) -> None:
    """Remembers what became of a change."""
    rows.lock(change.item)
    rows.finish(applied, at)
    if isinstance(change, ShowCard):
        rows.keep_addresses(located(rows.tasks(change.item), applied.url))
    if isinstance(change, ShowCard) and applied.where:
        rows.keep_card(change.item, applied.where)
    if isinstance(change, Notify) and applied.where:
        rows.keep_message(change, applied.where)


def current(rows: Rows, change: OutboundChange) -> OutboundChange:
    """The change with what is known by now in it. What it does not ask for is not looked up."""
    tasks = rows.tasks(change.item) if wants_tasks(change) else ()
    where = rows.card(change.item) if isinstance(change, ShowCard) else ""
    message = rows.message(change) if isinstance(change, Notify) else ""
    return informed(change, Current(tasks=tasks, where=where, message=message))


def goes_to(change: OutboundChange) -> PlatformName:
    """A message goes to its chat platform, a webhook to its address, everything else to where its item lives."""
    match change:
        case Notify():
            return change.platform
        case CallWebhook():
            return PlatformName.WEBHOOK
        case _:
            return change.item.platform


def connection_of(rows: Rows, change: OutboundChange) -> str:
    """The connection that a change is carried out by, as far as the store can tell."""
    return rows.connection_for(goes_to(change), change.target if isinstance(change, Notify) else "")


def _transactions(database: Engine | str | Transactions, offload: Offload | None) -> Transactions:
    if not isinstance(database, Engine | str):
        return database
    if offload is None:
        raise TypeError("a store with a database of its own needs an offload")
    return Direct(engine_for(database) if isinstance(database, str) else database, offload)
