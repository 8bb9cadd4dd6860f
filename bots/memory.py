"""What a bot keeps in mind between two calls, within bounds: what it has heard already, and who somebody is."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

V = TypeVar("V")

# How long what a platform said about a person is believed.
_GOOD_FOR = timedelta(minutes=10)
_MOST = 10_000


class Heard:
    """Platforms send again what they believe lost. After a restart the same request changes nothing either."""

    def __init__(self) -> None:
        self._heard: dict[str, None] = {}

    def is_repeated(self, request: str) -> bool:
        """Whether it came before; from now on it has."""
        if request in self._heard:
            return True
        if len(self._heard) >= _MOST:
            del self._heard[next(iter(self._heard))]
        self._heard[request] = None
        return False

    def forget(self, request: str) -> None:
        """It is to be done once more."""
        self._heard.pop(request, None)


class Recent(Generic[V]):
    """What was learned in the last ten minutes."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._known: dict[Hashable, tuple[datetime, V]] = {}

    def get(self, key: Hashable) -> V | None:
        known = self._known.get(key)
        return known[1] if known and self._now() - known[0] < _GOOD_FOR else None

    def keep(self, key: Hashable, value: V) -> V:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[key] = (self._now(), value)
        return value
