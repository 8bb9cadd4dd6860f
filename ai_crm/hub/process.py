"""One process of the hub: its web side, its worker or both, started together and let go together."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import structlog

from ai_crm.config.hub_settings import HubSettings, Role
from ai_crm.errors import StoreError
from ai_crm.flow.work import Outcome
from ai_crm.hub import server
from ai_crm.hub.api.contract import contract_routes
from ai_crm.hub.app import Parts, build_app
from ai_crm.hub.rest import Api, api_routes
from ai_crm.hub.telemetry import Metrics, start_logging
from ai_crm.hub.upkeep import SWEEP_EVERY, TIDY_EVERY, recurring
from ai_crm.hub.worker import Bell, Worker
from ai_crm.wiring import SystemClock
from ai_crm.wiring_hub import RECEIVERS, Hub, assemble

log = structlog.get_logger()


def run(settings: HubSettings, role: Role, told: Callable[[str], None]) -> None:
    """Runs until SIGTERM or SIGINT; `told` hears the address once calls are taken.

    Raises SettingsInvalid and StoreError when it cannot start.
    """
    start_logging()
    server.run(_run(settings, role, told))


async def _run(settings: HubSettings, role: Role, told: Callable[[str], None]) -> None:
    stop = server.stop_on_signals()
    listener = server.listen(settings.host, settings.port)
    hub = assemble(settings, SystemClock())
    bell, metrics = Bell(), Metrics()
    parts = Parts(
        connections=hub.connections,
        receivers=RECEIVERS,
        inbox=hub.inbox,
        keys=hub.keys,
        clock=hub.clock,
        ready=lambda: _trouble(hub),
        wake=bell.ring,
        metrics=metrics,
        api=(
            *api_routes(Api(records=hub.records, analyst=hub.desk.analyst, clock=hub.clock, wake=bell.ring)),
            *contract_routes(),
        ),
    )
    worker = None if role is Role.WEB else Worker(hub.desk, hub.holder, bell, _counted(metrics))
    try:
        told(_address(listener))
        await asyncio.gather(
            server.serve(build_app(parts), listener, stop), *([] if worker is None else _works(hub, worker, stop))
        )
    finally:
        hub.close()
    log.info("stopped", action="stopped", role=role.value)


def _works(hub: Hub, worker: Worker, stop: asyncio.Event) -> tuple[Awaitable[None], ...]:
    return (
        _work(worker, stop),
        recurring("sweep", SWEEP_EVERY, hub.sweep, stop),
        recurring("tidy", TIDY_EVERY, hub.tidy, stop),
    )


async def _work(worker: Worker, stop: asyncio.Event) -> None:
    """The worker takes nothing new once the process is told to stop, and finishes what it has in hand."""
    working = asyncio.create_task(worker.run())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    worker.stop()
    stop.set()  # a worker that ended by itself takes the process with it: whoever watches starts it again
    await working


async def _trouble(hub: Hub) -> str:
    try:
        await hub.connections.ping()
    except StoreError as error:
        return str(error)
    return ""


def _counted(metrics: Metrics) -> Callable[[str, str, str, Outcome], None]:
    def count(queue: str, platform: str, kind: str, outcome: Outcome) -> None:
        if queue == "inbox":
            metrics.events.labels(platform, outcome.value).inc()
        else:
            metrics.changes.labels(platform, kind, outcome.value).inc()

    return count


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
