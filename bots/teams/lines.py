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

# Each carries one request at a time, and needs a thread for it.
_WIDTH = 4
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
        self._free: list[tuple[str, Connector]] = []
        self._slots = asyncio.Semaphore(_WIDTH)

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
        """What is under way goes on to its end."""
        while self._free:
            self._free.pop()[1].close()
        self._proof.close()

    async def _asked(self, service_url: str, work: Callable[[Connector], T]) -> T:
        if not self._is_allowed(service_url):
            raise CredentialsRefused("the bot's token is not sent to this service", where="Teams")
        async with self._slots:
            connector = self._taken(service_url)
            try:
                return await asyncio.to_thread(work, connector)
            finally:
                self._free.append((service_url, connector))

    def _taken(self, service_url: str) -> Connector:
        """One that is kept, in the place of the one that was used longest ago where it is for another service."""
        for at, (known, connector) in enumerate(self._free):
            if known == service_url:
                del self._free[at]
                return connector
        if len(self._free) >= _WIDTH:
            self._free.pop(0)[1].close()
        return Connector(Transport(service_url, headers={}, proxy=self._proxy), self._proof)
