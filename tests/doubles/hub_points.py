"""The named points in the life of an event at which a hub can be slowed down or killed, from outside the product.

`X.before` is passed before a call of the port, `X.after` when it has returned. `X.written` lies in the transaction: its
rows are written and COMMIT was not sent; at `X.committed` the database has it and nobody was told.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any, ClassVar

from msgspec import Struct, structs
from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

from ai_crm.config.hub_settings import HubSettings
from ai_crm.flow.work import Reach, Source
from ai_crm.model.change import Applied, OutboundChange
from ai_crm.model.decision import Decision
from ai_crm.model.delivery import Delivery, Lease, Setback
from ai_crm.model.event import Event
from ai_crm.model.item import PlatformName
from ai_crm.ports import Applier, Capabilities, Clock, RawRequest, RulesText
from ai_crm.ports.queue import Accepted, HeldChange, HeldDelivery, Inbox, Outbox
from ai_crm.rules.rule import Policy
from ai_crm.wiring.hub import Calling, Hub, assemble

# In the order in which an event passes them.
POINTS = (
    *("accept.before", "accept.written", "accept.committed", "accept.after"),
    *("take.written", "take.committed", "take.after"),
    *("decide.before", "decide.written", "decide.committed", "decide.after"),
    *("carry.after", "apply.before", "apply.after"),
    *("settle.before", "settle.written", "settle.committed", "settle.after"),
)


class Plan(Struct, frozen=True, kw_only=True):
    """The process kills itself at its `passage`th time `at` a point, counted from 1; without one it lives.

    `slow` maps points to seconds: a wider window lets more in that is under way at the same time.
    """

    at: str = ""
    passage: int = 1
    slow: Mapping[str, float] = {}


def assembled(plan: Plan, settings: HubSettings, clock: Clock, calling: Calling) -> Hub:
    """The hub's own parts, each of them watched."""
    points = _Points(plan)
    _watch_transactions(points)
    hub = assemble(settings, clock, calling)
    desk = structs.replace(
        hub.desk,
        inbox=_Inbox(hub.desk.inbox, points),
        outbox=_Outbox(hub.desk.outbox, points),
        reach=_Reach(hub.desk.reach, points),
    )
    return structs.replace(hub, inbox=_Inbox(hub.inbox, points), desk=desk)


class _Points:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._left = plan.passage
        self._lock = threading.Lock()

    async def reach(self, point: str) -> None:
        await asyncio.sleep(self._plan.slow.get(point, 0))
        self._end(point)

    def reach_in_thread(self, point: str) -> None:
        time.sleep(self._plan.slow.get(point, 0))
        self._end(point)

    def _end(self, point: str) -> None:
        if point != self._plan.at:
            return
        with self._lock:
            self._left -= 1
            ends = self._left == 0
        if ends:
            os.kill(os.getpid(), signal.SIGKILL)


class _Inbox:
    """Implements ports.queue.Inbox."""

    def __init__(self, inbox: Inbox, points: _Points) -> None:
        self._inbox = inbox
        self._points = points

    async def accept(self, delivery: Delivery) -> Accepted:
        await self._points.reach("accept.before")
        accepted = await self._inbox.accept(delivery)
        await self._points.reach("accept.after")
        return accepted

    async def take(self, holder: str, now: datetime, most: int) -> tuple[HeldDelivery, ...]:
        held = await self._inbox.take(holder, now, most)
        if held:
            await self._points.reach("take.after")
        return held

    async def decide(self, lease: Lease, decisions: tuple[Decision, ...], now: datetime) -> None:
        await self._points.reach("decide.before")
        await self._inbox.decide(lease, decisions, now)
        await self._points.reach("decide.after")

    async def postpone(self, lease: Lease, setback: Setback, until: datetime) -> None:
        await self._inbox.postpone(lease, setback, until)

    async def bury(self, lease: Lease, setback: Setback, now: datetime) -> None:
        await self._inbox.bury(lease, setback, now)


