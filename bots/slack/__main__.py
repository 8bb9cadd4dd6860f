"""The bot as a process of its own, `python -I -m bots.slack`, beside hubs that share its database.

It hears and answers. What it plans the hub's workers carry out: `ai-crm serve --role worker` has to run somewhere.
"""

from __future__ import annotations

import asyncio
import os
import sys

from starlette.routing import Route

from ai_crm.cli.screen import show
from ai_crm.config.hub_settings import HubSettings, read_hub_settings
from ai_crm.errors import AiCrmError, Problem, SettingsInvalid, StoreError
from ai_crm.hub import server
from ai_crm.hub.app import Parts, build_app
from ai_crm.hub.pictures import picture_routes
from ai_crm.hub.telemetry import Metrics, start_logging
from ai_crm.store.pictures import Pictures
from ai_crm.wiring import SystemClock
from ai_crm.wiring.hub import Hub, assemble
from bots.slack import front


def main() -> int:
    try:
        settings = read_hub_settings(os.environ)
        start_logging()
        server.run(_run(settings))
    except AiCrmError as error:
        show(str(error), error=True)
        return 2
    return 0


async def _run(settings: HubSettings) -> None:
    """Until SIGTERM or SIGINT. Raises SettingsInvalid and StoreError when it cannot start."""
    stop = server.stop_on_signals()
    hub = assemble(settings, SystemClock())
    try:
        bot = front(hub, lambda: None)  # workers look by themselves
        if bot is None:
            hint = "or AI_CRM_SLACK_SIGNING_SECRET: `ai-crm slack doctor` says how"
            raise SettingsInvalid((Problem("AI_CRM_SLACK_APP_TOKEN", 0, 0, "is missing", hint),))
        if not bot.routes:
            show("AI-CRM Slack bot: by socket")
        await asyncio.gather(bot.run(stop), *((_serve(hub, bot.routes, stop),) if bot.routes else ()))
    finally:
        hub.close()


async def _serve(hub: Hub, routes: tuple[Route, ...], stop: asyncio.Event) -> None:
    """A web side with the bot's doors alone: it knows no platform that could send webhooks."""

    async def ready() -> str:
        try:
            await hub.connections.ping()
        except StoreError as error:
            return str(error)
        return ""

    settings = hub.settings
    listener = server.listen(settings.host, settings.port)
    app = build_app(
        Parts(
            connections=hub.connections,
            receivers={},
            inbox=hub.inbox,
            keys=hub.keys,
            clock=hub.clock,
            ready=ready,
            wake=lambda: None,
            metrics=Metrics(),
            api=(*routes, *picture_routes(Pictures(hub.vault, settings.base_url, hub.clock))),
        )
    )
    host, port = listener.getsockname()[:2]
    show(f"AI-CRM Slack bot: http://{host}:{port}/slack/events")
    await server.serve(app, listener, stop, trusted=settings.trusted_proxies)


if __name__ == "__main__":
    sys.exit(main())
