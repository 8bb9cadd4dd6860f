"""How a process hears of work that another one brought into the same PostgreSQL, over a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine

from ai_crm.store.database import CHANNEL

# Seconds: how long it looks for a word before it looks whether it shall stop, and how long it waits after a loss.
_LOOK = 1.0
# However much is said meanwhile is heard as one: every worker hears every commit, and would look as often.
_BREATH = 0.05
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0


class Listener:
    """Calls `heard` when there may be new work, and `state` whenever it begins to listen ("") or cannot (why).

    It only saves time: who relies on it still looks for work now and then.
    """

    def __init__(self, engine: Engine, heard: Callable[[], None], state: Callable[[str], None]) -> None:
        self._engine = engine
        self._heard = heard
        self._state = state
        self._pause = _FIRST_PAUSE

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. A connection that is lost is made again, ever less eagerly."""
        from psycopg import Error  # noqa: PLC0415 - only where the database is PostgreSQL is there a driver

        while not stop.is_set():
            try:
                await self._listen(stop)
            except (Error, OSError) as error:
                self._state(f"the connection is lost ({type(error).__name__})")  # its text may quote the password
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self._pause)
                self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    async def _listen(self, stop: asyncio.Event) -> None:
        from psycopg import AsyncConnection  # noqa: PLC0415 - as above

        async with await AsyncConnection.connect(**self._address(), autocommit=True) as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self._pause = _FIRST_PAUSE
            self._state("")
            self._heard()  # what was said while nobody listened
            while not stop.is_set():
                async for _ in connection.notifies(timeout=_LOOK, stop_after=1):
                    self._heard()
                await asyncio.sleep(_BREATH)

    def _address(self) -> dict[str, Any]:
        """Where the engine connects to. A peer that is gone without a word is noticed after half a minute."""
        _, wanted = self._engine.dialect.create_connect_args(self._engine.url)
        return {"connect_timeout": 10, "keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3, **wanted}
