"""What a worker does with one delivery and with one change: decides it, carries it out, or says why not and when again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from itertools import chain
from typing import Protocol

from msgspec import Struct

from ai_crm.errors import (
    AiCrmError,
    EventUnknown,
    ItemMissing,
    LeaseLost,
    PayloadInvalid,
    RateLimited,
    StoreError,
    Unsupported,
)
from ai_crm.flow.backoff import next_attempt
from ai_crm.flow.consider import Analysts, consider
from ai_crm.flow.deliver import platform_of
from ai_crm.flow.notices import Listeners, with_notices
from ai_crm.flow.occasions import asked, spread
from ai_crm.model.change import Applied
from ai_crm.model.decision import Decision
from ai_crm.model.delivery import Delivery, Setback
from ai_crm.model.event import Event
from ai_crm.model.item import PlatformName
from ai_crm.ports import Analyst, Applier, Clock, Platform, RawRequest, RulesSource, RulesText, Store
from ai_crm.ports.members import Members
from ai_crm.ports.queue import HeldChange, HeldDelivery, Inbox, Outbox
from ai_crm.ports.watches import Watches
from ai_crm.rules.rule import Policy


class Outcome(StrEnum):
    DONE = "done"
    IGNORED = "ignored"
    POSTPONED = "postponed"
    DEAD = "dead"
    LOST = "lost"  # another worker has taken it over, or does when the lease runs out


class Source(Struct, frozen=True):
    """A platform for the length of one delivery, and where the project's own rules are read."""

    platform: Platform
    rules: RulesSource


class Reach(Protocol):
    """What a worker reaches out to. Opening costs nothing; it is closed when the delivery or change is over."""

    def source(self, connection: str, event: Event) -> AbstractAsyncContextManager[Source]: ...

    def applier(self, held: HeldChange) -> AbstractAsyncContextManager[Applier]: ...

    async def connection(self, held: HeldChange) -> str:
        """What a change must go through: mostly the connection that it was planned for. Raises UpstreamError."""
        ...

    def decode(self, platform: PlatformName, request: RawRequest) -> tuple[Event, ...]: ...

    def policy(self, workspace: str, text: RulesText | None) -> Policy:
        """The project's file and the hub's own rules as one policy. Raises RulesInvalid."""
        ...


class Desk(Struct, frozen=True, kw_only=True):
    """Everything that deciding and carrying out needs. `chance` gives numbers from 0 to 1."""

    inbox: Inbox
    outbox: Outbox
    reach: Reach
    store: Callable[[str], Store]
    members: Members
    watches: Watches
    analyst: Analyst
    clock: Clock
    chance: Callable[[], float]


async def decide_delivery(held: HeldDelivery, desk: Desk) -> Outcome:
    """Decides about one delivery. Raises nothing but what is a fault of ours."""
    try:
        decisions = await _decisions(held.delivery, desk)
        await desk.inbox.decide(held.lease, decisions, desk.clock.now())
    except LeaseLost:
        return Outcome.LOST
    except AiCrmError as error:
        return await _set_delivery_back(held, error, desk)
    return Outcome.DONE if decisions else Outcome.IGNORED


async def carry_out(held: HeldChange, desk: Desk) -> Outcome:
    """Carries one change out. Raises nothing but what is a fault of ours."""
    try:
        through = await desk.reach.connection(held)
        if through != held.connection:
            await desk.outbox.pass_on(held.lease, through)
            return Outcome.POSTPONED
        async with desk.reach.applier(held) as applier:
            applied = await _apply(held, applier)
        await desk.outbox.settle(held.lease, held.change, applied, desk.clock.now())
    except LeaseLost:
        return Outcome.LOST
    except AiCrmError as error:
        return await _set_change_back(held, error, desk)
    return Outcome.DONE


async def give_up_delivery(held: HeldDelivery, fault: BaseException, desk: Desk) -> None:
    """A fault of ours, not of the world: no repetition mends it, a new version may. Raises StoreError."""
    await desk.inbox.bury(held.lease, _fault(fault), desk.clock.now())


