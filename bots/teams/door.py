"""The way of a call from Teams to the bot: who sent it is proven before anything in it is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

import structlog
from msgspec import Struct
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ai_crm.errors import CommandRefused, SettingsInvalid, SignatureInvalid
from ai_crm.hub.routes import Open, route
from ai_crm.model.address import is_loopback, parse_address
from ai_crm.platforms.teams.login import Cloud, cloud_of, is_app_id
from ai_crm.platforms.teams.verify import Claims, Expected, Origin, bearer, key_id, match, verify
from bots.teams.activity import Heard, parse
from bots.teams.tenants import Tenants
from bots.teams.tokens import Keys

PATH = "/teams/messages"
log = structlog.get_logger()


class Answer(Struct, frozen=True):
    """What an invoke is answered with; without a body for everything else."""

    status: int
    body: object = None


class Gate(Protocol):
    """Decides who comes in."""

    async def claims(self, headers: Headers) -> Claims | None:
        """What the token says. Raises SignatureInvalid."""
        ...

    async def admit(self, claims: Claims | None, origin: Origin) -> None:
        """Raises SignatureInvalid, CommandRefused, StoreUnavailable."""
        ...


class Signed:
    """Implements Gate for the Bot Connector of a cloud."""

    def __init__(
        self, keys: Keys, expected: Expected, tenants: Tenants, cloud: Cloud, now: Callable[[], datetime]
    ) -> None:
        self._keys = keys
        self._expected = expected
        self._tenants = tenants
        self._cloud = cloud
        self._now = now

    async def claims(self, headers: Headers) -> Claims:
        given = headers.getlist("authorization")
        token = bearer(given[0] if len(given) == 1 else "")
        return verify(token, await self._keys.find(key_id(token)), self._expected, self._now())

    async def admit(self, claims: Claims | None, origin: Origin) -> None:
        if claims is None or not is_served(self._cloud, origin.service_url):
            raise SignatureInvalid("the call names a service that gets no answer from us", where="Teams")
        tenant = match(claims, origin)
        if not tenant or await self._tenants.workspace_of(tenant) is None:
            named = tenant if is_app_id(tenant) else "TENANT_ID"
            log.warning("teams", action="foreign tenant", tenant=named, hint=self._tenants.advice(named))
            raise CommandRefused("the call is of another tenant", where="Teams", hint=self._tenants.advice(named))


class Local:
    """Implements Gate for an emulator on this machine, which has no token to show.

    A page in a browser here can send forms, but no JSON without asking first; and a proxy says that it is one.
    """

    async def claims(self, headers: Headers) -> None:
        is_json = headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
        if not is_json or any(name in headers for name in _FOREIGN):
            raise SignatureInvalid("only an emulator on this machine may come in without a token", where="Teams")

    async def admit(self, _claims: Claims | None, origin: Origin) -> None:
        if not is_here(origin.service_url):
            raise SignatureInvalid("only an emulator on this machine may come in without a token", where="Teams")


def is_served(cloud: Cloud, service_url: str) -> bool:
    """Whether the bot's token of this cloud may be sent there."""
    tested = cloud.login_url if cloud.login_url.startswith("http://") else ""
    try:
        return cloud_of(parse_address(service_url), tested) == cloud
    except SettingsInvalid:
        return False


def is_here(service_url: str) -> bool:
    try:
        return is_loopback(parse_address(service_url))
    except SettingsInvalid:
        return False


_FOREIGN = ("origin", "forwarded", "x-forwarded-for", "via")


class Door:
    """Lets calls in by the gate, one by one."""

    def __init__(self, gate: Gate, receive: Callable[[Heard], Awaitable[Answer]]) -> None:
        self._gate = gate
        self._receive = receive

    async def enter(self, request: Request) -> Response:
        """Raises SignatureInvalid, CommandRefused and PayloadInvalid."""
        claims = await self._gate.claims(request.headers)
        heard = parse(await request.body())
        await self._gate.admit(claims, heard.origin)
        answer = await self._receive(heard)
        return Response(status_code=answer.status) if answer.body is None else JSONResponse(answer.body, answer.status)


def door_route(door: Door) -> Route:
    return route(PATH, door.enter, ("POST",), Open("every call has a token that the Bot Connector signed"))
