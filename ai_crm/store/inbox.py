"""The inbox: deliveries that were taken in and wait to be decided, once each, in order within a lane."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, exists, or_, select, text, tuple_, union_all
from sqlalchemy.dialects import postgresql, sqlite

from ai_crm.errors import StoreUnavailable
from ai_crm.model.change import OutboundChange
from ai_crm.model.decision import Decision
from ai_crm.model.delivery import Delivery, DeliveryState, Lease, Setback
from ai_crm.model.item import PlatformName
from ai_crm.ports.queue import Accepted, HeldDelivery
from ai_crm.store import queue_rows, tables
from ai_crm.store.database import announce
from ai_crm.store.queue_rows import INBOX, Turns, due, free_of, hold, in_turns, together
from ai_crm.store.rows import HUB, Route, Rows, add_workspace, stamp
from ai_crm.store.sql import connection_of, goes_to, kept
from ai_crm.store.transactions import Transactions

_TABLE = INBOX.table
_ROW = _TABLE.c
_TICK = timedelta(microseconds=1)

_ADD = {
    "sqlite": sqlite.insert(_TABLE).on_conflict_do_nothing().returning(_ROW.id),
    "postgresql": postgresql.insert(_TABLE).on_conflict_do_nothing().returning(_ROW.id),
}
_HERE = (_ROW.workspace == bindparam("workspace"), _ROW.connection == bindparam("connection"))
# One lookup in an index for each way of being the same.
_SAME = union_all(
    select(_ROW.id).where(_ROW.workspace == bindparam("workspace"), _ROW.id == bindparam("id")),
    select(_ROW.id).where(*_HERE, _ROW.vendor_id == bindparam("vendor_id"), text("vendor_id <> ''")),
    select(_ROW.id).where(*_HERE, _ROW.body_hash == bindparam("body_hash")),
).limit(1)
_OLDER = _TABLE.alias("older")
_BLOCKED = exists().where(
    _OLDER.c.workspace == _ROW.workspace,
    _OLDER.c.lane == _ROW.lane,
    text("older.state IN ('queued', 'working')"),
    tuple_(_OLDER.c.received_at, _OLDER.c.id) < tuple_(_ROW.received_at, _ROW.id),
    or_(_OLDER.c.not_before > bindparam("now"), _OLDER.c.lease_until > bindparam("now")),
)
_DUE = (
    select(_TABLE)
    .where(_ROW.connection == bindparam("connection"), due(INBOX), ~_BLOCKED)
    .order_by(_ROW.received_at, _ROW.id)
    .limit(bindparam("most"))
)


class SqlInbox:
    """Implements ports.queue.Inbox for all workspaces."""

    def __init__(self, transactions: Transactions, lease_seconds: float = 60) -> None:
        self._transactions = transactions
        self._lease_seconds = lease_seconds
        self._turns = Turns(INBOX)
        self._workspaces: set[str] = set()
        self._latest = datetime.min.replace(tzinfo=UTC)

    async def accept(self, delivery: Delivery) -> Accepted:
        # Of two in the same microsecond the first to come is the older one.
        self._latest = max(delivery.received_at.astimezone(UTC), self._latest + _TICK)
        row = _row(delivery, self._latest)
        is_new = delivery.workspace not in self._workspaces
        accepted = await self._transactions.write(lambda database: _accept(database, row, is_new=is_new))
        self._workspaces.add(delivery.workspace)
        return accepted

    async def knows(self, connection: str, vendor_id: str) -> bool:
        """Whether a delivery of this connection with the platform's id was accepted."""
        table = tables.delivery
        statement = select(table.c.id).where(table.c.connection == connection, table.c.vendor_id == vendor_id)
        return await self._transactions.read(lambda database: database.execute(statement.limit(1)).first() is not None)

    async def take(self, holder: str, now: datetime, most: int) -> tuple[HeldDelivery, ...]:
        taken = await self._transactions.write(lambda database: self._take(database, holder, now, most))
        if taken:
            self._turns.served(taken[-1].delivery.connection)
        return taken

    async def decide(self, lease: Lease, decisions: tuple[Decision, ...], now: datetime) -> None:
        await self._transactions.write(lambda database: _decide(database, lease, decisions, now))

    async def postpone(self, lease: Lease, setback: Setback, until: datetime) -> None:
        await self._transactions.write(lambda database: queue_rows.postpone(database, INBOX, lease, setback, until))

    async def bury(self, lease: Lease, setback: Setback, now: datetime) -> None:
        await self._transactions.write(lambda database: queue_rows.bury(database, INBOX, lease, setback, now))

    def _take(self, database: Connection, holder: str, now: datetime, most: int) -> tuple[HeldDelivery, ...]:
        at = stamp(now)
        waiting = (
            database.execute(_DUE, {"connection": connection, "now": at, "most": most}).all()
            for connection in self._turns.connections(database)
        )
        chosen = together(in_turns(islice(filter(None, waiting), most), most), lambda row: row)
        free = free_of(database, INBOX, chosen, at)
        closed: set[tuple[str, str]] = set()
        held = []
        for row in chosen:
            if (row.workspace, row.id) not in free:  # it is just being written to: what came later stays behind it
                closed.add((row.workspace, row.lane))
            if (row.workspace, row.lane) in closed:
                continue
            lease = hold(database, INBOX, row, holder, (now, self._lease_seconds))
            if lease:
                held.append(_held(row, lease))
        return tuple(held)


