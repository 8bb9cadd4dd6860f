"""The server on a real socket: who is too slow, too large or too many is sent away, and nobody under way is lost."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from msgspec.structs import replace

from ai_crm.errors import SettingsInvalid
from ai_crm.hub.app import build_app
from ai_crm.hub.server import Bounds, listen, run, serve, stop_on_signals
from ai_crm.model.delivery import Delivery
from ai_crm.ports.queue import Accepted
from tests.doubles.hub_parts import HOOK, Hub, MemoryInbox, delivered

QUICK = Bounds(head_seconds=0.2, body_seconds=0.4)


async def answered(port: int, *pieces: bytes, pause: float = 0.0) -> bytes:
    """Everything that comes back until the server closes, or lets nothing more in."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    told = b""
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        told = await reader.read()
    except ConnectionError:
        pass
    finally:
        writer.close()
    return told


def head(body: bytes, length: int | None = None) -> bytes:
    lines = [f"{name}: {value}" for name, value in delivered(body)]
    size = len(body) if length is None else length
    request = [f"POST {HOOK} HTTP/1.1", "Host: hub", f"Content-Length: {size}", "Connection: close", *lines]
    return ("\r\n".join(request) + "\r\n\r\n").encode()


def asked(hub: Hub, *pieces: bytes, bounds: Bounds = QUICK, pause: float = 0.0) -> bytes:
    async def once() -> bytes:
        async with hub.served(bounds) as port:
            return await answered(port, *pieces, pause=pause)

    return asyncio.run(asyncio.wait_for(once(), 20))


def test_a_delivery_comes_through_the_socket(hub: Hub) -> None:
    body = b'{"action":"opened"}'
    told = asked(hub, head(body), body)
    assert told.startswith(b"HTTP/1.1 202")
    assert b"server:" not in told.lower()
    assert len(hub.inbox.deliveries) == 1


@pytest.mark.parametrize("drip", [b"", b"\r\n", b"x"])
def test_a_head_that_does_not_end_is_cut_off(hub: Hub, drip: bytes) -> None:
    assert asked(hub, b"GET /healthz HTTP/1.1\r\nA: " if drip == b"x" else b"", *[drip] * 30, pause=0.02) == b""


def test_a_head_without_measure_is_cut_off(hub: Hub) -> None:
    patient = Bounds(head_bytes=64 * 1024)
    assert asked(hub, b"GET /healthz HTTP/1.1\r\nA: ", *[b"x" * 65536] * 40, bounds=patient) == b""


def test_a_large_body_in_pieces_is_not_taken_for_a_head(hub: Hub) -> None:
    body = b"x" * 1_000_000
    assert asked(hub, head(body), body, bounds=Bounds()).startswith(b"HTTP/1.1 202")


def test_a_body_that_does_not_come_is_answered_and_cut_off() -> None:
    hub = Hub(receipt_seconds=0.1)
    assert asked(hub, head(b"", 100), b"x").startswith(b"HTTP/1.1 408")
    assert hub.inbox.deliveries == []


def test_an_announced_flood_is_refused(hub: Hub) -> None:
    assert asked(hub, head(b"", 300_000_000)).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "lines",
    [b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: 2\r\nContent-Length: 3\r\n",
     b"A: \0\r\n"],
)  # fmt: skip
def test_a_request_of_two_minds_is_refused(hub: Hub, lines: bytes) -> None:
    told = asked(hub, f"POST {HOOK} HTTP/1.1\r\nHost: hub\r\n".encode() + lines + b"\r\n{}")
    assert told.startswith(b"HTTP/1.1 400")


def test_more_than_the_hub_holds_are_told_to_come_again(hub: Hub) -> None:
    told = asked(hub, b"GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n", bounds=Bounds(connections=1))
    assert told.startswith(b"HTTP/1.1 503")


NEVER = Bounds(head_seconds=60, body_seconds=60, connections=520)
SLOW = {
    "silence": b"",
    "half a head": b"GET /healthz HTTP/1.1\r\nA: ",
    "no body": head(b"", 100),
    "half a body": head(b"", 100) + b"x",
    "kept": b"GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n",
}


@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW)
def test_five_hundred_who_only_hold_a_place_keep_nobody_out(hub: Hub, sent: bytes) -> None:
    """Nothing of theirs runs out here: they lose their places because somebody else has something to say."""
    body = b'{"action":"opened"}'

    async def crowded() -> list[bytes]:
        async with hub.served(NEVER) as port:
            crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(560)]
            for _reader, writer in crowd:
                writer.write(sent)
            await asyncio.sleep(0.2)
            told = [await answered(port, head(body), body) for _ in range(20)]
            for _reader, writer in crowd:
                writer.transport.abort()
            return told

    told = asyncio.run(asyncio.wait_for(crowded(), 30))
    assert {each.split(b"\r\n")[0] for each in told} == {b"HTTP/1.1 202 Accepted"}


def test_who_has_sent_all_of_a_request_keeps_the_place_until_it_is_answered() -> None:
    class Slow(MemoryInbox):
        async def accept(self, delivery: Delivery) -> Accepted:
            await asyncio.sleep(0.5)
            return await super().accept(delivery)

    hub, body = Hub(), b'{"action":"opened"}'
    app = build_app(replace(hub.parts, inbox=Slow()))

    async def crowded() -> bytes:
        listener, stop = listen(port=0), asyncio.Event()
        serving = asyncio.create_task(serve(app, listener, stop, Bounds(connections=4)))
        port = listener.getsockname()[1]
        first = asyncio.create_task(answered(port, head(body), body))
        await asyncio.sleep(0.1)
        crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
        told = await first
        for _reader, writer in crowd:
            writer.transport.abort()
        stop.set()
        await serving
        return told

    assert asyncio.run(asyncio.wait_for(crowded(), 20)).startswith(b"HTTP/1.1 202")


def test_what_is_under_way_is_finished_before_the_server_goes(hub: Hub) -> None:
    body = b'{"action":"opened"}'

    async def stopped_in_between() -> bytes:
        listener, stop = listen(port=0), asyncio.Event()
        serving = asyncio.create_task(serve(hub.app, listener, stop))
        reader, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        writer.write(head(body) + body[:5])
        await asyncio.sleep(0.1)
        stop.set()
        await asyncio.sleep(0.2)
        writer.write(body[5:])
        told = await reader.read()
        writer.close()
        await serving
        return told

    assert asyncio.run(stopped_in_between()).startswith(b"HTTP/1.1 202")


def test_a_port_that_is_taken_is_a_setting_to_change() -> None:
    with listen(port=0) as taken, pytest.raises(SettingsInvalid, match="AI_CRM_PORT"):
        listen(port=taken.getsockname()[1])


def test_a_signal_stops_the_server_in_order(hub: Hub) -> None:
    async def served() -> bytes:
        listener, stop = listen(port=0), stop_on_signals()
        serving = asyncio.create_task(serve(hub.app, listener, stop))
        told = await answered(listener.getsockname()[1], b"GET /healthz HTTP/1.0\r\n\r\n")
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(serving, 10)
        return told

    assert run(served()).endswith(b"ok")
