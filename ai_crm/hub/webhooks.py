"""The way of a webhook from a stranger's call to a stored delivery: nothing is read before it is proven genuine."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ai_crm.errors import AiCrmError, SignatureInvalid
from ai_crm.hub.problems import kind_of
from ai_crm.hub.room import Room
from ai_crm.hub.routes import a_mebibyte
from ai_crm.hub.telemetry import Metrics
from ai_crm.model.delivery import Delivery, event_id
from ai_crm.model.item import PlatformName
from ai_crm.ports import Clock, Handshake, RawRequest
from ai_crm.ports.queue import Inbox
from ai_crm.ports.receiver import Connection, Connections, Envelope, Receiver

PATH = "/webhooks/{platform}/{connection}"

log = structlog.get_logger()


class Webhooks:
    """`wake` is called when something was accepted. Answers 202 only for what is stored."""

    def __init__(
        self,
        connections: Connections,
        receivers: Mapping[PlatformName, Receiver],
        inbox: Inbox,
        clock: Clock,
        wake: Callable[[], None],
        metrics: Metrics,
    ) -> None:
        self._connections = connections
        self._receivers = receivers
        self._inbox = inbox
        self._clock = clock
        self._wake = wake
        self._metrics = metrics
        self._room = Room()

    def limit(self, request: Request) -> int:
        """How many bytes a body may have; for a platform that nobody knows as many as for the first one."""
        receiver = self._receiver(request)
        return receiver.limit if receiver else a_mebibyte(request)

    async def receive(self, request: Request) -> Response:
        """Raises SignatureInvalid, PayloadInvalid, DeliveryTooLarge, StoreUnavailable, HTTPException."""
        outcome = "fault"
        with self._metrics.webhook_seconds.time():
            try:
                outcome, response = await self._received(request)
            except AiCrmError as error:
                outcome = kind_of(error)
                raise
            except HTTPException as error:
                outcome = str(error.status_code)
                raise
            except ClientDisconnect:
                outcome = "client-left"
                raise
            finally:
                platform = _platform(request)
                self._metrics.webhooks.labels(platform.value if platform else "unknown", outcome).inc()
        return response

    async def _received(self, request: Request) -> tuple[str, Response]:
        async with AsyncExitStack() as held:
            raw = await self._read(request, held)
            connection = await self._connection(request)
            receiver = self._receiver(request)
            if receiver is None:
                raise _refused()
            secrets = connection.webhook_secrets if connection else ()
            seen = await _apart(raw, lambda: _examined(receiver, raw, secrets))
            if connection is None:  # a receiver that lets anything through is no reason to do so
                raise _refused()
            if isinstance(seen, Handshake):
                return "handshake", Response(seen.body, media_type=seen.content_type)
            return await self._stored(connection, seen, raw.body)

    async def _read(self, request: Request, held: AsyncExitStack) -> RawRequest:
        """Only so much is in memory at once, until it is stored; whoever takes too long makes room for others."""
        body = bytearray()
        try:
            async with asyncio.timeout(None) as reading:
                guest = held.enter_context(self._room.guest(reading))
                async for chunk in request.stream():
                    await self._room.take(guest, len(chunk))
                    body += chunk
        except TimeoutError:
            raise HTTPException(408, "The body took long, and others needed the room.") from None
        self._room.stay(guest)
        return RawRequest(_joined(request), bytes(body), request.url.path)

    async def _connection(self, request: Request) -> Connection | None:
        """The connection of the address; None for one that is not there, is another platform's, or has no secret."""
        name = request.path_params["connection"]
        connection = await self._connections.find(name) if _NAME.fullmatch(name) else None
        if connection is None or connection.platform is not _platform(request):
            return None
        if not any(connection.webhook_secrets):
            log.warning("webhook_without_secret", action="webhook", connection=connection.id)
        return connection

    async def _stored(self, connection: Connection, envelope: Envelope, body: bytes) -> tuple[str, Response]:
        delivery = Delivery(
            id=event_id(envelope.name, body),
            workspace=connection.workspace,
            connection=connection.id,
            platform=connection.platform,
            name=envelope.name,
            vendor_id=envelope.vendor_id,
            lane=envelope.lane,
            headers=envelope.headers,
            body=body,
            received_at=self._clock.now(),
        )
        accepted = await self._inbox.accept(delivery)
        status = "duplicate" if accepted.duplicate else "queued"
        if not accepted.duplicate:
            self._wake()
        log.info("webhook", action="webhook", connection=connection.id, event_id=accepted.id, outcome=status)
        told = json.dumps({"status": status, "event_id": accepted.id})
        location = {"Location": f"/api/v1/events/{accepted.id}"}
        return status, Response(told, 202, location, "application/json")

    def _receiver(self, request: Request) -> Receiver | None:
        """The platform's, or any other's for the same work; with no secrets it lets nobody through."""
        platform = _platform(request)
        known = self._receivers.get(platform) if platform else None
        return known or next(iter(self._receivers.values()), None)


# More than this is verified in a thread, because a hash over it would keep everybody else waiting.
_LARGE = 256 * 1024
_PLATFORMS = {each.value: each for each in PlatformName}
_NAME = re.compile("[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


def _platform(request: Request) -> PlatformName | None:
    try:
        return PlatformName(request.path_params["platform"])
    except ValueError:
        return None


def _joined(request: Request) -> Mapping[str, str]:
    """Headers that came twice arrive as one with a comma, which no reader of a signature accepts."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _apart(raw: RawRequest, work: Callable[[], Handshake | Envelope]) -> Handshake | Envelope:
    return await asyncio.to_thread(work) if len(raw.body) > _LARGE else work()


def _examined(receiver: Receiver, raw: RawRequest, secrets: tuple[str, ...]) -> Handshake | Envelope:
    try:
        handshake = receiver.verify(raw, secrets)
    except SignatureInvalid as error:
        # All that is wrong sounds alike outside: a stranger shall not find out which connections there are.
        log.info("webhook_refused", action="webhook", why=error.what)
        raise _refused() from None
    return handshake or receiver.envelope(raw)


def _refused() -> SignatureInvalid:
    return SignatureInvalid(
        "the delivery's signature is missing or wrong",
        hint="The secret here and in the settings of the webhook must be the same, and so must the address",
    )
