"""How a Slack workspace is connected from a browser: by invitation, for one of our workspaces, back from Slack with a code."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientError
from msgspec import Struct
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from ai_crm.cards.inert import one_line
from ai_crm.errors import CommandRefused, PayloadInvalid, StoreError, UpstreamUnavailable
from ai_crm.hub.routes import Open, route
from ai_crm.model.secret import Secret
from ai_crm.store.vault import Vault
from bots.slack.installations import Installation, Installations
from bots.slack.manifest import scopes

_COOKIE = "ai_crm_slack_install"
_INVITED_FOR = timedelta(days=1)
_ON_THE_WAY_FOR = timedelta(minutes=10)
_MOST_USED = 1_000
_LONGEST_NAME = 80


class Client(Struct, frozen=True, kw_only=True):
    """The app's own client. `base_url` is the hub's address from outside: no other is ever redirected to.

    `api_url` is Slack's, which GovSlack has another of.
    """

    id: str
    secret: Secret
    base_url: str
    api_url: str

    @property
    def authorize(self) -> str:
        return f"{self.api_url.rstrip('/').removesuffix('/api')}/oauth/v2/authorize"

    @property
    def redirect(self) -> str:
        return f"{self.base_url}/slack/oauth"


def invitation(vault: Vault, workspace: str, now: datetime) -> str:
    """What lets its bearer connect one Slack workspace to one of ours, for a day. Nobody can without."""
    until = (now + _INVITED_FOR).isoformat()
    return vault.seal({"workspace": Secret(workspace), "until": Secret(until)}, "slack invitation")


class Installer:
    """What was used once opens nothing again in this process; in another one the code that Slack gave does not."""

    def __init__(
        self, client: Client, vault: Vault, kept: Installations, web: AsyncWebClient, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._vault = vault
        self._kept = kept
        self._web = web
        self._now = now
        self._used: dict[str, None] = {}

    async def begin(self, request: Request) -> Response:
        """Sends an invited browser to Slack. Raises CommandRefused."""
        workspace = self._opened(request.query_params.get("invitation", ""), "slack invitation")["workspace"]
        until = Secret((self._now() + _ON_THE_WAY_FOR).isoformat())
        state = self._vault.seal({"workspace": workspace, "until": until}, "slack state")
        asked = {
            "client_id": self._client.id,
            "scope": ",".join(scopes()),
            "redirect_uri": self._client.redirect,
            "state": _digest(state),
        }
        response = RedirectResponse(f"{self._client.authorize}?{urlencode(asked)}", 303)
        response.set_cookie(
            _COOKIE,
            state,
            max_age=int(_ON_THE_WAY_FOR.total_seconds()),
            path="/slack",
            secure=self._client.base_url.startswith("https:"),
            httponly=True,
            samesite="lax",
        )
        return response

    async def end(self, request: Request) -> Response:
        """Takes the browser back from Slack, in which the same person must have begun. Raises AiCrmError."""
        state = request.cookies.get(_COOKIE, "")
        if not hmac.compare_digest(
            _digest(state).encode(), request.query_params.get("state", "").encode(errors="replace")
        ):
            raise _refused("this browser did not begin here, or took longer than ten minutes")
        workspace = self._opened(state, "slack state")["workspace"].reveal()
        if _digest(state) in self._used:
            raise _refused("this was used before")
        self._used[_digest(state)] = None
        while len(self._used) > _MOST_USED:
            del self._used[next(iter(self._used))]
        if "error" in request.query_params:
            raise _refused("Slack says that it was not allowed")
        installation, given = await self._exchanged(request.query_params.get("code", ""), workspace)
        await self._kept.keep(installation, given)
        response = PlainTextResponse("Connected. Go back to Slack and write: /ai-crm help")
        response.delete_cookie(_COOKIE, path="/slack")
        return response

    def _opened(self, box: str, place: str) -> dict[str, Secret]:
        try:
            opened = self._vault.open(box, place)
            until = datetime.fromisoformat(opened["until"].reveal())
        except (StoreError, KeyError, ValueError) as error:
            raise _refused("this link is not one of ours, or it was cut off") from error
        if until < self._now():
            raise _refused("this link is too old")
        return opened

    async def _exchanged(self, code: str, workspace: str) -> tuple[Installation, str]:
        if not code or len(code) > 500:
            raise PayloadInvalid("Slack sent no code", where="Slack")
        try:
            answer = await self._web.oauth_v2_access(
                client_id=self._client.id,
                client_secret=self._client.secret.reveal(),
                code=code,
                redirect_uri=self._client.redirect,
            )
        except SlackApiError as error:
            raise _refused("Slack did not take the code") from error
        except (ClientError, OSError, TimeoutError) as error:
            raise UpstreamUnavailable("Slack cannot be reached", where="Slack", hint="Try again in a minute") from error
        return _read(dict(answer.data) if isinstance(answer.data, dict) else {}, workspace)


def install_routes(installer: Installer) -> tuple[Route, ...]:
    return (
        route("/slack/install", installer.begin, ("GET",), Open("an invitation of an operator is asked for instead")),
        route("/slack/oauth", installer.end, ("GET",), Open("only the browser that began comes further")),
    )


def _read(answer: dict[str, Any], workspace: str) -> tuple[Installation, str]:
    place = answer.get("enterprise") if answer.get("is_enterprise_install") else answer.get("team")
    team, token = (place or {}).get("id", ""), answer.get("access_token", "")
    name = one_line(str((place or {}).get("name", "")), _LONGEST_NAME)
    if not team or not str(token).startswith("xoxb-"):
        raise PayloadInvalid("Slack's answer names no workspace or no bot token", where="Slack")
    bot = str(answer.get("bot_user_id", ""))
    made = Installation(team=team, workspace=workspace, token=Secret(token), bot_user=bot, name=name)
    return made, str(answer.get("scope", ""))


def _digest(state: str) -> str:
    """What Slack and its logs may see of a state."""
    return hashlib.sha256(f"ai-crm slack state {state}".encode()).hexdigest()


def _refused(what: str) -> CommandRefused:
    return CommandRefused(what, where="Slack", hint="Ask an operator for a new link: `ai-crm slack invite` makes one")
