"""What the rows of both queues have in common: who holds them until when, whose turn it is, and how they end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, TypeVar

from msgspec import Struct
from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Row,
    Table,
    and_,
    bindparam,
    func,
    literal,
    select,
    text,
    union_all,
    update,
)

from ai_crm.errors import LeaseLost
from ai_crm.model.delivery import Lease, Setback
from ai_crm.ports.queue import Backlog
from ai_crm.store import tables
from ai_crm.store.rows import Entry, Rows, stamp

# How often a lease may run out, one after the other, before the row itself is taken for what kills its
# workers. A machine that restarts again and again loses the same oldest row each time: five were too few in a kill test.
_MOST_RUN_OUT = 10
POISON = Setback(
    reason="poison",
    detail=f"its worker stopped without a word {_MOST_RUN_OUT} times in a row",
)
_RAN_OUT = "ran-out-"
# Whoever set the connection up has to do something: its credentials are not taken.
_REFUSED = "credentials_refused"
# How often its lease ran out before a row is suspected.
_SUSPECT = 3

_TURN = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, :queue))")

T = TypeVar("T")


class Queue(Struct, frozen=True, kw_only=True):
    """One of the two tables.

    `name` is for people, `number` tells their locks apart, `waiting` is the condition of the index of rows that wait,
    `held` and `free` are states, `came` and `end` the times at which a row came and ended, and `told` is what whoever
    ends it wants to know.
    """

    name: str

    table: Table
    id: Column[Any]
    number: int
    waiting: str
    held: str
    free: str
    came: Column[Any]
    end: str
    told: tuple[Column[Any], ...]

    def this(self, lease: Lease) -> ColumnElement[bool]:
        """The row, if it is still held by this lease."""
        table = self.table.c
        return and_(
            table.workspace == lease.workspace,
            self.id == lease.subject,
            table.state == self.held,
            table.holder == lease.holder,
            table.attempts == lease.generation,
            table.lease_until != "",
        )


INBOX = Queue(
    name="inbox",
    table=tables.delivery,
    id=tables.delivery.c.id,
    number=1,
    waiting="state IN ('queued', 'working')",
    held="working",
    free="queued",
    came=tables.delivery.c.received_at,
    end="decided_at",
    told=(tables.delivery.c.connection, tables.delivery.c.platform),
)
OUTBOX = Queue(
    name="outbox",
    table=tables.change,
    id=tables.change.c.key,
    number=2,
    waiting="state = 'pending' AND carrier = 'hub'",
    held="pending",
    free="pending",
    came=tables.change.c.planned_at,
    end="settled_at",
    told=(tables.change.c.connection, tables.change.c.event, tables.change.c.kind),
)


class Turns:
    """Which connection is next, so that a flood of one leaves room for the others however little is taken at a time."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._last = ""
        # Every connection that something waits for, found by one step in the index for each instead of by all rows.
        name, where = queue.table.name, queue.waiting
        self._statement = text(
            f"WITH RECURSIVE found(connection) AS (SELECT min(connection) FROM {name} WHERE {where} UNION ALL "  # noqa: S608 - our own words
            f"SELECT (SELECT min(connection) FROM {name} WHERE {where} AND connection > found.connection) "
            "FROM found WHERE found.connection IS NOT NULL) "
            "SELECT connection FROM found WHERE connection IS NOT NULL"
        )

    def connections(self, database: Connection) -> Iterator[str]:
        """Those that this transaction alone takes rows of, the one after the last served first."""
        found = [str(name) for (name,) in database.execute(self._statement)]
        later = [name for name in found if name > self._last]
        for name in (*later, *found[: len(found) - len(later)]):
            if _is_ours(database, self._queue, name):
                yield name

    def served(self, connection: str) -> None:
        self._last = connection


def in_turns(rows: Iterable[Sequence[T]], most: int) -> list[T]:
    """One of each, then the second of each, and so on."""
    nothing = object()
    turns = (row for each in zip_longest(*rows, fillvalue=nothing) for row in each if row is not nothing)
    return [row for row, _ in zip(turns, range(most), strict=False)]  # type: ignore[misc]


def together(rows: Sequence[T], of: Callable[[T], Row[Any]]) -> Sequence[T]:
    """The beginning of what may be taken at once: a row that its workers may have died of is taken alone.

    What it is taken with would die with it, again and again, and be given up with it in the end.
    """
    for position, each in enumerate(rows):
        if _run_out(of(each)) >= _SUSPECT:
            return rows[: max(1, position)]
    return rows


def due(queue: Queue) -> ColumnElement[bool]:
    """Waiting, its time has come, and nobody holds it. Takes `now`."""
    table = queue.table.c
    now: BindParameter[str] = bindparam("now")
    return and_(text(queue.waiting), table.not_before <= now, table.lease_until <= now)


