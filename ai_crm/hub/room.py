"""How much of bodies under way may be in memory, and who makes room for others when it is not enough."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

MEBIBYTE = 1024 * 1024


class Guest:
    """A body that is coming in. Whoever needs its room has `reading` run out."""

    def __init__(self, reading: asyncio.Timeout, since: float) -> None:
        self.reading = reading
        self.since = since
        self.size = 0


class Room:
    """Bodies of so many bytes in all. When there is no room, what comes waits at its sender, and whoever has been
    sending for longer than `patience` seconds makes room, the longest first.

    A stranger who stalls thus keeps nobody waiting, and an honest sender is done before that.
    """

    def __init__(self, size: int = 256 * MEBIBYTE, patience: float = 2.0) -> None:
        self._free = size
        self._patience = patience
        self._reading: dict[Guest, None] = {}  # whoever began first comes first
        self._freed = asyncio.Event()

    @contextlib.contextmanager
    def guest(self, reading: asyncio.Timeout) -> Iterator[Guest]:
        """Its room is its own until the end of the context, and from `stay` on nobody sends it away."""
        guest = Guest(reading, asyncio.get_running_loop().time())
        self._reading[guest] = None
        try:
            yield guest
        finally:
            self.stay(guest)
            self._free += guest.size
            self._freed.set()

    def stay(self, guest: Guest) -> None:
        """It is complete."""
        self._reading.pop(guest, None)

    async def take(self, guest: Guest, size: int) -> None:
        """Waits until there is room for so many bytes more."""
        while self._free < size:
            self._freed.clear()
            wait = self._make_room()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._freed.wait(), wait)
        self._free -= size
        guest.size += size

    def _make_room(self) -> float:
        """Seconds until it is of use to ask again, if nothing becomes free before."""
        if not self._reading:
            return self._patience
        now, longest = asyncio.get_running_loop().time(), next(iter(self._reading))
        left = longest.since + self._patience - now
        if left <= 0:
            self.stay(longest)
            longest.reading.reschedule(now)
            return self._patience
        return left
