"""The promises of all bots in a database: a row for each from before the person is told that it is heard, until it is done."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, text, update

from ai_crm.model.item import PlatformName
from ai_crm.ports.promises import Promise
from ai_crm.store import tables
from ai_crm.store.rows import stamp
from ai_crm.store.transactions import Transactions

# Longer than an answer takes that waits for a slow platform; whoever waits for a dead process waits as long.
LEASE = timedelta(seconds=60)
# The address that Slack is answered at is good for so long, and who waited longer has asked again or done without.
LONGEST = timedelta(minutes=30)
# What ends the process that is at it is not tried for ever.
MOST_ATTEMPTS = 3
_AT_ONCE = 32

_GIVE = text(
    "INSERT INTO promise (platform, id, since, lease_until, attempts, body) "
    "VALUES (:platform, :id, :since, :lease_until, 1, :body) ON CONFLICT (platform, id) DO NOTHING"
)


class SqlPromises:
    """Implements ports.promises.Promises."""

    def __init__(self, transactions: Transactions, lease: timedelta = LEASE) -> None:
        self._transactions = transactions
        self._lease = lease

    async def give(self, promise: Promise, now: datetime) -> bool:
        row = {
            "platform": promise.platform.value,
            "id": promise.id,
            "since": stamp(now),
            "lease_until": stamp(now + self._lease),
            "body": promise.body,
        }
        return await self._transactions.write(lambda connection: connection.execute(_GIVE, row).rowcount == 1)

    async def keep(self, promise: Promise) -> None:
        table = tables.promise
        done = delete(table).where(table.c.platform == promise.platform, table.c.id == promise.id)
        await self._transactions.write(lambda connection: connection.execute(done).rowcount)

    async def broken(self, platform: PlatformName, now: datetime) -> tuple[Promise, ...]:
        if not await self._transactions.read(lambda connection: _left(connection, platform, now)):
            return ()
        return await self._transactions.write(lambda connection: _taken(connection, platform, now, self._lease))

    async def give_up(self, platform: PlatformName, now: datetime) -> int:
        table = tables.promise
        late = (table.c.since < stamp(now - LONGEST)) | (table.c.attempts >= MOST_ATTEMPTS)
        gone = delete(table).where(table.c.platform == platform, table.c.lease_until <= stamp(now), late)
        return await self._transactions.write(lambda connection: connection.execute(gone).rowcount)


def _left(connection: Connection, platform: PlatformName, now: datetime) -> tuple[str, ...]:
    """The ids of those that nobody is at. One that two processes died of, it may be, is looked at alone."""
    table = tables.promise
    statement = (
        select(table.c.id, table.c.attempts)
        .where(table.c.platform == platform, table.c.lease_until <= stamp(now))
        .order_by(table.c.since, table.c.id)
        .limit(_AT_ONCE)
    )
    rows = connection.execute(statement).all()
    suspects = tuple(row.id for row in rows if row.attempts > 1)
    return suspects[:1] or tuple(row.id for row in rows)


def _taken(connection: Connection, platform: PlatformName, now: datetime, lease: timedelta) -> tuple[Promise, ...]:
    """One statement takes each: of two processes that look at once, one finds it free."""
    table = tables.promise
    free = (table.c.platform == platform) & (table.c.lease_until <= stamp(now))
    taken = []
    for left in _left(connection, platform, now):
        mine = (
            update(table)
            .where(free, table.c.id == left)
            .values(lease_until=stamp(now + lease), attempts=table.c.attempts + 1)
            .returning(table.c.body)
        )
        body = connection.execute(mine).scalar()
        if body is not None:
            taken.append(Promise(platform=platform, id=left, body=bytes(body)))
    return tuple(taken)
