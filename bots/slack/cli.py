"""`ai-crm slack`: what an operator does about the Slack app: its manifest, an invitation, a check of what is wrong."""

from __future__ import annotations

import asyncio

import click

from ai_crm.cli.diagnosis import show_all
from ai_crm.cli.hub_options import WORKSPACE, settings, with_hub
from ai_crm.cli.screen import show
from ai_crm.errors import Problem, SettingsInvalid


@click.group()
def slack() -> None:
    """The Slack app: its manifest, invitations for workspaces, and what is wrong."""


@slack.command("manifest")
@click.option("--http", is_flag=True, help="Slack calls this hub at AI_CRM_BASE_URL, instead of a socket")
@click.option(
    "--no-reading", is_flag=True, help="without the scopes that let it see whether a message is there already"
)
def manifest(http: bool, no_reading: bool) -> None:  # noqa: FBT001 - how click passes flags
    """Print the app manifest: api.slack.com/apps, Create New App, From a manifest."""
    from bots.slack.manifest import app_manifest, as_yaml  # noqa: PLC0415 - heavy: only this command needs it

    base = settings().base_url
    if http and not base:
        hint = "where Slack reaches this hub, such as https://hub.example.com; or leave --http out"
        raise SettingsInvalid((Problem("AI_CRM_BASE_URL", 0, 0, "is missing", hint),))
    show(as_yaml(app_manifest(base, socket_mode=not http, looking=not no_reading)).rstrip())


@slack.command("invite")
@click.option(
    "--workspace",
    type=WORKSPACE,
    default="default",
    show_default=True,
    help="whose tasks the Slack workspace works with",
)
def invite(workspace: str) -> None:
    """Print a link that lets one person connect one Slack workspace, for a day."""
    from urllib.parse import quote  # noqa: PLC0415 - as above

    from bots.slack.install import invitation  # noqa: PLC0415 - as above

    given = settings()
    if not given.slack_client_id:
        hint = "the client of the app (Basic Information, App Credentials), with its secret"
        raise SettingsInvalid((Problem("AI_CRM_SLACK_CLIENT_ID", 0, 0, "is missing", hint),))

    async def made(hub: object) -> str:
        from ai_crm.wiring.hub import Hub  # noqa: PLC0415 - as above

        assert isinstance(hub, Hub)  # noqa: S101 - for the type checker
        return invitation(hub.vault, workspace, hub.clock.now())

    show(f"{given.base_url}/slack/install?invitation={quote(with_hub(made), safe='')}")


@slack.command("doctor")
def doctor() -> None:
    """Check token, scopes, socket and address of the app, and each connected workspace, and say what to click."""
    from bots.slack.doctor import examine  # noqa: PLC0415 - as above
    from bots.slack.installations import installed  # noqa: PLC0415 - as above

    given = settings()
    # Without the app's own client nothing can have been connected, and nobody needs a database to try it out.
    connected = with_hub(lambda hub: installed(hub.connections)) if given.slack_client_id else ()
    show_all(asyncio.run(examine(given, connected)))
