"""The tables as statements see them. How a database comes to have them is in `migrations`; a test keeps both equal.

Columns are only what is looked up or sorted by; the values themselves are JSON in `payload`, in the form that the
schemas publish. JSON is kept as text because PostgreSQL's own type refuses the NUL that a stranger's title may hold.
Times are UTC in ISO 8601 with a fixed width, so that they sort as text. Every key begins with the workspace. What
full-text search looks in is the table `task_words`, which the two databases make so differently that only `words` knows it.
"""

from __future__ import annotations

from sqlalchemy import (
    REAL,
    BigInteger,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

_WAITING = text("state IN ('queued', 'working')")
_PENDING = text("state = 'pending'")
_DEAD = text("state = 'dead'")
_WAITS_FOR_US = text("state = 'pending' AND carrier = 'hub'")


def _workspace() -> Column[str]:
    return Column("workspace", Text, ForeignKey("workspace.id"), primary_key=True)


schema_version = Table("schema_version", metadata, Column("version", Integer, nullable=False))

# `last_number` is the number of the newest task: AICRM-1, AICRM-2, …
workspace = Table(
    "workspace",
    metadata,
    Column("id", Text, primary_key=True),
    Column("last_number", BigInteger, nullable=False),
)

# An item's row is also its lock: whoever changes its tasks or effects holds the row first. `card` is the platform's
# address of the card that shows its tasks, empty while there is none.
item_card = Table(
    "item_card",
    metadata,
    _workspace(),
    Column("item", Text, primary_key=True),
    Column("card", Text, nullable=False),
)

task = Table(
    "task",
    metadata,
    _workspace(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("item", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", Text, nullable=False),
    Column("payload", Text, nullable=False),
    UniqueConstraint("workspace", "item", "rule", name="task_once"),
    ForeignKeyConstraint(["workspace", "item"], ["item_card.workspace", "item_card.item"]),
    Index("task_time", "workspace", "updated_at"),
)

# One row for each history entry of a task, counted from 0; `task.payload` does not repeat them. `cause` is the id of the
# event or request, empty for entries from before it was kept.
task_history = Table(
    "task_history",
    metadata,
    _workspace(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("payload", Text, nullable=False),
    Column("cause", Text, nullable=False, server_default=text("''")),
    ForeignKeyConstraint(["workspace", "number"], ["task.workspace", "task.number"]),
)

# `id` is the sha256 of the payload: the same decision about the same event is one row, however often it comes.
decision = Table(
    "decision",
    metadata,
    _workspace(),
    Column("id", Text, primary_key=True),
    Column("event", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("decided_at", Text, nullable=False),
    Column("payload", Text, nullable=False),
    ForeignKeyConstraint(["workspace", "item"], ["item_card.workspace", "item_card.item"]),
    Index("decision_event", "workspace", "event"),
    Index("decision_time", "workspace", "decided_at"),
    Index("decision_item", "workspace", "item"),
)

# The ledger of effects, and the outbox while they are pending. An update of a task is done with its transaction and
# has a row so that it is not done twice. `attempts` counts how often somebody began to carry the change out; it is the
# fence of its lease. `carrier` says who carries it out: the `hub`, or the `caller` that brought the decision. `target` is
# whom a message is for, and empty for everything else. `revived_at` is when a person sent a dead one on.
change = Table(
    "change",
    metadata,
    _workspace(),
    Column("key", Text, primary_key=True),
    Column("decision", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("planned_at", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("applied", Text),
    Column("carrier", Text, nullable=False, server_default=text("'caller'")),
    Column("connection", Text, nullable=False, server_default=text("''")),
    Column("not_before", Text, nullable=False, server_default=text("''")),
    Column("holder", Text, nullable=False, server_default=text("''")),
    Column("lease_until", Text, nullable=False, server_default=text("''")),
    Column("reason", Text, nullable=False, server_default=text("''")),
    Column("detail", Text, nullable=False, server_default=text("''")),
    Column("settled_at", Text, nullable=False, server_default=text("''")),
    Column("target", Text, nullable=False, server_default=text("''")),
    Column("revived_at", Text, nullable=False, server_default=text("''")),
    ForeignKeyConstraint(["workspace", "decision"], ["decision.workspace", "decision.id"]),
    ForeignKeyConstraint(["workspace", "item"], ["item_card.workspace", "item_card.item"]),
    Index("change_outbox", "workspace", "item", "event", "state"),
    Index(
        "change_due",
        "connection",
        "planned_at",
        "position",
        sqlite_where=_WAITS_FOR_US,
        postgresql_where=_WAITS_FOR_US,
    ),
    Index(
        "change_lane",
        "workspace",
        "item",
        "planned_at",
        "position",
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    ),
    Index("change_event", "workspace", "event"),
    Index("change_time", "workspace", "planned_at"),
    Index("change_dead", "workspace", "connection", sqlite_where=_DEAD, postgresql_where=_DEAD),
)

# Where deliveries come from and changes go to. `settings` is JSON that may be shown, `secrets` is sealed. Its id is in
# addresses, so it is unique among all workspaces. Until `held_until` nothing is sent there: the platform said so.
connection = Table(
    "connection",
    metadata,
    _workspace(),
    Column("id", Text, primary_key=True),
    Column("platform", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("secrets", Text, nullable=False),
    Column("active", Integer, nullable=False),
    Column("problem", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("held_until", Text, nullable=False),
    UniqueConstraint("id", name="connection_once"),
)

# The inbox. `attempts` is the fence of the lease, `revived_at` as above. An empty time or word is one that does not apply
# yet.
delivery = Table(
    "delivery",
    metadata,
    _workspace(),
    Column("id", Text, primary_key=True),
    Column("connection", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("vendor_id", Text, nullable=False),
    Column("body_hash", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("headers", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("not_before", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("lease_until", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("decided_at", Text, nullable=False),
    Column("revived_at", Text, nullable=False, server_default=text("''")),
    Index(
        "delivery_vendor_id",
        "workspace",
        "connection",
        "vendor_id",
        unique=True,
        sqlite_where=text("vendor_id <> ''"),
        postgresql_where=text("vendor_id <> ''"),
    ),
    Index("delivery_body", "workspace", "connection", "body_hash", unique=True),
    Index("delivery_due", "connection", "received_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
    Index("delivery_lane", "workspace", "lane", "received_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
    Index("delivery_time", "workspace", "received_at"),
    Index("delivery_dead", "workspace", "connection", sqlite_where=_DEAD, postgresql_where=_DEAD),
)

# Token buckets: `level` tokens were left at `filled_at`.
bucket = Table(
    "bucket",
    metadata,
    _workspace(),
    Column("connection", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("level", Double().with_variant(REAL(), "sqlite"), nullable=False),
    Column("filled_at", Text, nullable=False),
)

# `hash` is of the key itself, which nobody keeps; empty times are those that never come.
api_key = Table(
    "api_key",
    metadata,
    Column("id", Text, primary_key=True),
    Column("workspace", Text, ForeignKey("workspace.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("revoked_at", Text, nullable=False),
)

# Answers to POST requests that brought an Idempotency-Key; `request` is a hash of what was asked. A status of 0 says that
# it was begun.
idempotency = Table(
    "idempotency",
    metadata,
    _workspace(),
    Column("key", Text, primary_key=True),
    Column("request", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("answer", Text, nullable=False),
    Column("created_at", Text, nullable=False),
)

task_comment = Table(
    "task_comment",
    metadata,
    Column("workspace", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, primary_key=True),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("body", Text, nullable=False),
    ForeignKeyConstraint(["workspace", "number"], ["task.workspace", "task.number"]),
)

# Somebody of a chat platform, under the platform's own id: whose login they are, and what they want to be told when.
member = Table(
    "member",
    metadata,
    _workspace(),
    Column("platform", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("login", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Index("member_login", "workspace", "login"),
)

# Who wants to hear of a task that is not theirs. `member` is the platform's own id of somebody in `member`.
watch = Table(
    "watch",
    metadata,
    Column("workspace", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("platform", Text, primary_key=True),
    Column("member", Text, primary_key=True),
    ForeignKeyConstraint(["workspace", "number"], ["task.workspace", "task.number"]),
    Index("watch_member", "workspace", "platform", "member"),
)

# Somebody in a browser. `id` is a hash of what the browser holds, which nobody keeps; `visitor` says whose it is, as
# `platform:id`, and `payload` has all of a Visitor.
session = Table(
    "session",
    metadata,
    Column("id", Text, primary_key=True),
    Column("workspace", Text, ForeignKey("workspace.id"), nullable=False),
    Column("visitor", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
    Column("ends_at", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Index("session_end", "ends_at"),
)

# A link that signs a Visitor in once. `id` is a hash of what is in the link.
invitation = Table(
    "invitation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("workspace", Text, ForeignKey("workspace.id"), nullable=False),
    Column("ends_at", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Index("invitation_end", "ends_at"),
)

# What somebody in a chat was told is heard, until it is done. `since` is when it came; whoever is at it has it until
# `lease_until`, and `attempts` counts how many were.
promise = Table(
    "promise",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("since", Text, nullable=False),
    Column("lease_until", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

# The live message of an item in a channel: what is told later is put under it.
message = Table(
    "message",
    metadata,
    _workspace(),
    Column("platform", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("address", Text, nullable=False),
)

# When a rule's schedule comes next. `spec` is the schedule as written: another one begins anew.
schedule = Table(
    "schedule",
    metadata,
    _workspace(),
    Column("name", Text, primary_key=True),
    Column("spec", Text, nullable=False),
    Column("next_at", Text, nullable=False),
)

# Who changed what, and because of which event or request. Rows are only ever added, and removed by retention.
audit = Table(
    "audit",
    metadata,
    _workspace(),
    Column("id", Text, primary_key=True),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Index("audit_time", "workspace", "at"),
)
