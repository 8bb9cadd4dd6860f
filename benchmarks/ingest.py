"""How many signed webhooks a hub stores in a second, beside the least that a durable receiver can be, in one run.

    python benchmarks/ingest.py [SECONDS] [ROUNDS]

All run on uvicorn, on SQLite with synchronous=FULL or on PostgreSQL as it comes; 32 connections send different recorded
payloads as fast as they are answered. The hub also recognises repetitions by id and by body, routes, and logs. The ratio
is the figure: rates depend on the machine.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator

import uvloop
from programs import SECRET, Program, Running, bare, hub
from webhooks import Senders, payloads, percentile, request

CONNECTIONS = 32
PROGRAMS: dict[str, tuple[Program, str]] = {  # and what it is compared with
    "bare, SQLite": (bare("bare_ingest"), "bare, SQLite"),
    "hub, SQLite": (hub("web"), "bare, SQLite"),
    "bare, PostgreSQL": (bare("bare_ingest", postgresql=True), "bare, PostgreSQL"),
    "hub, PostgreSQL": (hub("web", postgresql=True), "bare, PostgreSQL"),
}


async def load(running: Running, seconds: float) -> tuple[float, float, float, float]:
    """Requests a second, the 50th and 99th percentile of answers in ms, and by how many KiB a thousand grow the memory."""
    senders, numbers = Senders(running.port), payloads(1)
    begun, before = time.perf_counter(), running.memory()
    latencies = await asyncio.gather(*[_some(senders, running, numbers, begun + seconds) for _ in range(CONNECTIONS)])
    spent = time.perf_counter() - begun
    senders.close()
    all_ = [each for some in latencies for each in some]
    grown = (running.memory() - before) * 1024 / len(all_) * 1000
    return len(all_) / spent, percentile(all_, 0.5), percentile(all_, 0.99), grown


async def _some(senders: Senders, running: Running, numbers: Iterator[tuple[int, bytes]], end: float) -> list[float]:
    latencies = []
    while time.perf_counter() < end:
        status, seconds = await senders.send(request(running.path, *next(numbers), SECRET))
        if status != 202:
            raise SystemExit(f"a webhook was answered {status}")
        latencies.append(seconds)
    return latencies


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    seen: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in PROGRAMS}
    for _ in range(rounds):
        for name, (program, _peer) in PROGRAMS.items():
            with tempfile.TemporaryDirectory() as folder, program(folder, "http://127.0.0.1:9") as running:
                seen[name].append(uvloop.run(load(running, seconds)))
    print(
        "| | requests/s | p50 ms | p99 ms | KiB each thousand | beside the bare one |\n|---|---:|---:|---:|---:|---:|"
    )
    for name, runs in seen.items():
        rate, middle, slow, grown = (statistics.median(run[which] for run in runs) for which in range(4))
        pairs = zip(runs, seen[PROGRAMS[name][1]], strict=True)
        ratio = statistics.median(ours[0] / theirs[0] for ours, theirs in pairs)
        print(f"| {name} | {rate:.0f} | {middle:.1f} | {slow:.1f} | {grown:.0f} | {ratio:.2f} |")


main()
