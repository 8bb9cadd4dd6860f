"""Where the live messages of items are: one for each channel or person that was told about the item."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, text

from ai_crm.model.change import Notify
from ai_crm.model.item import ItemRef, PlatformName
from ai_crm.model.space import is_id, parted
from ai_crm.store import tables

_KEEP = text(
    "INSERT INTO message (workspace, platform, target, item, address) "
    "VALUES (:workspace, :platform, :target, :item, :address) "
    "ON CONFLICT (workspace, platform, target, item) DO UPDATE SET address = excluded.address"
)


def address_of(connection: Connection, workspace: str, change: Notify) -> str:
    """The address of the item's live message where the change goes; empty while there is none.

    An id is in one space alone: what was sent to it before its space was known is its live message all the same.
    """
    table = tables.message
    found = connection.execute(
        select(table.c.target, table.c.address).where(
            table.c.workspace == workspace,
            table.c.platform == change.platform,
            table.c.target.in_(_spellings(change)),
            table.c.item == str(change.item),
        )
    )
    known = {row.target: row.address for row in found}
    return next((known[each] for each in _spellings(change) if each in known), "")


def keep_address(connection: Connection, workspace: str, change: Notify, address: str) -> None:
    table, others = tables.message, _spellings(change)[1:]
    if others:
        before = (table.c.workspace == workspace, table.c.platform == change.platform, table.c.item == str(change.item))
        connection.execute(delete(table).where(*before, table.c.target.in_(others)))
    row = {
        "workspace": workspace,
        "platform": change.platform,
        "target": change.target,
        "item": str(change.item),
        "address": address,
    }
    connection.execute(_KEEP, row)


def places_of(connection: Connection, workspace: str, item: ItemRef) -> tuple[tuple[PlatformName, str], ...]:
    """Platform and target of each live message of an item, and of each that is just being sent: it shows what was then."""
    table, change = tables.message, tables.change
    known = connection.execute(
        select(table.c.platform, table.c.target).where(table.c.workspace == workspace, table.c.item == str(item))
    )
    begun = connection.execute(
        select(change.c.target)
        .where(change.c.workspace == workspace, change.c.item == str(item), change.c.kind == "notify")
        .where(change.c.state == "pending", change.c.attempts > 0, change.c.target != "")
    )
    places = {(platform, target) for platform, target in known} | {_place(target) for (target,) in begun}
    return tuple((PlatformName(platform), target) for platform, target in sorted(places))


def _spellings(change: Notify) -> tuple[str, ...]:
    """How the target may stand in a row: as it is, and an id without its space."""
    space, target = parted(change.platform, change.target)
    return (change.target, target) if space and is_id(change.platform, target) else (change.target,)


def _place(target: str) -> tuple[str, str]:
    """Platform and target, as a change's row names them together."""
    platform, _, place = target.partition(" ")
    return platform, place
