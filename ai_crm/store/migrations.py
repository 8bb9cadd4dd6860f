"""How a database comes to have our tables: one step for each version, written once and never changed afterwards."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, Engine, inspect, text

from ai_crm.errors import StoreError
from ai_crm.store.database import reading, writing


class Either(Struct, frozen=True):
    """A statement that the two databases spell differently."""

    sqlite: str
    postgresql: str


# A new version is a new tuple at the end, and the same change in `tables`.
_STEPS: tuple[tuple[str | Either, ...], ...] = (
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
    (
        """
        CREATE TABLE connection (
            workspace TEXT NOT NULL REFERENCES workspace (id),
            id TEXT NOT NULL,
            platform TEXT NOT NULL,
            settings TEXT NOT NULL,
            secrets TEXT NOT NULL,
            active INTEGER NOT NULL,
            problem TEXT NOT NULL,
            created_at TEXT NOT NULL,
            held_until TEXT NOT NULL,
            PRIMARY KEY (workspace, id),
            CONSTRAINT connection_once UNIQUE (id)
        )
        """,
        Either(
            """
            CREATE TABLE delivery (
                workspace TEXT NOT NULL REFERENCES workspace (id),
                id TEXT NOT NULL,
                connection TEXT NOT NULL,
                platform TEXT NOT NULL,
                name TEXT NOT NULL,
                vendor_id TEXT NOT NULL,
                body_hash TEXT NOT NULL,
                lane TEXT NOT NULL,
                headers TEXT NOT NULL,
                body BLOB NOT NULL,
                received_at TEXT NOT NULL,
                state TEXT NOT NULL,
                attempts INTEGER NOT NULL,
                not_before TEXT NOT NULL,
                holder TEXT NOT NULL,
                lease_until TEXT NOT NULL,
                reason TEXT NOT NULL,
                detail TEXT NOT NULL,
                decided_at TEXT NOT NULL,
                PRIMARY KEY (workspace, id)
            )
            """,
            """
            CREATE TABLE delivery (
                workspace TEXT NOT NULL REFERENCES workspace (id),
                id TEXT NOT NULL,
                connection TEXT NOT NULL,
                platform TEXT NOT NULL,
                name TEXT NOT NULL,
                vendor_id TEXT NOT NULL,
                body_hash TEXT NOT NULL,
                lane TEXT NOT NULL,
                headers TEXT NOT NULL,
                body BYTEA NOT NULL,
                received_at TEXT NOT NULL,
                state TEXT NOT NULL,
                attempts INTEGER NOT NULL,
                not_before TEXT NOT NULL,
                holder TEXT NOT NULL,
                lease_until TEXT NOT NULL,
                reason TEXT NOT NULL,
                detail TEXT NOT NULL,
                decided_at TEXT NOT NULL,
                PRIMARY KEY (workspace, id)
            )
            """,
        ),
        "CREATE UNIQUE INDEX delivery_vendor_id ON delivery (workspace, connection, vendor_id) WHERE vendor_id <> ''",
        "CREATE UNIQUE INDEX delivery_body ON delivery (workspace, connection, body_hash)",
        "CREATE INDEX delivery_due ON delivery (connection, received_at) WHERE state IN ('queued', 'working')",
        "CREATE INDEX delivery_lane ON delivery (workspace, lane, received_at) WHERE state IN ('queued', 'working')",
        "CREATE INDEX delivery_time ON delivery (workspace, received_at)",
        "ALTER TABLE change ADD COLUMN carrier TEXT NOT NULL DEFAULT 'caller'",
        "ALTER TABLE change ADD COLUMN connection TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE change ADD COLUMN not_before TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE change ADD COLUMN holder TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE change ADD COLUMN lease_until TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE change ADD COLUMN reason TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE change ADD COLUMN detail TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE change ADD COLUMN settled_at TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX change_due ON change (connection, planned_at, position) WHERE state = 'pending' AND carrier = 'hub'",
        "CREATE INDEX change_lane ON change (workspace, item, planned_at, position) WHERE state = 'pending'",
        "CREATE INDEX change_event ON change (workspace, event)",
        "CREATE INDEX change_time ON change (workspace, planned_at)",
        "CREATE INDEX decision_time ON decision (workspace, decided_at)",
        "CREATE INDEX task_time ON task (workspace, updated_at)",
        """
        CREATE TABLE bucket (
            workspace TEXT NOT NULL REFERENCES workspace (id),
            connection TEXT NOT NULL,
            name TEXT NOT NULL,
            level DOUBLE PRECISION NOT NULL,
            filled_at TEXT NOT NULL,
            PRIMARY KEY (workspace, connection, name)
        )
        """,
        """
        CREATE TABLE api_key (
            id TEXT NOT NULL PRIMARY KEY,
            workspace TEXT NOT NULL REFERENCES workspace (id),
            name TEXT NOT NULL,
            role TEXT NOT NULL,
            hash TEXT NOT NULL,
            created_at TEXT NOT NULL,
            expires_at TEXT NOT NULL,
            revoked_at TEXT NOT NULL
        )
        """,
        """
        CREATE TABLE idempotency (
            workspace TEXT NOT NULL REFERENCES workspace (id),
            key TEXT NOT NULL,
            request TEXT NOT NULL,
            status INTEGER NOT NULL,
            answer TEXT NOT NULL,
            created_at TEXT NOT NULL,
            PRIMARY KEY (workspace, key)
        )
        """,
        """
        CREATE TABLE task_comment (
            workspace TEXT NOT NULL,
            number BIGINT NOT NULL,
            id TEXT NOT NULL,
            at TEXT NOT NULL,
            actor TEXT NOT NULL,
            body TEXT NOT NULL,
            PRIMARY KEY (workspace, number, id),
            FOREIGN KEY (workspace, number) REFERENCES task (workspace, number)
        )
        """,
        """
        CREATE TABLE audit (
            workspace TEXT NOT NULL REFERENCES workspace (id),
            id TEXT NOT NULL,
            at TEXT NOT NULL,
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            subject TEXT NOT NULL,
            cause TEXT NOT NULL,
            PRIMARY KEY (workspace, id)
        )
        """,
        "CREATE INDEX audit_time ON audit (workspace, at)",
        # What full-text search looks in: title, description, labels, people and comments of a task.
        Either(
            "CREATE VIRTUAL TABLE task_words USING fts5 (workspace UNINDEXED, number UNINDEXED, words)",
            "CREATE TABLE task_words (workspace TEXT NOT NULL, number BIGINT NOT NULL, words TEXT NOT NULL)",
        ),
        Either("", "CREATE INDEX task_words_text ON task_words USING gin (to_tsvector('simple', words))"),
        Either("", "CREATE INDEX task_words_task ON task_words (workspace, number)"),
    ),
    (
        """
        CREATE TABLE member (
            workspace TEXT NOT NULL REFERENCES workspace (id),
            platform TEXT NOT NULL,
            id TEXT NOT NULL,
            login TEXT NOT NULL,
            payload TEXT NOT NULL,
            PRIMARY KEY (workspace, platform, id)
        )
        """,
        "CREATE INDEX member_login ON member (workspace, login)",
        """
        CREATE TABLE message (
            workspace TEXT NOT NULL REFERENCES workspace (id),
            platform TEXT NOT NULL,
            target TEXT NOT NULL,
            item TEXT NOT NULL,
            address TEXT NOT NULL,
            PRIMARY KEY (workspace, platform, target, item)
        )
        """,
        """
        CREATE TABLE schedule (
            workspace TEXT NOT NULL REFERENCES workspace (id),
            name TEXT NOT NULL,
            spec TEXT NOT NULL,
            next_at TEXT NOT NULL,
            PRIMARY KEY (workspace, name)
        )
        """,
        "ALTER TABLE task_history ADD COLUMN cause TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE change ADD COLUMN target TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX delivery_dead ON delivery (workspace, connection) WHERE state = 'dead'",
        "CREATE INDEX change_dead ON change (workspace, connection) WHERE state = 'dead'",
        "CREATE INDEX decision_item ON decision (workspace, item)",
    ),
    (
        """
        CREATE TABLE watch (
            workspace TEXT NOT NULL,
            number BIGINT NOT NULL,
            platform TEXT NOT NULL,
            member TEXT NOT NULL,
            PRIMARY KEY (workspace, number, platform, member),
            FOREIGN KEY (workspace, number) REFERENCES task (workspace, number)
        )
        """,
        "CREATE INDEX watch_member ON watch (workspace, platform, member)",
        """
        CREATE TABLE session (
            id TEXT NOT NULL PRIMARY KEY,
            workspace TEXT NOT NULL REFERENCES workspace (id),
            visitor TEXT NOT NULL,
            seen_at TEXT NOT NULL,
            ends_at TEXT NOT NULL,
            payload TEXT NOT NULL
        )
        """,
        "CREATE INDEX session_end ON session (ends_at)",
        """
        CREATE TABLE invitation (
            id TEXT NOT NULL PRIMARY KEY,
            workspace TEXT NOT NULL REFERENCES workspace (id),
            ends_at TEXT NOT NULL,
            payload TEXT NOT NULL
        )
        """,
        "CREATE INDEX invitation_end ON invitation (ends_at)",
        Either(
            """
            CREATE TABLE promise (
                platform TEXT NOT NULL,
                id TEXT NOT NULL,
                since TEXT NOT NULL,
                lease_until TEXT NOT NULL,
                attempts INTEGER NOT NULL,
                body BLOB NOT NULL,
                PRIMARY KEY (platform, id)
            )
            """,
            """
            CREATE TABLE promise (
                platform TEXT NOT NULL,
                id TEXT NOT NULL,
                since TEXT NOT NULL,
                lease_until TEXT NOT NULL,
                attempts INTEGER NOT NULL,
                body BYTEA NOT NULL,
                PRIMARY KEY (platform, id)
            )
            """,
        ),
        "ALTER TABLE change ADD COLUMN revived_at TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE delivery ADD COLUMN revived_at TEXT NOT NULL DEFAULT ''",
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
                _run(connection, statement)
        connection.execute(text("UPDATE schema_version SET version = :version"), {"version": VERSION})


def _run(connection: Connection, statement: str | Either) -> None:
    if isinstance(statement, Either):
        statement = statement.postgresql if connection.dialect.name == "postgresql" else statement.sqlite
    if statement:
        connection.execute(text(statement))


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
