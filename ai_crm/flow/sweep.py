"""Asks a platform for what never reached us: GitHub sends nothing again by itself, and forgets it after three days."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

# How far back GitHub can still send something again, less an hour for clocks that differ.
REACH = timedelta(days=3) - timedelta(hours=1)

# What one sweep asks for at most; the next one asks for the rest.
MOST = 100


class Missed(Protocol):
    """A delivery that did not get through: `guid` is the platform's id of it, `id` what it takes to ask for it."""

    @property
    def guid(self) -> str: ...

    @property
    def id(self) -> str: ...


class Sweepable(Protocol):
    """A connection that can say what did not get through."""

    async def failed_deliveries(self, since: datetime) -> tuple[Missed, ...]: ...

    async def redeliver(self, identity: str) -> None: ...


async def sweep(source: Sweepable, arrived: Callable[[str], Awaitable[bool]], now: datetime) -> int:
    """How many were asked for. What arrived some other way is left alone. Raises UpstreamError and StoreError."""
    asked = 0
    for missed in await source.failed_deliveries(now - REACH):
        if asked == MOST:
            break
        if not await arrived(missed.guid):
            await source.redeliver(missed.id)
            asked += 1
    return asked
