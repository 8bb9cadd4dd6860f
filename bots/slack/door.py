"""The ways in: over HTTP, proven genuine before anything is read; by socket. Bolt sees only what it can read.

Bolt reads before it verifies, answers 500 to strangers whose calls it cannot read, and takes every form in whose text
the word "payload" stands for a press of a button (1.30, tried 2026-11). It therefore gets the body as a document.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import structlog
from aiohttp import ClientError
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ai_crm.errors import PayloadInvalid, StoreError
from ai_crm.hub.routes import Open, route
from ai_crm.model.secret import Secret
from ai_crm.platforms.slack.verify import verify
from ai_crm.ports import RawRequest
from bots.promised import Promised
from bots.slack.heard import fits, promised_as

PATH = "/slack/events"
_DEEPEST = 60
_MOST_ECHO = 200
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0  # seconds until a socket is asked for again

log = structlog.get_logger()


class Hearing:
    """Bolt, which hears what it can read, after that is promised to be done. `forget` makes an event one that did not come."""

    def __init__(self, app: AsyncApp, promised: Promised, forget: Callable[[str], None]) -> None:
        self.app = app
        self._promised = promised
        self._forget = forget

    async def hear(self, document: dict[str, Any]) -> BoltResponse:
        """Raises PayloadInvalid and StoreUnavailable."""
        # Half a surrogate pair, which a phone can cut off and JSON can spell, can be neither stored nor sent anywhere.
        body = json.dumps(document, ensure_ascii=False).encode(errors="replace")
        whole = json.loads(body)
        if not fits(whole):
            raise _unreadable()
        is_new = await self._promised.give(promised_as(whole), body)
        if not is_new and whole.get("type") == "event_callback":  # of everything else Slack sends nothing twice
            return BoltResponse(status=HTTPStatus.OK)
        return await self._dispatched(whole)

    async def again(self, body: bytes) -> None:
        """Does what another process promised. Slack was told then."""
        whole = json.loads(body)
        self._forget(promised_as(whole))
        await self._dispatched(whole)

    async def _dispatched(self, whole: dict[str, Any]) -> BoltResponse:
        answer = await self.app.async_dispatch(AsyncBoltRequest(body=whole, mode="socket_mode"))
        if answer.status == HTTPStatus.NOT_FOUND:  # nothing of ours listens to that
            await self._promised.keep(promised_as(whole))
        return answer


class Door:
    """Answers what Slack sends to one address: commands, events, buttons and windows."""

    def __init__(self, hearing: Hearing, secret: Secret, now: Callable[[], datetime]) -> None:
        self._hearing = hearing
        self._secret = secret
        self._now = now

    async def enter(self, request: Request) -> Response:
        """Raises SignatureInvalid, PayloadInvalid and StoreUnavailable."""
        body = await request.body()
        headers = {name: ",".join(request.headers.getlist(name)) for name in request.headers}
        verify(RawRequest(headers, body), self._secret.reveal(), self._now())
        document = _read(body, headers.get("content-type", ""))
        if document.get("type") == "url_verification":
            return PlainTextResponse(str(document.get("challenge", ""))[:_MOST_ECHO])
        answer = await self._hearing.hear(document)
        return Response(answer.body or "", answer.status, {name: value[0] for name, value in answer.headers.items()})


def door_route(door: Door) -> Route:
    return route(PATH, door.enter, ("POST",), Open("Slack signs what it sends"))


class Socket:
    """Keeps a connection to Slack open, over which everything comes that would come through the door."""

    def __init__(self, hearing: Hearing, token: Secret, proxy: str) -> None:
        self._hearing = hearing
        self._token = token
        self._proxy = proxy

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. A Slack that cannot be reached, or a token that it refuses, is tried again and again."""
        client = SocketModeClient(
            app_token=self._token.reveal(),
            logger=self._hearing.app.logger,
            web_client=self._hearing.app.client,
            proxy=self._proxy or None,
        )
        client.socket_mode_request_listeners.append(self._listen)
        opening = asyncio.create_task(_open(client))
        try:
            await stop.wait()
        finally:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
            await client.close()  # type: ignore[no-untyped-call]

    async def _listen(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """What cannot be read is said to be heard, or Slack would send it again; what cannot be kept is not."""
        payload: dict[str, Any] | None = None
        try:
            answer = await self._hearing.hear(dict(request.payload))
        except PayloadInvalid as error:
            log.warning("slack socket", action="slack socket", problem=error.what)
        except StoreError as error:
            log.warning("slack socket", action="slack socket", problem=str(error))
            return
        else:
            payload = json.loads(answer.body) if answer.status == 200 and answer.body else None
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, payload))


async def _open(client: SocketModeClient) -> None:
    """Once it is open, the client itself keeps it so."""
    wait = _FIRST_WAIT
    while True:
        try:
            await client.connect_to_new_endpoint()
        except (SlackClientError, ClientError, OSError, TimeoutError) as error:
            log.warning("slack socket", action="slack socket", problem=_why(error), again_in=wait)
        else:
            log.info("slack socket", action="slack socket", state="open")
            return
        await asyncio.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT)


def _read(body: bytes, content_type: str) -> dict[str, Any]:
    """The call as a document. Raises PayloadInvalid."""
    try:
        text = body.decode()
        if content_type.startswith("application/json"):
            document = json.loads(text)
        else:
            fields = dict(parse_qsl(text, keep_blank_values=True))
            document = json.loads(fields["payload"]) if "payload" in fields else fields
        _check(document, 0)
    except (ValueError, RecursionError) as error:
        raise _unreadable() from error
    found: dict[str, Any] = document
    return found


def _check(value: object, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("too deep")
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for each in inner:
        _check(each, depth + 1)
    if depth == 0 and not isinstance(value, dict):
        raise ValueError("no object")


def _unreadable() -> PayloadInvalid:
    return PayloadInvalid("this is not what Slack sends", where="Slack")


def _why(error: Exception) -> str:
    return str(error.response.get("error", "")) if isinstance(error, SlackApiError) else type(error).__name__
