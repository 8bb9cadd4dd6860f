"""What the hub tells whoever watches it: what waits, for how long, and how long work took."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from ai_crm.config.hub_settings import read_hub_settings
from ai_crm.errors import StoreUnavailable
from ai_crm.flow.work import Outcome
from ai_crm.hub.app import build_app
from ai_crm.hub.process import _counted
from ai_crm.hub.telemetry import Metrics
from ai_crm.hub.worker import Bell, Worked, Worker
from ai_crm.model.delivery import Delivery
from ai_crm.model.item import PlatformName
from ai_crm.ports.queue import Backlog
from ai_crm.wiring.hub import Hub as Whole
from ai_crm.wiring.hub import assemble
from tests.doubles.hub_parts import NOW, OPERATOR, Hub, bearer, call

FULL = (
    Backlog(queue="inbox", count=7, oldest=NOW - timedelta(seconds=90)),
    Backlog(queue="outbox", count=0, oldest=None),
)


class Queues:
    """`told` is what they say; None is a store that cannot be reached."""

    def __init__(self) -> None:
        self.told: tuple[Backlog, ...] | None = FULL

    async def __call__(self) -> tuple[Backlog, ...]:
        if self.told is None:
            raise StoreUnavailable("the database does not answer")
        return self.told


def scraped(hub: Hub, queues: Queues) -> dict[str, float]:
    answer = asyncio.run(call(build_app(replace(hub.parts, backlog=queues)), "GET", "/metrics", bearer(OPERATOR)))
    assert answer.status == 200
    return {
        name: float(value) for name, value in re.findall(r"^(\S*waiting\S*) (\S+)$", answer.body.decode(), re.MULTILINE)
    }


def test_what_waits_is_told_with_its_age_each_time_somebody_looks(hub: Hub) -> None:
    queues = Queues()
    assert scraped(hub, queues) == {
        'ai_crm_waiting{queue="inbox"}': 7,
        'ai_crm_waiting{queue="outbox"}': 0,
        'ai_crm_waiting_oldest_seconds{queue="inbox"}': 90,
        'ai_crm_waiting_oldest_seconds{queue="outbox"}': 0,
    }
    queues.told = None
    assert scraped(hub, queues) == {}


def test_how_long_work_took_is_counted_when_it_is_over_and_not_before() -> None:
    metrics = Metrics()
    count = _counted(metrics)
    for queue in ("inbox", "outbox"):
        for outcome in Outcome:
            count(Worked(queue=queue, platform="github", kind="issues", outcome=outcome, seconds=2.0))

    decided, settled = "ai_crm_decided_seconds", "ai_crm_settled_seconds"
    assert metrics.value(f"{decided}_count", platform="github") == 2  # done and ignored
    assert metrics.value(f"{settled}_sum", platform="github") == 4
    assert metrics.value(f"{decided}_bucket", platform="github", le="1.0") == 0
    assert metrics.value(f"{decided}_bucket", platform="github", le="2.5") == 2
    for outcome in Outcome:
        assert metrics.value("ai_crm_events_total", platform="github", outcome=outcome.value) == 1


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    made = assemble(read_hub_settings({"AI_CRM_DATA": os.fspath(tmp_path)}), Clock())
    yield made
    made.close()


def test_a_worker_tells_how_long_ago_the_work_came_in(whole: Whole) -> None:
    heard: list[Worked] = []
    delivery = Delivery(
        id="e", workspace="default", connection="c", platform=PlatformName.GITHUB, name="ping", vendor_id="v",
        lane="l", headers={"x-github-event": "ping"}, body=b"{}", received_at=datetime.now(UTC) - timedelta(hours=1),
    )  # fmt: skip

    async def work() -> tuple[Backlog, ...]:
        over = asyncio.Event()

        def told(worked: Worked) -> None:
            heard.append(worked)
            over.set()

        worker = Worker(whole.desk, "t", Bell(), told)
        await whole.inbox.accept(delivery)
        before = await whole.backlog()
        running = asyncio.create_task(worker.run())
        await over.wait()
        worker.stop()
        await running
        return before

    before = asyncio.run(asyncio.wait_for(work(), 20))
    assert [(each.queue, each.count, each.oldest) for each in before] == [
        ("inbox", 1, delivery.received_at),
        ("outbox", 0, None),
    ]
    (worked,) = heard
    assert (worked.queue, worked.platform, worked.kind) == ("inbox", "github", "ping")
    assert 3600 <= worked.seconds < 4000
