"""What a worker does now and then beside its work: asks for what got lost, removes what is old, looks at the clock."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from ai_crm.errors import AiCrmError

SWEEP_EVERY = 600.0  # seconds
TIDY_EVERY = 3600.0
DIGESTS_EVERY = 60.0
ALERTS_EVERY = 600.0  # how a connection is doing takes a look at everything that it ever brought
TURNS_EVERY = 20.0

log = structlog.get_logger()


async def recurring(name: str, every: float, work: Callable[[], Awaitable[int]], stop: asyncio.Event) -> None:
    """Does it at once and then each `every` seconds until `stop`; a failure is told and waits for the next time.

    A fault of ours, too: what is only done now and then must not take the work with it that never rests.
    """
    while not stop.is_set():
        try:
            done = await work()
        except AiCrmError as error:
            log.warning(name, action=name, problem=str(error))
        except Exception:
            log.exception("fault", action=name)
        else:
            (log.info if done else log.debug)(name, action=name, count=done)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every)
