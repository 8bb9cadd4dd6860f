"""What is wrong with the Slack app: asked of Slack itself, with what to click about it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from aiohttp import ClientError, ClientSession, ClientTimeout
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from ai_crm.cli.diagnosis import Finding
from ai_crm.config.hub_settings import HubSettings
from ai_crm.errors import AiCrmError
from ai_crm.platforms.slack.verify import sign
from ai_crm.ports.receiver import Connection
from bots.slack.door import PATH
from bots.slack.installations import installation_of
from bots.slack.manifest import LOOKING_SCOPES, scopes


async def examine(settings: HubSettings, connected: tuple[Connection, ...] = ()) -> tuple[Finding, ...]:
    """Everything that can be looked at with these settings, in the order in which it is set up, and each Slack workspace that
    is `connected`.
    """
    client = AsyncWebClient(
        base_url=f"{settings.slack_api_url.rstrip('/')}/", proxy=settings.proxy.reveal() or None, timeout=10
    )
    found = [finding async for finding in _findings(settings, client)]
    return (*found, *[await _installed(each, client) for each in connected])


async def _findings(settings: HubSettings, client: AsyncWebClient) -> AsyncIterator[Finding]:
    if settings.slack_bot_token:
        for finding in await _token(settings, client):
            yield finding
    elif settings.slack_client_id:
        yield Finding("workspaces are connected by invitation: `ai-crm slack invite`", well=True)
    else:
        hint = "OAuth & Permissions, Install to Workspace; then set AI_CRM_SLACK_BOT_TOKEN to the Bot User OAuth Token"
        yield Finding("no bot token is set", well=False, hint=hint)
    if settings.slack_app_token:
        yield await _socket(settings, client)
    elif settings.slack_signing_secret:
        async for finding in _address(settings):
            yield finding
    else:
        hint = (
            "Basic Information, App-Level Tokens, Generate with connections:write; set AI_CRM_SLACK_APP_TOKEN. Or set "
            "AI_CRM_SLACK_SIGNING_SECRET and AI_CRM_BASE_URL to be called by Slack"
        )
        yield Finding("the bot hears nothing: neither an app token nor a signing secret is set", well=False, hint=hint)


async def _installed(connection: Connection, client: AsyncWebClient) -> Finding:
    team = connection.settings.get("team", connection.id)
    named = f"{connection.settings['name']} ({team})" if connection.settings.get("name") else team
    try:
        installation = installation_of(connection, team)
        await client.auth_test(token=installation.token.reveal())
    except (AiCrmError, SlackApiError, ClientError, OSError, TimeoutError) as error:
        hint = f"`ai-crm slack invite --workspace {connection.workspace}` makes a link to install the app there again"
        return Finding(f"the token of {named} does not work: {_why(error)}", well=False, hint=hint)
    return Finding(f"{named} works with the tasks of {connection.workspace}", well=True)


async def _token(settings: HubSettings, client: AsyncWebClient) -> tuple[Finding, ...]:
    try:
        answer = await client.auth_test(token=settings.slack_bot_token.reveal())
    except (SlackApiError, ClientError, OSError, TimeoutError) as error:
        hint = "Install the app again and set AI_CRM_SLACK_BOT_TOKEN to its new token"
        return (Finding(f"the bot token does not work: {_why(error)}", well=False, hint=hint),)
    good = Finding(f"the bot is {answer.get('user', '?')} in {answer.get('team', '?')}", well=True)
    return (good, *_scopes(answer))


def _scopes(answer: AsyncSlackResponse) -> tuple[Finding, ...]:
    """Slack tells the token's scopes with every answer."""
    header = {name.lower(): value for name, value in answer.headers.items()}.get("x-oauth-scopes", "")
    granted = {scope.strip() for scope in str(header).split(",")}
    if granted == {""}:
        return (Finding("Slack does not say which scopes the token has", well=True),)
    missing = [scope for scope in scopes(looking=False) if scope not in granted]
    unseen = [scope for scope in LOOKING_SCOPES if scope not in granted]
    add = "OAuth & Permissions, Bot Token Scopes: add them, then Reinstall to Workspace"
    found = Finding(f"scopes are missing: {', '.join(missing)}", well=False, hint=add)
    told = "without these scopes a message whose answer got lost is sent twice: " + ", ".join(unseen)
    return (
        *((found,) if missing else (Finding("the token has the scopes that the bot needs", well=True),)),
        *((Finding(told, well=True, hint=add),) if unseen else ()),
    )


async def _socket(settings: HubSettings, client: AsyncWebClient) -> Finding:
    try:
        await client.apps_connections_open(app_token=settings.slack_app_token.reveal())
    except (SlackApiError, ClientError, OSError, TimeoutError) as error:
        hint = "Settings, Socket Mode: enable it; Basic Information, App-Level Tokens: one with connections:write"
        return Finding(f"Slack opens no socket: {_why(error)}", well=False, hint=hint)
    return Finding("Slack opens a socket for the app token", well=True)


async def _address(settings: HubSettings) -> AsyncIterator[Finding]:
    """Greets the hub at its address from outside, as Slack does when the address is entered there."""
    url = settings.base_url
    if not url.startswith("https://"):
        hint = "set AI_CRM_BASE_URL to the https address at which Slack reaches this hub, or use Socket Mode"
        yield Finding("Slack calls https addresses only", well=False, hint=hint)
    if not url:
        return
    answer = await _greeted(f"{url}{PATH}", settings)
    if answer == _GREETING:
        hint = "Slash Commands, Event Subscriptions and Interactivity must all name this address"
        yield Finding(f"the hub answers at {url}{PATH}", well=True, hint=hint)
    else:
        hint = "start the hub, and let its proxy pass on what comes there, with its body and headers as they are"
        yield Finding(f"at {url}{PATH} there is no hub with this signing secret: {answer}", well=False, hint=hint)


_GREETING = "ai-crm slack doctor"


async def _greeted(url: str, settings: HubSettings) -> str:
    """What is answered; of what is no answer to a greeting, the status."""
    body = json.dumps({"type": "url_verification", "challenge": _GREETING}).encode()
    signed = sign(body, settings.slack_signing_secret.reveal(), datetime.now(UTC))
    headers = {**signed, "Content-Type": "application/json"}
    proxy = settings.proxy.reveal() or None
    try:
        async with (
            ClientSession(timeout=ClientTimeout(10)) as session,
            session.post(url, data=body, headers=headers, proxy=proxy, allow_redirects=False) as answer,
        ):
            text = (await answer.content.read(200)).decode(errors="replace")
            return text if text == _GREETING else f"the answer was {answer.status}"
    except (ClientError, OSError, TimeoutError) as error:
        return type(error).__name__


def _why(error: Exception) -> str:
    if isinstance(error, AiCrmError):
        return error.what
    if isinstance(error, SlackApiError):
        return str(error.response.get("error", "no reason given"))
    return f"Slack cannot be reached ({type(error).__name__})"
