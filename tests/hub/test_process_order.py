"""What goes wrong in one part of the process takes nothing from the others, and order in a lane is kept by whoever loses it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from ai_crm.config.hub_settings import read_hub_settings
from ai_crm.errors import LeaseLost, StoreUnavailable
from ai_crm.flow.work import Outcome
from ai_crm.hub.process import together
from ai_crm.hub.upkeep import recurring
from ai_crm.hub.worker import Bell, Worked, Worker
from ai_crm.model.decision import Decision
from ai_crm.model.delivery import Delivery, Lease, Setback
from ai_crm.model.item import PlatformName
from ai_crm.ports.queue import Accepted, HeldDelivery, Inbox
from ai_crm.wiring import SystemClock
from ai_crm.wiring.hub import Hub, assemble


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = assemble(read_hub_settings({"AI_CRM_DATA": str(tmp_path)}), SystemClock())
    yield made
    made.close()


class Lossy:
    """An inbox whose first decision is refused: another worker took the delivery over."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self.asked: list[str] = []

    async def accept(self, delivery: Delivery) -> Accepted:
        return await self._inbox.accept(delivery)

    async def take(self, holder: str, now: datetime, most: int) -> tuple[HeldDelivery, ...]:
        return await self._inbox.take(holder, now, most) if not self.asked else ()

    async def decide(self, lease: Lease, decisions: tuple[Decision, ...], now: datetime) -> None:
        self.asked.append(lease.subject)
        if len(self.asked) == 1:
            raise LeaseLost("another worker has taken this over")
        await self._inbox.decide(lease, decisions, now)

    async def postpone(self, lease: Lease, setback: Setback, until: datetime) -> None:
        await self._inbox.postpone(lease, setback, until)

    async def bury(self, lease: Lease, setback: Setback, now: datetime) -> None:
        await self._inbox.bury(lease, setback, now)


def ping(number: int) -> Delivery:
    at = datetime.now(UTC) - timedelta(minutes=9 - number)
    return Delivery(
        id=f"e{number}", workspace="default", connection="c", platform=PlatformName.GITHUB, name="ping",
        vendor_id=f"v{number}", lane="l", headers={"x-github-event": "ping"}, body=f"{number}".encode(), received_at=at,
    )  # fmt: skip


def test_nothing_overtakes_what_another_worker_took_over(hub: Hub) -> None:
    inbox, heard, over = Lossy(hub.inbox), list[Worked](), asyncio.Event()

    def told(worked: Worked) -> None:
        heard.append(worked)
        over.set()

    async def work() -> tuple[HeldDelivery, ...]:
        for number in (1, 2):
            await inbox.accept(ping(number))
        worker = Worker(msgspec.structs.replace(hub.desk, inbox=inbox), "t", Bell(), told)
        running = asyncio.create_task(worker.run())
        await over.wait()
        worker.stop()
        await running
        return await hub.inbox.take("other", datetime.now(UTC) + timedelta(hours=1), 9)

    taken = asyncio.run(asyncio.wait_for(work(), 20))
    assert inbox.asked == ["e1"]
    assert [each.outcome for each in heard] == [Outcome.LOST]
    assert [each.delivery.id for each in taken] == ["e1", "e2"]


def test_what_fails_lets_the_others_finish_what_they_have_in_hand() -> None:
    finished: list[str] = []

    async def fails() -> None:
        raise StoreUnavailable("gone")

    async def works(stop: asyncio.Event) -> None:
        await stop.wait()
        await asyncio.sleep(0)
        finished.append("in order")

    async def run() -> None:
        stop = asyncio.Event()
        await together((works(stop), fails()), stop)

    with pytest.raises(StoreUnavailable):
        asyncio.run(asyncio.wait_for(run(), 20))
    assert finished == ["in order"]


def test_a_fault_in_what_is_done_now_and_then_waits_for_the_next_time() -> None:
    asked: list[int] = []

    async def run() -> None:
        stop = asyncio.Event()

        async def work() -> int:
            asked.append(1)
            if len(asked) == 2:
                stop.set()
                return 0
            raise KeyError("a fault of ours")

        await recurring("rounds", 0.001, work, stop)

    asyncio.run(asyncio.wait_for(run(), 20))
    assert len(asked) == 2
