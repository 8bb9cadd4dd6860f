"""How many signed webhooks a hub stores in a second, beside the least that a durable receiver can be, in one run.

    python benchmarks/ingest.py [SECONDS] [ROUNDS]

Both run on uvicorn and SQLite with synchronous=FULL; 32 connections send different recorded payloads as fast as they are
answered. The hub also recognises repetitions by id and by body, routes, and logs. The ratio is the figure: rates depend on the machine.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAYLOAD = ROOT / "tests" / "platforms" / "github" / "payloads" / "issues.opened.json"
SECRET = "benchmark-secret"  # noqa: S105 - of nobody
CONNECTIONS = 32


@contextmanager
def started(command: list[str], environ: dict[str, str]) -> Iterator[int]:
    """The port of a program whose first line ends in its address, or has it as third word."""
    process = subprocess.Popen(
        command, env={**os.environ, **environ}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    line = process.stdout.readline()
    address = next(word for word in line.split() if word.startswith("http://"))
    try:
        yield int(address.rsplit(":", 1)[1])
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@contextmanager
def hub(folder: str) -> Iterator[int]:
    environ = {
        "AI_CRM_DATA": folder,
        "AI_CRM_GITHUB_TOKEN": "none",
        "AI_CRM_GITHUB_WEBHOOK_SECRET": SECRET,
    }
    command = [sys.executable, "-I", "-m", "ai_crm.cli"]
    subprocess.run(
        [*command, "connections", "add-github", "main"],
        env={**os.environ, **environ},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with started([*command, "serve", "--role", "web", "--port", "0"], environ) as port:
        yield port


@contextmanager
def bare(folder: str) -> Iterator[int]:
    program = str(ROOT / "benchmarks" / "peers" / "bare_ingest.py")
    with started([sys.executable, program, os.path.join(folder, "bare.db"), SECRET], {}) as port:
        yield port


async def load(port: int, seconds: float) -> tuple[float, float, float]:
    """Requests a second, and the 50th and 99th percentile of answers in ms."""
    template = json.loads(PAYLOAD.read_bytes())
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    async def one(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        count = 0
        while time.perf_counter() < end:
            count += 1
            template["issue"]["number"] = number * 1_000_000 + count
            body = json.dumps(template).encode()
            signature = hmac.digest(SECRET.encode(), body, "sha256").hex()
            delivery = hashlib.md5(body, usedforsecurity=False).hexdigest()
            head = (
                "POST /webhooks/github/main HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
                f"X-GitHub-Event: issues\r\nX-GitHub-Delivery: {delivery}\r\n"
                f"X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            begun = time.perf_counter()
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 202"):
                raise RuntimeError(answer.decode())
            length = next(
                int(line[15:]) for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:")
            )
            await reader.readexactly(length)
            latencies.append(time.perf_counter() - begun)
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*[one(number) for number in range(CONNECTIONS)])
    spent = time.perf_counter() - begun
    latencies.sort()
    return len(latencies) / spent, latencies[len(latencies) // 2] * 1e3, latencies[int(len(latencies) * 0.99)] * 1e3


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    seen: dict[str, list[tuple[float, float, float]]] = {"bare": [], "hub": []}
    for _ in range(rounds):
        for name, program in (("bare", bare), ("hub", hub)):
            with tempfile.TemporaryDirectory() as folder, program(folder) as port:
                seen[name].append(asyncio.run(load(port, seconds)))
    print(f"{'':8}{'requests/s':>12}{'p50 ms':>10}{'p99 ms':>10}")
    for name, runs in seen.items():
        rate, middle, slow = (statistics.median(run[which] for run in runs) for which in range(3))
        print(f"{name:8}{rate:12.0f}{middle:10.1f}{slow:10.1f}")
    ratio = statistics.median(ours[0] / theirs[0] for ours, theirs in zip(seen["hub"], seen["bare"], strict=True))
    print(f"hub / bare: {ratio:.2f} (goal 0.8)")


main()
