"""What happens to a webhook: what is genuine is stored before it is acknowledged, and nothing else leaves a trace."""

from __future__ import annotations

import asyncio
import io
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_crm.errors import SignatureInvalid
from ai_crm.model.delivery import event_id
from ai_crm.model.item import PlatformName
from ai_crm.ports import Handshake, RawRequest
from ai_crm.ports.receiver import Envelope
from tests.doubles.hub_parts import HOOK, NOW, SECRET, Answer, Hub, call, connection, delivered, sign

SIGNATURES = (
    "", " ", "v1", "v1,", "v1,,", "v1,a,b", "v1,!!!", "v1,Zg", "v1,\xe9\xff", "v1," + "A" * 100_000,
    "sha256=" + "0" * 64, "v2,abc", ",", "v1,abc def", "\0", "v1,AAAA v1", "sha256=", "sha256=\xff\xfe", "sha256=zz",
    "sha1=abc", "v0=\xe9", "v0=", "t=1,v1=abc", "t=abc,v1=abc", "t=,v1=", "v1=abc", "t=1700000000,v1=\xff", "=,=,=",
    "t=1", "t=" + "9" * 5000,
)  # fmt: skip
TIMESTAMPS = (
    "1700000000", "", "abc", "nan", "inf", "-inf", "1e400", "9" * 400, "9" * 5000, "-1", "1_674_087_231", " 1700000000 ",
    ".9", "\u0661\u0662", "0x10", "1e9", "\0",
)  # fmt: skip
BODIES = (b'{"action":"opened"}', b"", b"\xff\xfe\0", b"\xed\xa0\x80", b"[" * 100_000, b"{")


@pytest.fixture
def opened(root: Path) -> bytes:
    """A recorded delivery of GitHub."""
    return (root / "tests/platforms/github/payloads/issues.labeled.json").read_bytes()


def post(hub: Hub, body: bytes, headers: tuple[tuple[str, str], ...], path: str = HOOK) -> Answer:
    return asyncio.run(call(hub.app, "POST", path, headers, body))


def test_a_genuine_delivery_is_stored_and_acknowledged(hub: Hub, opened: bytes) -> None:
    answer = post(hub, opened, delivered(opened))
    expected = event_id("issues", opened)
    assert answer.status == 202
    assert answer.json() == {"status": "queued", "event_id": expected}
    assert answer.headers["location"] == f"/api/v1/events/{expected}"
    (stored,) = hub.inbox.deliveries
    assert (stored.id, stored.body, stored.name, stored.vendor_id) == (expected, opened, "issues", "d-1")
    assert (stored.workspace, stored.connection, stored.received_at) == ("default", "gh-1", NOW)
    assert stored.lane.startswith("github:")
    assert "x-hub-signature-256" not in stored.headers
    assert hub.woken == 1


def test_a_repeated_delivery_is_a_duplicate_with_the_same_address(hub: Hub, opened: bytes) -> None:
    first = post(hub, opened, delivered(opened))
    second = post(hub, opened, delivered(opened, vendor_id="another"))
    assert second.status == 202
    assert second.json() == {"status": "duplicate", "event_id": first.json()["event_id"]}
    assert second.headers["location"] == first.headers["location"]
    assert (len(hub.inbox.deliveries), hub.woken) == (1, 1)


def test_a_ping_is_a_delivery_like_any_other(hub: Hub) -> None:
    body = b'{"zen":"Keep it logically awesome."}'
    assert post(hub, body, delivered(body, name="ping")).status == 202


def test_a_secret_that_is_being_changed_opens_as_well_as_the_new_one(opened: bytes) -> None:
    hub = Hub(connection(secret="new", before="old"))
    assert post(hub, opened, delivered(opened, "old")).status == 202
    assert post(hub, opened, delivered(opened, "new")).json()["status"] == "duplicate"


