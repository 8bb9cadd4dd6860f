"""`ai-crm teams`: what an operator does about the Teams app: its package, and a check of what is wrong."""

from __future__ import annotations

import click

from ai_crm.cli.diagnosis import show_all
from ai_crm.cli.hub_options import settings
from ai_crm.cli.screen import show


@click.group()
def teams() -> None:
    """The Teams app: its package, and what is wrong."""


@teams.command("package")
@click.option("--output", default="ai-crm-teams.zip", show_default=True, type=click.Path(dir_okay=False))
@click.option("--organisation", default="AI-CRM", show_default=True, help="who people in Teams see as its developer")
def package(output: str, organisation: str) -> None:
    """Write the app package: Teams, Apps, Manage your apps, Upload an app."""
    from bots.teams import package as making  # noqa: PLC0415 - heavy: only this command needs it

    organisation = organisation.strip()
    if not 0 < len(organisation) <= making.MOST_ORGANISATION:
        raise click.BadParameter(f"Teams takes 1 to {making.MOST_ORGANISATION} characters", param_hint="--organisation")
    given = settings()
    made = making.package(making.app_manifest(given.teams_app_id, given.base_url, organisation))
    try:
        with open(output, "wb") as file:
            file.write(made)
    except OSError as error:
        raise click.FileError(output, error.strerror) from error
    show(f"{output}: upload it in Teams, Apps, Manage your apps, Upload an app")
    for consent in making.CONSENTS:
        show(f"it asks for {consent.name}. {consent.why}")


@teams.command("doctor")
def doctor() -> None:
    """Check token, keys, service and address of the app, and say what to click."""
    from bots.teams.doctor import examine  # noqa: PLC0415 - as above

    show_all(examine(settings()))
