"""The outbox: changes that wait to be carried out, in order for each item and no faster than their platforms allow."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from sqlalchemy import Connection, Row, Select, and_, bindparam, exists, or_, select, text, tuple_, update

from ai_crm.errors import StoreError
from ai_crm.model.change import Applied, CallWebhook, Notify, OutboundChange
from ai_crm.model.delivery import ChangeState, Lease, Setback
from ai_crm.ports.queue import HeldChange, Pace, Paces
from ai_crm.store import queue_rows, tables
from ai_crm.store.queue_rows import OUTBOX, Turns, due, free_of, hold, in_turns, together
from ai_crm.store.rows import Entry, Rows, outbound, stamp
from ai_crm.store.sql import current, goes_to, settled
from ai_crm.store.transactions import Transactions

_TABLE = OUTBOX.table
_ROW = _TABLE.c
# Levels are fractions: without this the moment at which a token is there could come out as one just before it.
_NEARLY = 1e-6

# What tells somebody something. It may quote the address of what was shown before; nothing quotes it in its turn.
_MESSAGES = ("notify", "call_webhook")
# Why a row waits whose last holder did nothing about it.
_PASSED_ON = "passed_on"
# How long a row that cannot be read waits for somebody who can.
_UNREADABLE = timedelta(minutes=10)

_OLDER = _TABLE.alias("older")
# A change waits for what is done to the item itself, and a message for messages to the same people too.
_BEHIND = exists().where(
    _OLDER.c.workspace == _ROW.workspace,
    _OLDER.c.item == _ROW.item,
    text("older.state = 'pending' AND older.carrier = 'hub'"),
    tuple_(_OLDER.c.planned_at, _OLDER.c.position, _OLDER.c.key) < tuple_(_ROW.planned_at, _ROW.position, _ROW.key),
    or_(
        _OLDER.c.kind.not_in(_MESSAGES),
        and_(_ROW.kind.in_(_MESSAGES), _OLDER.c.target == _ROW.target),
    ),
)
_DUE: Select[Any] = (
    select(
        _ROW.workspace,
        _ROW.key.label("id"),
        _ROW.connection,
        _ROW.payload,
        _ROW.attempts,
        _ROW.planned_at,
        _ROW.revived_at,
        _ROW.event,
        _ROW.lease_until,
        _ROW.reason,
    )
    .where(_ROW.connection == bindparam("connection"), due(OUTBOX), ~_BEHIND)
    .order_by(_ROW.planned_at, _ROW.position, _ROW.key)
    .limit(bindparam("most"))
)
_HELD_BACK = select(tables.connection.c.id).where(tables.connection.c.held_until > bindparam("now"))

_FILL = text(
    "INSERT INTO bucket (workspace, connection, name, level, filled_at) "
    "VALUES (:workspace, :connection, :name, :level, :filled_at) "
    "ON CONFLICT (workspace, connection, name) DO UPDATE SET level = excluded.level, filled_at = excluded.filled_at"
)


class SqlOutbox:
    """Implements ports.queue.Outbox for all workspaces."""

    def __init__(self, transactions: Transactions, paces: Paces, lease_seconds: float = 60) -> None:
        """`lease_seconds` is longer than carrying out any change may take."""
        self._transactions = transactions
        self._paces = paces
        self._lease_seconds = lease_seconds
        self._turns = Turns(OUTBOX)

    async def take(self, holder: str, now: datetime, most: int) -> tuple[HeldChange, ...]:
        taken = await self._transactions.write(lambda database: self._take(database, holder, now, most))
        if taken:
            self._turns.served(taken[-1].connection)
        return taken

    async def settle(self, lease: Lease, change: OutboundChange, applied: Applied, now: datetime) -> None:
        await self._transactions.write(lambda database: _settle(database, lease, (change, applied), now))

    async def postpone(self, lease: Lease, setback: Setback, until: datetime) -> None:
        await self._transactions.write(lambda database: queue_rows.postpone(database, OUTBOX, lease, setback, until))

    async def pass_on(self, lease: Lease, connection: str) -> None:
        passed = {"connection": connection, "reason": _PASSED_ON, "detail": ""}
        await self._transactions.write(
            lambda database: queue_rows.end(database, OUTBOX, lease, OUTBOX.free, **passed, not_before="")
        )

    async def hold_back(self, workspace: str, connection: str, until: datetime) -> None:
        table = tables.connection
        longer = (
            update(table)
            .where(table.c.workspace == workspace, table.c.id == connection, table.c.held_until < stamp(until))
            .values(held_until=stamp(until))
        )
        await self._transactions.write(lambda database: database.execute(longer).rowcount)

    async def bury(self, lease: Lease, setback: Setback, now: datetime) -> None:
        await self._transactions.write(lambda database: queue_rows.bury(database, OUTBOX, lease, setback, now))

    def _take(self, database: Connection, holder: str, now: datetime, most: int) -> tuple[HeldChange, ...]:
        at = stamp(now)
        held_back = set(database.execute(_HELD_BACK, {"now": at}).scalars())
        buckets = _Buckets(database, now)
        waiting = (
            self._allowed(database, buckets, connection, most)
            for connection in self._turns.connections(database)
            if connection not in held_back
        )
        held = []
        for planned in together(in_turns(islice(filter(None, waiting), most), most), lambda each: each.row):
            for name, pace in planned.paces:
                buckets.spend(planned.row, name, pace)
            lease = hold(database, OUTBOX, planned.row, holder, (now, self._lease_seconds))
            if lease is None:
                continue
            held.append(_held(database, planned, lease))
        return tuple(held)

    def _allowed(self, database: Connection, buckets: _Buckets, connection: str, most: int) -> list[_Planned]:
        """The connection's changes that are due and within its pace. What is over the pace is put off in the store."""
        found = database.execute(_DUE, {"connection": connection, "now": buckets.at, "most": most}).all()
        free = free_of(database, OUTBOX, found, buckets.at)
        allowed = []
        for row in found:
            if (row.workspace, row.id) not in free:
                continue
            planned = self._planned(row)
            if planned is None:
                _put_off(database, row, buckets.now + _UNREADABLE)
                continue
            wait = buckets.reserve(planned)
            if wait:
                _put_off(database, row, buckets.now + timedelta(seconds=wait))
            else:
                allowed.append(planned)
        return allowed

    def _planned(self, row: Row[Any]) -> _Planned | None:
        """None for what a newer version wrote: it may know it, and nobody else has to wait for that."""
        try:
            change = outbound(row.payload)
        except StoreError:
            return None
        paces = self._paces.get(goes_to(change), ())
        return _Planned(row=row, change=change, paces=tuple((_bucket(pace, change), pace) for pace in paces))


