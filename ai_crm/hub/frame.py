"""What stands around every request: its id, the headers of every answer, one line in the log, and the last safety net."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ai_crm.hub.problems import unexpected
from ai_crm.hub.routes import Guard
from ai_crm.hub.telemetry import Metrics

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}

log = structlog.get_logger()


class Frame:
    """The outermost layer. A request's id is ours, never one that a caller chose; `X-Request-Id` tells it."""

    def __init__(self, app: ASGIApp, metrics: Metrics, new_id: Callable[[], str]) -> None:
        self._app = app
        self._metrics = metrics
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._new_id()
        answer = _Answer(send, request_id)
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
        client = scope.get("client")
        log.info(
            "request",
            action="request",
            method=scope["method"] if scope["method"] in _METHODS else "other",
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            client=client[0] if client else "",
        )


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class _Answer:
    """Notes the status, and puts what belongs on every answer onto it; a page may have a policy of its own."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 0  # nothing was answered

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers["X-Request-Id"] = self._request_id
        await self._send(message)


async def _own_up(scope: Scope, receive: Receive, answer: _Answer) -> None:
    """An answer that has begun cannot be taken back: the server closes the connection over it."""
    if not answer.status:
        await unexpected()(scope, receive, answer.send)
        answer.status = HTTPStatus.INTERNAL_SERVER_ERROR
