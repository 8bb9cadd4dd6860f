"""Whose token a message to Slack goes out with, and that it goes nowhere when its own is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from ai_crm.config.hub_settings import read_hub_settings
from ai_crm.errors import CredentialsRefused, Unsupported
from ai_crm.model.delivery import Lease
from ai_crm.model.item import PlatformName
from ai_crm.model.secret import Secret
from ai_crm.platforms.slack import Slack
from ai_crm.ports.queue import HeldChange
from ai_crm.ports.receiver import Connection
from ai_crm.wiring import SystemClock
from ai_crm.wiring.hub import Hub, assemble
from tests.doubles.decisions import Decisions

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LEASE = Lease(workspace="other", subject="s", holder="h", generation=1, until=NOON)
TEAM = Connection(
    workspace="other",
    id="slack-T1",
    platform=PlatformName.SLACK,
    settings={},
    secrets={"token": Secret("xoxb-theirs")},
)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    environ = {"AI_CRM_DATA": str(tmp_path), "AI_CRM_SLACK_BOT_TOKEN": "xoxb-ours"}
    made = assemble(read_hub_settings(environ), SystemClock())
    yield made
    made.close()


def test_what_was_meant_for_an_installation_that_is_gone_is_not_sent_with_another_token(hub: Hub) -> None:
    change = Decisions().notify("triage")
    held = HeldChange(change=change, connection=TEAM.id, lease=LEASE, attempts=1, planned_at=NOON)

    async def work() -> None:
        await hub.connections.add(TEAM)
        async with hub.desk.reach.applier(held) as applier:
            assert applier.name is PlatformName.SLACK
        await hub.connections.switch(TEAM.workspace, TEAM.id, on=False)
        with pytest.raises(CredentialsRefused, match="removed"):
            async with hub.desk.reach.applier(held):
                pass

    asyncio.run(work())


@pytest.mark.parametrize(("workspace", "writes"), [("default", True), ("other", False)])
def test_the_operators_own_token_writes_for_the_operators_own_workspace_alone(
    hub: Hub, workspace: str, *, writes: bool
) -> None:
    lease = Lease(workspace=workspace, subject="s", holder="h", generation=1, until=NOON)
    held = HeldChange(change=Decisions().notify("triage"), connection="", lease=lease, attempts=1, planned_at=NOON)

    async def work() -> bool:
        async with hub.desk.reach.applier(held) as applier:
            return isinstance(applier, Slack)

    assert asyncio.run(work()) is writes


@pytest.mark.parametrize("platform", [PlatformName.SLACK, PlatformName.TEAMS])
def test_a_workspace_without_an_installation_hears_what_an_operator_can_do(hub: Hub, platform: PlatformName) -> None:
    change = replace(Decisions().notify("triage"), platform=platform)
    held = HeldChange(change=change, connection="", lease=LEASE, attempts=1, planned_at=NOON)

    async def work() -> None:
        async with hub.desk.reach.applier(held) as applier:
            await applier.apply(change)

    with pytest.raises(Unsupported, match="AI_CRM_"):
        asyncio.run(work())
