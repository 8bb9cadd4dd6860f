"""The bot put together: Bolt with an ear for each line of `ears`, behind our own door or on a socket that Slack keeps open."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any, assert_never

import msgspec
import structlog
from msgspec import Struct
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.error import BoltError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from starlette.routing import Route

from ai_crm.commands.presses import Verb
from ai_crm.config.hub_settings import HubSettings
from ai_crm.model.item import PlatformName
from ai_crm.wiring.hub import Hub, command_desk
from bots.links import Links
from bots.promised import Promised
from bots.slack.bot import Bot, Caller
from bots.slack.door import Door, Hearing, Socket, door_route
from bots.slack.ears import EARS, Ear, Kind
from bots.slack.heard import promised_as
from bots.slack.install import Client, Installer, install_routes
from bots.slack.installations import Installations
from bots.slack.people import People
from bots.slack.speak import Speaker

# Seconds that a process that ends waits for its last answers.
_GRACE = 20.0

Handler = Callable[[AsyncAck, dict[str, Any], AsyncBoltContext], Awaitable[None]]
log = structlog.get_logger()


class Parts(Struct, frozen=True, kw_only=True):
    """What the hub mounts and runs. `routes` are empty where everything comes by socket."""

    app: AsyncApp
    routes: tuple[Route, ...]
    run: Callable[[asyncio.Event], Awaitable[None]]


def build(hub: Hub, wake: Callable[[], None]) -> Parts:
    settings = hub.settings
    kept = Installations(hub.connections, web_client(settings), settings.slack_bot_token)
    app = AsyncApp(
        client=web_client(settings),
        authorize=_anybody,
        request_verification_enabled=False,  # our door did, and a socket needs none
        ignoring_self_events_enabled=False,  # needs to know who we are; our ears leave out what apps say
        raise_error_for_unhandled_request=True,
        logger=_quiet(),
    )
    speaker = Speaker(settings.slack_api_url, settings.proxy.reveal())
    bot = Bot(command_desk(hub, wake), kept, People(hub.members, hub.clock.now), speaker, Links(settings.base_url))
    promised = Promised(hub.promises, PlatformName.SLACK, hub.clock.now)
    hearing, underway = Hearing(app, promised, bot.forget), _Underway(promised)
    for ear in EARS:
        handler = _hearing(ear, getattr(bot, ear.hears), lambda: web_client(settings))
        _listen(app, ear, underway.followed(handler))
    app.error(_fault)
    return Parts(app=app, routes=_routes(hub, hearing, kept), run=lambda stop: _run(hub, hearing, underway, stop))


def web_client(settings: HubSettings) -> AsyncWebClient:
    """A client without a token. It waits where Slack wants fewer calls."""
    client = AsyncWebClient(base_url=f"{settings.slack_api_url.rstrip('/')}/", proxy=settings.proxy.reveal() or None)
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=2))
    return client


def _routes(hub: Hub, hearing: Hearing, kept: Installations) -> tuple[Route, ...]:
    settings = hub.settings
    signing, client = settings.slack_signing_secret, settings.slack_client_id
    door = (door_route(Door(hearing, signing, hub.clock.now)),) if signing else ()
    if not client:
        return door
    whose = Client(
        id=client, secret=settings.slack_client_secret, base_url=settings.base_url, api_url=settings.slack_api_url
    )
    return (*door, *install_routes(Installer(whose, hub.vault, kept, web_client(settings), hub.clock.now)))


async def _run(hub: Hub, hearing: Hearing, underway: _Underway, stop: asyncio.Event) -> None:
    """Keeps the socket open until the end, and ends when everybody who was heard has been answered."""
    token = hub.settings.slack_app_token
    undone = asyncio.ensure_future(underway.promised.run(hearing.again, stop))
    if token:
        await Socket(hearing, token, hub.settings.proxy.reveal()).run(stop)
    await undone
    await underway.end()


class _Underway:
    """What was acknowledged and is still being answered: Slack does not send it again."""

    def __init__(self, promised: Promised) -> None:
        self.promised = promised
        self._tasks: set[asyncio.Task[Any]] = set()

    def followed(self, handler: Handler) -> Handler:
        async def follow(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - for the type checker
            self._tasks.add(task)
            try:
                await handler(ack, body, context)
                await self.promised.keep(promised_as(body))
            finally:
                self._tasks.discard(task)

        return follow

    async def end(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_GRACE)


def _listen(app: AsyncApp, ear: Ear, handler: Handler) -> None:
    match ear.kind:
        case Kind.COMMAND:
            app.command(ear.name)(handler)
        case Kind.EVENT:
            name = ear.name.partition(".")[0]
            matchers = [_in_direct_message] if ear.name == "message.im" else []
            app.event(name, matchers=matchers)(handler)
        case Kind.MESSAGE_SHORTCUT:
            app.message_shortcut(ear.name)(handler)
        case Kind.BUTTONS:
            app.action(re.compile(rf"^({'|'.join((*Verb, 'open'))})(:|$)"))(handler)
        case Kind.ELEMENT:
            app.block_action(ear.name)(handler)
        case Kind.OPTIONS:
            app.options(ear.name)(handler)
        case Kind.WINDOW:
            app.view(ear.name)(handler)
        case _:
            assert_never(ear.kind)


def _hearing(ear: Ear, does: Callable[..., Awaitable[None]], client: Callable[[], AsyncWebClient]) -> Handler:
    """Says that it was heard before anything is done about it, and lets through what can be read."""

    async def hear(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        if not ear.answers:
            await ack()
        try:
            heard = msgspec.convert(body, ear.reads)
        except msgspec.ValidationError:
            log.warning("unreadable", action=ear.hears)
            await ack()
            return
        caller = Caller(
            team=context.team_id or "",
            organisation=context.enterprise_id or "",
            user=context.user_id or "",
            client=client(),
        )
        await (does(heard, caller, ack) if ear.answers else does(heard, caller))

    return hear


async def _in_direct_message(event: dict[str, Any]) -> bool:
    return event.get("channel_type") == "im"


async def _anybody(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
    """Whoever it is: Bolt would ask before it says that it heard. Who may is found out behind that, with the token."""
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)


async def _fault(error: Exception) -> None:
    """What nobody expected. Bolt's own refusals are no fault of ours; the rest is one, without what was asked."""
    if isinstance(error, BoltError):
        log.info("unhandled", action="unhandled", problem=type(error).__name__)
        return
    log.error("fault", action="slack", exc_info=(type(error), error, error.__traceback__))


def _quiet() -> logging.Logger:
    """Bolt's own log quotes whole requests when it is asked for more than warnings."""
    logger = logging.getLogger("ai_crm.slack")
    logger.setLevel(logging.ERROR)
    return logger
