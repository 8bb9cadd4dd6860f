"""The ways in and out: with an API key, with a link that works once, and how a browser is forgotten."""

from __future__ import annotations

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ai_crm.errors import CommandRefused
from ai_crm.hub.dashboard.cookies import signed_in, signed_out, token_of
from ai_crm.hub.dashboard.form import fields_of
from ai_crm.hub.dashboard.gate import HOME, SIGN_IN, SIGN_OUT, after_leaving, own_path, visitor_of
from ai_crm.hub.dashboard.render import page
from ai_crm.hub.routes import Open, route
from ai_crm.ports import Clock
from ai_crm.ports.receiver import Keys
from ai_crm.ports.sessions import Sessions, Visitor, of_key


class Door(Struct, frozen=True, kw_only=True):
    """What somebody is let in with. `secure`: people reach the hub over TLS."""

    sessions: Sessions
    keys: Keys
    clock: Clock
    secure: bool


def sign_in_routes(door: Door) -> tuple[Route, ...]:
    ways = _Ways(door)
    with_key = Open("who has no session gets one here, for a key", page=True)
    leaving = Open("who has no session any more leaves all the same", page=True)
    # Who guesses links is told to wait, as who guesses keys is.
    with_link = Open("who has no session gets one here, for a link that works once", refusal=404, page=True)
    return (
        route(SIGN_IN, ways.shown, ("GET",), with_key),
        route(SIGN_IN, ways.key_given, ("POST",), with_key, _a_form),
        route(f"{SIGN_IN}/{{invitation}}", ways.invited, ("GET",), with_link),
        route(f"{SIGN_IN}/{{invitation}}", ways.accepted, ("POST",), with_link, _a_form),
        route(SIGN_OUT, ways.left, ("POST",), leaving, _a_form),
    )


async def no_further(_visitor: Visitor) -> str:
    """No session makes another one: it would outlive by more than its own time what somebody may.

    Raises CommandRefused.
    """
    raise CommandRefused("you are signed in already", hint="For another browser ask in a chat, or run ai-crm sign-in")


class _Ways:
    def __init__(self, door: Door) -> None:
        self._door = door

    async def shown(self, request: Request) -> Response:
        wanted = request.query_params.getlist("next")
        return page("sign-in", None, next=own_path(wanted[0] if wanted else HOME), refused=False)

    async def key_given(self, request: Request) -> Response:
        fields = await fields_of(request)
        key, wanted = fields.one("key"), own_path(fields.one("next"))
        principal = await self._door.keys.principal(key) if key else None
        if principal is None:
            return page("sign-in", None, 401, next=wanted, refused=True)
        token = await self._door.sessions.begin(of_key(principal), self._door.clock.now())
        return await self._let_in(request, token, wanted)

    async def invited(self, request: Request) -> Response:
        """Shows whom the link lets in, and no more: whatever previews links fetches it before the person does."""
        visitor = await self._door.sessions.invited(request.path_params["invitation"], self._door.clock.now())
        return page("invitation", None, 200 if visitor else 404, invited=visitor)

    async def accepted(self, request: Request) -> Response:
        token = await self._door.sessions.accept(request.path_params["invitation"], self._door.clock.now())
        if token is None:
            return page("invitation", None, 404, invited=None)
        return await self._let_in(request, token, HOME)

    async def left(self, request: Request) -> Response:
        visitor = await visitor_of(request)
        if (await fields_of(request)).one("everywhere"):
            if visitor is None:
                what = "You are not signed in any more, so your other browsers were not signed out."
                raise HTTPException(401, f"{what} Sign in, and do it once more.")
            await self._door.sessions.end_all(visitor)
        await self._door.sessions.end(token_of(request))
        return signed_out(RedirectResponse(after_leaving(request), 303))

    async def _let_in(self, request: Request, token: str, where: str) -> Response:
        """Under a new token: who knew the browser's old one knows nothing any more."""
        if before := token_of(request):
            await self._door.sessions.end(before)
        return signed_in(RedirectResponse(where, 303), token, framed=False, secure=self._door.secure)


def _a_form(_request: Request) -> int:
    return 8 * 1024
