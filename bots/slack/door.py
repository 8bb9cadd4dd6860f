"""The way of a call from Slack to the bot over HTTP: proven genuine and readable before Bolt sees a byte of it.

Bolt reads before it verifies, and answers 500 to strangers whose calls it cannot read (1.30, tried 2026-11).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from urllib.parse import parse_qsl

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_crm.errors import PayloadInvalid
from ai_crm.hub.routes import Open, route
from ai_crm.model.secret import Secret
from ai_crm.platforms.slack.verify import verify
from ai_crm.ports import RawRequest

PATH = "/slack/events"
_DEEPEST = 60


class Door:
    """Answers what Slack sends to one address: commands, events, buttons and windows."""

    def __init__(self, app: AsyncApp, secret: Secret, now: Callable[[], datetime]) -> None:
        self._app = app
        self._secret = secret
        self._now = now

    async def enter(self, request: Request) -> Response:
        """Raises SignatureInvalid and PayloadInvalid."""
        body = await request.body()
        headers = {name: ",".join(request.headers.getlist(name)) for name in request.headers}
        verify(RawRequest(headers, body), self._secret.reveal(), self._now())
        text = _readable(body, headers.get("content-type", ""))
        answer = await self._app.async_dispatch(AsyncBoltRequest(body=text, headers=dict(headers)))
        return Response(answer.body or "", answer.status, {name: value[0] for name, value in answer.headers.items()})


def door_route(door: Door) -> Route:
    return route(PATH, door.enter, ("POST",), Open("Slack signs what it sends"))


def _readable(body: bytes, content_type: str) -> str:
    """The body as text, once it is sure that it can be read. Raises PayloadInvalid."""
    try:
        text = body.decode()
        document = text if content_type.startswith("application/json") else dict(parse_qsl(text)).get("payload", "")
        if document:
            _check(json.loads(document), 0)
    except (ValueError, RecursionError) as error:
        raise PayloadInvalid("this is not what Slack sends", where="Slack") from error
    return text


def _check(value: object, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("too deep")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        _check(each, depth + 1)
    if depth == 0 and not isinstance(value, dict):
        raise ValueError("no object")
