"""The hub's hands: takes what is due as fast as it can be worked on, and lets go of it in order when it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import TypeVar

import structlog
from msgspec import Struct

from ai_crm.errors import AiCrmError, StoreError
from ai_crm.flow.deliver import platform_of
from ai_crm.flow.work import Desk, Outcome, carry_out, decide_delivery, give_up_change, give_up_delivery
from ai_crm.hub.tracing import NoTraces, Span, Traces
from ai_crm.model.delivery import Setback
from ai_crm.ports.queue import HeldChange, HeldDelivery

# How many of each a worker has in hand at once.
_DELIVERIES = 32
_CHANGES = 16
# After the store failed, so that one that is down is not asked a thousand times a second.
_PAUSE = 1.0


class Worked(Struct, frozen=True, kw_only=True):
    """The end of a piece of work. `seconds` are those since it came in: since its receipt, or since its decision."""

    queue: str
    platform: str
    kind: str
    outcome: Outcome
    seconds: float


Told = Callable[[Worked], None]
Held = TypeVar("Held", HeldDelivery, HeldChange)

log = structlog.get_logger()


class Naps(Struct, frozen=True, kw_only=True):
    """How many seconds a worker sleeps when nobody wakes it: where it hears of other processes' work, and where not.

    What was put off is found by looking alone, so that a nap is never longer than the shortest pace.
    """

    hearing: float = 1.0
    deaf: float = 0.2


NAPS = Naps()
UNTRACED = NoTraces()


class Bell:
    """Wakes whoever waits for work in this process. Rung once too often it costs one look at the queue."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, most: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), most)
        self._rung.clear()


class Worker:
    """`holder` names this process in leases; `told` hears of the end of each piece of work."""

    def __init__(
        self,
        desk: Desk,
        holder: str,
        inbox_bell: Bell,
        told: Told,
        traces: Traces = UNTRACED,
        naps: Naps = NAPS,
    ) -> None:
        self._desk = desk
        self._holder = holder
        self._inbox_bell = inbox_bell
        self._outbox_bell = Bell()
        self._told = told
        self._traces = traces
        self._naps = naps
        self._nap = naps.deaf
        self._stopping = False

    async def run(self) -> None:
        """Works until `stop`; returns when everything in hand is finished."""
        await asyncio.gather(self._decide(), self._deliver())

    def stop(self) -> None:
        self._stopping = True
        self.wake()

    def wake(self) -> None:
        """There may be work, whoever brought it."""
        self._inbox_bell.ring()
        self._outbox_bell.ring()

    def hears(self, *, others: bool) -> None:
        """Whether somebody calls `wake` for what other processes bring."""
        self._nap = self._naps.hearing if others else self._naps.deaf

    async def _decide(self) -> None:
        while not self._stopping:
            held = await self._taken(partial(self._desk.inbox.take, self._holder, self._now(), _DELIVERIES))
            if not held:
                await self._inbox_bell.wait(self._nap)
                continue
            lanes = groupby(sorted(held, key=_lane), key=_lane)
            await asyncio.gather(*[self._decide_lane(tuple(lane)) for _name, lane in lanes])
            self._outbox_bell.ring()

    async def _decide_lane(self, held: tuple[HeldDelivery, ...]) -> None:
        """One after the other; what stands behind one that must wait waits too."""
        for position, each in enumerate(held):
            job = self._traced(_delivery_span(each), decide_delivery(each, self._desk))
            outcome = await self._guarded(job, partial(self._give_up_delivery, each))
            self._tell("inbox", (each.delivery.platform, each.delivery.name), outcome, each.delivery.received_at)
            if outcome in (Outcome.POSTPONED, Outcome.LOST):  # somebody else may be at it, or it comes again
                for behind in held[position + 1 :]:
                    await self._let_go(behind)
                return

    async def _let_go(self, held: HeldDelivery) -> None:
        behind = Setback(reason="behind", detail="an earlier event of the same item waits")
        await self._quietly(self._desk.inbox.postpone(held.lease, behind, self._now()))

    async def _deliver(self) -> None:
        """Keeps so many changes under way: one that takes long keeps nobody else waiting."""
        running: set[asyncio.Task[None]] = set()
        while not self._stopping:
            free = _CHANGES - len(running)
            held = await self._taken(partial(self._desk.outbox.take, self._holder, self._now(), free))
            running |= {asyncio.create_task(self._deliver_one(each)) for each in held}
            if len(running) < _CHANGES and len(held) < free:
                await self._outbox_bell.wait(self._nap)
            elif running:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            running = {task for task in running if not task.done()}
        if running:
            await asyncio.wait(running)

    async def _deliver_one(self, held: HeldChange) -> None:
        job = self._traced(_change_span(held), carry_out(held, self._desk))
        outcome = await self._guarded(job, partial(self._give_up_change, held))
        kind = (platform_of(held.change), str(held.change.__struct_config__.tag))
        self._tell("outbox", kind, outcome, held.planned_at)
        self._outbox_bell.ring()

    def _tell(self, queue: str, kind: tuple[str, str], outcome: Outcome, since: datetime) -> None:
        seconds = max(0.0, (self._now() - since).total_seconds())  # clocks of two machines may disagree
        platform, name = kind
        self._told(Worked(queue=queue, platform=platform, kind=name, outcome=outcome, seconds=seconds))

    async def _traced(self, span: Span, job: Awaitable[Outcome]) -> Outcome:
        with self._traces.work(span) as tell:
            outcome = await job
            tell(outcome)
        return outcome

    async def _guarded(self, job: Awaitable[Outcome], give_up: Callable[[BaseException], Awaitable[None]]) -> Outcome:
        try:
            return await job
        except Exception as fault:
            log.exception("fault", action="work")
            await self._quietly(give_up(fault))
            return Outcome.DEAD

    async def _give_up_delivery(self, held: HeldDelivery, fault: BaseException) -> None:
        await give_up_delivery(held, fault, self._desk)

    async def _give_up_change(self, held: HeldChange, fault: BaseException) -> None:
        await give_up_change(held, fault, self._desk)

    async def _taken(self, take: Callable[[], Awaitable[tuple[Held, ...]]]) -> tuple[Held, ...]:
        try:
            return await take()
        except StoreError as error:
            log.warning("take", action="take", problem=str(error))
            await asyncio.sleep(_PAUSE)
            return ()

    async def _quietly(self, work: Awaitable[None]) -> None:
        """A store that is away keeps the row leased; it is taken up again when the lease runs out."""
        try:
            await work
        except AiCrmError as error:
            log.warning("let_go", action="let_go", problem=str(error))

    def _now(self) -> datetime:
        return self._desk.clock.now()


def _delivery_span(held: HeldDelivery) -> Span:
    delivery = held.delivery
    about = {"platform": delivery.platform, "connection": delivery.connection}
    return Span("decide", delivery.id, {**about, "attempt": held.attempts})


def _change_span(held: HeldChange) -> Span:
    kind, platform = str(held.change.__struct_config__.tag), platform_of(held.change)
    about = {"platform": platform, "connection": held.connection, "kind": kind}
    return Span("carry out", held.event, {**about, "attempt": held.attempts})


def _lane(held: HeldDelivery) -> tuple[str, str]:
    return (held.delivery.workspace, held.delivery.lane)
