"""What a bot has said that it heard is done, whatever becomes of the process that said so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import ClassVar, Protocol

import structlog

from ai_crm.errors import AiCrmError, StoreError
from ai_crm.model.item import PlatformName
from ai_crm.ports.promises import Promise, Promises

# Seconds between two looks at what others left undone.
_LOOKS = 5.0

# Seconds that saying "heard" may take longer because of the store. Slack gives three, and a window needs two itself.
_PATIENCE = 0.5

log = structlog.get_logger()


class Promising(Protocol):
    """What a bot does about what it cannot do before it says that it heard.

    `late` says that whoever asked was told already that it takes long: nobody waits for the answer.
    """

    late: ClassVar[bool]

    async def give(self, name: str, body: bytes) -> bool:
        """False where somebody is at it already. Raises StoreUnavailable."""
        ...

    async def keep(self, name: str) -> None:
        """It is done."""
        ...


class Promised:
    """Implements Promising for one bot. What has no name needs no promise: it is answered while somebody waits."""

    late: ClassVar[bool] = False

    def __init__(self, promises: Promises, platform: PlatformName, now: Callable[[], datetime]) -> None:
        self._promises = promises
        self._platform = platform
        self._now = now

    async def give(self, name: str, body: bytes) -> bool:
        """Before anybody is told that it is heard: what raises is told to be not.

        A store that is slow keeps nobody waiting: the promise is on its way to it, and before whatever is done about it.
        """
        if not name:
            return True
        giving = asyncio.ensure_future(self._promises.give(self._promise(name, body), self._now()))
        await asyncio.wait({giving}, timeout=_PATIENCE)
        if giving.done():
            return giving.result()
        giving.add_done_callback(_noted)
        return True

    async def keep(self, name: str) -> None:
        """What cannot be noted is done once more, which does no harm."""
        if not name:
            return
        try:
            await self._promises.keep(self._promise(name))
        except StoreError as error:
            log.warning("promise", action="promise", problem=str(error))

    async def run(self, again: Callable[[bytes], Awaitable[None]], stop: asyncio.Event) -> None:
        """Does what a process that is gone has left undone, until `stop` is set."""
        while not stop.is_set():
            try:
                await self._look(again)
            except StoreError as error:
                log.warning("promise", action="promise", problem=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _LOOKS)

    async def _look(self, again: Callable[[bytes], Awaitable[None]]) -> None:
        given_up = await self._promises.give_up(self._platform, self._now())
        if given_up:
            log.error("promises broken", action="promise", platform=self._platform.value, count=given_up)
        left = await self._promises.broken(self._platform, self._now())
        for _ in left:
            log.info("promise", action="promise", platform=self._platform.value, state="again")
        done = await asyncio.gather(*(again(promise.body) for promise in left), return_exceptions=True)
        for failed in (each for each in done if isinstance(each, BaseException)):
            _log(
                failed
            )  # it stays, as what only a newer version can read does, and ends nothing that is left beside it

    def taken_over(self) -> Promising:
        """For what `run` gives out: it is promised, and the caller is who is at it."""
        return _TakenOver(self)

    def _promise(self, name: str, body: bytes = b"") -> Promise:
        return Promise(platform=self._platform, id=name, body=body)


def _noted(giving: asyncio.Future[bool]) -> None:
    if not giving.cancelled() and (error := giving.exception()):
        _log(error)


def _log(error: BaseException) -> None:
    if isinstance(error, AiCrmError):
        log.warning("promise", action="promise", problem=str(error))
    else:
        log.error("fault", action="promise", exc_info=(type(error), error, error.__traceback__))


class _TakenOver:
    """Implements Promising."""

    late: ClassVar[bool] = True

    def __init__(self, promised: Promised) -> None:
        self._promised = promised

    async def give(self, name: str, body: bytes) -> bool:  # noqa: ARG002 - as the port has it
        return True

    async def keep(self, name: str) -> None:
        await self._promised.keep(name)
