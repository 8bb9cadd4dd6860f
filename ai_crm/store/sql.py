"""The store in a database: tasks, decision and outbox of an event in one transaction, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Engine

from ai_crm.model.change import Applied, ChangeKey, CreateTask, OutboundChange, ShowCard, UpdateTask
from ai_crm.model.decision import Decision
from ai_crm.model.item import ItemRef
from ai_crm.model.task import Task
from ai_crm.ports import Commit, Offload
from ai_crm.store.database import engine_for, reading, writing
from ai_crm.store.migrations import migrate
from ai_crm.store.outbox import Current, informed
from ai_crm.store.rows import Rows, add_workspace, has_workspace
from ai_crm.store.tasks import follow, located


class SqlStore:
    """Implements ports.Store for one workspace. The tables are made on first use; until then nothing connects.

    Every method raises StoreUnavailable when the database is locked or unreachable, VersionClash when the same call
    can succeed with fresh data, and StoreError for a database that is not ours or newer than this program.
    """

    remembers: ClassVar[bool] = True

    def __init__(self, database: Engine | str, offload: Offload, workspace: str) -> None:
        """`database` is an engine, shared with other stores, or a URL as `engine_for` takes it."""
        self._engine = engine_for(database) if isinstance(database, str) else database
        self._offload = offload
        self._workspace = workspace
        self._offered: dict[ChangeKey, int] = {}
        self._ready = False

    async def tasks_of(self, item: ItemRef) -> tuple[Task, ...]:
        return await self._offload(lambda: self._tasks_of(item))

    async def commit(self, decision: Decision, at: datetime) -> Commit:
        return await self._offload(lambda: self._commit(decision, at))

    async def refresh(self, change: OutboundChange) -> OutboundChange | None:
        return await self._offload(lambda: self._refresh(change))

    async def settle(self, change: OutboundChange, applied: Applied) -> tuple[Task, ...]:
        return await self._offload(lambda: self._settle(change, applied))

    def close(self) -> None:
        """Lets go of all connections."""
        self._engine.dispose()

    def _tasks_of(self, item: ItemRef) -> tuple[Task, ...]:
        self._prepare()
        with reading(self._engine) as connection:
            return Rows(connection, self._workspace).tasks(item)

    def _commit(self, decision: Decision, at: datetime) -> Commit:
        self._prepare()
        with writing(self._engine) as connection:
            rows = Rows(connection, self._workspace)
            rows.lock(decision.item)
            before = rows.tasks(decision.item)
            known = rows.known(decision)
            followed = follow(decision, before, known, lambda _change, _tasks: rows.next_id())
            about_tasks = tuple(change for change in decision.changes if isinstance(change, CreateTask | UpdateTask))
            rows.keep_tasks(before, followed.tasks, at)
            rows.keep_decision(decision, at)
            rows.keep_changes(decision, (*about_tasks, *followed.outbound), known, at)
            waiting = rows.pending(decision.event, decision.item)
        self._offered.update((each.change.key, each.attempts) for each in waiting)
        return Commit(
            tasks=followed.tasks,
            created=followed.created,
            updated=followed.updated,
            outbox=tuple(each.change for each in waiting),
        )

    def _refresh(self, change: OutboundChange) -> OutboundChange | None:
        """Takes the change: of several runs that wait to carry it out at the same time, one gets it."""
        attempts = self._offered.pop(change.key, None)
        if attempts is None:
            return None
        self._prepare()
        with writing(self._engine) as connection:
            rows = Rows(connection, self._workspace)
            if not rows.begin(change.key, attempts):
                return None
            return informed(change, Current(tasks=rows.tasks(change.item), where=rows.card(change.item)))

    def _settle(self, change: OutboundChange, applied: Applied) -> tuple[Task, ...]:
        self._prepare()
        with writing(self._engine) as connection:
            rows = Rows(connection, self._workspace)
            rows.lock(change.item)
            rows.finish(applied)
            tasks = rows.tasks(change.item)
            if isinstance(change, ShowCard):
                tasks = located(tasks, applied.url)
                rows.keep_addresses(tasks)
            if isinstance(change, ShowCard) and applied.where:
                rows.keep_card(change.item, applied.where)
            return tasks

    def _prepare(self) -> None:
        """Once for each process. It writes only where something is missing: who reads need not wait for a writer."""
        if self._ready:
            return
        migrate(self._engine)
        with reading(self._engine) as connection:
            known = has_workspace(connection, self._workspace)
        if not known:
            with writing(self._engine) as connection:
                add_workspace(connection, self._workspace)
        self._ready = True
