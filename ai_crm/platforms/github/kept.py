"""Answers of GitHub that need not be sent again while they are true: what is asked with an ETag costs no request."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ai_crm.platforms.transport import Answer  # cold start: http.client


class Kept:
    """Keeps the answers used last, at most `limit` bytes of them; nothing where it is 0. Thread-safe.

    It only saves sending: each time GitHub itself says whether an answer is still true for the token that asks.
    https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
    """

    def __init__(self, limit: int = 0) -> None:
        self._limit = limit
        self._size = 0
        self._answers: dict[str, Answer] = {}  # the one used last at the end
        self._lock = threading.Lock()

    def find(self, path: str) -> Answer | None:
        with self._lock:
            found = self._answers.pop(path, None)
            if found is not None:
                self._answers[path] = found
            return found

    def keep(self, path: str, answer: Answer) -> None:
        """Takes an answer in that has a usable ETag, and lets go of the ones unused for longest."""
        with self._lock:
            self._forget(path)
            if _ETAG.fullmatch(answer.headers.get("etag", "")) and _size(answer) <= self._limit:
                self._answers[path] = answer
                self._size += _size(answer)
            while self._size > self._limit:
                self._forget(next(iter(self._answers)))

    def _forget(self, path: str) -> None:
        known = self._answers.pop(path, None)
        if known is not None:
            self._size -= _size(known)


_ETAG = re.compile(r'(W/)?"[!#-~]{1,200}"')
_OVERHEAD = 2_000  # bytes: headers, path and what Python adds


def _size(answer: Answer) -> int:
    return len(answer.body) + _OVERHEAD
