"""What stands between an Action and its hub: passes everything on, until a test says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from tests.doubles.http import ask
from tests.doubles.loopback import Loopback, Reply, Request


class Relay:
    """`before` and `after` are called with each request, before the hub hears of it and before its answer goes back.

    Either may give an answer instead.
    """

    def __init__(self, to: Callable[[], str]) -> None:
        self.before: Callable[[Request], Reply | None] = lambda _request: None
        self.after: Callable[[Request], Reply | None] = lambda _request: None
        self._to = to
        self._loopback = Loopback(self._answer)

    def __enter__(self) -> Self:
        self._loopback.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._loopback.__exit__()

    @property
    def url(self) -> str:
        return self._loopback.url

    @property
    def requests(self) -> list[Request]:
        return self._loopback.requests

    def _answer(self, request: Request) -> Reply:
        instead = self.before(request)
        if instead:
            return instead
        sent = {name: request.headers[name] for name in ("authorization", "content-type") if name in request.headers}
        try:
            answer = ask(request.method, self._to() + request.path, request.body or None, sent)
        except OSError:
            return Reply(502, b"nobody is there")
        kept = {name: value for name, value in answer.headers.items() if name in ("content-type", "retry-after")}
        return self.after(request) or Reply(answer.status, answer.body, kept)
