"""The bot put together: a door for the Bot Connector or for an emulator, and the way back to whoever called."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from msgspec import Struct
from starlette.routing import Route

from ai_crm.errors import Problem, SettingsInvalid
from ai_crm.hub.dashboard.policy import Framing
from ai_crm.model.address import parse_address
from ai_crm.model.item import PlatformName
from ai_crm.platforms.teams.login import Cloud, Login, NoProof, cloud_of, is_app_id
from ai_crm.platforms.teams.verify import Expected
from ai_crm.wiring.hub import Hub, command_desk
from bots.links import Links
from bots.promised import Promised
from bots.teams.account import account_of
from bots.teams.activity import parse
from bots.teams.adapter import voice_of
from bots.teams.bot import Bot
from bots.teams.door import Door, Gate, Local, Signed, door_route, is_here, is_served
from bots.teams.lines import Lines
from bots.teams.meeting import Meetings
from bots.teams.people import People
from bots.teams.tab import App, framing_of, tab_routes
from bots.teams.tenants import Tenants
from bots.teams.tokens import Keys

log = structlog.get_logger()


class Parts(Struct, frozen=True, kw_only=True):
    """What the hub mounts and runs."""

    bot: Bot
    routes: tuple[Route, ...]
    run: Callable[[asyncio.Event], Awaitable[None]]
    framing: Framing | None


def build(hub: Hub, wake: Callable[[], None], other: Cloud | None = None) -> Parts:
    """`other` is a cloud on this machine, for tests. Raises SettingsInvalid."""
    settings = hub.settings
    tenants = tenants_of(hub)
    tab: tuple[Route, ...] = ()
    framing = None
    if settings.teams_local:
        gate: Gate = Local()
        lines = Lines(is_here, NoProof(), "")
    else:
        cloud = other or cloud_of(parse_address(settings.teams_service_url), "")
        gate = _signed(hub, tenants, cloud)
        login = Login(account_of(settings), cloud, time.monotonic, settings.proxy.reveal())
        lines = Lines(lambda url: is_served(cloud, url), login, settings.proxy.reveal())
        if settings.base_url.startswith("https://"):  # Teams shows no others
            tab, framing = _tab(hub, tenants, cloud), framing_of(cloud)
    desk = command_desk(hub, wake)
    people = People(hub.members, tenants, hub.clock.now)
    promised = Promised(hub.promises, PlatformName.TEAMS, hub.clock.now)
    made = partial(
        Bot, desk, people, lambda heard: voice_of(heard, lines), Meetings(desk, tenants), Links(settings.base_url)
    )
    bot = made(promised)

    async def again(body: bytes) -> None:
        """Whoever asked was told that it goes on: what comes of it is told in messages."""
        other = made(promised.taken_over())
        await other.receive(parse(body))
        await other.finish()

    async def run(stop: asyncio.Event) -> None:
        if settings.teams_local:
            log.warning("teams local", action="teams local", problem="whoever is on this machine may speak to the bot")
        await promised.run(again, stop)
        await bot.leave()
        lines.close()

    return Parts(bot=bot, routes=(door_route(Door(gate, bot.receive)), *tab), run=run, framing=framing)


def tenants_of(hub: Hub) -> Tenants:
    settings = hub.settings
    home = "" if settings.teams_local else settings.teams_tenant_id
    return Tenants(hub.connections, home, several=settings.teams_multi_tenant)


def _tab(hub: Hub, tenants: Tenants, cloud: Cloud) -> tuple[Route, ...]:
    settings = hub.settings
    host, proxy = parse_address(settings.base_url).netloc, settings.proxy.reveal()
    app = App(id=settings.teams_app_id, host=host, cloud=cloud, proxy=proxy)
    return tab_routes(app, tenants, hub.sessions, hub.clock)


def _signed(hub: Hub, tenants: Tenants, cloud: Cloud) -> Signed:
    settings = hub.settings
    if not is_app_id(settings.teams_tenant_id):
        hint = "the Directory (tenant) id: Teams names tenants by it"
        raise SettingsInvalid((Problem("AI_CRM_TEAMS_TENANT_ID", 0, 0, "is a name and no id", hint),))
    expected = Expected(issuer=cloud.issuer, app_id=settings.teams_app_id)
    keys = Keys(cloud, time.monotonic, settings.proxy.reveal())
    return Signed(keys, expected, tenants, cloud, hub.clock.now)
