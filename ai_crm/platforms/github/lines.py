"""Connections to GitHub that outlive a conversation: who may use one next, and when it is too old for that."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from ai_crm.platforms.github.access import Access
from ai_crm.platforms.github.answers import API_VERSION
from ai_crm.platforms.github.kept import Kept
from ai_crm.platforms.transport import Transport

if TYPE_CHECKING:
    from ai_crm.platforms.github.client import Client  # cold start: PyGithub

_IDLE = 45.0  # seconds: GitHub and what stands before it hang up after about a minute


class Line:
    """What one token opens: connections for questions and, once something is written, PyGithub's. Blocks.

    One conversation at a time uses it. Raises SettingsInvalid for an address that no token may be sent to.
    """

    def __init__(self, access: Access, token: str) -> None:
        self.access = access
        self.token = token
        self.idle_since = 0.0
        self._transports: dict[str, Transport] = {}
        self._client: Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        for transport in self._transports.values():
            transport.close()
        if self._client is not None:
            self._client.close()

    def to(self, url: str) -> Transport:
        """The connection to that address, which is made with the first request."""
        if url not in self._transports:
            self._transports[url] = self._transport(url)
        return self._transports[url]

    def writer(self) -> Client:
        if self._client is None:
            from ai_crm.platforms.github.client import Client  # noqa: PLC0415 - cold start: PyGithub

            self._client = Client(self.access.api_url, self.token)
        return self._client

    def _transport(self, url: str) -> Transport:
        headers = {
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": API_VERSION,
        }
        if self.token:  # GitHub shows public repositories to everybody, but refuses an empty token
            headers["Authorization"] = f"Bearer {self.token}"
        return Transport(url, headers=headers, proxy=self.access.proxy)


class Lines:
    """Lends lines, one conversation each, and keeps at most `most` of those given back. Thread-safe.

    `refused` is told the token that GitHub did not accept. Unless told otherwise, nothing is kept.
    """

    def __init__(
        self,
        most: int = 0,
        now: Callable[[], float] = float,
        refused: Callable[[str], object] = lambda _: None,
        kept: Kept | None = None,
    ) -> None:
        self.kept = kept or Kept()
        self._most = most
        self._now = now
        self._refused = refused
        self._idle: list[Line] = []  # the one given back last at the end
        self._lock = threading.Lock()

    def take(self, access: Access) -> Line:
        """A line for the token that this access has now. Asking for the token may block and raise UpstreamError."""
        token = access.token()
        with self._lock:
            self._drop_old()
            known = next((line for line in reversed(self._idle) if line.token == token), None)
            if known is not None:
                self._idle.remove(known)
        return known or Line(access, token)

    def give(self, line: Line, *, refused: bool) -> None:
        """Takes a line back; `refused` when GitHub did not accept its token."""
        if refused:
            self._refused(line.token)
            line.close()
            return
        with self._lock:
            line.idle_since = self._now()
            self._idle.append(line)
            self._drop_old()

    def close(self) -> None:
        """Hangs up what is kept, and keeps nothing from now on."""
        with self._lock:
            idle, self._idle, self._most = self._idle, [], 0
        for line in idle:
            line.close()

    def _drop_old(self) -> None:
        oldest = self._now() - _IDLE
        while self._idle and (len(self._idle) > self._most or self._idle[0].idle_since < oldest):
            self._idle.pop(0).close()
