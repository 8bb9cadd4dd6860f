"""The bot put together: a door for the Bot Connector or for an emulator, and the way back to whoever called."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from msgspec import Struct
from starlette.routing import Route

from ai_crm.errors import Problem, SettingsInvalid
from ai_crm.model.address import parse_address
from ai_crm.platforms.teams.login import Cloud, Login, NoProof, cloud_of, is_app_id
from ai_crm.platforms.teams.verify import Expected
from ai_crm.wiring.hub import Hub, command_desk
from bots.teams.account import account_of
from bots.teams.adapter import voice_of
from bots.teams.bot import Bot
from bots.teams.door import Door, Gate, Local, Signed, door_route, is_here, is_served
from bots.teams.lines import Lines
from bots.teams.meeting import Meetings
from bots.teams.people import People
from bots.teams.tokens import Keys

log = structlog.get_logger()


class Parts(Struct, frozen=True, kw_only=True):
    """What the hub mounts and runs."""

    bot: Bot
    routes: tuple[Route, ...]
    run: Callable[[asyncio.Event], Awaitable[None]]


def build(hub: Hub, wake: Callable[[], None], other: Cloud | None = None) -> Parts:
    """`other` is a cloud on this machine, for tests. Raises SettingsInvalid."""
    settings = hub.settings
    if settings.teams_local:
        gate: Gate = Local()
        lines = Lines(is_here, NoProof(), "")
    else:
        cloud = other or cloud_of(parse_address(settings.teams_service_url), "")
        gate = _signed(hub, cloud)
        login = Login(account_of(settings), cloud, time.monotonic, settings.proxy.reveal())
        lines = Lines(lambda url: is_served(cloud, url), login, settings.proxy.reveal())
    desk = command_desk(hub, wake)
    people = People(hub.members, "" if settings.teams_local else settings.teams_tenant_id, hub.clock.now)
    bot = Bot(desk, people, lambda heard: voice_of(heard, lines), Meetings(desk))

    async def run(stop: asyncio.Event) -> None:
        if settings.teams_local:
            log.warning("teams local", action="teams local", problem="whoever is on this machine may speak to the bot")
        await stop.wait()
        await bot.leave()
        lines.close()

    return Parts(bot=bot, routes=(door_route(Door(gate, bot.receive)),), run=run)


def _signed(hub: Hub, cloud: Cloud) -> Signed:
    settings = hub.settings
    if not is_app_id(settings.teams_tenant_id):
        hint = "the Directory (tenant) id: Teams names tenants by it"
        raise SettingsInvalid((Problem("AI_CRM_TEAMS_TENANT_ID", 0, 0, "is a name and no id", hint),))
    expected = Expected(issuer=cloud.issuer, app_id=settings.teams_app_id)
    keys = Keys(cloud, time.monotonic, settings.proxy.reveal())
    return Signed(keys, expected, settings.teams_tenant_id, cloud, hub.clock.now)
