"""What stands around every request: its id, the headers of every answer, one line in the log, and the last safety net."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ai_crm.hub.dashboard.mishaps import dressed, fault
from ai_crm.hub.dashboard.policy import page_headers
from ai_crm.hub.problems import problem
from ai_crm.hub.refusals import Refusals
from ai_crm.hub.routes import Guard, Open
from ai_crm.hub.telemetry import Metrics

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
# Where people come over TLS: browsers then come no other way for a year, so that nobody on their way reads along.
_TLS = {"Strict-Transport-Security": "max-age=31536000"}

log = structlog.get_logger()


class Frame:
    """The outermost layer. A request's id is ours, never one that a caller chose; `X-Request-Id` tells it.

    Whoever is refused too often hears 429 instead of 401, or of what else a door refuses with. Each call is looked at
    all the same: it may be genuine.
    """

    def __init__(
        self, app: ASGIApp, metrics: Metrics, new_id: Callable[[], str], refusals: Refusals, *, secure: bool
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._new_id = new_id
        self._refusals = refusals
        self._headers = HEADERS | _TLS if secure else HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._new_id()
        answer = _Answer(send, {**self._headers, "X-Request-Id": request_id}, scope, self._refusals)
        begun = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request=request_id):
            try:
                await self._app(scope, receive, answer.send)
            except Exception:
                log.exception("fault", action="fault")
                await _own_up(scope, receive, answer)
            finally:
                self._tell(scope, answer.status, time.perf_counter() - begun)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        """The route's pattern is told, not the path: what a stranger types there is none of the log's business."""
        endpoint = scope.get("endpoint")
        route = endpoint.path if isinstance(endpoint, Guard) else "none"
        self._metrics.requests.labels(route, str(status)).inc()
        log.info(
            "request",
            action="request",
            method=scope["method"] if scope["method"] in _METHODS else "other",
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            client=_client(scope),
        )


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _client(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _refusal(scope: Scope) -> int:
    """The status with which the door that was reached turns people away."""
    policy = getattr(scope.get("endpoint"), "policy", None)
    return policy.refusal if isinstance(policy, Open) else HTTPStatus.UNAUTHORIZED


class _Answer:
    """Notes the status, and puts what belongs on every answer onto it; a page may have a policy of its own."""

    def __init__(self, send: Send, headers: Mapping[str, str], scope: Scope, refusals: Refusals) -> None:
        self._send = send
        self._headers = headers
        self._scope = scope
        self._refusals = refusals
        self._replaced = False
        self.status = 0  # nothing was answered

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == _refusal(self._scope):
            wait = self._refusals.wait(_client(self._scope))
            if wait:
                await self._tell_to_wait(wait)
        if not self._replaced:
            await self._sent(message)

    async def _tell_to_wait(self, seconds: float) -> None:
        headers = {"Retry-After": str(math.ceil(seconds)), "Connection": "close"}
        document = problem(429, "refused-too-often", "Too many calls from this address were not genuine.", headers)
        told = dressed(document, self._scope)
        await self._sent({"type": "http.response.start", "status": told.status_code, "headers": told.raw_headers})
        await self._sent({"type": "http.response.body", "body": told.body})
        self._replaced = True

    async def _sent(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers.setdefault(name, value)
            if hosts := self._scope.get("state", {}).get("frame_ancestors", ()):
                headers.update(page_headers(hosts))
        await self._send(message)


async def _own_up(scope: Scope, receive: Receive, answer: _Answer) -> None:
    """An answer that has begun cannot be taken back: the server closes the connection over it."""
    if not answer.status:
        await fault(scope)(scope, receive, answer.send)
        answer.status = HTTPStatus.INTERNAL_SERVER_ERROR
