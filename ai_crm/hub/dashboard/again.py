"""What somebody sent when their session was over: nothing is done, and nothing that they typed is lost."""

from __future__ import annotations

from html import escape

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from ai_crm.hub.dashboard.form import fields_of, is_form
from ai_crm.hub.dashboard.gate import SIGN_IN, own_path, path_of, sign_in_first, way_in
from ai_crm.hub.dashboard.render import page

# What people write themselves is shown to them; the rest of a form goes along unseen.
_TYPED = ("say", "title", "text", "description", "body")


async def signs_in_first(request: Request) -> Response:
    """Where somebody without a session goes to; with what they sent, which comes from a page of ours, once more.

    Raises as `fields_of` and `sign_in_first`.
    """
    if not (request.method == "POST" and is_form(request)):
        return sign_in_first(request)
    fields = await fields_of(request)
    entry = way_in(request)
    return page(
        "too-late",
        None,
        401,
        action=own_path(path_of(request)),
        # As it was sent, to the last sign that cannot be seen.
        fields=[(name, Markup(escape(value))) for name, value in fields.values.items()],  # noqa: S704 - escaped here
        typed=_TYPED,
        entry=entry,
        elsewhere=entry == SIGN_IN,
    )
