"""`ai-crm sessions`: how an operator makes browsers forget who they were."""

from __future__ import annotations

import click

from ai_crm.cli.hub_options import WORKSPACE, with_hub
from ai_crm.cli.screen import show


@click.group()
def sessions() -> None:
    """People who are signed in to the dashboard."""


@sessions.command("end")
@click.option("--all", "everybody", is_flag=True, help="of everybody in the workspace")
@click.option("--name", help="of whoever is called so, or has this id on their platform")
@click.option("--workspace", type=WORKSPACE, default="default", show_default=True)
def end(*, everybody: bool, name: str | None, workspace: str) -> None:
    """End sessions at once. Links that nobody followed yet are worth nothing any more, either.

    A session remembers what somebody may: end it when they leave, or get another role. By itself it ends after 12 hours.
    """
    if everybody == bool(name):
        raise click.UsageError("say whose: --all, or --name NAME")
    ended = with_hub(lambda hub: hub.sessions.end_of(workspace, name))
    show(f"{ended} ended")
    if not ended:
        show(f"Nobody {f'called {name} ' if name else ''}is signed in to the workspace {workspace}", error=True)
