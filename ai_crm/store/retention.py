"""How long what is behind us is kept, and in which order it may go. Tasks and their histories stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType

from sqlalchemy import Column, Connection, Select, delete, exists, select

from ai_crm.errors import Problem, SettingsInvalid
from ai_crm.model.delivery import ChangeState, DeliveryState
from ai_crm.store import tables
from ai_crm.store.rows import stamp
from ai_crm.store.transactions import Transactions

# What may be set, and the days it is kept when nobody says otherwise. Dead letters are kept longest but for the audit:
# somebody may still want to send them on.
DAYS: Mapping[str, int] = MappingProxyType(
    {"deliveries": 30, "dead_letters": 90, "decisions": 90, "audit": 365, "idempotency": 2}
)

# Rows in one transaction: few enough that whoever waits for the database does not notice.
_BATCH = 500

_SETTLED = (DeliveryState.DONE, DeliveryState.IGNORED)
_UNSETTLED = (ChangeState.PENDING, ChangeState.DEAD)


async def apply_retention(
    transactions: Transactions, workspace: str, days: Mapping[str, int], now: datetime
) -> Mapping[str, int]:
    """Deletes what is older than its days, and says how many rows of each; `days` overrides what DAYS says.

    What waits or is being worked on stays, however old, and so does whatever it hangs on. Raises SettingsInvalid for a
    name that DAYS does not have or less than one day, StoreUnavailable.
    """
    _check(days)
    gone = dict.fromkeys(DAYS, 0)
    for name, kept in {**DAYS, **days}.items():
        before = stamp(now - timedelta(days=kept))
        for step in _STEPS[name]:
            batch = _BATCH
            while batch == _BATCH:
                batch = await transactions.write(partial(step, workspace, before))
                gone[name] += batch
    return MappingProxyType(gone)


def _check(days: Mapping[str, int]) -> None:
    unknown = [
        Problem("retention", 0, 0, f"there is no {name}", f"use {', '.join(DAYS)}") for name in days.keys() - DAYS
    ]
    short = [
        Problem("retention", 0, 0, f"{name}: {kept} days", "keep at least 1") for name, kept in days.items() if kept < 1
    ]
    if unknown or short:
        raise SettingsInvalid((*unknown, *short))


def _deliveries(workspace: str, before: str, connection: Connection) -> int:
    """A change that waits or is a dead letter still needs its event."""
    table, change = tables.delivery, tables.change
    open_change = exists().where(
        change.c.workspace == workspace, change.c.event == table.c.id, change.c.state.in_(_UNSETTLED)
    )
    old = select(table.c.id).where(
        table.c.workspace == workspace, table.c.received_at < before, table.c.state.in_(_SETTLED), ~open_change
    )
    return _forget(connection, workspace, table.c.id, old)


def _dead_deliveries(workspace: str, before: str, connection: Connection) -> int:
    table = tables.delivery
    old = select(table.c.id).where(
        table.c.workspace == workspace, table.c.received_at < before, table.c.state == DeliveryState.DEAD
    )
    return _forget(connection, workspace, table.c.id, old)


def _dead_changes(workspace: str, before: str, connection: Connection) -> int:
    table = tables.change
    old = select(table.c.key).where(
        table.c.workspace == workspace,
        table.c.planned_at < before,
        table.c.settled_at < before,
        table.c.state == ChangeState.DEAD,
    )
    return _forget(connection, workspace, table.c.key, old)


def _decisions(workspace: str, before: str, connection: Connection) -> int:
    """With their changes, which refer to them: what happens once per task is not repeated, for the task stays."""
    table, change = tables.decision, tables.change
    open_change = exists().where(
        change.c.workspace == workspace, change.c.decision == table.c.id, change.c.state.in_(_UNSETTLED)
    )
    old = select(table.c.id).where(table.c.workspace == workspace, table.c.decided_at < before, ~open_change)
    chosen = connection.execute(old.limit(_BATCH)).scalars().all()
    connection.execute(delete(change).where(change.c.workspace == workspace, change.c.decision.in_(chosen)))
    connection.execute(delete(table).where(table.c.workspace == workspace, table.c.id.in_(chosen)))
    return len(chosen)


def _messages(workspace: str, _before: str, connection: Connection) -> int:
    """Where the messages were about what has neither a task nor a change any more: a daily summary has each day its own."""
    table, task, change = tables.message, tables.task, tables.change
    in_use = [exists().where(about.c.workspace == workspace, about.c.item == table.c.item) for about in (task, change)]
    old = select(table.c.item).where(table.c.workspace == workspace, *(~each for each in in_use))
    return _forget(connection, workspace, table.c.item, old)


def _audit(workspace: str, before: str, connection: Connection) -> int:
    table = tables.audit
    old = select(table.c.id).where(table.c.workspace == workspace, table.c.at < before)
    return _forget(connection, workspace, table.c.id, old)


def _answers(workspace: str, before: str, connection: Connection) -> int:
    table = tables.idempotency
    old = select(table.c.key).where(table.c.workspace == workspace, table.c.created_at < before)
    return _forget(connection, workspace, table.c.key, old)


def _forget(connection: Connection, workspace: str, name: Column[str], old: Select[tuple[str]]) -> int:
    """Deletes a batch of rows, which `name` tells apart within the workspace."""
    table = name.table
    chosen = old.limit(_BATCH)
    return connection.execute(delete(table).where(table.c.workspace == workspace, name.in_(chosen))).rowcount


# In the order of DAYS: what a row hangs on goes after it.
_STEPS: Mapping[str, tuple[Callable[[str, str, Connection], int], ...]] = MappingProxyType(
    {
        "deliveries": (_deliveries,),
        "dead_letters": (_dead_deliveries, _dead_changes),
        "decisions": (_decisions, _messages),
        "audit": (_audit,),
        "idempotency": (_answers,),
    }
)
