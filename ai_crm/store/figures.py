"""Figures: how each connection is doing now, and what a stretch of time brought."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import (
    TIMESTAMP,
    ColumnElement,
    Connection,
    Double,
    Row,
    Select,
    Subquery,
    case,
    cast,
    extract,
    func,
    select,
)

from ai_crm.model.decision import Answer
from ai_crm.model.delivery import ChangeState, DeliveryState
from ai_crm.model.item import PlatformName
from ai_crm.model.record import ConnectionHealth, PlatformFigures, Report, Workflow
from ai_crm.model.task import TaskStatus
from ai_crm.store import tables
from ai_crm.store.pages import time
from ai_crm.store.rows import stamp

_TOP = 10
# Decisions in memory at once.
_BATCH = 200

_WAITING = (DeliveryState.QUEUED, DeliveryState.WORKING)
_CLOSED = (TaskStatus.DONE, TaskStatus.CANCELLED)


class _Verdict(Struct, frozen=True):
    rule: str
    matched: bool


class _Decided(Struct, frozen=True):
    """As much of a decision as is counted; the rest is not even read."""

    verdicts: tuple[_Verdict, ...]


_DECIDED = msgspec.json.Decoder(_Decided)


class _Queue(Struct, frozen=True):
    """What one of the two queues says about a connection; empty times are those of nothing."""

    last: str = ""
    waiting: int = 0
    dead: int = 0
    oldest: str = ""


class _Platform(Struct, frozen=True):
    """`milliseconds` are those of all events that were answered together."""

    events: int
    ended: int
    failed: int
    answered: int
    milliseconds: float


def health(connection: Connection, workspace: str) -> tuple[ConnectionHealth, ...]:
    """Of every connection, switched off ones too, the oldest first. One query for each table."""
    table = tables.connection
    inbox = _inbox(connection, workspace)
    outbox = _outbox(connection, workspace)
    statement: Select[Any] = (
        select(table.c.id, table.c.platform, table.c.active, table.c.problem, table.c.held_until)
        .where(table.c.workspace == workspace)
        .order_by(table.c.created_at, table.c.id)
    )
    rows = connection.execute(statement)
    return tuple(_health(row, inbox.get(row.id, _Queue()), outbox.get(row.id, _Queue())) for row in rows)


def report(connection: Connection, workspace: str, since: datetime, until: datetime) -> Report:
    """`since` belongs to the stretch, `until` does not. An event counts when it was received."""
    start, end = stamp(since), stamp(until)
    platforms = _platforms(connection, workspace, start, end)
    every = _sum(platforms.values())
    return Report(
        since=since,
        until=until,
        total_events=every.events,
        average_response_ms=_average(every),
        success_rate=(every.ended - every.failed) / every.ended if every.ended else None,
        top_workflows=_top_workflows(connection, workspace, start, end),
        platform_breakdown=tuple(
            PlatformFigures(
                platform=platform, events=each.events, failed=each.failed, average_response_ms=_average(each)
            )
            for platform, each in sorted(platforms.items(), key=lambda pair: (-pair[1].events, pair[0]))
        ),
        **_tasks(connection, workspace, start, end),
    )


def _inbox(connection: Connection, workspace: str) -> Mapping[str, _Queue]:
    table = tables.delivery
    waits = table.c.state.in_(_WAITING)
    rows = connection.execute(
        select(
            table.c.connection,
            func.max(table.c.received_at),
            _count(waits),
            _count(table.c.state == DeliveryState.DEAD),
            func.min(case((waits, table.c.received_at))),
        )
        .where(table.c.workspace == workspace)
        .group_by(table.c.connection)
    )
    return {name: _Queue(last, waiting, dead, oldest or "") for name, last, waiting, dead, oldest in rows}


def _outbox(connection: Connection, workspace: str) -> Mapping[str, _Queue]:
    table = tables.change
    waits = table.c.state == ChangeState.PENDING
    # What its receiver wants to read in the morning has not been waiting all night.
    put_off = (table.c.kind == "notify") & (table.c.attempts == 0) & (table.c.not_before > table.c.planned_at)
    since = case((put_off, table.c.not_before), else_=table.c.planned_at)
    rows = connection.execute(
        select(
            table.c.connection,
            func.max(case((table.c.state == ChangeState.DONE, table.c.settled_at))),
            _count(waits),
            _count(table.c.state == ChangeState.DEAD),
            func.min(case((waits, since))),
        )
        .where(table.c.workspace == workspace, table.c.connection != "")
        .group_by(table.c.connection)
    )
    return {name: _Queue(last or "", waiting, dead, oldest or "") for name, last, waiting, dead, oldest in rows}


def _health(row: Row[Any], inbox: _Queue, outbox: _Queue) -> ConnectionHealth:
    return ConnectionHealth(
        id=row.id,
        platform=PlatformName(row.platform),
        active=bool(row.active),
        problem=row.problem,
        last_received=time(inbox.last),
        last_applied=time(outbox.last),
        waiting_deliveries=inbox.waiting,
        waiting_changes=outbox.waiting,
        dead=inbox.dead + outbox.dead,
        oldest_waiting=time(min(filter(None, (inbox.oldest, outbox.oldest)), default="")),
        held_back_until=time(row.held_until),
    )


def _platforms(connection: Connection, workspace: str, start: str, end: str) -> Mapping[PlatformName, _Platform]:
    each = _each_event(workspace, start, end)
    failed = (each.c.state == DeliveryState.DEAD) | (each.c.dead > 0)
    ended = each.c.state.not_in(_WAITING) & (each.c.pending == 0)
    answered = ended & ~failed & (each.c.last != "")
    took = _milliseconds(connection, each.c.last) - _milliseconds(connection, each.c.received_at)
    rows = connection.execute(
        select(
            each.c.platform,
            func.count(),
            _count(ended),
            _count(ended & failed),
            _count(answered),
            # The clocks of two machines may disagree, and nothing takes less than none.
            func.coalesce(func.sum(case((answered & (took > 0), took), else_=0)), 0),
        ).group_by(each.c.platform)
    )
    return {
        PlatformName(name): _Platform(events, ended, failed, answered, float(took))
        for name, events, ended, failed, answered, took in rows
    }


def _each_event(workspace: str, start: str, end: str) -> Subquery:
    """One row for each event: what of it waits or is dead, and when the last change that a platform saw was settled."""
    delivery, change = tables.delivery, tables.change
    of_event = (change.c.workspace == workspace) & (change.c.event == delivery.c.id)
    return (
        select(
            delivery.c.platform,
            delivery.c.state,
            delivery.c.received_at,
            _count(change.c.state == ChangeState.PENDING).label("pending"),
            _count(change.c.state == ChangeState.DEAD).label("dead"),
            func.coalesce(func.max(case((change.c.state == ChangeState.DONE, change.c.settled_at))), "").label("last"),
        )
        .select_from(delivery.outerjoin(change, of_event))
        .where(delivery.c.workspace == workspace, delivery.c.received_at >= start, delivery.c.received_at < end)
        .group_by(delivery.c.id, delivery.c.platform, delivery.c.state, delivery.c.received_at)
        .subquery()
    )


def _milliseconds(connection: Connection, column: ColumnElement[str]) -> ColumnElement[float]:
    """A stored time as a number. No time at all is none in either database."""
    known = func.nullif(column, "")
    if connection.dialect.name == "postgresql":
        return cast(extract("epoch", cast(known, TIMESTAMP(timezone=True))), Double) * 1000
    return func.julianday(known) * 86_400_000


def _sum(figures: Iterable[_Platform]) -> _Platform:
    columns = [msgspec.structs.astuple(each) for each in figures]
    return _Platform(*map(sum, zip(*columns, strict=True))) if columns else _Platform(0, 0, 0, 0, 0.0)


def _average(figures: _Platform) -> int | None:
    return round(figures.milliseconds / figures.answered) if figures.answered else None


def _top_workflows(connection: Connection, workspace: str, start: str, end: str) -> tuple[Workflow, ...]:
    """By how often a rule matched. Counted here: PostgreSQL's JSON functions refuse what strangers may write."""
    table = tables.decision
    statement = select(table.c.payload).where(
        table.c.workspace == workspace,
        table.c.decided_at >= start,
        table.c.decided_at < end,
        table.c.answer.in_((Answer.ACT, Answer.NOTHING)),
    )
    payloads = connection.execute(statement.execution_options(yield_per=_BATCH))
    counted: Counter[str] = Counter()
    for payload in payloads.scalars():
        counted.update(verdict.rule for verdict in _DECIDED.decode(payload).verdicts if verdict.matched)
    ranked = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(Workflow(rule=rule, matched=matched) for rule, matched in ranked[:_TOP])


def _tasks(connection: Connection, workspace: str, start: str, end: str) -> dict[str, int]:
    """Created and done within the stretch, and open now. A done task counts when it changed last."""
    task, change = tables.task, tables.change
    created = select(func.count()).where(
        change.c.workspace == workspace,
        change.c.kind == "create_task",
        change.c.state == ChangeState.DONE,
        change.c.planned_at >= start,
        change.c.planned_at < end,
    )
    states = select(
        _count((task.c.status == TaskStatus.DONE) & (task.c.updated_at >= start) & (task.c.updated_at < end)),
        _count(task.c.status.not_in(_CLOSED)),
    ).where(task.c.workspace == workspace)
    done, still_open = connection.execute(states).one()
    return {
        "tasks_created": connection.execute(created).scalar_one(),
        "tasks_done": done,
        "tasks_open": still_open,
    }


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
