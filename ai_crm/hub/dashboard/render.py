"""How a page is made: one set of templates in which every word is text, and only our own fragments are HTML."""

from __future__ import annotations

import functools
import hashlib
import secrets
from datetime import UTC, datetime

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ai_crm import resources
from ai_crm.cards import html
from ai_crm.cards.elements import Card, TextBlock
from ai_crm.cards.inert import clean
from ai_crm.hub.dashboard.policy import page_headers
from ai_crm.model.access import MAY
from ai_crm.ports.sessions import Visitor

STYLE = "/style.css"
ONCE = "once"  # the field that tells one showing of a form from another


def page(name: str, visitor: Visitor | None, /, status: int = 200, **values: object) -> Response:
    """The page `templates/pages/NAME.html` with these values; `visitor` is None for who is not signed in.

    A template names nothing that it was not given: jinja2.UndefinedError is a bug of ours.
    """
    may = frozenset(each.value for each in MAY[visitor.principal.role]) if visitor else frozenset()
    shown = _templates().get_template(f"{name}.html").render(visitor=visitor, may=may, **values)
    return HTMLResponse(shown, status, dict(page_headers()))


async def style(request: Request) -> Response:
    """The one style sheet. Its address names its contents, so that a browser asks for each version once."""
    found, tag = _style()
    headers = {"ETag": f'"{tag}"', "Cache-Control": "public, max-age=31536000, immutable"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(found, headers=headers, media_type="text/css")


@functools.cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(resources.path("templates", "pages")),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_inert,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals |= {"style": f"{STYLE}?v={_style()[1]}", "once": _once}
    environment.filters |= {
        "card": _card,
        "below": _below,
        "when": _when,
        "stamp": _stamp,
        "took": took,
        "words": _words,
    }
    return environment


@functools.cache
def _style() -> tuple[bytes, str]:
    found = resources.read("templates", "pages", "style.css")
    return found, hashlib.sha256(found).hexdigest()[:16]


def _inert(value: object) -> object:
    """Nobody's text turns the direction of a line or holds what cannot be seen; a fragment of ours is made so already."""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _card(card: Card) -> Markup:
    return Markup(html.render(card, {ONCE: secrets.token_hex(16)}))  # noqa: S704 - made inert by the face


def _below(card: Card) -> Markup:
    """The card without its heading, for where the page has one that says the same."""
    first = card.body[0] if card.body else None
    headed = isinstance(first, TextBlock) and first.weight == "bolder"
    return _card(msgspec.structs.replace(card, body=card.body[1:]) if headed else card)


def _once() -> Markup:
    """The field with which a form that is sent twice does its work once."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(ONCE, secrets.token_hex(16))


def _when(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def _stamp(at: datetime) -> str:
    """For programs: the `datetime` of a `<time>`."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def took(ms: int) -> str:
    """How long something took, in the unit that people would choose."""
    if ms < 1_000:
        return f"{ms} ms"
    seconds = ms / 1_000
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"


def _words(word: str) -> str:
    """`in-progress` and `create_task` as people write them."""
    return word.replace("-", " ").replace("_", " ").capitalize()