def _held(row: Row[Any], lease: Lease) -> HeldDelivery:
    return HeldDelivery(
        delivery=delivery_of(row),
        lease=lease,
        attempts=lease.generation,
        revived_at=datetime.fromisoformat(row.revived_at) if row.revived_at else None,
    )


def accept_within(database: Connection, delivery: Delivery) -> Accepted:
    """Accepts a delivery in a transaction that does more than that."""
    return _accept(database, _row(delivery, delivery.received_at), is_new=True)


def _accept(database: Connection, row: dict[str, object], *, is_new: bool) -> Accepted:
    if is_new:
        add_workspace(database, str(row["workspace"]))
    if database.execute(_ADD[database.dialect.name], row).first():
        announce(database)
        return Accepted(str(row["id"]), duplicate=False)
    keys = ("workspace", "id", "connection", "vendor_id", "body_hash")
    known: str | None = database.execute(_SAME, {key: row[key] for key in keys}).scalar()
    if known is None:
        raise StoreUnavailable("a delivery was removed while the same one came in again", hint="Send it again")
    return Accepted(known, duplicate=True)


def _decide(database: Connection, lease: Lease, decisions: tuple[Decision, ...], now: datetime) -> None:
    state = DeliveryState.DONE if decisions else DeliveryState.IGNORED
    delivery = queue_rows.end(database, INBOX, lease, state, decided_at=stamp(now), reason="", detail="")
    rows = Rows(database, lease.workspace)
    # The hub's own schedules come with the connection to the project that they ask about.
    own = PlatformName.GITHUB if delivery.platform == PlatformName.HUB else delivery.platform

    def route(change: OutboundChange) -> Route:
        platform = goes_to(change)
        return Route(HUB, delivery.connection if platform == own else connection_of(rows, change))

    queue_rows.trouble(database, lease.workspace, delivery.connection, "")
    for decision in decisions:
        kept(rows, decision, now, route)


def _row(delivery: Delivery, received_at: datetime) -> dict[str, object]:
    return {
        "workspace": delivery.workspace,
        "id": delivery.id,
        "connection": delivery.connection,
        "platform": delivery.platform,
        "name": delivery.name,
        "vendor_id": delivery.vendor_id,
        "body_hash": delivery.body_hash,
        "lane": delivery.lane,
        "headers": msgspec.json.encode(dict(delivery.headers)).decode(),
        "body": delivery.body,
        "received_at": stamp(received_at),
        "state": DeliveryState.QUEUED,
        "attempts": 0,
        **dict.fromkeys(("not_before", "holder", "lease_until", "reason", "detail", "decided_at"), ""),
    }


def delivery_of(row: Row[Any]) -> Delivery:
    """A delivery as it stands in its row."""
    return Delivery(
        id=row.id,
        workspace=row.workspace,
        connection=row.connection,
        platform=PlatformName(row.platform),
        name=row.name,
        vendor_id=row.vendor_id,
        lane=row.lane,
        headers=msgspec.json.decode(row.headers, type=dict[str, str]),
        body=bytes(row.body),
        received_at=datetime.fromisoformat(row.received_at),
    )
