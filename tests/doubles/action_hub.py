"""A hub's routes for Actions over a real database, served on loopback by a thread: every key is a workspace of its own."""

from __future__ import annotations

import asyncio
import threading
from typing import Self

import uvloop

from ai_crm.hub.action_routes import ActionApi, action_routes
from ai_crm.model.access import Principal, Role
from ai_crm.model.secret import Secret
from ai_crm.store.database import engine_for
from ai_crm.store.rows import CALLER
from ai_crm.store.shared import SqlShared
from ai_crm.store.transactions import Grouped
from ai_crm.wiring import HubAccess, SystemClock
from tests.doubles.hub_parts import Hub


class _EveryKey:
    async def principal(self, key: str) -> Principal | None:
        return Principal(name="action", workspace=key, role=Role.ACTION)


class ActionHub:
    """`messages` says who sends them, as for SqlShared."""

    def __init__(self, database_url: str, messages: str = CALLER) -> None:
        self._transactions = Grouped(engine_for(database_url))
        api = ActionApi(
            store=lambda workspace: SqlShared(self._transactions, workspace, messages=messages),
            clock=SystemClock(),
            wake=lambda: None,
        )
        self.hub = Hub(api=action_routes(api))
        self.hub.app.state.keys = _EveryKey()
        self.url = ""
        self._loop = uvloop.new_event_loop()  # asyncio's own answers 40 ms late where nobody set TCP_NODELAY
        self._stop = asyncio.Event()
        self._served = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        self._served.wait(30)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._transactions.close()

    def access(self, workspace: str) -> HubAccess:
        return HubAccess(self.url, Secret(workspace))

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        async with self.hub.served() as port:
            self.url = f"http://127.0.0.1:{port}"
            self._served.set()
            await self._stop.wait()
