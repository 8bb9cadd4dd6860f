"""Who comes to a page: whose session it is, whether a form is one of ours, and where somebody is sent to sign in."""

from __future__ import annotations

import re
from urllib.parse import urlencode, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ai_crm.hub.dashboard.cookies import is_framed, token_of
from ai_crm.hub.dashboard.policy import Framing
from ai_crm.ports import Clock
from ai_crm.ports.sessions import Sessions, Visitor

HOME = "/"
SIGN_IN = "/sign-in"
SIGN_OUT = "/sign-out"


async def visitor_of(request: Request) -> Visitor | None:
    """Whose session the request's cookie has; None without one that is known."""
    token = token_of(request)
    sessions: Sessions = request.app.state.sessions
    clock: Clock = request.app.state.clock
    visitor = await sessions.find(token, clock.now()) if token else None
    if visitor and is_framed(request):
        _show_framed(request)
    return visitor


def sign_in_first(request: Request) -> Response:
    """Where somebody without a session goes to. Raises HTTPException 401 for what cannot be asked for again after that."""
    entry = way_in(request)
    if request.method not in _SAFE:
        raise HTTPException(401, "You are not signed in, or were not here for a while. Sign in, and do it once more.")
    query: bytes = request.scope["query_string"]
    wanted = own_path(path_of(request) + (f"?{query.decode('latin-1')}" if query else ""))
    return RedirectResponse(f"{entry}?{urlencode({'next': wanted})}" if wanted != HOME else entry, 303)


def way_in(request: Request) -> str:
    """Where somebody without a session comes in; in a frame, which may show the answer from now on, its own page for that."""
    framing = _show_framed(request) if request.headers.get("sec-fetch-dest") == "iframe" else None
    return framing.entry if framing else SIGN_IN


def path_of(request: Request) -> str:
    """The path as it was sent."""
    path: bytes = request.scope.get("raw_path") or b""
    return path.decode("latin-1")


def after_leaving(request: Request) -> str:
    """Where somebody is who left: where they may come in again, and are not let in unasked."""
    framing: Framing | None = request.app.state.framing if is_framed(request) else None
    return f"{framing.entry}?left" if framing else SIGN_IN


def own_path(wanted: str) -> str:
    """The path, where it certainly leads to this hub; else the page where people begin.

    Browsers read two slashes as the beginning of somebody else's address, a backslash as a slash, and overlook line
    breaks and tabs.
    """
    if not re.fullmatch(_PATH, wanted, re.ASCII):
        return HOME
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return HOME
    return HOME if parts.scheme or parts.netloc or parts.path.startswith((SIGN_IN, SIGN_OUT)) else wanted


def origin_of(base_url: str) -> str:
    """The origin as browsers write it: without a port that goes without saying. Empty for no address."""
    parts = urlsplit(base_url)
    port = f":{parts.port}" if parts.port and parts.port != _PORTS.get(parts.scheme) else ""
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}" if host else ""


def demand_own_form(request: Request) -> None:
    """Raises HTTPException 403 for what changes something and does not come from a page of ours.

    Browsers say where a request comes from in a header that no page can set (Fetch Metadata). Old ones do not, and none
    does without TLS but on one's own machine: there the origin has to be ours.
    """
    if request.method in _SAFE:
        return
    sites, origins = request.headers.getlist("sec-fetch-site"), request.headers.getlist("origin")
    if (sites == ["same-origin"]) if sites else (origins == [_origin(request)]):
        return
    known: str = request.app.state.origin
    where = f" Its pages are at {known}: open them there." if known else ""
    raise HTTPException(403, f"This did not come from a page of this hub, so nothing was done.{where}")


_PORTS = {"http": 80, "https": 443}
_SAFE = frozenset({"GET", "HEAD"})
# One slash, then what an address may be written with: neither blanks nor control characters nor backslashes are.
_PATH = r"/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@%/?-]{0,2000}"


def _show_framed(request: Request) -> Framing | None:
    """From now on the answer may be shown in the windows for which there is a framing."""
    framing: Framing | None = request.app.state.framing
    request.state.frame_ancestors = framing.hosts if framing else ()
    return framing


def _origin(request: Request) -> str:
    """Ours, as people reach us; without a setting for that, as this request did."""
    known: str = request.app.state.origin
    return known or f"{request.scope['scheme']}://{request.headers.get('host', '').lower()}"