def test_malformed_signatures_are_refused_and_nothing_is_stored(hub: Hub) -> None:
    grid = list(itertools.product(SIGNATURES, TIMESTAMPS, BODIES))

    async def attack() -> set[int]:
        statuses = set()
        for signature, timestamp, body in grid:
            headers = (
                ("x-github-event", "issues"), ("x-hub-signature-256", signature), ("x-hub-signature", signature),
                ("x-slack-signature", signature), ("x-slack-request-timestamp", timestamp),
                ("webhook-signature", signature), ("webhook-timestamp", timestamp),
            )  # fmt: skip
            statuses.add((await call(hub.app, "POST", HOOK, headers, body)).status)
        return statuses

    assert len(grid) == 3060
    assert asyncio.run(attack()) == {401, 429}
    assert hub.inbox.deliveries == []
    assert hub.woken == 0


@pytest.mark.parametrize("body", BODIES)
def test_a_genuine_delivery_is_never_a_fault_whatever_its_body(hub: Hub, body: bytes) -> None:
    """Whether it can be understood is found out later, where a refusal has a reason and can be looked at."""
    answer = post(hub, body, delivered(body))
    assert answer.status == 202
    assert hub.inbox.deliveries[0].body == body


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(st.characters(max_codepoint=255), max_size=40),
    vendor_id=st.text(st.characters(max_codepoint=255), max_size=40),
    body=st.binary(max_size=200),
)
def test_no_header_and_no_body_of_a_genuine_sender_is_a_fault(name: str, vendor_id: str, body: bytes) -> None:
    assert post(Hub(), body, delivered(body, name=name, vendor_id=vendor_id)).status in {202, 400}


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(platform=st.text(min_size=1, max_size=20), name=st.text(min_size=1, max_size=120))
def test_no_address_is_a_fault(platform: str, name: str) -> None:
    path = f"/webhooks/{platform}/{name}".encode(errors="replace").decode()
    assert post(Hub(), b"{}", delivered(b"{}"), path).status in {401, 404}


def test_a_delivery_for_another_connection_is_refused(opened: bytes) -> None:
    names = [f"gh-{number}" for number in range(20)]
    hub = Hub(*[connection(name, f"secret of {name}") for name in names])

    async def replayed() -> dict[tuple[str, str], int]:
        return {
            (ours, theirs): (
                await call(
                    hub.app, "POST", f"/webhooks/github/{theirs}", delivered(opened, f"secret of {ours}"), opened
                )
            ).status
            for ours, theirs in itertools.permutations(names, 2)
        }

    assert set(asyncio.run(replayed()).values()) == {401, 429}
    assert hub.inbox.deliveries == []


@pytest.mark.parametrize(
    "path",
    ["/webhooks/github/nobody", "/webhooks/nothing/gh-1", "/webhooks/slack/gh-1", "/webhooks/github/gh-1\0",
     "/webhooks/hub/gh-1", "/webhooks/github/" + "a" * 5000, "/webhooks/github/off", "/webhooks/github/keyless"],
)  # fmt: skip
def test_an_address_that_is_nobodys_sounds_like_a_wrong_signature(path: str, opened: bytes) -> None:
    hub = Hub(connection(), connection("off", active=False), connection("keyless", ""))
    wrong = post(hub, opened, delivered(opened, "wrong"))
    answer = post(hub, opened, delivered(opened), path)
    assert (answer.status, answer.body) == (401, wrong.body)
    assert answer.headers.keys() == wrong.headers.keys()
    assert hub.inbox.deliveries == []


def test_an_empty_secret_is_no_secret(opened: bytes) -> None:
    hub = Hub(connection(secret=""))
    assert post(hub, opened, delivered(opened, "")).status == 401


def test_a_connection_without_a_secret_is_told_to_the_operator(
    opened: bytes, records: Callable[[], list[dict[str, Any]]]
) -> None:
    post(Hub(connection(secret="")), opened, delivered(opened))
    assert "webhook_without_secret" in {each["event"] for each in records()}


