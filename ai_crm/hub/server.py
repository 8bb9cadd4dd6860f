"""The socket side of the hub: how long a caller may take, how many may come at once, and how the server is let go."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
import socket
from asyncio import AbstractEventLoop, TimerHandle, Transport
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar, cast

import uvicorn
from msgspec import Struct
from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from ai_crm.errors import Problem, SettingsInvalid

T = TypeVar("T")


class Bounds(Struct, frozen=True, kw_only=True):
    """`body_seconds` is longer than the hub's own patience with a body, which gives a proper answer first.

    `connections` counts open ones. For one more the one that has kept us waiting for a request longest is closed, and
    where none does, because all have sent theirs, it is answered 503. `grace_seconds` is how long requests under way
    may take after the server was told to stop.
    """

    head_seconds: float = 10.0
    head_bytes: int = 64 * 1024
    body_seconds: float = 25.0
    connections: int = 2000
    grace_seconds: int = 20


BOUNDS = Bounds()


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs a process: on uvloop, where there is one for the system."""
    with asyncio.Runner(loop_factory=_new_loop()) as runner:
        return runner.run(main)


def stop_on_signals() -> asyncio.Event:
    """Set at the first SIGTERM or SIGINT. At the second one, whoever sent it is believed: the process ends."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told(which: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(which)

    for which in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(which, told, which)
    return stop


def listen(host: str = "127.0.0.1", port: int = 8080) -> socket.socket:
    """A socket that listens; port 0 is any free one. Raises SettingsInvalid where that is not possible."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or "no such address"
        hint = "choose another AI_CRM_HOST or AI_CRM_PORT"
        raise SettingsInvalid(
            (Problem("AI_CRM_PORT", 0, 0, f"cannot listen on {host}:{port}: {why}", hint),)
        ) from error


async def serve(
    app: ASGIApp, listener: socket.socket, stop: asyncio.Event, bounds: Bounds = BOUNDS, trusted: tuple[str, ...] = ()
) -> None:
    """Serves until `stop` is set, then takes no more, finishes what is under way and returns.

    `trusted` are addresses of proxies whose X-Forwarded-For is believed; nobody else's is.
    """
    server = _Server(_config(app, bounds, trusted))
    waiting = asyncio.create_task(_pass_on(stop, server))
    try:
        await server.serve(sockets=[listener])
    finally:
        waiting.cancel()
        listener.close()


def _new_loop() -> Callable[[], AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not made for Windows
    except ImportError:
        return None
    return uvloop.new_event_loop


def _config(app: ASGIApp, bounds: Bounds, trusted: tuple[str, ...]) -> Config:
    waiting: dict[Impatient, None] = {}
    protocol = cast("type[asyncio.Protocol]", functools.partial(Impatient, bounds=bounds, waiting=waiting))
    return Config(
        cast("Any", app),
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted),
        forwarded_allow_ips=list(trusted),
        limit_concurrency=bounds.connections,
        timeout_graceful_shutdown=bounds.grace_seconds,
    )


async def _pass_on(stop: asyncio.Event, server: uvicorn.Server) -> None:
    await stop.wait()
    server.should_exit = True


class _Server(uvicorn.Server):
    """Leaves the signals alone: the process has a worker beside the server, and both stop together."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Impatient(HttpToolsProtocol):
    """Closes a connection whose request does not come in time, or whose head has no end.

    uvicorn waits for ever for both, and each byte starts its keep-alive time anew (2026-11, uvicorn 0.54).
    `waiting` is shared by all: the connections that a request is to come from, whoever waits longest first. Whoever
    sends nothing, or slowly, loses its place to others when there are no more; whoever sends at once is never first.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
        *,
        bounds: Bounds,
        waiting: dict[Impatient, None],
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._bounds = bounds
        self._waiting = waiting
        self._deadline: TimerHandle | None = None
        self._in_head = True
        self._head_size = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # uvicorn's own choice
        super().connection_made(transport)
        self._make_room()
        self._waiting[self] = None
        self._expect(self._bounds.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._waiting.pop(self, None)
        self._expect(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_size += len(data)
            if self._deadline is None:  # the next request on a connection that was kept
                self._expect(self._bounds.head_seconds)
        super().data_received(data)
        if self._head_size > self._bounds.head_bytes:  # and its end was not in there, which sets it to 0
            self._give_up()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_size = 0
        self._expect(self._bounds.body_seconds)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = True
        self._waiting.pop(self, None)
        self._expect(None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._waiting[self] = None

    def _make_room(self) -> None:
        if len(self.connections) >= self._bounds.connections and self._waiting:
            longest = next(iter(self._waiting))
            del self._waiting[longest]
            self.connections.discard(longest)
            longest.transport.abort()

    def _expect(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        self._deadline = None
        self.transport.abort()
