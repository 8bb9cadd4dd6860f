"""How a database comes to have our tables: one step for each version, written once and never changed afterwards."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, inspect, text

from ai_crm.errors import StoreError
from ai_crm.store.database import reading, writing

# The same words for SQLite and PostgreSQL. A new version is a new tuple at the end, and the same change in `tables`.
_STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE workspace (
            id TEXT NOT NULL PRIMARY KEY,
            last_number BIGINT NOT NULL
        )
        """,
        """
        CREATE TABLE item_card (
            workspace TEXT NOT NULL REFERENCES workspace (id),
            item TEXT NOT NULL,
            card TEXT NOT NULL,
            PRIMARY KEY (workspace, item)
        )
        """,
        """
        CREATE TABLE task (
            workspace TEXT NOT NULL REFERENCES workspace (id),
            number BIGINT NOT NULL,
            item TEXT NOT NULL,
            rule TEXT NOT NULL,
            status TEXT NOT NULL,
            version INTEGER NOT NULL,
            updated_at TEXT NOT NULL,
            payload TEXT NOT NULL,
            PRIMARY KEY (workspace, number),
            CONSTRAINT task_once UNIQUE (workspace, item, rule),
            FOREIGN KEY (workspace, item) REFERENCES item_card (workspace, item)
        )
        """,
        """
        CREATE TABLE task_history (
            workspace TEXT NOT NULL REFERENCES workspace (id),
            number BIGINT NOT NULL,
            position INTEGER NOT NULL,
            payload TEXT NOT NULL,
            PRIMARY KEY (workspace, number, position),
            FOREIGN KEY (workspace, number) REFERENCES task (workspace, number)
        )
        """,
        """
        CREATE TABLE decision (
            workspace TEXT NOT NULL REFERENCES workspace (id),
            id TEXT NOT NULL,
            event TEXT NOT NULL,
            item TEXT NOT NULL,
            answer TEXT NOT NULL,
            decided_at TEXT NOT NULL,
            payload TEXT NOT NULL,
            PRIMARY KEY (workspace, id),
            FOREIGN KEY (workspace, item) REFERENCES item_card (workspace, item)
        )
        """,
        "CREATE INDEX decision_event ON decision (workspace, event)",
        """
        CREATE TABLE change (
            workspace TEXT NOT NULL REFERENCES workspace (id),
            key TEXT NOT NULL,
            decision TEXT NOT NULL,
            event TEXT NOT NULL,
            item TEXT NOT NULL,
            position INTEGER NOT NULL,
            kind TEXT NOT NULL,
            state TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            planned_at TEXT NOT NULL,
            payload TEXT NOT NULL,
            applied TEXT,
            PRIMARY KEY (workspace, key),
            FOREIGN KEY (workspace, decision) REFERENCES decision (workspace, id),
            FOREIGN KEY (workspace, item) REFERENCES item_card (workspace, item)
        )
        """,
        "CREATE INDEX change_outbox ON change (workspace, item, event, state)",
    ),
)
VERSION = len(_STEPS)

# Any number that no other program is likely to lock: "AICRM" in ASCII.
_LOCK = int.from_bytes(b"AICRM")


def migrate(engine: Engine) -> None:
    """Brings an empty or older database to this program's version.

    Raises StoreError for one that a newer program wrote, StoreUnavailable when it cannot be reached.
    """
    with reading(engine) as connection:
        if _version(connection) == VERSION:
            return
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        found = _version(connection)
        if found == 0:
            connection.execute(text("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)"))
            connection.execute(text("INSERT INTO schema_version (version) VALUES (0)"))
        for step in _STEPS[found:]:
            for statement in step:
                connection.execute(text(statement))
        connection.execute(text("UPDATE schema_version SET version = :version"), {"version": VERSION})


def _version(connection: Connection) -> int:
    """The version of the tables that are there, 0 for none. Raises StoreError when it is newer than ours."""
    if not inspect(connection).has_table("schema_version"):
        return 0
    found: int = connection.execute(text("SELECT version FROM schema_version")).scalar() or 0
    if found > VERSION:
        raise StoreError(
            f"the database has tables of version {found}, and this ai-crm knows version {VERSION}",
            hint="Use the newer ai-crm that wrote them, or give this one a database of its own",
        )
    return found
