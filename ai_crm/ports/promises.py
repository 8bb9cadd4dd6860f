"""What people in a chat were told is heard: it is carried out even when the process that heard it dies."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from ai_crm.model.item import PlatformName


class Promise(Struct, frozen=True, kw_only=True):
    """`id` is the platform's own name of the request, `body` what came, as the bot reads it again."""

    platform: PlatformName
    id: str
    body: bytes


class Promises(Protocol):
    """All raise StoreUnavailable. Carrying something out twice must do no harm: whoever takes over cannot know."""

    async def give(self, promise: Promise, now: datetime) -> bool:
        """False for one that was given before and is not kept yet: somebody is at it."""
        ...

    async def keep(self, promise: Promise) -> None:
        """It is done, or nothing can be done about it."""
        ...

    async def broken(self, platform: PlatformName, now: datetime) -> tuple[Promise, ...]:
        """Those that nobody seems to be at any more. They are the caller's now, and nobody else's for a while."""
        ...

    async def give_up(self, platform: PlatformName, now: datetime) -> int:
        """Forgets those that came too long ago, or that end whoever is at them; how many there were."""
        ...
