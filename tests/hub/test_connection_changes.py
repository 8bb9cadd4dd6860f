"""A hub that runs takes up what an operator changes about a connection, and asks for what its webhooks lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ai_crm.config.hub_settings import read_hub_settings
from ai_crm.errors import CredentialsRefused
from ai_crm.model.delivery import Lease
from ai_crm.model.item import PlatformName
from ai_crm.model.secret import Secret
from ai_crm.ports.queue import HeldChange
from ai_crm.ports.receiver import Connection
from ai_crm.wiring.hub import Hub, assemble
from tests.doubles.decisions import Decisions
from tests.doubles.github_app import FakeApp
from tests.doubles.github_server import FakeGitHub

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Noon:
    def now(self) -> datetime:
        return NOW


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        fake.app = FakeApp(NOW.timestamp())
        yield fake


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = assemble(read_hub_settings({"AI_CRM_DATA": str(tmp_path)}), Noon())
    yield made
    made.close()


def connection(github: FakeGitHub, token: str, hooks: str = "") -> Connection:
    return Connection(
        workspace="default",
        id="main",
        platform=PlatformName.GITHUB,
        settings={"api_url": github.url} | ({"hooks": hooks} if hooks else {}),
        secrets={"webhook_secret": Secret("s"), "token": Secret(token)},
    )


def lost(number: int, guid: str, status: str = "timed out") -> dict[str, Any]:
    at = NOW - timedelta(hours=number)
    return {"id": number, "guid": guid, "delivered_at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "status": status, "event": "issues"}


def test_what_a_repositorys_webhook_lost_is_asked_for_with_a_token(hub: Hub, github: FakeGitHub) -> None:
    assert github.app
    github.app.deliveries = [lost(3, "three"), lost(4, "four", "OK"), lost(5, "five"), lost(80, "too-old")]

    async def work() -> list[int]:
        await hub.connections.add(connection(github, github.token, f"{github.project}=12"))
        return [await hub.sweep()]

    assert asyncio.run(work()) == [2]
    assert github.app.sent_again == ["5", "3"]
    assert github.requests[-1].path == f"/repos/{github.project}/hooks/12/deliveries/3/attempts"


def test_a_token_without_webhooks_asks_for_nothing(hub: Hub, github: FakeGitHub) -> None:
    async def work() -> int:
        await hub.connections.add(connection(github, github.token))
        return await hub.sweep()

    assert asyncio.run(work()) == 0
    assert github.requests == []


def test_a_new_token_is_used_without_a_restart(hub: Hub, github: FakeGitHub) -> None:
    lease = Lease(workspace="default", subject="s", holder="h", generation=1, until=NOW)
    item = replace(Decisions().another_issue(github.open_issue("It crashes")), project=github.project)
    labels = Decisions().labels("triage", item)
    held = HeldChange(change=labels, connection="main", lease=lease, attempts=1, planned_at=NOW)

    async def labelled() -> None:
        async with hub.desk.reach.applier(held) as applier:
            await applier.apply(labels)

    async def work() -> None:
        await hub.connections.add(connection(github, "ghp_revoked"))
        with pytest.raises(CredentialsRefused):
            await labelled()
        fresh = connection(github, github.token).secrets
        await hub.connections.change("default", "main", lambda known: replace(known, secrets=fresh))
        await labelled()

    asyncio.run(work())
    assert github.requests[-1].headers["authorization"].endswith(github.token)
