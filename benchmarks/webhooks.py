"""Genuine webhooks in any number, each about an issue of its own, and how long each took to be answered."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_RECORDED = _ROOT / "tests" / "platforms" / "github" / "payloads" / "issues.opened.json"
_ISSUE = 987654321
_TIRED = 2.0  # seconds that a connection may lie idle


def payloads(first: int) -> Iterator[tuple[int, bytes]]:
    """Issue and body, without end. The bodies differ in the issue's number alone, so that making one costs nothing."""
    payload = json.loads(_RECORDED.read_bytes())
    payload["issue"]["number"] = _ISSUE
    payload["installation"] = {"id": 1, "node_id": ""}
    payload["repository"] |= {"full_name": "octo/hello", "default_branch": "main"}
    head, tail = json.dumps(payload).encode().split(b'"number": %d' % _ISSUE, 1)
    number = first
    while True:
        yield number, b'%b"number": %d%b' % (head, number, tail)
        number += 1


def request(path: str, number: int, body: bytes, secret: str) -> bytes:
    signature = hmac.digest(secret.encode(), body, "sha256").hex()
    return (
        f"POST {path} HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nUser-Agent: GitHub-Hookshot/7f3b2c1\r\n"
        f"X-GitHub-Event: issues\r\nX-GitHub-Delivery: 00000000-0000-4000-8000-{number:012d}\r\n"
        f"X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


class Senders:
    """Connections that are kept and given out in turn; there are as many as are needed at once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self, raw: bytes) -> tuple[int, float]:
        """Status and seconds."""
        begun = time.perf_counter()
        reader, writer = await self._connection()
        writer.write(raw)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b"\r\ncontent-length:" in head:
            length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
        elif b"chunked" in head:
            await reader.readuntil(b"0\r\n\r\n")
        seconds = time.perf_counter() - begun
        if b"\r\nconnection: close" in head:
            writer.close()
        else:
            self._idle.append((time.perf_counter(), reader, writer))
        return int(head[9:12]), seconds

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """One that the far side cannot have grown tired of."""
        while self._idle:
            since, reader, writer = self._idle.pop()
            if time.perf_counter() - since < _TIRED:
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._port)

    def close(self) -> None:
        for _since, _reader, writer in self._idle:
            writer.close()


def percentile(values: list[float], part: float) -> float:
    """In ms; not a number where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1e3 if ordered else float("nan")
