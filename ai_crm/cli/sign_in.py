"""`ai-crm sign-in`: the dashboard for who sits at the hub's own machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ai_crm.cli.hub_options import WORKSPACE, called, dashboard_of, with_hub
from ai_crm.cli.screen import show
from ai_crm.model.access import Principal, Role
from ai_crm.model.item import PlatformName
from ai_crm.ports.sessions import Visitor

if TYPE_CHECKING:
    from ai_crm.wiring.hub import Hub


@click.command("sign-in")
@click.option("--as", "name", help="the name in histories; without it, yours on this machine")
@click.option("--workspace", type=WORKSPACE, default="default", show_default=True)
def sign_in(name: str | None, workspace: str) -> None:
    """Show a link that opens the dashboard in a browser, as an operator.

    Whoever can read the hub's data folder is one. The link works once, within a quarter of an hour.
    """
    from ai_crm.wiring.way_in import links_of  # noqa: PLC0415 - heavy: only the commands of a hub need it

    name = called(name)
    principal = Principal(name=name, workspace=workspace, role=Role.OPERATOR)
    visitor = Visitor(principal=principal, platform=PlatformName.HUB, id=name, name=name)

    async def invited(hub: Hub) -> str:
        return await links_of(hub.sessions, hub.clock, dashboard_of(hub.settings))(visitor)

    show(with_hub(invited))
    show(f"It signs you in as {name}, operator of {workspace}: once, within 15 minutes", error=True)