class _Planned(Struct, frozen=True, kw_only=True):
    """A change that is due, and the buckets that a token of each is needed from."""

    row: Row[Any]
    change: OutboundChange
    paces: tuple[tuple[str, Pace], ...]


class _Buckets:
    """Token buckets within one transaction: what is reserved counts at once, what is spent is written."""

    def __init__(self, database: Connection, now: datetime) -> None:
        self.now = now
        self.at = stamp(now)
        self._database = database
        self._stored: dict[tuple[str, str, str], float] = {}
        self._reserved: dict[tuple[str, str, str], int] = {}

    def reserve(self, planned: _Planned) -> float:
        """0 when every bucket has a token for it; else the seconds until one will be there, each after the other."""
        wait = 0.0
        for name, pace in planned.paces:
            key = (planned.row.workspace, planned.row.connection, name)
            missing = self._reserved.get(key, 0) + 1 - self._level(key, pace)
            wait = max(wait, missing * pace.seconds / pace.amount if missing > _NEARLY else 0.0)
        for name, _ in planned.paces:
            key = (planned.row.workspace, planned.row.connection, name)
            self._reserved[key] = self._reserved.get(key, 0) + 1
        return wait

    def spend(self, row: Row[Any], name: str, pace: Pace) -> None:
        key = (row.workspace, row.connection, name)
        self._stored[key] = max(0.0, self._level(key, pace) - 1)
        row_values = dict(zip(("workspace", "connection", "name"), key, strict=True))
        self._database.execute(_FILL, {**row_values, "level": self._stored[key], "filled_at": self.at})

    def _level(self, key: tuple[str, str, str], pace: Pace) -> float:
        if key not in self._stored:
            self._stored[key] = self._filled(key, pace)
        return self._stored[key]

    def _filled(self, key: tuple[str, str, str], pace: Pace) -> float:
        """What is in the bucket now; one that nobody used is full."""
        table = tables.bucket.c
        stored = self._database.execute(
            select(table.level, table.filled_at).where(tuple_(table.workspace, table.connection, table.name) == key)
        ).first()
        if stored is None:
            return float(pace.amount)
        passed = max(0.0, (self.now - datetime.fromisoformat(stored.filled_at)).total_seconds())
        level: float = stored.level + passed * pace.amount / pace.seconds
        return min(float(pace.amount), level)


