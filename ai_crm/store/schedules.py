"""When each rule that comes by the clock is due, as the database keeps it, and which projects a workspace knows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, and_, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ai_crm.model.delivery import Delivery
from ai_crm.model.item import PlatformName
from ai_crm.ports.schedules import Place, Turn
from ai_crm.store import tables
from ai_crm.store.inbox import accept_within
from ai_crm.store.rows import add_workspace, stamp
from ai_crm.store.transactions import Transactions

_TABLE = tables.schedule
_ROW = _TABLE.c
_ADD = {
    "sqlite": sqlite.insert(_TABLE).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(_TABLE).on_conflict_do_nothing(),
}
_GITHUB = f"{PlatformName.GITHUB}:"


class SqlSchedules:
    """Implements ports.schedules.Schedules."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def turns(self, workspace: str) -> tuple[Turn, ...]:
        statement = select(_TABLE).where(_ROW.workspace == workspace).order_by(_ROW.name)
        return await self._transactions.read(lambda database: tuple(_turns(database, statement)))

    async def plan(self, workspace: str, added: tuple[Turn, ...], gone: tuple[Turn, ...]) -> None:
        await self._transactions.write(lambda database: _plan(database, workspace, added, gone))

    async def due(self, now: datetime) -> tuple[Turn, ...]:
        statement = select(_TABLE).where(_ROW.next_at <= stamp(now)).order_by(_ROW.next_at, _ROW.workspace, _ROW.name)
        return await self._transactions.read(lambda database: tuple(_turns(database, statement)))

    async def claim(self, turn: Turn, next_at: datetime, deliveries: tuple[Delivery, ...]) -> bool:
        return await self._transactions.write(lambda database: _claim(database, turn, next_at, deliveries))

    async def places(self, workspace: str, connections: tuple[str, ...]) -> tuple[Place, ...]:
        if not connections:
            return ()
        return await self._transactions.read(lambda database: tuple(_places(database, workspace, connections)))


def _turns(database: Connection, statement: Select[Any]) -> Iterator[Turn]:
    for row in database.execute(statement):
        yield Turn(workspace=row.workspace, name=row.name, spec=row.spec, next_at=datetime.fromisoformat(row.next_at))


def _plan(database: Connection, workspace: str, added: tuple[Turn, ...], gone: tuple[Turn, ...]) -> None:
    for turn in gone:
        database.execute(delete(_TABLE).where(_this(turn)))
    if added:
        add_workspace(database, workspace)
    for turn in added:
        row = {"workspace": workspace, "name": turn.name, "spec": turn.spec, "next_at": stamp(turn.next_at)}
        database.execute(_ADD[database.dialect.name], row)


def _claim(database: Connection, turn: Turn, next_at: datetime, deliveries: tuple[Delivery, ...]) -> bool:
    taken = update(_TABLE).where(_this(turn), _ROW.next_at == stamp(turn.next_at)).values(next_at=stamp(next_at))
    if database.execute(taken).rowcount != 1:
        return False
    for delivery in deliveries:
        accept_within(database, delivery)
    return True


def _this(turn: Turn) -> ColumnElement[bool]:
    return and_(_ROW.workspace == turn.workspace, _ROW.name == turn.name, _ROW.spec == turn.spec)


def _places(database: Connection, workspace: str, connections: tuple[str, ...]) -> Iterator[Place]:
    """By what their newest event came, as far back as events are kept."""
    event, decision, task = tables.delivery, tables.decision, tables.task
    project = _project(database, decision.c.item)
    came = (
        select(project, event.c.connection, func.max(decision.c.decided_at))
        .select_from(decision)
        .join(event, and_(event.c.workspace == decision.c.workspace, event.c.id == decision.c.event))
        .where(
            decision.c.workspace == workspace,
            decision.c.item.startswith(_GITHUB, autoescape=True),
            event.c.connection.in_(connections),
        )
        .group_by(project, event.c.connection)
    )
    worked_on = (
        select(_project(database, task.c.item))
        .distinct()
        .where(task.c.workspace == workspace, task.c.item.startswith(_GITHUB, autoescape=True))
    )
    found = dict.fromkeys(database.execute(worked_on).scalars(), connections[0])
    newest = sorted(database.execute(came), key=lambda row: str(row[2]))
    found |= {name: connection for name, connection, _at in newest}
    return (Place(connection=found[name], project=name) for name in sorted(found))


def _project(database: Connection, item: Column[Any]) -> ColumnElement[str]:
    """The second part of an item's name, `github:octo/hello:issue:7`."""
    if database.dialect.name == "postgresql":
        return func.split_part(item, ":", 2)
    rest = func.substr(item, len(_GITHUB) + 1)
    return func.substr(rest, 1, func.instr(rest, ":") - 1)
