"""What a worker does when something goes wrong: what came of it is written, or the lease runs out, and nothing escapes."""

# ruff: noqa: ARG002 - queues that fail look at nothing

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from msgspec.structs import replace

from ai_crm.analysis import offline_analyst
from ai_crm.errors import (
    AiCrmError,
    ChangeRefused,
    LeaseLost,
    RateLimited,
    StoreError,
    StoreUnavailable,
    UpstreamUnavailable,
    VersionClash,
)
from ai_crm.flow.backoff import OLDEST
from ai_crm.flow.work import Desk, Outcome, Source, carry_out, decide_delivery
from ai_crm.model.change import Applied, OutboundChange
from ai_crm.model.change import Outcome as Done
from ai_crm.model.decision import Decision
from ai_crm.model.delivery import Delivery, Lease, Setback
from ai_crm.model.event import Event
from ai_crm.model.item import PlatformName
from ai_crm.platforms.webhook import Webhooks
from ai_crm.ports import Applier, Capabilities, RawRequest, RulesText, Store
from ai_crm.ports.queue import Accepted, HeldChange, HeldDelivery
from ai_crm.rules.rule import Policy
from ai_crm.store.memory import MemoryStore
from tests.conftest import Finish
from tests.doubles.decisions import Decisions
from tests.doubles.people import People, Watching

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LEASE = Lease(workspace="w", subject="s", holder="h", generation=1, until=NOW)
AWAY = UpstreamUnavailable("no answer")
STORE_ERRORS = (LeaseLost("x"), StoreUnavailable("x"), VersionClash("x"), StoreError("x"))


