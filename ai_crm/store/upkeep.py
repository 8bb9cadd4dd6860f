"""What an operator does to a database: is it sound, and a copy of it while it is in use."""

from __future__ import annotations

import os
import sqlite3

from sqlalchemy import Engine, func, select, text

from ai_crm.errors import Problem, SettingsInvalid
from ai_crm.store import tables
from ai_crm.store.database import reading
from ai_crm.store.migrations import VERSION


def check(engine: Engine) -> tuple[str, ...]:
    """What is wrong, as sentences; () for a sound database. Raises StoreError when it cannot be read at all."""
    with reading(engine) as connection:
        problems: list[str] = []
        if connection.dialect.name == "sqlite":
            told = [row[0] for row in connection.execute(text("PRAGMA integrity_check"))]
            problems += [f"the file is damaged: {line}" for line in told if line != "ok"]
            orphans = connection.execute(text("PRAGMA foreign_key_check")).all()
            problems += [f"{len(orphans)} rows refer to others that are not there"] if orphans else []
        version = connection.execute(select(tables.schema_version.c.version)).scalar()
        if version != VERSION:
            problems.append(f"its tables are of version {version}, not {VERSION}: run `ai-crm db migrate`")
        numbers = select(func.max(tables.task.c.number)).where(tables.task.c.workspace == tables.workspace.c.id)
        behind = select(tables.workspace.c.id).where(tables.workspace.c.last_number < numbers.scalar_subquery())
        problems += [f"the workspace {name} would give a number twice" for name in connection.execute(behind).scalars()]
    return tuple(problems)


def backup(engine: Engine, path: str) -> None:
    """A whole and consistent copy of an SQLite database, taken while others write. Raises SettingsInvalid."""
    if engine.dialect.name != "sqlite":
        raise SettingsInvalid((Problem("ai-crm db backup", 0, 0, "is for SQLite", "for PostgreSQL use pg_dump"),))
    if os.path.exists(path):
        raise SettingsInvalid((Problem(path, 0, 0, "exists already", "name a new file"),))
    with reading(engine) as connection:
        source = connection.connection.dbapi_connection
        if not isinstance(source, sqlite3.Connection):
            raise TypeError("SQLAlchemy's SQLite connection is not Python's")
        target = sqlite3.connect(path)
        try:
            source.backup(target)
        finally:
            target.close()
