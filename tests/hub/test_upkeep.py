"""What a worker does beside its work: what is old goes after the days that the operator chose."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ai_crm.config.hub_settings import read_hub_settings
from ai_crm.model.delivery import Delivery
from ai_crm.model.item import PlatformName
from ai_crm.model.secret import Secret
from ai_crm.ports.receiver import Connection
from ai_crm.wiring.hub import assemble

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CONNECTION = Connection(
    workspace="default", id="main", platform=PlatformName.GITHUB, settings={}, secrets={"token": Secret("t")}
)


class Noon:
    def now(self) -> datetime:
        return NOW


@pytest.mark.parametrize(("environ", "gone"), [({}, 1), ({"AI_CRM_KEEP_DELIVERIES_DAYS": "4"}, 2)])
def test_deliveries_go_after_the_days_that_were_set(tmp_path: Path, environ: Mapping[str, str], gone: int) -> None:
    def received(days: int) -> Delivery:
        return Delivery(
            id=f"e{days}", workspace="default", connection="main", platform=PlatformName.GITHUB, name="ping",
            vendor_id=f"v{days}", lane="l", headers={}, body=f"{days}".encode(),
            received_at=NOW - timedelta(days=days, seconds=1),
        )  # fmt: skip

    async def work() -> int:
        hub = assemble(read_hub_settings({"AI_CRM_DATA": str(tmp_path), **environ}), Noon())
        try:
            await hub.connections.add(CONNECTION)
            for days in (30, 4, 3):
                await hub.inbox.accept(received(days))
            for held in await hub.desk.inbox.take("t", NOW, 9):
                await hub.desk.inbox.decide(held.lease, (), NOW)
            return await hub.tidy()
        finally:
            hub.close()

    assert asyncio.run(work()) == gone