def test_a_signature_that_came_twice_is_refused(hub: Hub, opened: bytes) -> None:
    twice = (*delivered(opened), ("x-hub-signature-256", sign(opened)))
    assert post(hub, opened, twice).status == 401
    first_wrong = (("x-hub-signature-256", "sha256=" + "0" * 64), *delivered(opened))
    assert post(hub, opened, first_wrong).status == 401


def test_without_any_platform_nothing_is_let_in(opened: bytes) -> None:
    assert post(Hub(receivers={}), opened, delivered(opened)).status == 401


def test_an_unreadable_kind_is_refused_and_not_stored(hub: Hub, opened: bytes) -> None:
    assert post(hub, opened, delivered(opened, name="issues, push")).status == 400
    assert hub.inbox.deliveries == []


def test_what_is_announced_as_too_large_is_refused_before_a_byte_is_read(hub: Hub) -> None:
    headers = (*delivered(b""), ("content-length", str(25 * 1024 * 1024 + 1)))
    answer = asyncio.run(call(hub.app, "POST", HOOK, headers, itertools.repeat(b"x" * 65536)))
    assert (answer.status, answer.pulled) == (413, 0)
    assert answer.headers["connection"] == "close"


def test_a_body_without_an_end_is_refused_at_the_limit(hub: Hub) -> None:
    answer = asyncio.run(call(hub.app, "POST", HOOK, delivered(b""), itertools.repeat(b"x" * 1024 * 1024)))
    assert (answer.status, answer.pulled) == (413, 26)
    assert hub.inbox.deliveries == []


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "\xb2", "abc", "1e9", ""])
def test_a_strange_length_is_no_fault(hub: Hub, length: str) -> None:
    assert post(hub, b"{}", (*delivered(b"{}"), ("content-length", length))).status in {202, 413}


def test_a_delivery_as_large_as_github_sends_is_taken(hub: Hub) -> None:
    body = b'"' + b"x" * (25 * 1024 * 1024 - 2) + b'"'
    assert post(hub, body, delivered(body)).status == 202


def test_large_deliveries_that_stall_keep_no_others_waiting(hub: Hub) -> None:
    large, others = b"x" * 300_000, (b"{}", b"y" * 300_000)

    async def crowd() -> tuple[list[Answer], list[Answer]]:
        release = asyncio.Event()
        stuck = [asyncio.create_task(_held(hub, large, release, str(number))) for number in range(40)]
        await asyncio.sleep(0.05)
        passed = [await call(hub.app, "POST", HOOK, delivered(body, vendor_id=""), body) for body in others]
        release.set()
        return list(await asyncio.gather(*stuck)), passed

    waited, passed = asyncio.run(crowd())
    assert [each.status for each in passed] == [202, 202]
    assert {each.status for each in waited} == {202}


async def _held(hub: Hub, body: bytes, release: asyncio.Event, vendor_id: str) -> Answer:
    """A delivery whose last byte comes only when it is told to."""
    app, pieces = hub.app, iter([body[:-1], body[-1:]])

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        async def later() -> Any:
            message = await receive()
            if len(message["body"]) == 1:
                await release.wait()
            return message

        await app(scope, later, send)

    return await call(slow, "POST", HOOK, delivered(body, vendor_id=vendor_id), pieces)


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate", "GZIP", "identity, gzip", "x"])
def test_nothing_is_unpacked(hub: Hub, opened: bytes, encoding: str) -> None:
    answer = post(hub, opened, (*delivered(opened), ("content-encoding", encoding)))
    assert answer.status == 415
    assert hub.inbox.deliveries == []


def test_a_second_encoding_header_does_not_hide_the_first(hub: Hub, opened: bytes) -> None:
    twice = (("content-encoding", "identity"), ("content-encoding", "gzip"))
    assert post(hub, opened, (*delivered(opened), *twice)).status == 415
    assert post(hub, opened, (*delivered(opened), twice[0])).status == 202


