"""How a query of tasks becomes conditions: on columns where there are some, else on the JSON of the task.

PostgreSQL's own JSON functions refuse a value with NUL anywhere in it, and strangers write titles. So the JSON is
matched as text, which is exact because of how it is written: fields in the order of the struct, no blanks, and a
quotation mark inside a string always has a backslash before it, which ends every look-alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, false, func, or_, select, true

from ai_crm.commands.query import OPEN, Due, TaskQuery
from ai_crm.errors import StoreError
from ai_crm.model.record import TaskPage
from ai_crm.model.task import HistoryEntry, Task
from ai_crm.store import tables
from ai_crm.store.pages import Place, clamped, numbered, older, page
from ai_crm.store.rows import stamp
from ai_crm.store.words import says

_TASK = msgspec.json.Decoder(Task)
_ENTRY = msgspec.json.Decoder(HistoryEntry)
_ESCAPE = "!"


def search(connection: Connection, workspace: str, query: TaskQuery, now: datetime, cursor: str, most: int) -> TaskPage:
    """The task that changed last comes first. Raises Misunderstood for a bad cursor."""
    table = tables.task
    after = numbered(cursor)
    found = (table.c.workspace == workspace, *_conditions(connection, workspace, query, now))
    statement: Select[Any] = select(table.c.number, table.c.updated_at, table.c.payload).where(*found)
    if after:
        statement = statement.where(older(table.c.updated_at, table.c.number, after))
    ordered = statement.order_by(table.c.updated_at.desc(), table.c.number.desc()).limit(clamped(most) + 1)
    shown, following = page(connection.execute(ordered).all(), clamped(most), _place)
    total = connection.execute(select(func.count()).select_from(table).where(*found)).scalar_one()
    return TaskPage(
        tasks=whole(connection, workspace, {row.number: row.payload for row in shown}), next=following, total=total
    )


def whole(connection: Connection, workspace: str, payloads: Mapping[int, str]) -> tuple[Task, ...]:
    """Tasks with their histories, in the order of `payloads`, whose keys are their numbers. Raises StoreError."""
    table = tables.task_history
    entries: dict[int, list[HistoryEntry]] = {number: [] for number in payloads}
    found = connection.execute(
        select(table.c.number, table.c.payload)
        .where(table.c.workspace == workspace, table.c.number.in_(payloads))
        .order_by(table.c.number, table.c.position)
    )
    try:
        for number, payload in found:
            entries[number].append(_ENTRY.decode(payload))
        return tuple(
            msgspec.structs.replace(_TASK.decode(payload), history=tuple(entries[number]))
            for number, payload in payloads.items()
        )
    except msgspec.DecodeError as error:
        hint = "Somebody else changed it: restore the database from a backup"
        raise StoreError("a stored task cannot be read", hint=hint) from error


def _place(row: Row[Any]) -> Place:
    return Place(row.updated_at, str(row.number))


def _conditions(
    connection: Connection, workspace: str, query: TaskQuery, now: datetime
) -> Iterable[ColumnElement[bool]]:
    table = tables.task
    if query.statuses:
        yield table.c.status.in_(query.statuses)
    if query.priorities:
        yield or_(*(_holds(f'"priority":{_json(each)},"agent":') for each in query.priorities))
    if query.agents:
        yield or_(*(_holds(f'"agent":{{"name":{_json(each)},"assigned":') for each in query.agents))
    if query.assignees:
        yield or_(*(_lists("assignees", each, "labels") for each in query.assignees))
    if query.labels:
        yield or_(*(_lists("labels", each, "due") for each in query.labels))
    if query.projects:
        yield or_(*(_holds(f'"project":{_json(each)},"kind":') for each in query.projects))
    if query.watchers:
        yield or_(*(_watched(workspace, each) for each in query.watchers))
    if query.due:
        day = _due_day(connection.dialect.name)
        yield or_(*(_is_due(each, day) for each in query.due))
    if query.updated_within is not None:
        yield table.c.updated_at >= stamp(now - timedelta(seconds=query.updated_within))
    if query.not_updated_within is not None:
        yield table.c.updated_at < stamp(now - timedelta(seconds=query.not_updated_within))
    if query.words:
        yield says(connection, workspace, query.words)


def _watched(workspace: str, watcher: str) -> ColumnElement[bool]:
    """By everybody who said that this login is theirs, or, in `slack:U012`, by this one person. No login has a colon."""
    if not watcher.isprintable():
        return false()  # nobody is called so, and PostgreSQL takes no NUL to compare with
    watch, member = tables.watch, tables.member
    platform, colon, person = watcher.partition(":")
    found = select(watch.c.number).where(watch.c.workspace == workspace)
    if colon:
        return tables.task.c.number.in_(found.where(watch.c.platform == platform, watch.c.member == person))
    same = and_(
        member.c.workspace == watch.c.workspace, member.c.platform == watch.c.platform, member.c.id == watch.c.member
    )
    return tables.task.c.number.in_(found.join(member, same).where(member.c.login == watcher.lower()))


_DUE = '"due":"'


def _due_day(dialect: str) -> ColumnElement[str]:
    """The day as text, `2026-12-31`; null where the task is due on none."""
    place = (func.strpos if dialect == "postgresql" else func.instr)(tables.task.c.payload, _DUE)
    return func.substr(tables.task.c.payload, func.nullif(place, 0) + len(_DUE), 10)


def _is_due(due: Due, day: ColumnElement[str]) -> ColumnElement[bool]:
    if due.first is None and due.last is None:
        return day.is_(None)
    first = day >= due.first.isoformat() if due.first else true()
    last = day <= due.last.isoformat() if due.last else true()
    return and_(first, last, tables.task.c.status.in_(OPEN) if due.unfinished else true())


def _lists(field: str, value: str, following: str) -> ColumnElement[bool]:
    """That the list has the value: as its first element, or after a comma that stands outside of strings."""
    end = f'],"{following}":'
    first = f'"{field}":[{_json(value)}'
    return or_(
        *(_holds(first + close) for close in (end, ',"')),
        *(_holds(f'"{field}":[', f",{_json(value)}{close}", until) for close, until in ((end, ""), (',"', end))),
    )


def _holds(*parts: str) -> ColumnElement[bool]:
    """That the parts stand in the JSON in this order, whatever the case of their letters."""
    pattern = "%".join(_literal(part) for part in parts if part)
    return tables.task.c.payload.ilike(f"%{pattern}%", escape=_ESCAPE)


def _literal(part: str) -> str:
    for special in (_ESCAPE, "%", "_"):
        part = part.replace(special, _ESCAPE + special)
    return part


def _json(value: str) -> str:
    return msgspec.json.encode(value).decode()