def free_of(database: Connection, queue: Queue, rows: Sequence[Row[Any]], now: str) -> set[tuple[str, str]]:
    """Workspace and id of those that nobody is writing to this moment and that are still due; locks them."""
    if not rows or database.dialect.name == "sqlite":  # SQLite has one writer at a time anyway
        return {(row.workspace, row.id) for row in rows}
    table = queue.table.c
    wanted = select(table.workspace, queue.id).where(queue.id.in_([row.id for row in rows]), due(queue))
    return {
        (workspace, name)
        for workspace, name in database.execute(wanted.with_for_update(skip_locked=True), {"now": now})
    }


def hold(database: Connection, queue: Queue, row: Row[Any], holder: str, span: tuple[datetime, float]) -> Lease | None:
    """Takes a row that is due. None for one whose leases ran out too often: it is given up instead."""
    now, seconds = span
    lease = Lease(
        workspace=row.workspace,
        subject=row.id,
        holder=holder,
        generation=row.attempts + 1,
        until=now + timedelta(seconds=seconds),
    )
    values = {
        "state": queue.held,
        "holder": holder,
        "attempts": lease.generation,
        "lease_until": stamp(lease.until),
        "not_before": "",
    }
    run_out = _run_out(row)
    if run_out:
        values |= {"reason": f"{_RAN_OUT}{run_out}", "detail": "its worker stopped without a word"}
    table = queue.table.c
    database.execute(update(queue.table).where(table.workspace == row.workspace, queue.id == row.id).values(values))
    if run_out < _MOST_RUN_OUT:
        return lease
    bury(database, queue, lease, POISON, now)
    return None


def backlog(database: Connection, now: datetime) -> tuple[Backlog, ...]:
    """What waits in either queue, of all workspaces: one look at the indexes of what waits."""
    found = {row.queue: row for row in database.execute(_BACKLOG, {"now": stamp(now)})}
    return tuple(
        Backlog(queue=name, count=row.waiting, oldest=datetime.fromisoformat(row.oldest) if row.oldest else None)
        for name, row in sorted(found.items())
    )


_BACKLOG = union_all(
    *(
        select(literal(queue.name).label("queue"), func.count().label("waiting"), func.min(queue.came).label("oldest"))
        .select_from(queue.table)
        .where(text(queue.waiting), queue.table.c.not_before <= bindparam("now"))
        for queue in (INBOX, OUTBOX)
    )
)


def postpone(database: Connection, queue: Queue, lease: Lease, setback: Setback, until: datetime) -> None:
    values = {"not_before": stamp(until), "reason": setback.reason, "detail": setback.detail}
    end(database, queue, lease, queue.free, **values)


def bury(database: Connection, queue: Queue, lease: Lease, setback: Setback, now: datetime) -> None:
    values = {queue.end: stamp(now), "reason": setback.reason, "detail": setback.detail}
    row = end(database, queue, lease, "dead", **values)
    if setback.reason == _REFUSED:
        trouble(database, lease.workspace, row.connection, setback.detail)
    entry = Entry(actor="ai-crm", action=f"give up {queue.table.name}", subject=lease.subject, cause=setback.reason)
    Rows(database, lease.workspace).note(entry, now)


def trouble(database: Connection, workspace: str, connection: str, problem: str) -> None:
    """Writes down what is wrong with a connection; empty when something went well there. Mostly that changes nothing."""
    table = tables.connection
    this = and_(table.c.workspace == workspace, table.c.id == connection, table.c.problem != problem)
    database.execute(update(table).where(this).values(problem=problem))


def end(database: Connection, queue: Queue, lease: Lease, state: str, **values: str) -> Row[Any]:
    """Lets go of a row in a new state; its connection and platform or event. Raises LeaseLost, and then wrote nothing."""
    ended = database.execute(
        update(queue.table)
        .where(queue.this(lease))
        .values(state=state, holder="", lease_until="", **values)
        .returning(*queue.told)
    ).first()
    if ended is None:
        raise LeaseLost("another worker has taken this over", where=lease.subject, hint="Nothing was written: stop")
    return ended


def _run_out(row: Row[Any]) -> int:
    """How often in a row its lease ran out, this time included; 0 when it was let go of properly."""
    if not row.lease_until:
        return 0
    return int(row.reason.removeprefix(_RAN_OUT)) + 1 if row.reason.startswith(_RAN_OUT) else 1


def _is_ours(database: Connection, queue: Queue, connection: str) -> bool:
    if database.dialect.name == "sqlite":
        return True
    return bool(database.execute(_TURN, {"name": connection, "queue": queue.number}).scalar())