def _held(database: Connection, planned: _Planned, lease: Lease) -> HeldChange:
    return HeldChange(
        change=current(Rows(database, lease.workspace), planned.change),
        connection=planned.row.connection,
        lease=lease,
        attempts=lease.generation - _is_passed_on(planned.row),
        planned_at=datetime.fromisoformat(planned.row.planned_at),
        revived_at=datetime.fromisoformat(planned.row.revived_at) if planned.row.revived_at else None,
        event=planned.row.event,
    )


def _is_passed_on(row: Row[Any]) -> bool:
    """Whether its last holder let go of it without doing anything about it."""
    return bool(row.reason == _PASSED_ON and not row.lease_until)


def _bucket(pace: Pace, change: OutboundChange) -> str:
    return f"{pace.name}:{_target(change)}" if pace.per_target else pace.name


def _target(change: OutboundChange) -> str:
    """Who is bothered by it: a channel, the host of an address, an item."""
    match change:
        case Notify():
            return change.target
        case CallWebhook():
            return _host(change.url)
        case _:
            return str(change.item)


def _host(url: str) -> str:
    """Empty for what is no address: whoever calls it says so."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _put_off(database: Connection, row: Row[Any], until: datetime) -> None:
    database.execute(
        update(_TABLE).where(_ROW.workspace == row.workspace, _ROW.key == row.id).values(not_before=stamp(until))
    )


def _settle(database: Connection, lease: Lease, done: tuple[OutboundChange, Applied], now: datetime) -> None:
    change, applied = done
    rows = Rows(database, lease.workspace)
    rows.lock(change.item)  # before its changes, like everybody: in another order two could wait for each other
    row = queue_rows.end(database, OUTBOX, lease, "done", reason="", detail="")
    settled(rows, change, applied, now)
    queue_rows.trouble(database, lease.workspace, row.connection, "")
    if applied.yielded and lease.generation == 1:  # else an earlier attempt of ours may be who was first
        _drop(database, lease.workspace, (str(change.item), row.event), applied, now)
    rows.note(Entry(actor="ai-crm", action=row.kind, subject=str(change.item), cause=row.event), now)


def _drop(database: Connection, workspace: str, cause: tuple[str, str], applied: Applied, now: datetime) -> None:
    """What else an event wants for the rules whose tasks another run was first to show: that run does it.

    What somebody has in hand just now stays theirs.
    """
    item, event = cause
    waiting = select(_ROW.key, _ROW.payload).where(
        _ROW.workspace == workspace,
        _ROW.item == item,
        _ROW.event == event,
        text("state = 'pending' AND carrier = 'hub'"),
        _ROW.lease_until <= stamp(now),
        _ROW.kind != "show_card",
    )
    keys = [key for key, payload in database.execute(waiting) if outbound(payload).rule in applied.yielded]
    ended = {"state": ChangeState.DROPPED, "settled_at": stamp(now), "holder": "", "lease_until": ""}
    told = {"reason": "yielded", "detail": "another run had made this task first, and does what belongs to it"}
    database.execute(update(_TABLE).where(_ROW.workspace == workspace, _ROW.key.in_(keys)).values(ended | told))
