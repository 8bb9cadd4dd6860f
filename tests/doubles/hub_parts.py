"""The hub's web side on a store that is a few dictionaries, and a caller that speaks ASGI without a socket."""

# ruff: noqa: ARG002 - a store of dictionaries is asked more than it looks at

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import msgspec
from msgspec import Struct
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Scope

from ai_crm.errors import StoreUnavailable
from ai_crm.hub.app import Parts, build_app
from ai_crm.hub.server import BOUNDS, Bounds, listen, serve
from ai_crm.hub.telemetry import Metrics
from ai_crm.model.access import Principal, Role
from ai_crm.model.decision import Decision
from ai_crm.model.delivery import Delivery, Lease, Setback
from ai_crm.model.item import PlatformName
from ai_crm.model.secret import Secret
from ai_crm.platforms.github.receive import GitHubReceiver
from ai_crm.ports.queue import Accepted, HeldDelivery
from ai_crm.ports.receiver import Connection, Receiver
from ai_crm.ports.sessions import Sessions

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
SECRET = "It's a Secret to Everybody"
GITHUB = "gh-1"
OPERATOR, VIEWER = "aicrm_operator", "aicrm_viewer"
HOOK = f"/webhooks/github/{GITHUB}"


class StillClock:
    def now(self) -> datetime:
        return NOW


class MemoryInbox:
    """Keeps deliveries; `down` makes it a store that cannot be reached."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.down = False

    async def accept(self, delivery: Delivery) -> Accepted:
        if self.down:
            raise StoreUnavailable("the database does not answer", hint="Try again")
        for known in self.deliveries:
            same_call = delivery.vendor_id and known.vendor_id == delivery.vendor_id
            if known.connection == delivery.connection and (same_call or known.body_hash == delivery.body_hash):
                return Accepted(known.id, duplicate=True)
        self.deliveries.append(delivery)
        return Accepted(delivery.id, duplicate=False)

    async def take(self, holder: str, now: datetime, most: int) -> tuple[HeldDelivery, ...]:
        return ()

    async def decide(self, lease: Lease, decisions: tuple[Decision, ...], now: datetime) -> None:
        raise StoreUnavailable("nothing is decided here")

    async def postpone(self, lease: Lease, setback: Setback, until: datetime) -> None:
        raise StoreUnavailable("nothing waits here")

    async def bury(self, lease: Lease, setback: Setback, now: datetime) -> None:
        raise StoreUnavailable("nothing is buried here")


class MemoryConnections:
    def __init__(self, *connections: Connection) -> None:
        self.kept = {each.id: each for each in connections}

    async def find(self, connection: str) -> Connection | None:
        found = self.kept.get(connection)
        return found if found and found.active else None

    async def of(self, workspace: str) -> tuple[Connection, ...]:
        return tuple(each for each in self.kept.values() if each.workspace == workspace and each.active)

    async def all(self) -> tuple[Connection, ...]:
        return tuple(self.kept.values())


class MemoryKeys:
    def __init__(self, known: Mapping[str, Principal]) -> None:
        self._known = known

    async def principal(self, key: str) -> Principal | None:
        return self._known.get(key)


def connection(name: str = GITHUB, secret: str = SECRET, before: str = "", *, active: bool = True) -> Connection:
    secrets = {"webhook_secret": Secret(secret), "webhook_secret_before": Secret(before)}
    return Connection(
        workspace="default",
        id=name,
        platform=PlatformName.GITHUB,
        settings={},
        secrets={each: value for each, value in secrets.items() if value},
        active=active,
    )


class Hub:
    """A web side and what a test looks at: `inbox`, `woken`, `metrics`, `trouble`."""

    def __init__(
        self,
        *connections: Connection,
        api: tuple[Route, ...] = (),
        receipt_seconds: float = 20.0,
        receivers: Mapping[PlatformName, Receiver] | None = None,
        sessions: Sessions | None = None,
        base_url: str = "",
    ) -> None:
        self.inbox = MemoryInbox()
        self.metrics = Metrics()
        self.woken = 0
        self.trouble = ""
        numbers = itertools.count(1)
        self.parts = Parts(
            connections=MemoryConnections(*(connections or (connection(),))),
            receivers={PlatformName.GITHUB: GitHubReceiver()} if receivers is None else receivers,
            inbox=self.inbox,
            keys=MemoryKeys(
                {
                    OPERATOR: Principal(name="ann", workspace="default", role=Role.OPERATOR),
                    VIEWER: Principal(name="vic", workspace="default", role=Role.VIEWER),
                }
            ),
            clock=StillClock(),
            ready=self._ready,
            wake=self._wake,
            metrics=self.metrics,
            api=api,
            sessions=sessions,
            base_url=base_url,
            new_id=lambda: f"request-{next(numbers)}",
            receipt_seconds=receipt_seconds,
        )
        self.app = build_app(self.parts)

    async def _ready(self) -> str:
        return self.trouble

    def _wake(self) -> None:
        self.woken += 1

    @asynccontextmanager
    async def served(self, bounds: Bounds = BOUNDS) -> AsyncIterator[int]:
        """Through the real server on loopback; gives its port."""
        listener, stop = listen(port=0), asyncio.Event()
        port: int = listener.getsockname()[1]
        serving = asyncio.create_task(serve(self.app, listener, stop, bounds))
        try:
            yield port
        finally:
            stop.set()
            await serving


class Answer(Struct, frozen=True):
    """Header names are lower case. `pulled` is how many pieces of the body were asked for, `cookies` what was set."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    pulled: int
    cookies: tuple[str, ...] = ()

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


async def call(
    app: ASGIApp,
    method: str,
    path: str,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes | Iterable[bytes] = b"",
) -> Answer:
    """One request; `path` may hold a query. Headers are sent as latin-1, as a server hands them over."""
    place, _, query = path.partition("?")
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": unquote(place), "raw_path": place.encode(), "query_string": query.encode(), "root_path": "", "headers": raw,
        "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", 8080),
    }  # fmt: skip
    pieces = iter([body] if isinstance(body, bytes) else body)
    sent: list[Message] = []
    pulled = 0

    async def receive() -> Message:
        nonlocal pulled
        pulled += 1
        piece = next(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    cookies = tuple(value.decode("latin-1") for name, value in sent[0]["headers"] if name.lower() == b"set-cookie")
    return Answer(sent[0]["status"], told, b"".join(each.get("body", b"") for each in sent[1:]), pulled, cookies)


def sign(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def delivered(
    body: bytes, secret: str = SECRET, *, name: str = "issues", vendor_id: str = "d-1"
) -> tuple[tuple[str, str], ...]:
    """The headers of a genuine delivery from GitHub."""
    return (
        ("content-type", "application/json"),
        ("x-github-event", name),
        ("x-github-delivery", vendor_id),
        ("x-hub-signature-256", sign(body, secret)),
    )


def bearer(key: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {key}"),)
