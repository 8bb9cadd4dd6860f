"""What a repeated request needs from the store: who was first under a key, and what was answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct


class KeptAnswer(Struct, frozen=True, kw_only=True):
    """An answer as it was sent. `body` is JSON; `headers` are those that say something about it."""

    status: int
    headers: Mapping[str, str]
    body: str


class Claim(Struct, frozen=True, kw_only=True):
    """A key of a client. `request` is the hash of what was asked when it was first used, and `since` is when.

    `answer` is None as long as nobody has finished it: then whoever comes with the same request works on it too, to the
    same end.
    """

    request: str
    since: datetime
    answer: KeptAnswer | None = None


class Answers(Protocol):
    """Keys that requests bring along so that their repetition does nothing. Raises StoreUnavailable."""

    async def claim(self, workspace: str, key: str, request: str, now: datetime) -> Claim:
        """The key as whoever used it first made it; this request's own when nobody did."""
        ...

    async def finish(self, workspace: str, key: str, answer: KeptAnswer) -> KeptAnswer:
        """Keeps the answer, unless somebody was faster: then theirs counts, and is returned."""
        ...
