"""`ai-crm connections`: which platforms a hub is connected to. Secrets come from a prompt or the environment, never from
the command line, where every other program could read them.
"""

from __future__ import annotations

import secrets
import sys

import click

from ai_crm.cli.hub_options import settings, with_hub
from ai_crm.cli.screen import show, show_table
from ai_crm.errors import Problem, SettingsInvalid
from ai_crm.model.address import parse_address
from ai_crm.model.item import PlatformName
from ai_crm.model.secret import Secret
from ai_crm.ports.receiver import Connection


@click.group()
def connections() -> None:
    """The platforms that a hub is connected to."""


@connections.command("add-github")
@click.argument("name", required=False, default="")
@click.option("--workspace", default="default", show_default=True, help="whose tasks come of it")
@click.option("--api-url", default="https://api.github.com", show_default=True, help="Enterprise Server: …/api/v3")
@click.option("--app-id", default="", help="of a GitHub App; then --private-key too")
@click.option("--private-key", type=click.Path(exists=True, dir_okay=False), help="the App's PEM file")
def add_github(name: str, workspace: str, api_url: str, app_id: str, private_key: str | None) -> None:
    """Connect GitHub, and say what to enter in its webhook settings.

    NAME becomes part of the webhook's address; without one it is made up. The token is read from AI_CRM_GITHUB_TOKEN,
    the webhook's secret from AI_CRM_GITHUB_WEBHOOK_SECRET; what is missing is asked for on a terminal, and a secret
    that nobody gives is made and shown once.
    """
    name = name or f"github-{secrets.token_hex(8)}"
    _check_name(name)
    parse_address(api_url)
    chosen = settings()
    given = chosen.github_webhook_secret
    webhook_secret = given or Secret(secrets.token_urlsafe(32))
    connection = Connection(
        workspace=workspace,
        id=name,
        platform=PlatformName.GITHUB,
        settings={"api_url": api_url} | ({"app_id": app_id} if app_id else {}),
        secrets={"webhook_secret": webhook_secret, **_credentials(app_id, private_key, chosen.github_token)},
    )
    with_hub(lambda hub: hub.connections.add(connection))
    base = chosen.base_url or "http://127.0.0.1:8080"
    show(f"Payload URL   {base}/webhooks/github/{name}")
    show("Content type  application/json")
    show(f"Secret        {'as given' if given else webhook_secret.reveal()}")


@connections.command("list")
def list_connections() -> None:
    """Show the connections of all workspaces."""
    found = with_hub(lambda hub: hub.connections.all())
    rows = [(each.id, each.platform, each.workspace, "on" if each.active else "off") for each in found]
    if rows:
        show_table(("name", "platform", "workspace", "state"), rows)
    else:
        show("There are none: `ai-crm connections add-github` makes the first", error=True)


@connections.command("off")
@click.argument("name")
@click.option("--workspace", default="default", show_default=True)
def switch_off(name: str, workspace: str) -> None:
    """Take nothing more from a connection. What was accepted stays."""
    _switch(name, workspace, on=False)


@connections.command("on")
@click.argument("name")
@click.option("--workspace", default="default", show_default=True)
def switch_on(name: str, workspace: str) -> None:
    """Take webhooks of a connection again."""
    _switch(name, workspace, on=True)


def _switch(name: str, workspace: str, *, on: bool) -> None:
    if not with_hub(lambda hub: hub.connections.switch(workspace, name, on=on)):
        raise _problem(name, f"is no connection of the workspace {workspace}", "`ai-crm connections list` shows them")
    show(f"{name} is {'on' if on else 'off'}")


def _credentials(app_id: str, private_key: str | None, token: Secret) -> dict[str, Secret]:
    if bool(app_id) != bool(private_key):
        raise _problem("--app-id and --private-key", "belong together", "give both of a GitHub App, or none")
    if private_key:
        with open(private_key, encoding="ascii") as file:
            return {"private_key": Secret(file.read())}
    if not token and sys.stdin.isatty():
        token = Secret(click.prompt("GitHub token", hide_input=True))
    if not token:
        raise _problem("AI_CRM_GITHUB_TOKEN", "is missing", "a token that may read and write issues and pull requests")
    return {"token": token}


def _check_name(name: str) -> None:
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum() or len(name) > 64:
        raise _problem(name, "cannot be part of an address", "letters, digits, - and _, at most 64 of them")


def _problem(where: str, what: str, hint: str) -> SettingsInvalid:
    return SettingsInvalid((Problem(where, 0, 0, what, hint),))
