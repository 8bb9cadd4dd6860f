"""API keys: how one is made, what of it is kept, and whose it is."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Row, insert, select, update

from ai_crm.model.access import Principal, Role
from ai_crm.ports import Clock
from ai_crm.store import tables
from ai_crm.store.rows import add_workspace, stamp
from ai_crm.store.transactions import Transactions

_KEY = re.compile(r"aicrm_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", re.ASCII)

# Seconds that an answer is good for: each request asks. A revoked key works so much longer in other processes.
_GOOD_FOR = 5.0
# What is compared where there is no such key, so that it takes as long as where there is one.
_NOBODY = "0" * 64


class ApiKey(Struct, frozen=True, kw_only=True):
    """A key as it may be shown: nobody can get the key itself back. None is a time that never comes."""

    id: str
    workspace: str
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class _Kept(Struct, frozen=True):
    shown: ApiKey
    hash: str


class SqlKeys:
    """Implements ports.receiver.Keys. Raises StoreUnavailable.

    A key has 256 bits of chance, so that a plain sha256 is as good as a slow one: there is nothing to guess.
    """

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock
        self._known: tuple[datetime, dict[str, _Kept]] | None = None

    async def principal(self, key: str) -> Principal | None:
        told = _KEY.fullmatch(key)
        kept = (await self._all()).get(told.group(1)) if told else None
        right = hmac.compare_digest(_hash(key), kept.hash if kept else _NOBODY)
        if kept is None or not right or not _works(kept.shown, self._clock.now()):
            return None
        shown = kept.shown
        return Principal(name=shown.name, workspace=shown.workspace, role=shown.role, key=shown.id)

    async def create(self, workspace: str, name: str, role: Role, expires_at: datetime | None, now: datetime) -> str:
        """A new key, told this once: `aicrm_<id>_<43 letters, digits, - and _>`. The workspace is made if need be."""
        name_of_key = secrets.token_hex(8)
        key = f"aicrm_{name_of_key}_{secrets.token_urlsafe(32)}"
        row = {
            "id": name_of_key,
            "workspace": workspace,
            "name": name,
            "role": role,
            "hash": _hash(key),
            "created_at": stamp(now),
            "expires_at": stamp(expires_at) if expires_at else "",
            "revoked_at": "",
        }
        await self._transactions.write(lambda connection: _add(connection, row))
        self._known = None
        return key

    async def revoke(self, workspace: str, key_id: str, now: datetime) -> bool:
        """False where the workspace has no such key, or it was revoked before."""
        table = tables.api_key
        statement = (
            update(table)
            .where(table.c.workspace == workspace, table.c.id == key_id, table.c.revoked_at == "")
            .values(revoked_at=stamp(now))
        )
        changed = await self._transactions.write(lambda connection: connection.execute(statement).rowcount)
        self._known = None
        return changed == 1

    async def of(self, workspace: str) -> tuple[ApiKey, ...]:
        """All that were ever made, the oldest first."""
        table = tables.api_key
        statement = select(table).where(table.c.workspace == workspace).order_by(table.c.created_at, table.c.id)
        rows = await self._transactions.read(lambda connection: tuple(connection.execute(statement)))
        return tuple(_read(row).shown for row in rows)

    async def _all(self) -> dict[str, _Kept]:
        """Those of every workspace: whose a key is, is what it is asked for."""
        now = self._clock.now()
        if self._known is None or not 0 <= (now - self._known[0]).total_seconds() <= _GOOD_FOR:
            statement = select(tables.api_key).where(tables.api_key.c.revoked_at == "")
            rows = await self._transactions.read(lambda connection: tuple(connection.execute(statement)))
            self._known = (now, {row.id: _read(row) for row in rows})
        return self._known[1]


def _add(connection: Connection, row: dict[str, str]) -> None:
    add_workspace(connection, row["workspace"])
    connection.execute(insert(tables.api_key).values(row))


def _works(key: ApiKey, now: datetime) -> bool:
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)


def _read(row: Row[Any]) -> _Kept:
    shown = ApiKey(
        id=row.id,
        workspace=row.workspace,
        name=row.name,
        role=Role(row.role),
        created_at=datetime.fromisoformat(row.created_at),
        expires_at=datetime.fromisoformat(row.expires_at) if row.expires_at else None,
        revoked_at=datetime.fromisoformat(row.revoked_at) if row.revoked_at else None,
    )
    return _Kept(shown, row.hash)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()
