"""Redis in front of a database: what was accepted there comes into the database once and in order, whoever dies when."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from ai_crm.errors import RecordMissing, SettingsInvalid, StoreError, StoreUnavailable
from ai_crm.model.delivery import Delivery, DeliveryState, event_id
from ai_crm.model.item import PlatformName
from ai_crm.ports.queue import Accepted
from ai_crm.store.database import engine_for
from ai_crm.store.inbox import SqlInbox
from ai_crm.store.records import SqlRecords
from ai_crm.store.redis_inbox import FIELD, STREAM, WAITING, RedisInbox, redis_at
from ai_crm.store.redis_mover import GROUP, TURN, UNREADABLE, Mover
from ai_crm.store.transactions import Grouped

pytestmark = pytest.mark.redis

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

Accept = Callable[[Delivery], Awaitable[Accepted]]


class Queue:
    """A Redis in which there is nothing yet, the database behind it, and what its movers complained about."""

    def __init__(self, redis: Redis, url: str) -> None:
        self.redis = redis
        self.transactions = Grouped(engine_for(url))
        self.behind = SqlInbox(self.transactions)
        self.inbox = RedisInbox(redis, self.behind)
        self.records = SqlRecords(self.transactions, self.inbox.waiting)
        self.troubles: list[str] = []

    async def rows(self) -> list[str]:
        statement = text("SELECT id FROM delivery ORDER BY received_at, id")
        return await self.transactions.read(lambda database: list(database.execute(statement).scalars()))

    @asynccontextmanager
    async def moving(self, accept: Accept | None = None) -> AsyncIterator[None]:
        """While a mover runs."""
        stop = asyncio.Event()
        mover = Mover(self.redis, accept or self.behind.accept, lambda: None, self.troubles.append)
        running = asyncio.create_task(mover.run(stop))
        try:
            yield
        finally:
            stop.set()
            await running

    async def empty(self, but: int = 0) -> None:
        """Returns when everything was moved, or all but so many."""
        while await self.redis.xlen(STREAM) > but:  # noqa: ASYNC110 - another task, or process, empties it
            await asyncio.sleep(0.01)

    async def until(self, trouble: str) -> None:
        """Returns when a mover complained about it."""
        while not any(trouble in told for told in self.troubles):  # noqa: ASYNC110 - a mover knows no events of ours
            await asyncio.sleep(0.01)


Work = Callable[[Queue], Awaitable[None]]


@pytest.fixture
def run(redis_url: str, new_empty_url: Callable[[], str]) -> Callable[[Work], None]:
    """Does something with a queue of its own."""

    async def with_queue(work: Work) -> None:
        redis = redis_at(redis_url)
        await redis.flushall()
        queue = Queue(redis, new_empty_url())
        try:
            await work(queue)
        finally:
            queue.transactions.close()
            await queue.inbox.close()

    return lambda work: asyncio.run(with_queue(work))


def delivery(number: int, **changed: Any) -> Delivery:
    body = f'{{"number": {number}}}'.encode()
    made = Delivery(
        id=event_id("issues", body),
        workspace="w",
        connection="c",
        platform=PlatformName.GITHUB,
        name="issues",
        vendor_id=f"v{number}",
        lane="one",
        headers={"x-github-event": "issues"},
        body=body,
        received_at=NOON + timedelta(seconds=number),
    )
    return msgspec.structs.replace(made, **changed)


def test_what_was_accepted_is_taken_byte_for_byte_after_it_was_moved(run: Callable[[Work], None]) -> None:
    sent = delivery(1, body=bytes(range(256)))

    async def work(queue: Queue) -> None:
        assert await queue.inbox.accept(sent) == Accepted(sent.id, duplicate=False)
        assert await queue.inbox.take("a", NOON, 5) == ()
        async with queue.moving():
            await queue.empty()
        (held,) = await queue.inbox.take("a", NOON + timedelta(hours=1), 5)
        assert held.delivery == sent
        await queue.inbox.decide(held.lease, (), NOON)

    run(work)


def test_a_repetition_counts_once_whether_it_comes_before_the_move_or_after_it(run: Callable[[Work], None]) -> None:
    async def work(queue: Queue) -> None:
        await queue.inbox.accept(delivery(1))
        assert (await queue.inbox.accept(delivery(1))).duplicate
        async with queue.moving():
            await queue.empty()
            assert await queue.inbox.accept(delivery(1)) == Accepted(delivery(1).id, duplicate=False)
            await queue.inbox.accept(delivery(2, vendor_id="v1"))
            await queue.empty()
        assert await queue.rows() == [delivery(1).id]
        assert await queue.redis.hlen(WAITING) == 0

    run(work)


def test_many_are_moved_in_the_order_in_which_they_came(run: Callable[[Work], None]) -> None:
    sent = [delivery(number, received_at=NOON) for number in range(400)]

    async def work(queue: Queue) -> None:
        async with queue.moving(), queue.moving():
            for each in sent:
                await queue.inbox.accept(each)
            await queue.empty()
        assert await queue.rows() == [each.id for each in sent]

    run(work)


def test_many_at_once_are_moved_in_the_order_of_their_receipt(run: Callable[[Work], None]) -> None:
    sent = [delivery(number, received_at=NOON + timedelta(microseconds=number)) for number in range(100)]

    async def work(queue: Queue) -> None:
        await asyncio.gather(*(queue.inbox.accept(each) for each in sent))
        async with queue.moving():
            await queue.empty()
        assert await queue.rows() == [each.id for each in sent]

    run(work)


def test_an_event_is_known_from_its_acceptance_on(run: Callable[[Work], None]) -> None:
    sent = delivery(1)

    async def work(queue: Queue) -> None:
        await queue.inbox.accept(sent)
        waiting = await queue.records.event("w", sent.id)
        assert (waiting.state, waiting.settled, waiting.received_at) == (DeliveryState.QUEUED, False, sent.received_at)
        assert [(stage.name, stage.outcome) for stage in waiting.stages] == [
            ("received", "stored"),
            ("decided", "waiting"),
        ]
        with pytest.raises(RecordMissing):
            await queue.records.event("another workspace", sent.id)
        async with queue.moving():
            await queue.empty()
        assert await queue.records.event("w", sent.id) == waiting
        with pytest.raises(RecordMissing):
            await queue.records.event("w", "f" * 32)

    run(work)


def test_while_the_database_is_away_everything_waits_in_its_order(run: Callable[[Work], None]) -> None:
    sent = [delivery(number) for number in range(300)]

    async def work(queue: Queue) -> None:
        away = True

        async def accept(each: Delivery) -> Accepted:
            if away:
                raise StoreUnavailable("the database is away")
            return await queue.behind.accept(each)

        for each in sent:
            await queue.inbox.accept(each)
        async with queue.moving(accept):
            await queue.until("away")
            assert await queue.redis.xlen(STREAM) == len(sent)
            away = False
            await queue.empty()
        assert await queue.rows() == [each.id for each in sent]

    run(work)


def test_what_the_database_refuses_stays_behind_and_holds_nobody_up(run: Callable[[Work], None]) -> None:
    async def work(queue: Queue) -> None:
        async def accept(each: Delivery) -> Accepted:
            if each.id == delivery(1).id:
                raise StoreError("the database refused a statement")
            return await queue.behind.accept(each)

        for number in range(3):
            await queue.inbox.accept(delivery(number))
        async with queue.moving(accept):
            await queue.until("refused")
            await queue.inbox.accept(delivery(3))
            await queue.empty(but=1)
        assert await queue.rows() == [delivery(number).id for number in (0, 2, 3)]
        async with queue.moving():  # once its cause is mended
            await queue.empty()
        assert len(await queue.rows()) == 4

    run(work)


def test_what_is_no_delivery_is_put_aside_and_kept(run: Callable[[Work], None]) -> None:
    async def work(queue: Queue) -> None:
        await queue.redis.xadd(STREAM, {FIELD: b"\xc1 of a stranger"})
        await queue.redis.xadd(STREAM, {b"other": b"1"})
        await queue.inbox.accept(delivery(1))
        async with queue.moving():
            await queue.empty()
        assert await queue.rows() == [delivery(1).id]
        kept: Any = await queue.redis.xrange(UNREADABLE)
        assert [fields for _, fields in kept] == [{FIELD: b"\xc1 of a stranger"}, {b"other": b"1"}]
        assert len(queue.troubles) == 2

    run(work)


@pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
def test_a_mover_that_is_killed_loses_and_doubles_nothing(
    run: Callable[[Work], None], redis_url: str, moment: str
) -> None:
    sent = [delivery(number) for number in range(50)]

    async def work(queue: Queue) -> None:
        for each in sent:
            await queue.inbox.accept(each)
        url = queue.transactions._engine.url.render_as_string(hide_password=False)
        child = (sys.executable, Path(__file__).parent.parent / "doubles" / "killed_mover.py", redis_url, url, moment)
        done = await asyncio.to_thread(subprocess.run, child, check=False)
        assert done.returncode == -signal.SIGKILL
        assert (await queue.redis.xpending(STREAM, GROUP))["pending"] == len(sent)
        assert len(await queue.rows()) == (0 if moment == "before the commit" else len(sent))
        await queue.redis.delete(TURN)  # as happens by itself after five seconds
        async with queue.moving():
            await queue.empty()
        assert await queue.rows() == [each.id for each in sent]
        assert (await queue.redis.xpending(STREAM, GROUP))["pending"] == 0
        assert await queue.redis.hlen(WAITING) == 0

    run(work)


def test_when_the_mover_stops_another_one_goes_on(run: Callable[[Work], None]) -> None:
    async def work(queue: Queue) -> None:
        async with queue.moving():
            async with queue.moving():
                await queue.inbox.accept(delivery(1))
                await queue.empty()
            await queue.inbox.accept(delivery(2))
            await queue.empty()
        assert len(await queue.rows()) == 2

    run(work)


def test_a_mover_whose_connections_break_goes_on(run: Callable[[Work], None]) -> None:
    async def work(queue: Queue) -> None:
        async with queue.moving():
            for number in range(6):
                await queue.redis.client_kill_filter(_type="normal", skipme=True)
                await queue.inbox.accept(delivery(number))
            await queue.empty()
        assert len(await queue.rows()) == 6

    run(work)


def test_what_was_acknowledged_is_there_after_redis_was_killed(run: Callable[[Work], None], tmp_path: Path) -> None:
    sent = [delivery(number) for number in range(100)]

    async def work(queue: Queue) -> None:
        server = await asyncio.to_thread(started, tmp_path)
        redis = redis_at(f"unix://{tmp_path}/socket")
        inbox = RedisInbox(redis, queue.behind)
        await inbox.check()
        await asyncio.gather(*(inbox.accept(each) for each in sent))
        server.kill()
        server.wait()
        with pytest.raises(StoreUnavailable):
            await inbox.accept(delivery(200))
        server = await asyncio.to_thread(started, tmp_path)
        entries: Any = await redis.xrange(STREAM)
        found = [msgspec.msgpack.decode(fields[FIELD], type=Delivery) for _, fields in entries]
        assert sorted(found, key=lambda each: each.received_at) == sent
        await inbox.close()
        server.kill()
        server.wait()

    run(work)


def started(folder: Path) -> subprocess.Popen[bytes]:
    """A Redis of its own, which finds what an earlier one left in the folder; on a socket, so that nobody else is met."""
    kept = ("--save", "", "--appendonly", "yes", "--appendfsync", "always", "--dir", str(folder))
    place = ("--port", "0", "--unixsocket", str(folder / "socket"))
    server = subprocess.Popen(("redis-server", *place, *kept), stdout=subprocess.PIPE)
    assert server.stdout
    while b"ready to accept connections" not in (line := server.stdout.readline()).lower():
        assert line, "it did not start"
    server.stdout.close()
    return server


def test_a_redis_that_was_emptied_is_used_again(run: Callable[[Work], None]) -> None:
    async def work(queue: Queue) -> None:
        async with queue.moving():
            await queue.inbox.accept(delivery(1))
            await queue.empty()
            await queue.redis.flushall()
            await queue.inbox.accept(delivery(2))
            await queue.empty()
        assert len(await queue.rows()) == 2

    run(work)


def test_nothing_is_acknowledged_while_redis_is_away_or_full(run: Callable[[Work], None]) -> None:
    async def work(queue: Queue) -> None:
        nowhere = RedisInbox(redis_at("redis://:secret@127.0.0.1:1"), queue.behind)
        for refused in (nowhere.accept(delivery(1)), nowhere.waiting("w", "e"), nowhere.check()):
            with pytest.raises(StoreUnavailable) as told:
                await refused
            assert "secret" not in str(told.value)
        await nowhere.close()
        await queue.redis.config_set("maxmemory", "1mb")
        try:
            with pytest.raises(StoreUnavailable, match="memory left"):
                await queue.inbox.accept(delivery(2))
        finally:
            await queue.redis.config_set("maxmemory", "0")
        assert await queue.redis.exists(STREAM, WAITING) == 0
        await queue.inbox.accept(delivery(2))

    run(work)


@pytest.mark.parametrize(
    ("name", "value", "usual"),
    [
        ("appendfsync", "everysec", "always"),
        ("appendonly", "no", "yes"),
        ("no-appendfsync-on-rewrite", "yes", "no"),
        ("maxmemory-policy", "allkeys-lru", "noeviction"),
    ],
)
def test_a_redis_that_may_forget_is_refused_by_the_name_of_the_setting(
    redis_url: str, name: str, value: str, usual: str
) -> None:
    async def work() -> None:
        redis = redis_at(redis_url)
        inbox = RedisInbox(redis, SqlInbox(Grouped(engine_for("sqlite://"))))
        await inbox.check()
        await redis.config_set(name, value)
        try:
            with pytest.raises(SettingsInvalid, match=f"`{name} {value}`") as told:
                await inbox.check()
            assert "AI_CRM_REDIS_URL" in str(told.value)
        finally:
            await redis.config_set(name, usual)
            await inbox.close()

    asyncio.run(work())


def test_a_redis_that_does_not_say_how_it_keeps_things_is_refused(redis_url: str) -> None:
    async def work() -> None:
        admin = redis_at(redis_url)
        await admin.acl_setuser(
            "limited", enabled=True, passwords=["+pass"], categories=["+@all"], commands=["-config"]
        )
        limited = redis_at(redis_url.replace("redis://", "redis://limited:pass@"))
        inbox = RedisInbox(limited, SqlInbox(Grouped(engine_for("sqlite://"))))
        try:
            with pytest.raises(SettingsInvalid, match="CONFIG GET"):
                await inbox.check()
        finally:
            await admin.acl_deluser("limited")
            await admin.aclose()
            await inbox.close()

    asyncio.run(work())


@pytest.mark.parametrize("url", ["", "secret", "http://secret@host", "redis://:secret@host:port"])
def test_what_is_no_address_of_a_redis_is_told_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsInvalid, match="AI_CRM_REDIS_URL") as told:
        redis_at(url)
    assert "secret" not in str(told.value)
