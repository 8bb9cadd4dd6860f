"""One process of the hub: its web side, its worker or both, started together and let go together."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterable

import structlog
from starlette.routing import Route

from ai_crm.config.hub_settings import HubSettings, Role
from ai_crm.errors import SettingsInvalid, StoreError
from ai_crm.flow.work import Outcome
from ai_crm.hub import server
from ai_crm.hub.action_routes import ActionApi, action_routes
from ai_crm.hub.api.contract import contract_routes
from ai_crm.hub.app import Parts, build_app
from ai_crm.hub.dashboard.routes import dashboard_routes
from ai_crm.hub.dashboard.sign_in import Door, no_further, sign_in_routes
from ai_crm.hub.front import fronts
from ai_crm.hub.once import Once
from ai_crm.hub.pictures import picture_routes
from ai_crm.hub.rest import Api, api_routes
from ai_crm.hub.task_routes import TaskApi, task_routes
from ai_crm.hub.telemetry import Metrics, start_logging
from ai_crm.hub.tracer import start_tracing
from ai_crm.hub.upkeep import ALERTS_EVERY, DIGESTS_EVERY, SWEEP_EVERY, TIDY_EVERY, TURNS_EVERY, recurring
from ai_crm.hub.worker import Bell, Worked, Worker
from ai_crm.ports import Clock
from ai_crm.store.pictures import Pictures
from ai_crm.wiring import SystemClock
from ai_crm.wiring.hub import RECEIVERS, Calling, Hub, assemble, command_desk

log = structlog.get_logger()


Assemble = Callable[[HubSettings, Clock, Calling], Hub]


def run(settings: HubSettings, role: Role, told: Callable[[str], None], assembled: Assemble = assemble) -> None:
    """Runs until SIGTERM or SIGINT; `told` hears the address once calls are taken.

    Raises SettingsInvalid and StoreError when it cannot start.
    """
    start_logging()
    server.run(_run(settings, role, told, assembled))


async def _run(settings: HubSettings, role: Role, told: Callable[[str], None], assembled: Assemble) -> None:
    stop = server.stop_on_signals()
    listener = server.listen(settings.host, settings.port)
    traces = start_tracing(os.environ)
    hub = assembled(settings, SystemClock(), traces.call)
    bell, metrics = Bell(), Metrics()
    worker = None if role is Role.WEB else Worker(hub.desk, hub.holder, bell, _counted(metrics), traces)
    wake = worker.wake if worker else bell.ring
    bots = () if role is Role.WORKER else fronts(hub, wake)
    parts = Parts(
        connections=hub.connections,
        receivers=RECEIVERS,
        inbox=traces.receiving(hub.inbox),
        keys=hub.keys,
        clock=hub.clock,
        ready=lambda: _trouble(hub),
        wake=wake,
        metrics=metrics,
        backlog=hub.backlog,
        sessions=hub.sessions,
        base_url=settings.base_url,
        framing=next((bot.framing for bot in bots if bot.framing), None),
        api=(*doors(hub, wake), *(route for bot in bots for route in bot.routes)),
    )
    try:
        if hub.redis:
            await hub.redis.check()
        told(_address(listener))
        running = (
            server.serve(build_app(parts), listener, stop, trusted=settings.trusted_proxies),
            *_moving(hub, wake, stop),
            *(bot.run(stop) for bot in bots),
            *([] if worker is None else _works(hub, worker, stop)),
        )
        await together(running, stop)
    finally:
        if hub.redis:
            await hub.redis.close()
        hub.close()
        await asyncio.to_thread(traces.close)
    log.info("stopped", action="stopped", role=role.value)


def doors(hub: Hub, wake: Callable[[], None]) -> tuple[Route, ...]:
    """The API, the pages and the pictures: every door that is neither a platform's nor a bot's."""
    return (
        *_api(hub, wake),
        *action_routes(ActionApi(store=hub.shared, clock=hub.clock, wake=wake)),
        *contract_routes(),
        *sign_in_routes(_door(hub)),
        *dashboard_routes(command_desk(hub, wake, no_further)),
        *picture_routes(Pictures(hub.vault, hub.settings.base_url, hub.clock)),
    )


async def together(jobs: Iterable[Awaitable[None]], stop: asyncio.Event) -> None:
    """Until all have ended. One that fails ends the process in order: the others finish what they have in hand first."""
    running = [asyncio.ensure_future(job) for job in jobs]
    await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
    stop.set()
    await asyncio.wait(running)
    for job in running:
        job.result()


def _api(hub: Hub, wake: Callable[[], None]) -> tuple[Route, ...]:
    once = Once(hub.answers, hub.clock)
    reading = Api(
        records=hub.records,
        comment=hub.comment,
        once=once,
        decode=hub.desk.reach.decode,
        analyst=hub.desk.analyst,
        statuses=hub.statuses,
        clock=hub.clock,
        wake=wake,
    )
    writing = TaskApi(
        records=hub.records,
        store=hub.store,
        once=once,
        analyst=hub.desk.analyst,
        agents=hub.agents,
        statuses=hub.statuses,
        clock=hub.clock,
        wake=wake,
    )
    return (*api_routes(reading), *task_routes(writing))


def _door(hub: Hub) -> Door:
    secure = hub.settings.base_url.startswith("https:")
    return Door(sessions=hub.sessions, keys=hub.keys, clock=hub.clock, secure=secure)


def _works(hub: Hub, worker: Worker, stop: asyncio.Event) -> tuple[Awaitable[None], ...]:
    return (
        _work(worker, stop),
        recurring("sweep", SWEEP_EVERY, hub.sweep, stop),
        recurring("tidy", TIDY_EVERY, hub.tidy, stop),
        recurring("turns", TURNS_EVERY, hub.turns, stop),
        recurring("digests", DIGESTS_EVERY, hub.digests, stop),
        recurring("alerts", ALERTS_EVERY, hub.alerts, stop),
        *_listening(hub, worker, stop),
    )


def _listening(hub: Hub, worker: Worker, stop: asyncio.Event) -> tuple[Awaitable[None], ...]:
    """What tells the worker of other processes' work, where the database can."""

    def told(problem: str) -> None:
        worker.hears(others=not problem)
        if problem:
            log.warning("listen", action="listen", problem=problem)

    listener = hub.listener(worker.wake, told)
    return (listener.run(stop),) if listener else ()


def _moving(hub: Hub, wake: Callable[[], None], stop: asyncio.Event) -> tuple[Awaitable[None], ...]:
    """What brings in what waits in front of the database: in every process, because any may be the last one."""
    mover = hub.mover(wake, lambda problem: log.warning("move", action="move", problem=problem))
    return (mover.run(stop),) if mover else ()


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
        if hub.redis:
            await hub.redis.check()
    except (StoreError, SettingsInvalid) as error:
        return str(error)
    return ""


def _counted(metrics: Metrics) -> Callable[[Worked], None]:
    def count(worked: Worked) -> None:
        inbox, outcome = worked.queue == "inbox", worked.outcome.value
        if inbox:
            metrics.events.labels(worked.platform, outcome).inc()
        else:
            metrics.changes.labels(worked.platform, worked.kind, outcome).inc()
        if worked.outcome in (Outcome.DONE, Outcome.IGNORED):
            seconds = metrics.decided_seconds if inbox else metrics.settled_seconds
            seconds.labels(worked.platform).observe(worked.seconds)

    return count


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
