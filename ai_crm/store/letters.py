"""Dead letters: deliveries and changes that were given up, in one list, and how a person sends one on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, Select, case, literal, null, select, union_all, update

from ai_crm.errors import RecordMissing
from ai_crm.model.delivery import ChangeState, DeliveryState
from ai_crm.model.item import ItemRef
from ai_crm.model.record import DeadLetter, DeadLetterPage
from ai_crm.store import tables
from ai_crm.store.database import announce
from ai_crm.store.pages import Place, clamped, older, page, place
from ai_crm.store.rows import Entry, Rows, stamp

_DELIVERY = "delivery:"
_CHANGE = "change:"

# What a row is when nothing holds it and nothing went wrong yet. Not `attempts`: it is the fence of the leases.
_FRESH = {"holder": "", "lease_until": "", "reason": "", "detail": ""}


class _Subject(Struct, frozen=True):
    """As much of a change as describes it without a stranger's words."""

    item: ItemRef


_SUBJECT = msgspec.json.Decoder(_Subject)


def dead_letters(connection: Connection, workspace: str, reason: str, cursor: str, most: int) -> DeadLetterPage:
    """The one that was given up last comes first; `reason` is empty for all. Raises Misunderstood for a bad cursor."""
    after = place(cursor)
    letter = union_all(_dead_deliveries(workspace), _dead_changes(workspace)).subquery()
    statement = select(letter)
    if reason:
        statement = statement.where(letter.c.reason == reason)
    if after:
        statement = statement.where(older(letter.c.since, letter.c.id, (after.at, after.id)))
    ordered = statement.order_by(letter.c.since.desc(), letter.c.id.desc()).limit(clamped(most) + 1)
    shown, following = page(connection.execute(ordered).all(), clamped(most), _place)
    return DeadLetterPage(letters=tuple(map(_letter, shown)), next=following)


def replay(connection: Connection, workspace: str, letter: str, actor: str, now: datetime, *, anew: bool) -> str:
    """Puts it back into its queue, and with `anew` the event of a change back to deciding; returns the event's id.

    Raises RecordMissing for what is no dead letter (any more).
    """
    if letter.startswith(_DELIVERY):
        event = letter.removeprefix(_DELIVERY)
        found = _revive_delivery(connection, workspace, event, (DeliveryState.DEAD,), now)
    else:
        event = _event_of(connection, workspace, letter)
        found = bool(event) and (
            _decide_anew(connection, workspace, event, now)
            if anew
            else _revive_change(connection, workspace, letter.removeprefix(_CHANGE), now)
        )
    if not found:
        hint = "It may have been sent on already, or its event was removed after its time"
        raise RecordMissing("there is no such dead letter", where=letter, hint=hint)
    entry = Entry(actor=actor, action="replay anew" if anew else "replay", subject=letter, cause=event)
    Rows(connection, workspace).note(entry, now)
    announce(connection)
    return event


def _dead_deliveries(workspace: str) -> Select[Any]:
    table = tables.delivery
    return select(
        (literal(_DELIVERY) + table.c.id).label("id"),
        table.c.id.label("event"),
        table.c.connection,
        (table.c.platform + literal(" ") + table.c.name).label("what"),
        null().label("payload"),
        table.c.reason,
        table.c.detail,
        table.c.attempts,
        case((table.c.decided_at != "", table.c.decided_at), else_=table.c.received_at).label("since"),
    ).where(table.c.workspace == workspace, table.c.state == DeliveryState.DEAD)


def _dead_changes(workspace: str) -> Select[Any]:
    table = tables.change
    return select(
        (literal(_CHANGE) + table.c.key).label("id"),
        table.c.event,
        table.c.connection,
        table.c.kind.label("what"),
        table.c.payload,
        table.c.reason,
        table.c.detail,
        table.c.attempts,
        case((table.c.settled_at != "", table.c.settled_at), else_=table.c.planned_at).label("since"),
    ).where(table.c.workspace == workspace, table.c.state == ChangeState.DEAD)


def _place(row: Row[Any]) -> Place:
    return Place(row.since, row.id)


def _letter(row: Row[Any]) -> DeadLetter:
    return DeadLetter(
        id=row.id,
        event=row.event,
        connection=row.connection,
        what=_described(row.what, row.payload),
        reason=row.reason,
        detail=row.detail,
        attempts=row.attempts,
        since=datetime.fromisoformat(row.since),
    )


def _described(what: str, payload: str | None) -> str:
    """`github issues`, or `comment on an issue of octo/hello`."""
    if payload is None:
        return what
    item = _SUBJECT.decode(payload).item
    return f"{what.replace('_', ' ')} for {item.kind.replace('_', ' ')} in {item.platform}:{item.project}"


def _event_of(connection: Connection, workspace: str, letter: str) -> str:
    """The event of a dead change; empty where there is no such thing."""
    table = tables.change
    key = letter.removeprefix(_CHANGE) if letter.startswith(_CHANGE) else ""
    found = select(table.c.event).where(
        table.c.workspace == workspace, table.c.key == key, table.c.state == ChangeState.DEAD
    )
    return connection.execute(found).scalar() or ""


def _decide_anew(connection: Connection, workspace: str, event: str, now: datetime) -> bool:
    """What of it is dead is wanted no longer, unless the new decision says so and thereby makes it pending again."""
    table = tables.change
    connection.execute(
        update(table)
        .where(table.c.workspace == workspace, table.c.event == event, table.c.state == ChangeState.DEAD)
        .values(state=ChangeState.DROPPED, not_before=stamp(now), revived_at=stamp(now))
    )
    return _revive_delivery(connection, workspace, event, tuple(DeliveryState), now)


def _revive_delivery(
    connection: Connection, workspace: str, event: str, states: tuple[DeliveryState, ...], now: datetime
) -> bool:
    table = tables.delivery
    revived = connection.execute(
        update(table)
        .where(table.c.workspace == workspace, table.c.id == event, table.c.state.in_(states))
        .values(state=DeliveryState.QUEUED, not_before=stamp(now), revived_at=stamp(now), decided_at="", **_FRESH)
    )
    return revived.rowcount == 1


def _revive_change(connection: Connection, workspace: str, key: str, now: datetime) -> bool:
    table = tables.change
    revived = connection.execute(
        update(table)
        .where(table.c.workspace == workspace, table.c.key == key, table.c.state == ChangeState.DEAD)
        .values(state=ChangeState.PENDING, not_before=stamp(now), revived_at=stamp(now), settled_at="", **_FRESH)
    )
    return revived.rowcount == 1
