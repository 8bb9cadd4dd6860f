"""What the commands that work on a hub have in common: its settings, and a moment with its database."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from ai_crm.config.hub_settings import HubSettings, read_hub_settings

if TYPE_CHECKING:
    from ai_crm.wiring.hub import Hub  # heavy: only the commands of a hub need it

T = TypeVar("T")


def settings() -> HubSettings:
    """Raises SettingsInvalid with everything that is wrong in the environment."""
    return read_hub_settings(os.environ)


def with_hub(work: Callable[[Hub], Awaitable[T]]) -> T:
    """What `work` makes of the hub's parts. Nothing is served meanwhile."""
    from ai_crm.wiring import SystemClock  # noqa: PLC0415 - as above
    from ai_crm.wiring.hub import assemble  # noqa: PLC0415 - as above

    async def run() -> T:
        hub = assemble(settings(), SystemClock())
        try:
            return await work(hub)
        finally:
            hub.close()

    return asyncio.run(run())
