"""The tables as statements see them. How a database comes to have them is in `migrations`; a test keeps both equal.

Columns are only what is looked up or sorted by; the values themselves are JSON in `payload`, in the form that the
schemas publish. JSON is kept as text because PostgreSQL's own type refuses the NUL that a stranger's title may hold.
Times are UTC in ISO 8601 with a fixed width, so that they sort as text. Every key begins with the workspace.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()


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
)

# One row for each history entry of a task, counted from 0; `task.payload` does not repeat them.
task_history = Table(
    "task_history",
    metadata,
    _workspace(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("payload", Text, nullable=False),
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
)

# The ledger of effects, and the outbox while they are pending. An update of a task is done with its transaction and
# has a row so that it is not done twice. `attempts` counts how often somebody began to carry the change out.
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
    ForeignKeyConstraint(["workspace", "decision"], ["decision.workspace", "decision.id"]),
    ForeignKeyConstraint(["workspace", "item"], ["item_card.workspace", "item_card.item"]),
    Index("change_outbox", "workspace", "item", "event", "state"),
)
