"""`ai-crm teams`: what an operator does about the Teams app: its package, whom it lets in, a check of what is wrong."""

from __future__ import annotations

import click

from ai_crm.cli.diagnosis import show_all
from ai_crm.cli.hub_options import WORKSPACE, settings, with_hub
from ai_crm.cli.screen import show, show_table


@click.group()
def teams() -> None:
    """The Teams app: its package, the tenants that it lets in, and what is wrong."""


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


@teams.command("allow")
@click.argument("tenant")
@click.option(
    "--workspace", type=WORKSPACE, default="default", show_default=True, help="whose tasks its people work with"
)
def allow(tenant: str, workspace: str) -> None:
    """Let the people of a tenant in. TENANT is its Directory (tenant) id.

    The app must be registered for many tenants (AI_CRM_TEAMS_MULTI_TENANT=1). A hub that runs takes it up within seconds.
    """
    from bots.teams import tenants  # noqa: PLC0415 - as above

    given = settings()
    tenants.check(tenant, given)
    tenants.check_several(given)
    with_hub(lambda hub: tenants.allow(hub.connections, tenant, workspace))
    show(f"{tenant.lower()} works with the tasks of {workspace}")


@teams.command("forbid")
@click.argument("tenant")
def forbid(tenant: str) -> None:
    """Let the people of a tenant in no more, and tell them nothing. What they made stays."""
    from bots.teams import tenants  # noqa: PLC0415 - as above

    tenants.check(tenant, settings())
    workspace = with_hub(lambda hub: tenants.forbid(hub.connections, tenant))
    show(f"{tenant.lower()} is let in no more")
    show(f"Who is in the dashboard is so for hours yet: ai-crm sessions end --all --workspace {workspace}")


@teams.command("tenants")
def list_tenants() -> None:
    """Show the tenants that are known, and whose tasks they work with."""
    from bots.teams import tenants  # noqa: PLC0415 - as above

    given = settings()
    found = with_hub(lambda hub: tenants.listed(hub.connections, given))
    if found:
        show_table(("tenant", "workspace", "state"), found)
    else:
        show("There are none: no app is set", error=True)


@teams.command("doctor")
def doctor() -> None:
    """Check token, keys, service, address and tenants of the app, and say what to click."""
    from bots.teams import tenants  # noqa: PLC0415 - as above
    from bots.teams.doctor import examine, of_tenants  # noqa: PLC0415 - as above

    given = settings()
    several = (
        of_tenants(with_hub(lambda hub: tenants.listed(hub.connections, given))) if given.teams_multi_tenant else ()
    )
    show_all((*examine(given), *several))
