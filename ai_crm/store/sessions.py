"""Who is in a browser, in a database: a row for each hash of what a browser holds, and how long that is worth anything."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, and_, delete, insert, not_, select, update

from ai_crm.errors import StoreError
from ai_crm.ports.sessions import Visitor
from ai_crm.store import tables
from ai_crm.store.rows import add_workspace, stamp
from ai_crm.store.transactions import Transactions

LONGEST = timedelta(hours=12)
IDLE = timedelta(minutes=30)
INVITED = timedelta(minutes=15)

# Signs of life closer together than this are one: whoever reads page after page writes nothing.
_RENEWED = timedelta(minutes=1)
_BATCH = 500
_MOST = 20  # browsers of one person, or of one key
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_VISITOR = msgspec.json.Decoder(Visitor)


class SqlSessions:
    """Implements ports.sessions.Sessions. A token has 256 bits of chance, so a plain sha256 of it is enough."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def invite(self, visitor: Visitor, now: datetime) -> str:
        invitation = secrets.token_urlsafe(32)
        row = {
            "id": _hash(invitation),
            "workspace": visitor.principal.workspace,
            "ends_at": stamp(now + INVITED),
            "payload": msgspec.json.encode(visitor).decode(),
        }
        await self._transactions.write(lambda connection: _add(connection, tables.invitation, row))
        return invitation

    async def invited(self, invitation: str, now: datetime) -> Visitor | None:
        if not _TOKEN.fullmatch(invitation):
            return None
        return await self._transactions.read(lambda connection: _invited(connection, invitation, now))

    async def accept(self, invitation: str, now: datetime) -> str | None:
        if not _TOKEN.fullmatch(invitation):
            return None
        token = secrets.token_urlsafe(32)
        accepted = await self._transactions.write(lambda connection: _accept(connection, invitation, token, now))
        return token if accepted else None

    async def begin(self, visitor: Visitor, now: datetime) -> str:
        token = secrets.token_urlsafe(32)
        await self._transactions.write(lambda connection: _begin(connection, visitor, token, now))
        return token

    async def find(self, token: str, now: datetime) -> Visitor | None:
        if not _TOKEN.fullmatch(token):
            return None
        table = tables.session
        alive = select(table.c.seen_at, table.c.payload).where(table.c.id == _hash(token), *_alive(now))
        row = await self._transactions.read(lambda connection: connection.execute(alive).one_or_none())
        if row is None:
            return None
        if row.seen_at < stamp(now - _RENEWED):
            seen = (
                update(table).where(table.c.id == _hash(token), table.c.seen_at < stamp(now)).values(seen_at=stamp(now))
            )
            await self._transactions.write(lambda connection: connection.execute(seen).rowcount)
        return _visitor(row.payload)

    async def end(self, token: str) -> None:
        ended = delete(tables.session).where(tables.session.c.id == _hash(token))
        await self._transactions.write(lambda connection: connection.execute(ended).rowcount)

    async def end_all(self, visitor: Visitor) -> int:
        return await self._transactions.write(lambda connection: _end_visitor(connection, visitor))

    async def end_of(self, workspace: str, name: str | None) -> int:
        """Ends the sessions of everybody who is called so or has this id, or of all for None, and says how many.

        Links that nobody followed yet are worth nothing any more, either.
        """
        meant = None if name is None else lambda one: name in {one.name, one.id}
        return await self._transactions.write(lambda connection: _end(connection, workspace, meant))

    async def forget(self, now: datetime) -> int:
        """Removes what is over, of all workspaces, and says how much that was."""
        gone = 0
        for table, over in ((tables.session, not_(and_(*_alive(now)))), (tables.invitation, not_(_good(now)))):
            batch = _BATCH
            while batch == _BATCH:
                batch = await self._transactions.write(partial(_forget, table, over))
                gone += batch
        return gone


def _alive(now: datetime) -> tuple[ColumnElement[bool], ...]:
    table = tables.session
    return table.c.ends_at > stamp(now), table.c.seen_at > stamp(now - IDLE)


def _good(now: datetime) -> ColumnElement[bool]:
    return tables.invitation.c.ends_at > stamp(now)


def _add(connection: Connection, table: Table, row: dict[str, str]) -> None:
    add_workspace(connection, row["workspace"])
    connection.execute(insert(table).values(row))


def _begin(connection: Connection, visitor: Visitor, token: str, now: datetime) -> None:
    row = {
        "id": _hash(token),
        "workspace": visitor.principal.workspace,
        "visitor": _whose(visitor),
        "seen_at": stamp(now),
        "ends_at": stamp(now + LONGEST),
        "payload": msgspec.json.encode(visitor).decode(),
    }
    _make_room(connection, row["workspace"], row["visitor"])
    _add(connection, tables.session, row)


def _make_room(connection: Connection, workspace: str, whose: str) -> None:
    """A program that signs in again and again ends its own sessions, and fills no table."""
    table = tables.session
    theirs = select(table.c.id).where(table.c.workspace == workspace, table.c.visitor == whose)
    over = theirs.order_by(table.c.seen_at.desc()).offset(_MOST - 1)
    connection.execute(delete(table).where(table.c.id.in_(over)))


def _invited(connection: Connection, invitation: str, now: datetime) -> Visitor | None:
    table = tables.invitation
    found = select(table.c.payload).where(table.c.id == _hash(invitation), _good(now))
    payload: str | None = connection.execute(found).scalar_one_or_none()
    return None if payload is None else _visitor(payload)


def _accept(connection: Connection, invitation: str, token: str, now: datetime) -> bool:
    """Of two at once only one removes the row, and only that one is let in."""
    visitor = _invited(connection, invitation, now)
    used = delete(tables.invitation).where(tables.invitation.c.id == _hash(invitation))
    if visitor is None or connection.execute(used).rowcount != 1:
        return False
    _begin(connection, visitor, token, now)
    return True


def _end_visitor(connection: Connection, visitor: Visitor) -> int:
    table, workspace, whose = tables.session, visitor.principal.workspace, _whose(visitor)
    _drop(connection, tables.invitation, workspace, lambda one: _whose(one) == whose)
    theirs = delete(table).where(table.c.workspace == workspace, table.c.visitor == whose)
    return connection.execute(theirs).rowcount


def _end(connection: Connection, workspace: str, meant: Callable[[Visitor], bool] | None) -> int:
    _drop(connection, tables.invitation, workspace, meant)
    return _drop(connection, tables.session, workspace, meant)


def _drop(connection: Connection, table: Table, workspace: str, meant: Callable[[Visitor], bool] | None) -> int:
    """Who it is stands in the payload alone; a workspace has few enough browsers to look at each."""
    if meant is None:
        return connection.execute(delete(table).where(table.c.workspace == workspace)).rowcount
    rows = connection.execute(select(table.c.id, table.c.payload).where(table.c.workspace == workspace)).all()
    ids = [row.id for row in rows if meant(_visitor(row.payload))]
    return sum(connection.execute(delete(table).where(table.c.id == one)).rowcount for one in ids)


def _forget(table: Table, over: ColumnElement[bool], connection: Connection) -> int:
    chosen = select(table.c.id).where(over).limit(_BATCH)
    return connection.execute(delete(table).where(table.c.id.in_(chosen))).rowcount


def _whose(visitor: Visitor) -> str:
    return f"{visitor.platform}:{visitor.id}"


def _visitor(payload: str) -> Visitor:
    try:
        return _VISITOR.decode(payload)
    except msgspec.MsgspecError as error:
        raise StoreError("the row of a session cannot be read", hint="A newer version may have written it") from error


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
