"""`ai-crm serve`: the hub as one process, or as several that share a database."""

from __future__ import annotations

import click

from ai_crm.cli.hub_options import settings
from ai_crm.cli.screen import show
from ai_crm.config.hub_settings import Role


@click.command()
@click.option("--role", type=click.Choice([role.value for role in Role]), default=Role.ALL.value, show_default=True)
@click.option("--host", help="overrides AI_CRM_HOST")
@click.option("--port", type=click.IntRange(0, 65535), help="overrides AI_CRM_PORT; 0 for any that is free")
def serve(role: str, host: str | None, port: int | None) -> None:
    """Receive webhooks, answer the API, and do the work that was accepted.

    Without any setting: SQLite in ./data, on 127.0.0.1:8080. Ends in order on SIGTERM; what is unfinished waits in the
    database.
    """
    from msgspec import structs  # noqa: PLC0415 - heavy, as below

    from ai_crm.hub.process import run  # noqa: PLC0415 - heavy: only this command needs it

    chosen = settings()
    chosen = structs.replace(chosen, host=host or chosen.host, port=chosen.port if port is None else port)
    run(chosen, Role(role), lambda url: show(f"AI-CRM hub: {url} ({role}), data in {chosen.data}"))
