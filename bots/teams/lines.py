"""The connections to Bot Connectors: to which of them the bot speaks, and how often it tries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ai_crm.errors import CredentialsRefused, RateLimited, UpstreamUnavailable
from ai_crm.platforms.teams.client import Connector
from ai_crm.platforms.teams.login import Proof
from ai_crm.platforms.transport import Transport

T = TypeVar("T")

# Each carries one request at a time.
_WIDTH = 4
_MOST_SERVICES = 16
_ATTEMPTS = 3
# Seconds: somebody waits for the answer.
_LONGEST_PAUSE = 10.0


class Lines:
    """`is_allowed` says whether a service may be spoken to at all, whatever an activity names."""

    def __init__(
        self,
        is_allowed: Callable[[str], bool],
        proof: Proof,
        proxy: str,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._is_allowed = is_allowed
        self._proof = proof
        self._proxy = proxy
        self._sleep = sleep
        self._free: dict[str, asyncio.Queue[Connector]] = {}

    async def ask(self, service_url: str, work: Callable[[Connector], T]) -> T:
        """What `work` makes of a connector. What passes is tried three times. Raises UpstreamError."""
        for attempt in range(1, _ATTEMPTS):
            try:
                return await self._asked(service_url, work)
            except RateLimited as error:
                await self._sleep(min(error.retry_after, _LONGEST_PAUSE))
            except UpstreamUnavailable:
                await self._sleep(float(attempt))
        return await self._asked(service_url, work)

    def close(self) -> None:
        for service_url in tuple(self._free):
            self._forget(service_url)
        self._proof.close()

    async def _asked(self, service_url: str, work: Callable[[Connector], T]) -> T:
        free = self._of(service_url)
        connector = await free.get()
        try:
            return await asyncio.to_thread(work, connector)
        finally:
            if self._free.get(service_url) is free:
                free.put_nowait(connector)
            else:
                connector.close()

    def _of(self, service_url: str) -> asyncio.Queue[Connector]:
        if service_url not in self._free:
            if not self._is_allowed(service_url):
                raise CredentialsRefused("the bot's token is not sent to this service", where="Teams")
            if len(self._free) >= _MOST_SERVICES:
                self._forget(next(iter(self._free)))
            free: asyncio.Queue[Connector] = asyncio.Queue()
            for _ in range(_WIDTH):
                free.put_nowait(Connector(Transport(service_url, headers={}, proxy=self._proxy), self._proof))
            self._free[service_url] = free
        return self._free[service_url]

    def _forget(self, service_url: str) -> None:
        """What is under way goes on to its end."""
        free = self._free.pop(service_url)
        while not free.empty():
            free.get_nowait().close()
