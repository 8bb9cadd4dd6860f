"""Whoever is refused again and again is told to wait, and nobody else hears of it, whoever they share an address with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from starlette.types import ASGIApp

from ai_crm.hub.app import build_app
from ai_crm.hub.refusals import Refusals
from ai_crm.hub.server import listen, serve
from tests.doubles.hub_parts import HOOK, OPERATOR, Answer, Hub, bearer, call, delivered

BODY = b'{"action":"opened"}'
FORGED = delivered(BODY, "a guess")


class Ticks:
    """A clock that is set by hand, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def app(hub: Hub, ticks: Ticks) -> ASGIApp:
    return build_app(replace(hub.parts, ticks=ticks))


def answers(app: ASGIApp, count: int, headers: Iterable[tuple[str, str]] = FORGED) -> list[Answer]:
    async def work() -> list[Answer]:
        return [await call(app, "POST", HOOK, headers, BODY) for _ in range(count)]

    return asyncio.run(work())


def test_after_thirty_forgeries_in_a_minute_their_sender_is_told_to_wait(app: ASGIApp, ticks: Ticks) -> None:
    assert [each.status for each in answers(app, 31)] == [401] * 30 + [429]
    ticks.now += 15
    (told,) = answers(app, 1)
    assert (told.status, told.headers["retry-after"], told.headers["connection"]) == (429, "45", "close")
    assert told.json()["type"] == "about:blank#refused-too-often"
    assert told.headers["x-request-id"]
    ticks.now += 45
    assert [each.status for each in answers(app, 31)] == [401] * 30 + [429]


def test_a_genuine_sender_behind_the_same_address_is_not_hurt(hub: Hub, app: ASGIApp) -> None:
    answers(app, 100)
    assert answers(app, 1, delivered(BODY))[0].status == 202
    assert len(hub.inbox.deliveries) == 1
    assert asyncio.run(call(app, "GET", "/metrics", bearer(OPERATOR))).status == 200


def test_keys_that_nobody_knows_count_as_well(app: ASGIApp) -> None:
    async def work() -> list[int]:
        return [(await call(app, "GET", "/metrics", bearer(f"aicrm_{n}"))).status for n in range(40)]

    assert asyncio.run(work()) == [401] * 30 + [429] * 10


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("", "unknown", True),
    ],
)
def test_who_can_take_another_address_at_will_is_one_sender(ticks: Ticks, one: str, other: str, same: bool) -> None:  # noqa: FBT001 - a table
    refusals = Refusals(ticks, most=1)
    assert refusals.wait(one) == 0
    assert (refusals.wait(other) > 0) is same


def test_a_flood_of_addresses_is_forgotten_before_it_fills_the_memory(ticks: Ticks) -> None:
    refusals = Refusals(ticks, most=1)
    for number in range(100_000):
        refusals.wait(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(refusals._counts) == 4096
    ticks.now += 60
    refusals.wait("192.0.2.1")
    assert len(refusals._counts) == 1


@settings(max_examples=200, deadline=None, derandomize=True)
@given(calls=st.lists(st.tuples(st.floats(0, 100), st.sampled_from("abc")), max_size=80), most=st.integers(1, 5))
def test_no_sender_waits_longer_than_a_minute_or_for_somebody_else(calls: list[tuple[float, str]], most: int) -> None:
    ticks, counted = Ticks(), dict[str, list[float]]()
    refusals = Refusals(ticks, most)
    for pause, who in calls:
        ticks.now += pause
        address = f"192.0.2.{ord(who)}"
        before = [at for at in counted.setdefault(who, []) if ticks.now - at < 60]
        wait = refusals.wait(address)
        counted[who].append(ticks.now)
        assert 0 <= wait <= 60
        assert not wait or len(before) >= most


FORWARDED = "X-Forwarded-For: 198.51.100.7, 203.0.113.9\r\n"


@pytest.mark.parametrize(
    ("trusted", "seen"),
    [
        ((), "127.0.0.1"),
        (("10.0.0.0/8",), "127.0.0.1"),
        (("127.0.0.1",), "203.0.113.9"),
        (("127.0.0.0/8", "203.0.113.0/24"), "198.51.100.7"),
    ],
)
def test_a_forwarded_address_is_believed_of_proxies_that_are_trusted_and_of_nobody_else(
    hub: Hub, records: Callable[[], list[dict[str, Any]]], trusted: tuple[str, ...], seen: str
) -> None:
    async def asked() -> bytes:
        listener, stop = listen(port=0), asyncio.Event()
        serving = asyncio.create_task(serve(hub.app, listener, stop, trusted=trusted))
        reader, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        writer.write(f"GET /healthz HTTP/1.1\r\nHost: hub\r\n{FORWARDED}Connection: close\r\n\r\n".encode())
        told = await reader.read()
        writer.close()
        stop.set()
        await serving
        return told

    assert asyncio.run(asked()).endswith(b"ok")
    assert records()[-1]["client"] == seen
