"""The event queue in front of the database, for operators who have Redis: a stream that is on the disk before we answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from ai_crm.errors import Problem, SettingsInvalid, StoreUnavailable
from ai_crm.model.decision import Decision
from ai_crm.model.delivery import Delivery, DeliveryState, Lease, Setback
from ai_crm.model.record import EventRecord, Stage
from ai_crm.ports.queue import Accepted, HeldDelivery, Inbox

# All in one slot of a cluster, because they change together.
STREAM = "{ai-crm}:inbox"
WAITING = "{ai-crm}:waiting"  # workspace/event -> what is told about an event that is still in the stream
FIELD = b"delivery"

# Seconds that one answer may take; and connections: more than write at once wait for one that is free.
_PATIENCE = 4
_CONNECTIONS = 32

# What only together makes an answer of Redis mean that the disk has it. Redis 7: with no-appendfsync-on-rewrite nothing
# is synced while the file is rewritten, whatever appendfsync says.
# https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/
_DURABLE = (("appendonly", "yes"), ("appendfsync", "always"), ("no-appendfsync-on-rewrite", "no"))
_EVICTING = "allkeys-"


def redis_at(url: str) -> Redis:
    """Connects to nothing yet. Raises SettingsInvalid, which never repeats the URL: there may be a password in it."""
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=_PATIENCE,
            socket_timeout=_PATIENCE,
            socket_connect_timeout=_PATIENCE,
            retry=Retry(NoBackoff(), 1),  # a connection that was kept may be dead; to add twice is not to do twice
        )
    except ValueError:
        raise _unusable(
            "is not the URL of a Redis", "redis://user:password@host:6379/0, or rediss:// with TLS"
        ) from None
    return Redis.from_pool(pool)


class RedisInbox:
    """Implements ports.queue.Inbox: takes in here, and does everything else in the inbox behind it.

    A repetition is told from something new only while the first is still here. Afterwards it is answered like something
    new, and found out when it is moved: its effect is once all the same.
    """

    def __init__(self, redis: Redis, behind: Inbox) -> None:
        self._redis = redis
        self._behind = behind

    async def accept(self, delivery: Delivery) -> Accepted:
        """Both or nothing, and on the disk before the answer. It is added even if it is known: what is told may be old."""
        try:
            async with self._redis.pipeline(transaction=True) as together:
                together.hsetnx(WAITING, place(delivery), msgspec.json.encode(_record(delivery)))
                together.xadd(STREAM, {FIELD: msgspec.msgpack.encode(delivery)})
                is_new, _entry = await together.execute()
        except RedisError as error:
            raise _away(error) from None
        return Accepted(delivery.id, duplicate=not is_new)

    async def take(self, holder: str, now: datetime, most: int) -> tuple[HeldDelivery, ...]:
        return await self._behind.take(holder, now, most)

    async def decide(self, lease: Lease, decisions: tuple[Decision, ...], now: datetime) -> None:
        await self._behind.decide(lease, decisions, now)

    async def postpone(self, lease: Lease, setback: Setback, until: datetime) -> None:
        await self._behind.postpone(lease, setback, until)

    async def bury(self, lease: Lease, setback: Setback, now: datetime) -> None:
        await self._behind.bury(lease, setback, now)

    async def waiting(self, workspace: str, event: str) -> EventRecord | None:
        """An event that was accepted and is still here. Raises StoreUnavailable."""
        try:
            found: Any = await self._redis.hget(WAITING, f"{workspace}/{event}")
        except RedisError as error:
            raise _away(error) from None
        return msgspec.json.decode(found, type=EventRecord) if found else None

    async def check(self) -> None:
        """Raises SettingsInvalid for a Redis that may lose what it was given, StoreUnavailable for one that is away."""
        names = (*(name for name, _ in _DURABLE), "maxmemory-policy")
        try:
            found = [await self._redis.config_get(name) for name in names]
        except ResponseError:
            raise _unusable(
                "does not say how it keeps what it is given", "let its user run CONFIG GET, or do without Redis"
            ) from None
        except RedisError as error:
            raise _away(error) from None
        settings = {str(name): str(value) for each in found for name, value in each.items()}
        if problems := tuple(_forgetful(settings)):
            raise SettingsInvalid(problems)

    async def close(self) -> None:
        await self._redis.aclose()


def place(delivery: Delivery) -> str:
    """Under what an event is found while it waits."""
    return f"{delivery.workspace}/{delivery.id}"


def _record(delivery: Delivery) -> EventRecord:
    return EventRecord(
        id=delivery.id,
        connection=delivery.connection,
        platform=delivery.platform,
        name=delivery.name,
        state=DeliveryState.QUEUED,
        received_at=delivery.received_at,
        decided_at=None,
        attempts=0,
        settled=False,
        stages=(
            Stage(name="received", at=delivery.received_at, outcome="stored", ms=0),
            Stage(name="decided", at=None, outcome="waiting"),
        ),
    )


def _forgetful(settings: dict[str, str]) -> list[Problem]:
    problems = [
        _problem(
            f"is a Redis with `{name} {settings.get(name, '')}`, which may lose what it accepted",
            f"set `{name} {wanted}`",
        )
        for name, wanted in _DURABLE
        if settings.get(name) != wanted
    ]
    policy = settings.get("maxmemory-policy", "")
    if policy.startswith(_EVICTING):
        hint = "set `maxmemory-policy noeviction`, or one that begins with volatile-"
        problems.append(_problem(f"is a Redis with `maxmemory-policy {policy}`, which throws away what waits", hint))
    return problems


def _problem(what: str, hint: str) -> Problem:
    return Problem("AI_CRM_REDIS_URL", 0, 0, what, hint)


def _unusable(what: str, hint: str) -> SettingsInvalid:
    return SettingsInvalid((_problem(what, hint),))


def _away(error: RedisError) -> StoreUnavailable:
    """Without its text: it may quote what was sent."""
    return StoreUnavailable(
        f"Redis takes nothing now ({type(error).__name__})",
        where="AI_CRM_REDIS_URL",
        hint="Check that it runs, that it has memory left, and that its disk is not full",
    )