def test_a_body_that_does_not_come_is_given_up(opened: bytes) -> None:
    hub = Hub(receipt_seconds=0.05)
    never = asyncio.run(_held(hub, opened, asyncio.Event(), "d-1"))
    assert never.status == 408
    assert never.headers["connection"] == "close"
    assert hub.inbox.deliveries == []


def test_a_store_that_is_down_makes_the_sender_come_again(hub: Hub, opened: bytes) -> None:
    hub.inbox.down = True
    answer = post(hub, opened, delivered(opened))
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["type"] == "about:blank#store-unavailable"
    assert (hub.inbox.deliveries, hub.woken) == ([], 0)
    hub.inbox.down = False
    assert post(hub, opened, delivered(opened)).json()["status"] == "queued"


class Greeting:
    """A platform that wants its greeting answered, once it has proven who it is."""

    platform: ClassVar[PlatformName] = PlatformName.SLACK
    limit: ClassVar[int] = 100

    def verify(self, request: RawRequest, secrets: tuple[str, ...]) -> Handshake | None:
        if request.headers.get("x-secret") not in secrets:
            raise SignatureInvalid("no")
        return Handshake(b"hello")

    def envelope(self, request: RawRequest) -> Envelope:
        raise AssertionError(request.path)


def test_a_handshake_is_answered_and_nothing_is_stored() -> None:
    hub = Hub(_greeted(), receivers={PlatformName.SLACK: Greeting()})
    path = "/webhooks/slack/hi"
    answer = post(hub, b"?", (("x-secret", "s"),), path)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"hello", "text/plain; charset=utf-8")
    assert post(hub, b"?", (("x-secret", "t"),), path).status == 401
    assert post(hub, b"x" * 101, (("x-secret", "s"),), path).status == 413
    assert hub.inbox.deliveries == []


def _greeted() -> Any:
    import msgspec

    return msgspec.structs.replace(connection("hi", "s"), platform=PlatformName.SLACK)


def test_outcomes_are_counted_with_labels_that_strangers_cannot_choose(hub: Hub, opened: bytes) -> None:
    post(hub, opened, delivered(opened))
    post(hub, opened, delivered(opened))
    post(hub, opened, delivered(opened, "wrong"))
    post(hub, opened, delivered(opened), "/webhooks/made-up/gh-1")

    def counted(platform: str, outcome: str) -> float:
        return hub.metrics.value("ai_crm_webhooks_total", platform=platform, outcome=outcome)

    assert counted("github", "queued") == 1
    assert counted("github", "duplicate") == 1
    assert counted("github", "signature-invalid") == 1
    assert counted("unknown", "signature-invalid") == 1
    assert b"made-up" not in hub.metrics.exposition()[0]


@pytest.fixture(params=["genuine", "forged", "down"])
def canary(request: pytest.FixtureRequest) -> tuple[Hub, str, bytes]:
    hub = Hub()
    hub.inbox.down = request.param == "down"
    return hub, "wrong" if request.param == "forged" else SECRET, b'{"title":"canary-7f3a"}'


def test_the_log_tells_the_event_and_nothing_of_its_content(
    canary: tuple[Hub, str, bytes], written: io.StringIO, records: Callable[[], list[dict[str, Any]]]
) -> None:
    hub, secret, body = canary
    headers = (*delivered(body, secret), ("x-note", "canary-header"))
    answer = post(hub, body, headers)
    text = written.getvalue()
    assert not [word for word in ("canary", SECRET, sign(body, secret)[7:], "canary-header") if word in text]
    told = records()
    assert all(each["action"] and each["request"] == answer.headers["x-request-id"] for each in told)
    assert told[-1]["event"] == "request"
    assert (told[-1]["route"], told[-1]["status"]) == ("/webhooks/{platform}/{connection}", answer.status)
