"""The people of chat platforms in a database: a row for each, the login beside it so that a login finds its people."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, select, text

from ai_crm.commands.command import NoticeKind
from ai_crm.errors import StoreError
from ai_crm.model.item import PlatformName
from ai_crm.ports.members import Member, Preferences
from ai_crm.store import tables
from ai_crm.store.rows import add_workspace
from ai_crm.store.transactions import Transactions

_INSERT = (
    "INSERT INTO member (workspace, platform, id, login, payload) VALUES (:workspace, :platform, :id, :login, :payload) "
    "ON CONFLICT (workspace, platform, id) DO "
)
_KEEP = text(f"{_INSERT} UPDATE SET login = excluded.login, payload = excluded.payload")
_REMEMBER = text(f"{_INSERT} NOTHING")
_MEMBER = msgspec.json.Decoder(Member)


class SqlMembers:
    """Implements ports.members.Members."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def find(self, workspace: str, platform: PlatformName, member: str) -> Member | None:
        table = tables.member
        found = await self._read(workspace, table.c.platform == platform, table.c.id == member)
        return found[0] if found else None

    async def keep(self, workspace: str, member: Member) -> None:
        row = _row(workspace, member)
        await self._transactions.write(lambda connection: _keep(connection, row))

    async def of_logins(self, workspace: str, logins: tuple[str, ...]) -> tuple[Member, ...]:
        wanted = {login.lower() for login in logins} - {""}
        return await self._read(workspace, tables.member.c.login.in_(sorted(wanted))) if wanted else ()

    async def with_digest(self, workspace: str) -> tuple[Member, ...]:
        return tuple(one for one in await self._read(workspace) if _wants_digest(one.preferences) and not one.away)

    async def workspaces(self) -> tuple[str, ...]:
        """Every workspace that there is, with people or without."""
        names = select(tables.workspace.c.id).order_by(tables.workspace.c.id)
        return tuple(await self._transactions.read(lambda connection: connection.execute(names).scalars().all()))

    async def _read(self, workspace: str, *conditions: ColumnElement[bool]) -> tuple[Member, ...]:
        table = tables.member
        statement = (
            select(table.c.payload)
            .where(table.c.workspace == workspace, *conditions)
            .order_by(table.c.platform, table.c.id)
        )
        rows = await self._transactions.read(lambda connection: connection.execute(statement).scalars().all())
        return tuple(map(member_of, rows))


def remember(connection: Connection, workspace: str, member: Member) -> None:
    """Keeps somebody who is not known yet, within a transaction that does more than that."""
    add_workspace(connection, workspace)
    connection.execute(_REMEMBER, _row(workspace, member))


def member_of(payload: str) -> Member:
    """The member in a row's `payload`. Raises StoreError."""
    try:
        return _MEMBER.decode(payload)
    except msgspec.MsgspecError as error:
        raise StoreError("the row of a member cannot be read", hint="A newer version may have written it") from error


def _wants_digest(preferences: Preferences) -> bool:
    return preferences.digest_at is not None and NoticeKind.DIGEST not in preferences.off


def _keep(connection: Connection, row: dict[str, Any]) -> None:
    add_workspace(connection, row["workspace"])
    connection.execute(_KEEP, row)


def _row(workspace: str, member: Member) -> dict[str, Any]:
    return {
        "workspace": workspace,
        "platform": member.platform.value,
        "id": member.id,
        "login": member.login.lower(),
        "payload": msgspec.json.encode(member).decode(),
    }
