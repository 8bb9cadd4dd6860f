"""Rules that send webhooks, in a whole hub without its web side: signed, paced, once, and only where it is allowed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ai_crm.config.hub_settings import read_hub_settings
from ai_crm.errors import SettingsInvalid
from ai_crm.flow.work import Outcome, carry_out
from ai_crm.model.delivery import Delivery
from ai_crm.model.item import PlatformName
from ai_crm.wiring.hub import Hub, assemble
from tests.doubles.decisions import Decisions
from tests.doubles.loopback import Loopback, Reply, Request

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEYS = (b"k" * 32, b"l" * 24)
SECRETS = ",".join(f"whsec_{base64.b64encode(key).decode()}" for key in KEYS)
ALLOWED = {"AI_CRM_WEBHOOK_NETWORKS": "127.0.0.0/8", "AI_CRM_WEBHOOK_SIGNING_SECRET": SECRETS}


class Noon:
    def now(self) -> datetime:
        return NOW


@pytest.fixture
def sink() -> Iterator[Loopback]:
    with Loopback(lambda _request: Reply(204)) as receiver:
        yield receiver


def hub_with(folder: Path, environ: Mapping[str, str]) -> Hub:
    return assemble(read_hub_settings({"AI_CRM_DATA": str(folder), **environ}), Noon())


async def decided(hub: Hub, number: int, url: str) -> None:
    """A rule wants a call because of an issue of its own."""
    made, item = Decisions(), Decisions().another_issue(number)
    delivery = Delivery(
        id=f"e{number}", workspace="default", connection="c", platform=PlatformName.GITHUB, name="issues",
        vendor_id=f"v{number}", lane=str(item), headers={}, body=f"{number}".encode(), received_at=NOW,
    )  # fmt: skip
    await hub.inbox.accept(delivery)
    (held,) = await hub.inbox.take("t", NOW + timedelta(seconds=1), 1)
    call = made.webhook("triage", item, url=url)
    await hub.inbox.decide(held.lease, (made.make(f"e{number}", call, item=item),), NOW)


async def carried_out(hub: Hub, seconds: float) -> list[Outcome]:
    held = await hub.desk.outbox.take("t", NOW + timedelta(seconds=seconds), 50)
    return [await carry_out(each, hub.desk) for each in held]


def called(folder: Path, environ: Mapping[str, str], urls: list[str], *after: float) -> list[list[Outcome]]:
    async def work() -> list[list[Outcome]]:
        hub = hub_with(folder, environ)
        try:
            for number, url in enumerate(urls):
                await decided(hub, number, url)
            return [await carried_out(hub, seconds) for seconds in after]
        finally:
            hub.close()

    return asyncio.run(work())


def signatures(request: Request) -> list[str]:
    told = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    return [f"v1,{base64.b64encode(hmac.digest(key, told, hashlib.sha256)).decode()}" for key in KEYS]


def test_a_webhook_is_called_once_and_signed_with_every_secret(tmp_path: Path, sink: Loopback) -> None:
    assert called(tmp_path, ALLOWED, [f"{sink.url}/hook"], 2, 9, 999) == [[Outcome.DONE], [], []]

    (request,) = sink.requests
    assert (request.method, request.path) == ("POST", "/hook")
    assert request.headers["webhook-signature"].split() == signatures(request)


def test_a_network_that_nobody_allowed_is_never_called(tmp_path: Path, sink: Loopback) -> None:
    environ = {"AI_CRM_WEBHOOK_NETWORKS": "10.0.0.0/8"}

    assert called(tmp_path, environ, [f"{sink.url}/hook"], 2) == [[Outcome.DEAD]]
    assert sink.requests == []


def test_a_host_gets_five_calls_at_once_and_then_one_a_second(tmp_path: Path, sink: Loopback) -> None:
    counts = [len(done) for done in called(tmp_path, ALLOWED, [f"{sink.url}/{n}" for n in range(9)], 2, 2.5, 3, 4, 30)]

    assert counts == [5, 0, 1, 1, 2]
    assert len(sink.requests) == 9


@pytest.mark.parametrize("secret", ["whsec_", "hunter2-hunter2-hunter2", "whsec_AAAA"])
def test_a_secret_that_nothing_can_be_signed_with_stops_the_start(tmp_path: Path, secret: str) -> None:
    with pytest.raises(SettingsInvalid, match="AI_CRM_WEBHOOK_SIGNING_SECRET") as caught:
        hub_with(tmp_path, {"AI_CRM_WEBHOOK_SIGNING_SECRET": secret})
    assert "hunter2" not in str(caught.value)
