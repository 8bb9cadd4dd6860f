"""The connections of all workspaces, as the database keeps them: settings to be shown, secrets sealed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection as Database
from sqlalchemy import Row, Select, insert, select, tuple_, update

from ai_crm.errors import Problem, SettingsInvalid, VersionClash
from ai_crm.model.item import PlatformName
from ai_crm.ports import Clock
from ai_crm.ports.receiver import Connection
from ai_crm.store import tables
from ai_crm.store.rows import add_workspace
from ai_crm.store.transactions import Transactions
from ai_crm.store.vault import Vault

# Seconds that an answer is good for: each webhook asks, and connections change once a month.
_GOOD_FOR = 5.0


class SqlConnections:
    """Implements ports.receiver.Connections."""

    def __init__(self, transactions: Transactions, vault: Vault, clock: Clock) -> None:
        self._transactions = transactions
        self._vault = vault
        self._clock = clock
        self._known: tuple[datetime, dict[str, Connection]] | None = None

    async def find(self, connection: str) -> Connection | None:
        found = (await self._all()).get(connection)
        return found if found and found.active else None

    async def of(self, workspace: str) -> tuple[Connection, ...]:
        return tuple(each for each in await self.all() if each.workspace == workspace and each.active)

    async def all(self) -> tuple[Connection, ...]:
        return tuple((await self._all()).values())

    async def ping(self) -> None:
        """Asks the database itself. Raises StoreUnavailable."""
        await self._transactions.read(lambda database: database.execute(_ALL.limit(1)).first())

    async def add(self, connection: Connection) -> None:
        """Raises SettingsInvalid for an id that is taken."""
        at = self._clock.now().astimezone(UTC).isoformat(timespec="microseconds")
        row = {
            "workspace": connection.workspace,
            "id": connection.id,
            "platform": connection.platform,
            "settings": _shown(connection),
            "secrets": self._vault.seal(connection.secrets, _place(connection.workspace, connection.id)),
            "active": 1,
            "problem": "",
            "created_at": at,
            "held_until": "",
        }
        try:
            await self._transactions.write(lambda database: _add(database, row))
        except VersionClash as error:
            taken = Problem(connection.id, 0, 0, "is the name of another connection", "choose another one")
            raise SettingsInvalid((taken,)) from error
        self._known = None

    async def change(self, workspace: str, connection: str, become: Callable[[Connection], Connection]) -> bool:
        """Keeps the settings and secrets that `become` makes of it; what that raises is raised, and nothing is changed.

        False where the workspace has no such connection. Of two at the same time the second sees what the first made.
        """
        changed = await self._transactions.write(
            lambda database: self._change(database, (workspace, connection), become)
        )
        self._known = None
        return changed

    async def switch(self, workspace: str, connection: str, *, on: bool) -> bool:
        """False where the workspace has no such connection."""
        table = tables.connection
        statement = update(table).where(table.c.workspace == workspace, table.c.id == connection).values(active=int(on))
        changed = await self._transactions.write(lambda database: database.execute(statement).rowcount)
        self._known = None
        return changed == 1

    async def _all(self) -> dict[str, Connection]:
        now = self._clock.now()
        if self._known is None or (now - self._known[0]).total_seconds() > _GOOD_FOR:
            rows = await self._transactions.read(lambda database: tuple(database.execute(_ALL)))
            self._known = (now, {row.id: self._read(row) for row in rows})
        return self._known[1]

    def _change(self, database: Database, which: tuple[str, str], become: Callable[[Connection], Connection]) -> bool:
        table = tables.connection
        this = tuple_(table.c.workspace, table.c.id) == which
        row = database.execute(select(table).where(this).with_for_update()).first()
        if row is None:
            return False
        made = become(self._read(row))
        values = {"settings": _shown(made), "secrets": self._vault.seal(made.secrets, _place(*which))}
        database.execute(update(table).where(this).values(values))
        return True

    def _read(self, row: Row[Any]) -> Connection:
        return Connection(
            workspace=row.workspace,
            id=row.id,
            platform=PlatformName(row.platform),
            settings=msgspec.json.decode(row.settings, type=dict[str, str]),
            secrets=self._vault.open(row.secrets, _place(row.workspace, row.id)),
            active=bool(row.active),
        )


_ALL: Select[Any] = select(tables.connection).order_by(tables.connection.c.created_at, tables.connection.c.id)


def _add(database: Database, row: dict[str, object]) -> None:
    add_workspace(database, str(row["workspace"]))
    database.execute(insert(tables.connection).values(row))


def _shown(connection: Connection) -> str:
    return msgspec.json.encode(dict(connection.settings)).decode()


def _place(workspace: str, connection: str) -> str:
    return f"{workspace}/{connection}"
