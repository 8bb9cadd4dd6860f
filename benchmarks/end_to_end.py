"""From a signed webhook to the one call that its rule makes: how fast, how many, and in how much memory, beside others.

    python benchmarks/end_to_end.py [--seconds S] [--rate R] [--burst N] [--rounds N] [--peers PYTHON]

All programs take turns on this machine, each fresh in each round, against one sink in this process that counts. First
R webhooks a second come for S seconds, whether or not the earlier ones are done; then N at once. The ratios are the
figures: rates depend on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from itertools import islice

import uvloop
from programs import SECRET, Program, Running, bare, hub, python_peer
from sink import Sink
from webhooks import Senders, payloads, percentile, request

_AT_ONCE = 64  # connections of a burst
_PATIENCE = 60.0  # seconds without any new effect
_WARM = 20


@dataclass(frozen=True)
class Seen:
    """Times in ms, memory in MiB. `each_second` is burst divided by the time until its last effect."""

    ready: float
    accept_p99: float
    effect_p50: float
    effect_p99: float
    each_second: float
    drained: float
    idle_memory: float
    full_memory: float
    lost: int
    doubled: int


async def measured(program: Program, options: argparse.Namespace) -> Seen:
    async with Sink() as sink:
        with tempfile.TemporaryDirectory() as folder, program(folder, sink.url) as running:
            return await _measured(running, sink, options)


async def _measured(running: Running, sink: Sink, options: argparse.Namespace) -> Seen:
    senders = Senders(running.port)
    numbers = payloads(1_000_000)
    await _sent(running, senders, list(islice(numbers, _WARM)), 0)
    await _until_done(sink, _WARM)
    idle = running.memory()
    steady = await _sent(running, senders, list(islice(numbers, int(options.rate * options.seconds))), options.rate)
    await _until_done(sink, _WARM + len(steady))
    latencies = [sink.first[number] - each.at for number, each in steady.items() if number in sink.first]
    begun = time.perf_counter()
    memory: list[float] = []
    watching = asyncio.create_task(_watch(running, memory))
    burst = await _sent(running, senders, list(islice(numbers, options.burst)), 0)
    await _until_done(sink, _WARM + len(steady) + len(burst))
    watching.cancel()
    ended = max((sink.first[number] for number in burst if number in sink.first), default=begun)
    senders.close()
    accepted = {number for number, each in (steady | burst).items() if 200 <= each.status < 300}
    return Seen(
        ready=running.ready * 1e3,
        accept_p99=percentile([each.seconds for each in steady.values()], 0.99),
        effect_p50=percentile(latencies, 0.5),
        effect_p99=percentile(latencies, 0.99),
        each_second=sum(number in sink.first for number in burst) / max(ended - begun, 1e-9),
        drained=(ended - begun) * 1e3,
        idle_memory=idle,
        full_memory=max(memory),
        lost=len(accepted - sink.first.keys()),
        doubled=sum(count > 1 for count in sink.count.values()),
    )


@dataclass(frozen=True)
class _Sent:
    at: float
    status: int
    seconds: float


async def _sent(
    running: Running, senders: Senders, bodies: Sequence[tuple[int, bytes]], rate: float
) -> dict[int, _Sent]:
    """`rate` a second, however long the answers take; all at once, over so many connections, when it is 0."""
    begun, gate = time.perf_counter(), asyncio.Semaphore(100_000 if rate else _AT_ONCE)

    async def one(position: int, number: int, body: bytes) -> tuple[int, _Sent]:
        raw = request(running.path, number, body, SECRET)
        if rate:
            await asyncio.sleep(begun + position / rate - time.perf_counter())
        at = time.perf_counter()
        async with gate:
            status, seconds = await senders.send(raw)
        return number, _Sent(at, status, seconds)

    jobs: list[Awaitable[tuple[int, _Sent]]] = [
        one(position, number, body) for position, (number, body) in enumerate(bodies)
    ]
    return dict(await asyncio.gather(*jobs))


async def _until_done(sink: Sink, wanted: int) -> None:
    """What is lost never comes: the wait ends when nothing came for long."""
    known, since = -1, time.perf_counter()
    while len(sink.first) < wanted and time.perf_counter() - since < _PATIENCE:
        if len(sink.first) != known:
            known, since = len(sink.first), time.perf_counter()
        await asyncio.sleep(0.005)


async def _watch(running: Running, memory: list[float]) -> None:
    while True:
        memory.append(running.memory())
        await asyncio.sleep(0.1)


def _programs(options: argparse.Namespace) -> dict[str, Program]:
    found = {"bare durable hub": bare("bare_hub"), "hub, SQLite": hub(), "hub, PostgreSQL": hub(postgresql=True)}
    if options.peers:
        for name in ("gidgethub", "huey", "dbos"):
            found[name] = python_peer(f"{name}_app", options.peers)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--burst", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default="", help="a Python that has gidgethub, aiohttp, huey and dbos")
    parser.add_argument("--only", default="", help="part of a program's name")
    options = parser.parse_args()
    programs = {name: program for name, program in _programs(options).items() if options.only in name}
    seen: dict[str, list[Seen]] = {name: [] for name in programs}
    for _ in range(options.rounds):
        for name, program in programs.items():
            seen[name].append(uvloop.run(measured(program, options)))
    _show(seen, next(iter(programs)), options)


def _show(seen: dict[str, list[Seen]], peer: str, options: argparse.Namespace) -> None:
    """Medians; what was lost and doubled is added up."""
    print(f"{options.rate:g}/s for {options.seconds:g} s, then {options.burst} at once; {options.rounds} rounds\n")
    print("| | ready ms | 202 p99 ms | effect p50 ms | p99 ms | burst: effects/s | drained ms | MiB idle | MiB full |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name, runs in seen.items():
        middle = [
            statistics.median(getattr(run, field) for run in runs)
            for field in (
                *("ready", "accept_p99", "effect_p50", "effect_p99"),
                *("each_second", "drained", "idle_memory", "full_memory"),
            )
        ]
        print(
            f"| {name} | " + " | ".join(f"{value:.0f}" if value >= 100 else f"{value:.1f}" for value in middle) + " |"
        )
    print(f"\n| | effects/s beside {peer} | lost | doubled |\n|---|---:|---:|---:|")
    for name, runs in seen.items():
        pairs = zip(runs, seen[peer], strict=True)
        ratio = statistics.median(ours.each_second / max(theirs.each_second, 1e-9) for ours, theirs in pairs)
        print(f"| {name} | {ratio:.2f} | {sum(run.lost for run in runs)} | {sum(run.doubled for run in runs)} |")


if __name__ == "__main__":
    main()
