"""The way of deliveries out of the stream into the database: in order, each acknowledged after it is committed there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from ai_crm.errors import StoreError
from ai_crm.model.delivery import Delivery
from ai_crm.ports.queue import Accepted
from ai_crm.store.redis_inbox import FIELD, STREAM, WAITING, place

GROUP = "hub"
UNREADABLE = "{ai-crm}:unreadable"
TURN = "{ai-crm}:turn"

Accept = Callable[[Delivery], Awaitable[Accepted]]

# Every process moves under one name, one at a time: so entries that a dead one left behind are the next one's own, and
# what belongs to one item stays in its order.
_MOVER = "mover"
_TURN_SECONDS = 5.0
_PAUSE = 1.0

_MOST = 128
_BLOCK_MS = 250
# Reads until what was refused before is tried again.
_READS = 240

_DELIVERY = msgspec.msgpack.Decoder(Delivery)


class Mover:
    """Runs in every process; those whose turn it is not wait for the one that moves to stop, or to die.

    `accept` is the database's inbox. `moved` is called when something came into the database, `trouble` with what goes wrong. A move that was repeated,
    because somebody died in the middle of it, is a repeated delivery to the database.
    """

    def __init__(self, redis: Redis, accept: Accept, moved: Callable[[], None], trouble: Callable[[str], None]) -> None:
        self._redis = redis
        self._accept = accept
        self._moved = moved
        self._trouble = trouble
        self._turn = redis.lock(TURN, timeout=_TURN_SECONDS, blocking=False, thread_local=False)

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                if await self._turn.acquire():
                    await self._in_turn(stop)
                    continue
            except (StoreError, RedisError) as error:
                self._trouble(str(error) if isinstance(error, StoreError) else type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _PAUSE)

    async def _in_turn(self, stop: asyncio.Event) -> None:
        """First what was read before and not acknowledged, then what is new. Raises StoreError, RedisError."""
        try:
            await self._prepare()
            after = "0"
            for _ in range(_READS):
                entries = await self._read(after)
                if after != ">":
                    after = entries[-1].id if entries else ">"
                await self._move(entries)
                if stop.is_set():
                    return
                await self._turn.reacquire()
        finally:
            with suppress(RedisError):
                await self._turn.release()

    async def _prepare(self) -> None:
        """The group reads from the first entry on, whenever it is made. Nobody else makes it: it is our turn."""
        groups: Any = await self._redis.xinfo_groups(STREAM) if await self._redis.exists(STREAM) else ()
        if all(group["name"] != GROUP.encode() for group in groups):
            await self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)

    async def _read(self, after: str) -> tuple[_Entry, ...]:
        """What this group has read and not acknowledged since an entry, or with `>` what nobody has read."""
        answer: Any = await self._redis.xreadgroup(GROUP, _MOVER, {STREAM: after}, count=_MOST, block=_BLOCK_MS)
        return tuple(_Entry(name.decode(), fields or {}) for _, entries in answer for name, fields in entries)

    async def _move(self, entries: tuple[_Entry, ...]) -> None:
        """Raises StoreError when the database is away; what it refuses for another reason stays behind for later."""
        read = tuple((entry, _delivery(entry)) for entry in entries)
        # Two that came in at the same moment, over two connections, may stand in the stream the other way round.
        known = sorted(((entry, each) for entry, each in read if each), key=lambda pair: pair[1].received_at)
        told = await asyncio.gather(*(self._accept(each) for _, each in known), return_exceptions=True)
        done = tuple(pair for pair, answer in zip(known, told, strict=True) if not isinstance(answer, BaseException))
        await self._acknowledge(done)
        await self._set_aside(tuple(entry for entry, delivery in read if delivery is None))
        if done:
            self._moved()
        self._judge(tuple(answer for answer in told if isinstance(answer, BaseException)))

    async def _acknowledge(self, done: tuple[tuple[_Entry, Delivery], ...]) -> None:
        if not done:
            return
        names = [entry.id for entry, _ in done]
        async with self._redis.pipeline(transaction=True) as together:
            together.xack(STREAM, GROUP, *names)
            together.xdel(STREAM, *names)
            together.hdel(WAITING, *(place(delivery) for _, delivery in done))
            await together.execute()

    async def _set_aside(self, unreadable: tuple[_Entry, ...]) -> None:
        """What is not a delivery, or one of a newer version: kept where it holds up nothing, for a person to look at."""
        for entry in unreadable:
            fields: dict[Any, Any] = {**entry.fields}
            async with self._redis.pipeline(transaction=True) as together:
                if fields:
                    together.xadd(UNREADABLE, fields)
                together.xack(STREAM, GROUP, entry.id)
                together.xdel(STREAM, entry.id)
                await together.execute()
            self._trouble(f"the entry {entry.id} cannot be read: it is kept in {UNREADABLE}")

    def _judge(self, errors: tuple[BaseException, ...]) -> None:
        for error in errors:
            if not isinstance(error, Exception) or (isinstance(error, StoreError) and error.retry):
                raise error
            why = str(error) if isinstance(error, StoreError) else type(error).__name__
            self._trouble(f"a delivery cannot be moved and stays in {STREAM}: {why}")


class _Entry(Struct, frozen=True):
    """`fields` are empty for an entry that was read once and then removed by somebody."""

    id: str
    fields: Mapping[bytes, bytes]


def _delivery(entry: _Entry) -> Delivery | None:
    try:
        return _DELIVERY.decode(entry.fields.get(FIELD, b""))
    except msgspec.DecodeError:
        return None
