"""`ai-crm keys`: who may use a hub's API, as what, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from ai_crm.cli.hub_options import WORKSPACE, with_hub
from ai_crm.cli.screen import show, show_table
from ai_crm.errors import Problem, SettingsInvalid
from ai_crm.model.access import MAY, Principal, Role
from ai_crm.ports.sessions import of_key

if TYPE_CHECKING:
    from ai_crm.wiring.hub import Hub


@click.group()
def keys() -> None:
    """Keys of a hub's API."""


@keys.command("create")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), default=Role.VIEWER.value, show_default=True)
@click.option("--workspace", type=WORKSPACE, default="default", show_default=True)
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="until it expires")
def create(name: str, role: str, workspace: str, days: int) -> None:
    """Make a key and show it once; only its hash is kept."""
    now = datetime.now(UTC)
    made = with_hub(lambda hub: hub.keys.create(workspace, name, Role(role), now + timedelta(days=days), now))
    show(made)
    show(f"It may: {', '.join(sorted(MAY[Role(role)]))}", error=True)


@keys.command("list")
@click.option("--workspace", type=WORKSPACE, default="default", show_default=True)
def list_keys(workspace: str) -> None:
    """Show who has a key, and never the key."""
    found = with_hub(lambda hub: hub.keys.of(workspace))
    show_table(
        ("id", "name", "role", "expires", "revoked"),
        [
            (
                key.id,
                key.name,
                key.role,
                f"{key.expires_at:%Y-%m-%d}" if key.expires_at else "never",
                "yes" if key.revoked_at else "no",
            )
            for key in found
        ],
    )


@keys.command("revoke")
@click.argument("key_id")
@click.option("--workspace", type=WORKSPACE, default="default", show_default=True)
def revoke(key_id: str, workspace: str) -> None:
    """Make a key useless from now on, in every process within seconds, and end the sessions that it began."""

    async def revoked(hub: Hub) -> bool:
        now = datetime.now(UTC)
        done = await hub.keys.revoke(workspace, key_id, now)
        for key in await hub.keys.of(workspace):
            if key.id == key_id:
                await hub.sessions.end_all(of_key(Principal(name=key.name, workspace=workspace, role=key.role)))
        return done

    if not with_hub(revoked):
        hint = "`ai-crm keys list` shows them"
        raise SettingsInvalid((Problem(key_id, 0, 0, f"is no key of the workspace {workspace}", hint),))
    show(f"{key_id} is revoked")