async def give_up_change(held: HeldChange, fault: BaseException, desk: Desk) -> None:
    """The same for a change. Raises StoreError."""
    await desk.outbox.bury(held.lease, _fault(fault), desk.clock.now())


async def _decisions(delivery: Delivery, desk: Desk) -> tuple[Decision, ...]:
    headers = {**delivery.headers, "x-ai-crm-event-id": delivery.id}
    _refuse_bomb(delivery.body)
    try:
        events = desk.reach.decode(delivery.platform, RawRequest(headers=headers, body=delivery.body))
        each = [await _decisions_about(event, delivery, desk) for event in events]
    except EventUnknown:
        return ()  # the store keeps it: a newer version may know it
    except ItemMissing:
        if delivery.platform is not PlatformName.HUB:
            raise
        return ()  # a schedule's project is gone, and with it all that was open there
    return tuple(chain.from_iterable(each))


def _refuse_bomb(body: bytes) -> None:
    """Reading a million values takes a moment in which nobody else is served; 25 MB of `[],[]` would take many.

    Counting is a thousand times as fast as reading, and no recorded event has a hundredth of that.
    """
    if len(body) > _MOST_VALUES and sum(map(body.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        raise PayloadInvalid(f"the body holds more than {_MOST_VALUES:,} values", hint="No platform sends such a thing")


_MOST_VALUES = 1_000_000


async def _decisions_about(event: Event, delivery: Delivery, desk: Desk) -> tuple[Decision, ...]:
    """One decision; for a schedule one about each item that it asks about. Behind each comes what people are told."""
    now, store = delivery.received_at, desk.store(delivery.workspace)
    async with desk.reach.source(delivery.connection, event) as source:
        text = None if event.echo else await source.rules.rules(event.project.name)
        policy = asked(desk.reach.policy(delivery.workspace, text), delivery)
        events = await spread(event, policy, source.platform, now)
        analysts = Analysts(desk.analyst, source.rules)
        each = [await consider(one, source.platform, store, policy, analysts, now) for one in events]
    listeners = Listeners(
        members=desk.members, watches=desk.watches, workspace=delivery.workspace, agents=lambda: policy.agents
    )
    told = [await with_notices(considered.decision, store, listeners, now) for considered in each]
    return tuple(chain.from_iterable(told))


async def _apply(held: HeldChange, applier: Applier) -> Applied:
    kind = type(held.change)
    if kind not in applier.capabilities.changes:
        raise Unsupported(applier.capabilities.absent[kind], where=f"{platform_of(held.change)} {kind.__name__}")
    return await applier.apply(held.change)


async def _set_delivery_back(held: HeldDelivery, error: AiCrmError, desk: Desk) -> Outcome:
    now = desk.clock.now()
    again = next_attempt(error, held.attempts, held.since, now, desk.chance())
    try:
        if again is None:
            await desk.inbox.bury(held.lease, _setback(error), now)
            return Outcome.DEAD
        await desk.inbox.postpone(held.lease, _setback(error), again)
    except StoreError:
        return Outcome.LOST  # its lease runs out, and somebody takes it up again
    return Outcome.POSTPONED


async def _set_change_back(held: HeldChange, error: AiCrmError, desk: Desk) -> Outcome:
    now = desk.clock.now()
    again = next_attempt(error, held.attempts, held.since, now, desk.chance())
    try:
        if isinstance(error, RateLimited) and again is not None:
            await desk.outbox.hold_back(held.lease.workspace, held.connection, again)
        if again is None:
            await desk.outbox.bury(held.lease, _setback(error), now)
            return Outcome.DEAD
        await desk.outbox.postpone(held.lease, _setback(error), again)
    except StoreError:
        return Outcome.LOST  # as above
    return Outcome.POSTPONED


def _setback(error: AiCrmError) -> Setback:
    return Setback(reason=_word(type(error).__name__), detail=str(error))


def _fault(fault: BaseException) -> Setback:
    """Without the fault's text: it may quote anything."""
    return Setback(reason="fault", detail=f"a fault in ai-crm ({type(fault).__name__}): the log has its traceback")


def _word(name: str) -> str:
    """`RateLimited` as `rate_limited`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