class _Outbox:
    """Implements ports.queue.Outbox."""

    def __init__(self, outbox: Outbox, points: _Points) -> None:
        self._outbox = outbox
        self._points = points

    async def take(self, holder: str, now: datetime, most: int) -> tuple[HeldChange, ...]:
        held = await self._outbox.take(holder, now, most)
        if held:
            await self._points.reach("carry.after")
        return held

    async def settle(self, lease: Lease, change: OutboundChange, applied: Applied, now: datetime) -> None:
        await self._points.reach("settle.before")
        await self._outbox.settle(lease, change, applied, now)
        await self._points.reach("settle.after")

    async def postpone(self, lease: Lease, setback: Setback, until: datetime) -> None:
        await self._outbox.postpone(lease, setback, until)

    async def pass_on(self, lease: Lease, connection: str) -> None:
        await self._outbox.pass_on(lease, connection)

    async def hold_back(self, workspace: str, connection: str, until: datetime) -> None:
        await self._outbox.hold_back(workspace, connection, until)

    async def bury(self, lease: Lease, setback: Setback, now: datetime) -> None:
        await self._outbox.bury(lease, setback, now)


class _Reach:
    """Implements flow.work.Reach; the appliers that it opens are watched."""

    def __init__(self, reach: Reach, points: _Points) -> None:
        self._reach = reach
        self._points = points

    def source(self, connection: str, event: Event) -> AbstractAsyncContextManager[Source]:
        return self._reach.source(connection, event)

    @asynccontextmanager
    async def applier(self, held: HeldChange) -> AsyncIterator[Applier]:
        async with self._reach.applier(held) as applier:
            yield _Applier(applier, self._points)

    async def connection(self, held: HeldChange) -> str:
        return await self._reach.connection(held)

    def decode(self, platform: PlatformName, request: RawRequest) -> tuple[Event, ...]:
        return self._reach.decode(platform, request)

    def policy(self, workspace: str, text: RulesText | None) -> Policy:
        return self._reach.policy(workspace, text)


class _Applier:
    """Implements ports.Applier."""

    capabilities: ClassVar[Capabilities]

    def __init__(self, applier: Applier, points: _Points) -> None:
        self.name = applier.name
        self.capabilities = applier.capabilities  # type: ignore[misc]  # of the one that it stands for
        self._applier = applier
        self._points = points

    async def apply(self, change: OutboundChange) -> Applied:
        await self._points.reach("apply.before")
        applied = await self._applier.apply(change)
        await self._points.reach("apply.after")
        return applied

    def close(self) -> None:
        self._applier.close()


def _watch_transactions(points: _Points) -> None:
    """Each thread has one transaction at a time, so what it wrote since the last COMMIT tells which one it is in."""
    wrote = _Wrote()

    def note(_connection: Any, _cursor: Any, statement: str, *_how: Any) -> None:
        wrote.steps.update(step for step, (begin, told) in _STATEMENTS.items() if _is(statement, begin, told=told))

    def written(_connection: Any) -> None:
        for step in sorted(wrote.steps):
            points.reach_in_thread(f"{step}.written")

    def committed(_connection: Any, _record: Any) -> None:
        steps, wrote.steps = wrote.steps, set()
        for step in sorted(steps):
            points.reach_in_thread(f"{step}.committed")

    event.listen(Engine, "after_cursor_execute", note)
    event.listen(Engine, "commit", written)
    event.listen(Engine, "rollback", lambda _connection: wrote.steps.clear())
    event.listen(Pool, "checkin", committed)


class _Wrote(threading.local):
    def __init__(self) -> None:
        self.steps: set[str] = set()


# What each step alone writes: how the statement begins, and whether it wants anything back.
_STATEMENTS = {
    "accept": ("INSERT INTO delivery", True),
    "take": ("UPDATE delivery SET", False),
    "decide": ("INSERT INTO decision", False),
    "settle": ("UPDATE change SET", True),
}


def _is(statement: str, begin: str, *, told: bool) -> bool:
    return statement.startswith(begin) and ("RETURNING" in statement) == told
