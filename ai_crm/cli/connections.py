"""`ai-crm connections`: which platforms a hub is connected to. Secrets come from a prompt or the environment, never from
the command line, where every other program could read them.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable

import click
from msgspec.structs import replace

from ai_crm.cli.hub_options import WORKSPACE, settings, with_hub
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
@click.option("--workspace", type=WORKSPACE, default="default", show_default=True, help="whose tasks come of it")
@click.option("--api-url", default="https://api.github.com", show_default=True, help="Enterprise Server: …/api/v3")
@click.option("--app-id", default="", help="of a GitHub App; then --private-key too")
@click.option("--private-key", type=click.Path(exists=True, dir_okay=False), help="the App's PEM file")
@click.option("--hook", "hooks", multiple=True, metavar="OWNER/NAME=ID", help="see `ai-crm connections hooks`")
def add_github(
    name: str, workspace: str, api_url: str, app_id: str, private_key: str | None, hooks: tuple[str, ...]
) -> None:
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
        settings={"api_url": api_url} | ({"app_id": app_id} if app_id else {}) | _hooks(hooks, app_id),
        secrets={"webhook_secret": webhook_secret, **_credentials(app_id, private_key, chosen.github_token)},
    )
    with_hub(lambda hub: hub.connections.add(connection))
    base = chosen.base_url or "http://127.0.0.1:8080"
    show(f"Payload URL   {base}/webhooks/github/{name}")
    show("Content type  application/json")
    show(f"Secret        {'as given' if given else webhook_secret.reveal()}")


@connections.command("hooks")
@click.argument("name")
@click.argument("hooks", nargs=-1, metavar="[OWNER/NAME=ID]...")
@click.option("--workspace", type=WORKSPACE, default="default", show_default=True)
def set_hooks(name: str, hooks: tuple[str, ...], workspace: str) -> None:
    """Name the webhooks of repositories whose lost deliveries the hub asks for again.

    ID is the number at the end of the webhook's settings' address on GitHub. The token must be one that may read and
    write the repository's webhooks. A GitHub App needs none of this. Without any, none is asked for.
    """

    def become(known: Connection) -> Connection:
        others = {key: value for key, value in known.settings.items() if key != "hooks"}
        return replace(known, settings=others | _hooks(hooks, known.settings.get("app_id", "")))

    _change(name, workspace, become)
    show(f"{name} asks for what is lost of {', '.join(hooks) or 'no webhook'}")


@connections.command("rotate")
@click.argument("name")
@click.option("--workspace", type=WORKSPACE, default="default", show_default=True)
@click.option("--finish", is_flag=True, help="refuse the old secret from now on")
def rotate(name: str, workspace: str, *, finish: bool) -> None:
    """Make a new webhook secret, and show it once; the old one is accepted too until --finish.

    A hub that runs takes it up within seconds. Enter it in the webhook's settings, look whether deliveries come in,
    then finish.
    """
    if finish:
        _change(name, workspace, _without_the_old_secret)
        show(f"{name} takes the new secret alone")
        return
    fresh = Secret(secrets.token_urlsafe(32))
    _change(name, workspace, lambda known: _with_a_new_secret(known, fresh))
    show(f"Secret        {fresh.reveal()}")


@connections.command("token")
@click.argument("name")
@click.option("--workspace", type=WORKSPACE, default="default", show_default=True)
@click.option("--private-key", type=click.Path(exists=True, dir_okay=False), help="the new PEM file of a GitHub App")
def set_token(name: str, workspace: str, private_key: str | None) -> None:
    """Give a connection another token, from AI_CRM_GITHUB_TOKEN or a prompt, or another private key.

    A hub that runs takes it up within seconds.
    """
    given = _key_of(private_key) if private_key else _token(settings().github_token)

    def become(known: Connection) -> Connection:
        if given.keys() - known.secrets.keys():
            wanted = "a GitHub App: give its --private-key" if "private_key" in known.secrets else "no GitHub App"
            raise _problem(name, f"is {wanted}", "connect it anew under another name to change what it is")
        return replace(known, secrets={**known.secrets, **given})

    _change(name, workspace, become)
    show(f"{name} has the new {'private key' if private_key else 'token'}")


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
@click.option("--workspace", type=WORKSPACE, default="default", show_default=True)
def switch_off(name: str, workspace: str) -> None:
    """Take nothing more from a connection. What was accepted stays."""
    _switch(name, workspace, on=False)


@connections.command("on")
@click.argument("name")
@click.option("--workspace", type=WORKSPACE, default="default", show_default=True)
def switch_on(name: str, workspace: str) -> None:
    """Take webhooks of a connection again."""
    _switch(name, workspace, on=True)


def _switch(name: str, workspace: str, *, on: bool) -> None:
    if not with_hub(lambda hub: hub.connections.switch(workspace, name, on=on)):
        raise _unknown(name, workspace)
    show(f"{name} is {'on' if on else 'off'}")


def _change(name: str, workspace: str, become: Callable[[Connection], Connection]) -> None:
    if not with_hub(lambda hub: hub.connections.change(workspace, name, become)):
        raise _unknown(name, workspace)


def _with_a_new_secret(known: Connection, fresh: Secret) -> Connection:
    old = known.secrets.get("webhook_secret")
    if old is None:
        raise _problem(known.id, "has no webhook secret", "what comes in there is proven another way")
    if "webhook_secret_before" in known.secrets:
        hint = f"`ai-crm connections rotate {known.id} --finish` ends that"
        raise _problem(known.id, "has an old secret beside its new one already", hint)
    return replace(known, secrets={**known.secrets, "webhook_secret": fresh, "webhook_secret_before": old})


def _without_the_old_secret(known: Connection) -> Connection:
    if "webhook_secret_before" not in known.secrets:
        raise _problem(known.id, "has no old secret", f"`ai-crm connections rotate {known.id}` makes a new one")
    kept = {key: value for key, value in known.secrets.items() if key != "webhook_secret_before"}
    return replace(known, secrets=kept)


def _hooks(written: tuple[str, ...], app_id: str) -> dict[str, str]:
    from ai_crm.wiring.hub import hooks_setting  # noqa: PLC0415 - heavy, as in hub_options

    if written and app_id:
        raise _problem("--hook", "is for tokens", "a GitHub App knows its own webhook")
    return {"hooks": hooks_setting(written)} if written else {}


def _credentials(app_id: str, private_key: str | None, token: Secret) -> dict[str, Secret]:
    if bool(app_id) != bool(private_key):
        raise _problem("--app-id and --private-key", "belong together", "give both of a GitHub App, or none")
    return _key_of(private_key) if private_key else _token(token)


def _key_of(private_key: str) -> dict[str, Secret]:
    try:
        with open(private_key, encoding="ascii") as file:
            return {"private_key": Secret(file.read())}
    except (OSError, ValueError):  # from None: the text of a decoding error holds some of the key
        raise _problem(private_key, "cannot be read as a PEM file", "the App's settings give it once") from None


def _token(token: Secret) -> dict[str, Secret]:
    if not token and sys.stdin.isatty():
        token = Secret(click.prompt("GitHub token", hide_input=True))
    if not token:
        raise _problem("AI_CRM_GITHUB_TOKEN", "is missing", "a token that may read and write issues and pull requests")
    return {"token": token}


def _check_name(name: str) -> None:
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum() or len(name) > 64:
        raise _problem(name, "cannot be part of an address", "letters, digits, - and _, at most 64 of them")


def _unknown(name: str, workspace: str) -> SettingsInvalid:
    return _problem(name, f"is no connection of the workspace {workspace}", "`ai-crm connections list` shows them")


def _problem(where: str, what: str, hint: str) -> SettingsInvalid:
    return SettingsInvalid((Problem(where, 0, 0, what, hint),))
