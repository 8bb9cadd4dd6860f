"""The hub's web side as one ASGI application: which doors there are, and what stands behind them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping

import structlog
from msgspec import Struct
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ai_crm.errors import StoreError
from ai_crm.hub.dashboard.gate import origin_of
from ai_crm.hub.dashboard.mishaps import on_mishap
from ai_crm.hub.dashboard.policy import Framing
from ai_crm.hub.frame import Frame
from ai_crm.hub.problems import HANDLED, problem
from ai_crm.hub.receipt import SECONDS
from ai_crm.hub.refusals import Refusals
from ai_crm.hub.routes import Open, is_signed, route, undeclared
from ai_crm.hub.telemetry import Metrics
from ai_crm.hub.webhooks import PATH, Webhooks
from ai_crm.model.access import Permission
from ai_crm.model.item import PlatformName
from ai_crm.ports import Clock
from ai_crm.ports.queue import Backlog, Inbox
from ai_crm.ports.receiver import Connections, Keys, Receiver
from ai_crm.ports.sessions import Sessions

log = structlog.get_logger()


def _new_id() -> str:
    return secrets.token_hex(8)


async def _no_backlog() -> tuple[Backlog, ...]:
    return ()


class Parts(Struct, frozen=True, kw_only=True):
    """What the web side stands on.

    `ready` says why nothing can be accepted, or ""; `wake` tells a worker that something was. `receipt_seconds` is how
    long a body may take, `ticks` a clock that never goes back, `backlog` what waits in the queues. `sessions` is
    needed where there are pages for who is signed in; `base_url` is how people reach them, `framing` where they are
    shown besides.
    """

    connections: Connections
    receivers: Mapping[PlatformName, Receiver]
    inbox: Inbox
    keys: Keys
    clock: Clock
    ready: Callable[[], Awaitable[str]]
    wake: Callable[[], None]
    metrics: Metrics
    api: tuple[Route, ...] = ()
    sessions: Sessions | None = None
    base_url: str = ""
    framing: Framing | None = None
    new_id: Callable[[], str] = _new_id
    ticks: Callable[[], float] = time.monotonic
    backlog: Callable[[], Awaitable[tuple[Backlog, ...]]] = _no_backlog
    receipt_seconds: float = SECONDS


def build_app(parts: Parts) -> Starlette:
    """Raises ValueError when a route has no policy: no door is open because somebody forgot it."""
    routes = (*_own_routes(parts), *parts.api)
    if forgotten := undeclared(routes):
        raise ValueError(f"routes without a policy: {', '.join(forgotten)}")
    if parts.sessions is None and any(is_signed(each) for each in routes):
        raise ValueError("pages for who is signed in, and nothing that knows who that is")
    secure = parts.base_url.startswith("https:")
    refusals = Refusals(parts.ticks)
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(Frame, metrics=parts.metrics, new_id=parts.new_id, refusals=refusals, secure=secure),
        ],
        exception_handlers=dict.fromkeys(HANDLED, on_mishap),
    )
    app.router.redirect_slashes = False
    app.state.keys = parts.keys
    app.state.clock = parts.clock
    app.state.sessions = parts.sessions
    app.state.origin = origin_of(parts.base_url)
    app.state.framing = parts.framing
    app.state.secure = secure
    app.state.receipt_seconds = parts.receipt_seconds
    return app


def _own_routes(parts: Parts) -> tuple[Route, ...]:
    webhooks = Webhooks(parts.connections, parts.receivers, parts.inbox, parts.clock, parts.wake, parts.metrics)

    async def alive(_request: Request) -> Response:
        return PlainTextResponse("ok")

    async def ready(_request: Request) -> Response:
        trouble = await parts.ready()
        if not trouble:
            return PlainTextResponse("ready")
        log.warning("not_ready", action="readyz", problem=trouble)
        return problem(503, "not-ready", "The log says why.", {"Retry-After": "5"})

    async def metrics(_request: Request) -> Response:
        try:
            parts.metrics.waits(await parts.backlog(), parts.clock.now())
        except StoreError as error:
            parts.metrics.waits((), parts.clock.now())  # what cannot be known is not told
            log.warning("backlog", action="metrics", problem=str(error))
        body, content_type = parts.metrics.exposition()
        return Response(body, headers={"Content-Type": content_type})

    signed = Open("every call is signed with the secret of its connection")
    health = Open("says nothing but whether the process is well, to whatever watches it")
    return (
        route(PATH, webhooks.receive, ("POST",), signed, webhooks.limit),
        route("/healthz", alive, ("GET",), health),
        route("/readyz", ready, ("GET",), health),
        route("/metrics", metrics, ("GET",), Permission.METRICS_READ),
    )
