"""What a process that is gone has promised is done by the next one, whatever else was promised beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from ai_crm.errors import PayloadInvalid
from ai_crm.model.item import PlatformName
from ai_crm.ports.promises import Promise
from bots.promised import Promised

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Left:
    """Implements Promises: what somebody else has left, once."""

    def __init__(self, *bodies: bytes) -> None:
        self._bodies = bodies

    async def give(self, promise: Promise, now: datetime) -> bool:  # noqa: ARG002 - as the port has it
        return True

    async def keep(self, promise: Promise) -> None:
        """Nobody asks for it."""

    async def broken(self, platform: PlatformName, now: datetime) -> tuple[Promise, ...]:  # noqa: ARG002
        bodies, self._bodies = self._bodies, ()
        return tuple(Promise(platform=platform, id=body.decode(), body=body) for body in bodies)

    async def give_up(self, platform: PlatformName, now: datetime) -> int:  # noqa: ARG002
        return 0


def looked(left: Left, again: Callable[[bytes], Awaitable[None]], enough: asyncio.Event) -> None:
    async def look() -> None:
        stop = asyncio.Event()
        running = asyncio.ensure_future(Promised(left, PlatformName.TEAMS, lambda: NOON).run(again, stop))
        await asyncio.wait({running, asyncio.ensure_future(enough.wait())}, timeout=5, return_when="FIRST_COMPLETED")
        stop.set()
        await running

    asyncio.run(look())


def test_what_nobody_can_read_stops_nothing_that_was_promised_beside_it() -> None:
    done: list[bytes] = []
    enough = asyncio.Event()

    async def again(body: bytes) -> None:
        if body == b"newer":
            raise PayloadInvalid("this is not what Teams sends", where="Teams")
        if body == b"fault":
            raise KeyError(body)
        done.append(body)
        enough.set()

    looked(Left(b"newer", b"fault", b"plain"), again, enough)
    assert done == [b"plain"]


def test_what_takes_long_holds_up_nothing_that_was_promised_beside_it() -> None:
    done: list[bytes] = []
    enough = asyncio.Event()

    async def again(body: bytes) -> None:
        if body == b"slow":
            await enough.wait()
        done.append(body)
        if body == b"plain":
            enough.set()

    looked(Left(b"slow", b"plain"), again, enough)
    assert done == [b"plain", b"slow"]
