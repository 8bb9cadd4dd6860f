"""Who may come through which door: every route declares it, and it is checked before anything else is looked at."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import assert_never

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from ai_crm.hub.dashboard.again import signs_in_first
from ai_crm.hub.dashboard.gate import demand_own_form, visitor_of
from ai_crm.hub.receipt import received
from ai_crm.model.access import Permission, Principal, demand
from ai_crm.ports.receiver import Keys


class Open(Struct, frozen=True):
    """No key is asked for, and `why` that is right: a signature is checked instead, or there is nothing to protect.

    `refusal` is the status with which this door turns away what is not genuine. `page`: people come here in a browser.
    """

    why: str
    refusal: int = 401
    page: bool = False


class Signed(Struct, frozen=True):
    """A page for who is signed in and has the permission; None for everybody who is signed in.

    A key opens none of them, and what opens them opens nothing of the API.
    """

    permission: Permission | None = None


Policy = Open | Permission | Signed
Endpoint = Callable[[Request], Awaitable[Response]]
Limit = Callable[[Request], int]


def a_mebibyte(_request: Request) -> int:
    return 1024 * 1024


class Guard:
    """An endpoint behind its policy. The principal is `request.state.principal`; a body is received within `limit`.

    Without a key that is known: 401. With one that may not: 403. Behind Signed it is `request.state.visitor`; who is
    nobody is sent to sign in. `is_page`: what a person sends there comes from one of our pages, or is refused with 403.
    """

    def __init__(self, path: str, endpoint: Endpoint, policy: Policy, limit: Limit) -> None:
        self.path = path
        self.policy = policy
        self.is_page = isinstance(policy, Signed) or (isinstance(policy, Open) and policy.page)
        self._endpoint = endpoint
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        response = await self._turned_away(request, receive)
        if response is None:
            response = await self._endpoint(self._receiving(request, receive))
        await response(scope, receive, send)

    def _receiving(self, request: Request, receive: Receive) -> Request:
        return Request(request.scope, received(request, receive, self._limit(request)))

    async def _turned_away(self, request: Request, receive: Receive) -> Response | None:
        """Where somebody has to go first; None for who may come in. Raises HTTPException and CommandRefused."""
        if self.is_page:
            demand_own_form(request)
        match self.policy:
            case Open():
                return None
            case Permission():
                request.state.principal = await _permitted(request, self.policy)
                return None
            case Signed(permission=permission):
                visitor = request.state.visitor = await visitor_of(request)
                if visitor and permission:
                    demand(visitor.principal, permission, visitor.principal.workspace)
                return None if visitor else await signs_in_first(self._receiving(request, receive))
            case _:
                assert_never(self.policy)


def route(path: str, endpoint: Endpoint, methods: tuple[str, ...], policy: Policy, limit: Limit = a_mebibyte) -> Route:
    """A route behind a policy. `limit` says how many bytes a body may have."""
    return Route(path, Guard(path, endpoint, policy, limit), methods=list(methods), name=f"{methods[0]} {path}")


def undeclared(routes: Iterable[BaseRoute]) -> tuple[str, ...]:
    """The routes that nobody decided about."""
    return tuple(repr(each) for each in routes if not isinstance(getattr(each, "endpoint", None), Guard))


def is_signed(route: BaseRoute) -> bool:
    """Whether only who is signed in comes through."""
    return isinstance(getattr(getattr(route, "endpoint", None), "policy", None), Signed)


_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] ([\x21-\x7e]{1,512})")


async def _permitted(request: Request, permission: Permission) -> Principal:
    key = _key(request)
    keys: Keys = request.app.state.keys
    principal = await keys.principal(key) if key else None
    if principal is None:
        raise HTTPException(
            401,
            "An API key is needed, and this request has none that is known. Send it as `Authorization: Bearer <key>`.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return demand(principal, permission, principal.workspace)


def _key(request: Request) -> str:
    """The key, of exactly one well-formed header; empty for anything else."""
    given = [value for name, value in request.scope["headers"] if name == b"authorization"]
    found = _BEARER.fullmatch(given[0]) if len(given) == 1 else None
    return found.group(1).decode("ascii") if found else ""
