"""`ai-crm db`: the hub's database, made, looked after and copied."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ai_crm.cli.hub_options import settings
from ai_crm.cli.screen import show

if TYPE_CHECKING:
    from sqlalchemy import Engine  # heavy: only these commands need it


@click.group()
def db() -> None:
    """The hub's database."""


@db.command()
def migrate() -> None:
    """Make the tables, or bring older ones up to date."""
    _engine().dispose()
    show("The tables are up to date")


@db.command()
def check() -> None:
    """Say whether the database is sound; status 1 when it is not."""
    from ai_crm.store.upkeep import check as problems_of  # noqa: PLC0415 - heavy

    engine = _engine()
    problems = problems_of(engine)
    engine.dispose()
    for problem in problems:
        show(problem)
    if problems:
        sys.exit(1)
    show("The database is sound")


@db.command()
@click.argument("file", type=click.Path(dir_okay=False))
def backup(file: str) -> None:
    """Copy an SQLite database into FILE while it is in use.

    The key of the vault is not in it: keep secret.key of the data folder (or AI_CRM_SECRET_KEY) elsewhere.
    """
    from ai_crm.store.upkeep import backup as copy  # noqa: PLC0415 - heavy

    engine = _engine()
    copy(engine, file)
    engine.dispose()
    show(f"Copied into {file}")


def _engine() -> Engine:
    from ai_crm.wiring.hub import database  # noqa: PLC0415 - heavy

    return database(settings())