class Queue:
    """Both queues: writes down what it is told, and raises what it is given instead of doing that."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.until: datetime | None = None
        self.fails: dict[str, StoreError] = {}

    async def accept(self, delivery: Delivery) -> Accepted:
        return Accepted(delivery.id, duplicate=False)

    async def take(self, holder: str, now: datetime, most: int) -> tuple[()]:
        return ()

    async def decide(self, lease: Lease, decisions: tuple[Decision, ...], now: datetime) -> None:
        self._tell("decide")

    async def settle(self, lease: Lease, change: OutboundChange, applied: Applied, now: datetime) -> None:
        self._tell("settle")

    async def postpone(self, lease: Lease, setback: Setback, until: datetime) -> None:
        self._tell("postpone")
        self.until = until

    async def pass_on(self, lease: Lease, connection: str) -> None:
        self._tell(f"pass on to {connection}")

    async def hold_back(self, workspace: str, connection: str, until: datetime) -> None:
        self._tell("hold_back")

    async def bury(self, lease: Lease, setback: Setback, now: datetime) -> None:
        self._tell("bury")

    def _tell(self, what: str) -> None:
        if what in self.fails:
            raise self.fails[what]
        self.told.append(what)


class Hook:
    """Implements ports.Applier: it answers, or fails as it is told to."""

    name: ClassVar[PlatformName] = PlatformName.WEBHOOK
    capabilities: ClassVar[Capabilities] = Webhooks.capabilities

    def __init__(self, fails: AiCrmError | None) -> None:
        self._fails = fails

    async def apply(self, change: OutboundChange) -> Applied:
        if self._fails:
            raise self._fails
        return Applied(key=change.key, outcome=Done.DONE)

    def close(self) -> None:
        pass


class Reach:
    def __init__(self, fails: AiCrmError | None) -> None:
        self._fails = fails

    @asynccontextmanager
    async def source(self, connection: str, event: Event) -> AsyncIterator[Source]:
        raise AssertionError("nothing is decoded here")
        yield

    async def connection(self, held: HeldChange) -> str:
        return held.connection

    @asynccontextmanager
    async def applier(self, held: HeldChange) -> AsyncIterator[Applier]:
        yield Hook(self._fails)

    def decode(self, platform: PlatformName, request: RawRequest) -> tuple[Event, ...]:
        if self._fails:
            raise self._fails
        return ()

    def policy(self, workspace: str, text: RulesText | None) -> Policy:
        raise AssertionError("nothing is decoded here")


class Still:
    def now(self) -> datetime:
        return NOW


def desk(queue: Queue, fails: AiCrmError | None = None) -> Desk:
    def store(_workspace: str) -> Store:
        return MemoryStore()

    return Desk(
        inbox=queue,
        outbox=queue,
        reach=Reach(fails),
        store=store,
        members=People(),
        watches=Watching(),
        analyst=offline_analyst(),
        clock=Still(),
        chance=lambda: 0.5,
    )


def change(planned_at: datetime = NOW, attempts: int = 1) -> HeldChange:
    call = Decisions().webhook("triage")
    return HeldChange(change=call, connection="", lease=LEASE, attempts=attempts, planned_at=planned_at)


def delivery(received_at: datetime = NOW, attempts: int = 1) -> HeldDelivery:
    made = Delivery(
        id="e", workspace="w", connection="c", platform=PlatformName.GITHUB, name="issues", vendor_id="", lane="l",
        headers={}, body=b"", received_at=received_at,
    )  # fmt: skip
    return HeldDelivery(delivery=made, lease=LEASE, attempts=attempts)


@pytest.mark.parametrize("error", STORE_ERRORS)
@pytest.mark.parametrize("write", ["postpone", "bury"])
def test_a_setback_that_cannot_be_written_leaves_the_lease_to_run_out(
    finish: Finish, error: StoreError, write: str
) -> None:
    queue = Queue()
    queue.fails = {write: error}
    fault: AiCrmError = AWAY if write == "postpone" else ChangeRefused("no")

    assert finish(carry_out(change(), desk(queue, fault))) is Outcome.LOST
    assert finish(decide_delivery(delivery(), desk(queue, fault))) is Outcome.LOST
    assert queue.told == []


@pytest.mark.parametrize("error", STORE_ERRORS)
def test_a_platforms_wish_to_wait_that_cannot_be_written_is_no_fault(finish: Finish, error: StoreError) -> None:
    queue = Queue()
    queue.fails = {"hold_back": error}

    assert finish(carry_out(change(), desk(queue, RateLimited("slower", retry_after=9)))) is Outcome.LOST


@pytest.mark.parametrize(
    ("error", "outcome", "told"),
    [
        (LeaseLost("x"), Outcome.LOST, []),
        (StoreUnavailable("x"), Outcome.POSTPONED, ["postpone"]),
        (VersionClash("x"), Outcome.POSTPONED, ["postpone"]),
        (StoreError("x"), Outcome.DEAD, ["bury"]),
    ],
)
def test_an_end_that_cannot_be_written_is_tried_again_or_told_a_person(
    finish: Finish, error: StoreError, outcome: Outcome, told: list[str]
) -> None:
    settling, deciding = Queue(), Queue()
    settling.fails, deciding.fails = {"settle": error}, {"decide": error}

    assert finish(carry_out(change(), desk(settling))) is outcome
    assert finish(decide_delivery(delivery(), desk(deciding))) is outcome
    assert settling.told == deciding.told == told


@pytest.mark.parametrize("error", [AWAY, RateLimited("slower", retry_after=60)])
def test_an_outage_of_days_makes_work_wait_and_age_alone_gives_it_up(finish: Finish, error: AiCrmError) -> None:
    young, old = NOW - OLDEST + timedelta(seconds=1), NOW - OLDEST
    for since, outcome in ((young, Outcome.POSTPONED), (old, Outcome.DEAD)):
        assert finish(carry_out(change(since, attempts=5000), desk(Queue(), error))) is outcome
        assert finish(decide_delivery(delivery(since, attempts=5000), desk(Queue(), error))) is outcome


def test_what_a_person_sent_on_is_young_again(finish: Finish) -> None:
    long_ago, just_now = NOW - 9 * OLDEST, NOW - timedelta(hours=1)
    for revived, outcome in ((just_now, Outcome.POSTPONED), (NOW - OLDEST, Outcome.DEAD)):
        assert finish(carry_out(replace(change(long_ago), revived_at=revived), desk(Queue(), AWAY))) is outcome
        asked = replace(delivery(long_ago), revived_at=revived)
        assert finish(decide_delivery(asked, desk(Queue(), AWAY))) is outcome


def test_a_body_that_would_keep_everybody_waiting_is_not_even_read(finish: Finish) -> None:
    large = {
        "a bomb": (b"[" + b"[]," * 8_000_000 + b"[]]", Outcome.DEAD),
        "a long text": (b'"' + b"x" * 24_000_000 + b'"', Outcome.IGNORED),
        "many values": (b"[" + b"1," * 900_000 + b"1]", Outcome.IGNORED),
    }
    for body, outcome in large.values():
        held = delivery()
        held = replace(held, delivery=replace(held.delivery, body=body))
        assert finish(decide_delivery(held, desk(Queue()))) is outcome


def test_what_a_platform_asks_for_holds_its_connection_back_for_as_long(finish: Finish) -> None:
    queue = Queue()

    finish(carry_out(change(attempts=40), desk(queue, RateLimited("slower", retry_after=60))))

    assert queue.told == ["hold_back", "postpone"]
    assert queue.until == NOW + timedelta(seconds=63)
