"""What people in a browser see when something goes wrong: the same facts as a problem document, dressed as a page."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from ai_crm.errors import AiCrmError
from ai_crm.hub.dashboard.gate import visitor_of, way_in
from ai_crm.hub.dashboard.render import page
from ai_crm.hub.problems import on_error, unexpected
from ai_crm.hub.routes import Guard
from ai_crm.ports.sessions import Visitor


async def on_mishap(request: Request, error: Exception) -> Response:
    """As `on_error`, for programs and for people."""
    told = await on_error(request, error)
    if told.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        told.headers["Allow"] = ", ".join(sorted(_methods(request)))
    return _dressed(told, await _visitor(request), request) if _is_for_people(request.scope) else told


def fault(scope: Scope) -> Response:
    """The whole answer to a fault of ours: nothing is asked of anybody any more, not even who this is."""
    return dressed(unexpected(), scope)


def dressed(told: Response, scope: Scope) -> Response:
    """A problem document, as a page where people look; nobody is asked who they are."""
    return _dressed(told, None, Request(scope)) if _is_for_people(scope) else told


class _Problem(msgspec.Struct, frozen=True):
    title: str
    detail: str = ""


# Where only programs call, whatever they say that they take.
_FOR_PROGRAMS = ("/api/", "/webhooks/")
_HEADINGS = {
    401: "Sign in first",
    403: "Not allowed",
    404: "There is nothing here",
    429: "Too many attempts",
    500: "Something broke",
    503: "Not now",
}
_SAID = {
    404: "It may have been removed, or never was.",
    500: "It was our fault, and it is written down. What you did may be done all the same: look before you do it again.",
}


def _methods(request: Request) -> set[str]:
    """What an address takes: each method may have a route of its own, and Starlette names those of the first one."""
    routes = [each for each in request.app.routes if each.matches(request.scope)[0] is not Match.NONE]
    return {method for each in routes for method in each.methods}


def _is_for_people(scope: Scope) -> bool:
    """A page of ours, or an address that nobody has and that a browser asked for."""
    endpoint = scope.get("endpoint")
    if isinstance(endpoint, Guard):
        return endpoint.is_page
    path = str(scope["path"])
    return not path.startswith(_FOR_PROGRAMS) and "text/html" in Headers(scope=scope).get("accept", "")


async def _visitor(request: Request) -> Visitor | None:
    try:
        known: Any = getattr(request.state, "visitor", None)
        return known if isinstance(known, Visitor) else await visitor_of(request)
    except AiCrmError:
        return None  # the page about a database that is away does without it


def _dressed(told: Response, visitor: Visitor | None, request: Request) -> Response:
    """The same status and headers; a page that has its own words for a problem still tells what is known of it.

    In a frame it is shown there, with the frame's own way in.
    """
    entry = way_in(request)
    status = told.status_code
    problem = msgspec.json.decode(told.body, type=_Problem)
    shown = page(
        "error",
        visitor,
        status,
        heading=_HEADINGS.get(status, problem.title),
        detail=problem.detail or _SAID.get(status, ""),
        entry=entry if status == HTTPStatus.UNAUTHORIZED else "",
    )
    kept = {name: value for name, value in told.headers.items() if name not in {"content-length", "content-type"}}
    shown.headers.update(kept)
    return shown
