"""The cookies that a session lives in: what each is called, and what a browser shall do with it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

# A name that begins so is only taken over TLS, for this host alone and from nobody's subdomain (RFC 6265bis, 4.1.3.2).
OWN = "__Host-ai-crm"
FRAMED = "__Host-ai-crm-tab"
# Where the hub is reached without TLS, which is on one's own machine: browsers would not take the others there.
PLAIN = "ai-crm"


def signed_in(response: Response, token: str, *, framed: bool, secure: bool = True) -> Response:
    """The response, with the session in it. It is gone with the browser, and ends on our side before that.

    `framed` is for a page in somebody else's frame: a browser sends it there and in no other place. `secure` is false
    where the hub is reached without TLS.
    """
    response.headers.append("Set-Cookie", _cookie(_name(framed=framed, secure=secure), token))
    return response


def signed_out(response: Response) -> Response:
    """The response, after which the browser has no session any more."""
    for name in (OWN, FRAMED, PLAIN):
        response.headers.append("Set-Cookie", f"{_cookie(name, '')}; Max-Age=0")
    return response


def token_of(request: Request) -> str:
    """What the browser holds; empty where there is nothing, or more than one thing under one name.

    Over TLS a cookie without the prefix is nobody's: a neighbour in the domain might have set it.
    """
    names = (OWN, FRAMED) if request.app.state.secure else (PLAIN,)
    return next(filter(None, (_sent(request, name) for name in names)), "")


def is_framed(request: Request) -> bool:
    """Whether the session is that of a page in somebody else's frame."""
    token = token_of(request)
    return bool(token) and token == _sent(request, FRAMED)


_ATTRIBUTES = {
    OWN: "Path=/; HttpOnly; Secure; SameSite=Lax",
    FRAMED: "Path=/; HttpOnly; Secure; SameSite=None; Partitioned",
    PLAIN: "Path=/; HttpOnly; SameSite=Lax",
}


def _name(*, framed: bool, secure: bool) -> str:
    if framed:
        return FRAMED
    return OWN if secure else PLAIN


def _cookie(name: str, value: str) -> str:
    return f"{name}={value}; {_ATTRIBUTES[name]}"


def _sent(request: Request, name: str) -> str:
    pairs = (pair.partition("=") for header in request.headers.getlist("cookie") for pair in header.split(";"))
    found = [value.strip() for key, _, value in pairs if key.strip() == name]
    return found[0] if len(found) == 1 else ""
