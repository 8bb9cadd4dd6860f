"""What became of an event: its delivery, what was decided about it, and each change that followed, as stages in time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, Select, exists, select

from ai_crm.errors import Misunderstood, RecordMissing
from ai_crm.model.change import Applied
from ai_crm.model.delivery import ChangeState, DeliveryState
from ai_crm.model.item import PlatformName
from ai_crm.model.record import EventPage, EventRecord, Stage
from ai_crm.store import tables
from ai_crm.store.pages import Place, clamped, older, page, place, time

_APPLIED = msgspec.json.Decoder(Applied)
_WAITING = (DeliveryState.QUEUED, DeliveryState.WORKING)


class _Verdict(Struct, frozen=True):
    matched: bool


class _Decided(Struct, frozen=True):
    """As much of a decision as a stage tells; the rest is not even read."""

    answer: str
    verdicts: tuple[_Verdict, ...]
    changes: tuple[msgspec.Raw, ...]


_DECIDED = msgspec.json.Decoder(_Decided)


def events(connection: Connection, workspace: str, state: str, cursor: str, most: int) -> EventPage:
    """Raises Misunderstood for a state that there is not, or a bad cursor."""
    table = tables.delivery
    after = place(cursor)
    statement = _deliveries(workspace)
    if state:
        statement = statement.where(table.c.state == _state(state))
    if after:
        statement = statement.where(older(table.c.received_at, table.c.id, (after.at, after.id)))
    ordered = statement.order_by(table.c.received_at.desc(), table.c.id.desc()).limit(clamped(most) + 1)
    shown, following = page(connection.execute(ordered).all(), clamped(most), _place)
    return EventPage(events=tuple(_record(row, ()) for row in shown), next=following)


def event(connection: Connection, workspace: str, name: str) -> EventRecord:
    """Raises RecordMissing."""
    statement = _deliveries(workspace).where(tables.delivery.c.id == name)
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise missing("event", name)
    return _record(row, tuple(_stages(connection, workspace, row)))


def missing(kind: str, name: str) -> RecordMissing:
    return RecordMissing(f"there is no such {kind}", where=name, hint="It may have been removed after its time")


def _state(word: str) -> DeliveryState:
    try:
        return DeliveryState(word)
    except ValueError:
        raise Misunderstood("an event has no such state", hint=f"Use one of {', '.join(DeliveryState)}") from None


def _deliveries(workspace: str) -> Select[Any]:
    """All but headers and body, and whether any change of the event waits."""
    table, change = tables.delivery, tables.change
    waits = exists().where(
        change.c.workspace == workspace, change.c.event == table.c.id, change.c.state == ChangeState.PENDING
    )
    shown = [column for column in table.c if column.name not in {"headers", "body"}]
    return select(*shown, waits.label("waits")).where(table.c.workspace == workspace)


def _place(row: Row[Any]) -> Place:
    return Place(row.received_at, row.id)


def _record(row: Row[Any], stages: tuple[Stage, ...]) -> EventRecord:
    state = DeliveryState(row.state)
    return EventRecord(
        id=row.id,
        connection=row.connection,
        platform=PlatformName(row.platform),
        name=row.name,
        state=state,
        received_at=datetime.fromisoformat(row.received_at),
        decided_at=time(row.decided_at),
        attempts=row.attempts,
        settled=state not in _WAITING and not row.waits,
        reason=row.reason,
        detail=row.detail,
        stages=stages,
    )


def _stages(connection: Connection, workspace: str, row: Row[Any]) -> Iterator[Stage]:
    yield Stage(name="received", at=time(row.received_at), outcome="stored", ms=0)
    decision, change = tables.decision, tables.change
    decisions = connection.execute(
        select(decision.c.payload)
        .where(decision.c.workspace == workspace, decision.c.event == row.id)
        .order_by(decision.c.decided_at, decision.c.id)
    )
    yield _decided(row, [_DECIDED.decode(payload) for payload in decisions.scalars()])
    changes = connection.execute(
        select(change)
        .where(change.c.workspace == workspace, change.c.event == row.id)
        .order_by(change.c.planned_at, change.c.position, change.c.key)
    )
    yield from map(_changed, changes)


def _decided(row: Row[Any], decisions: Sequence[_Decided]) -> Stage:
    """What waits has no time; what failed has the reason of the last attempt."""
    done = row.state == DeliveryState.DONE
    outcome = ", ".join(dict.fromkeys(each.answer for each in decisions)) if done else ""
    detail = _counted(decisions) if done else _why(row)
    return Stage(
        name="decided",
        at=time(row.decided_at),
        outcome=outcome or _waiting(row, DeliveryState.QUEUED),
        detail=detail,
        attempts=row.attempts,
        ms=_between(row.received_at, row.decided_at),
    )


def _counted(decisions: Iterable[_Decided]) -> str:
    """Words with numbers only: the whole reasoning is in the decision."""
    verdicts = [verdict for decision in decisions for verdict in decision.verdicts]
    planned = sum(len(decision.changes) for decision in decisions)
    return f"{sum(each.matched for each in verdicts)} of {len(verdicts)} rules matched, {planned} changes planned"


def _changed(row: Row[Any]) -> Stage:
    """Tasks change within the deciding: what has no time of its own was done when it was planned."""
    applied = _APPLIED.decode(row.applied) if row.applied else None
    ended = "" if row.state == ChangeState.PENDING else row.settled_at or row.planned_at
    return Stage(
        name=row.kind,
        at=time(ended),
        outcome=applied.outcome if applied else _waiting(row, ChangeState.PENDING),
        detail=applied.detail if applied else _why(row),
        attempts=row.attempts,
        ms=_between(row.planned_at, ended),
        change=row.key,
    )


def _waiting(row: Row[Any], state: str) -> str:
    """The word for a row's state; one that waits was tried before, or not."""
    if row.state != state:
        return str(row.state)
    return "postponed" if row.reason else "waiting"


def _why(row: Row[Any]) -> str:
    return f"{row.reason}: {row.detail}" if row.reason and row.detail else row.detail or row.reason


def _between(start: str, end: str) -> int | None:
    """Milliseconds; clocks of two machines may disagree, and nothing takes less than none."""
    if not end:
        return None
    return max(0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)) // timedelta(milliseconds=1))
