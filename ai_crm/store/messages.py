"""Where the live messages of items are: one for each channel or person that was told about the item."""

from __future__ import annotations

from sqlalchemy import Connection, select, text

from ai_crm.model.change import Notify
from ai_crm.model.item import ItemRef, PlatformName
from ai_crm.store import tables

_KEEP = text(
    "INSERT INTO message (workspace, platform, target, item, address) "
    "VALUES (:workspace, :platform, :target, :item, :address) "
    "ON CONFLICT (workspace, platform, target, item) DO UPDATE SET address = excluded.address"
)


def address_of(connection: Connection, workspace: str, change: Notify) -> str:
    """The address of the item's live message where the change goes; empty while there is none."""
    table = tables.message
    found: str | None = connection.execute(
        select(table.c.address).where(
            table.c.workspace == workspace,
            table.c.platform == change.platform,
            table.c.target == change.target,
            table.c.item == str(change.item),
        )
    ).scalar()
    return found or ""


def keep_address(connection: Connection, workspace: str, change: Notify, address: str) -> None:
    row = {
        "workspace": workspace,
        "platform": change.platform,
        "target": change.target,
        "item": str(change.item),
        "address": address,
    }
    connection.execute(_KEEP, row)


def places_of(connection: Connection, workspace: str, item: ItemRef) -> tuple[tuple[PlatformName, str], ...]:
    """Platform and target of each live message of an item."""
    table = tables.message
    found = connection.execute(
        select(table.c.platform, table.c.target)
        .where(table.c.workspace == workspace, table.c.item == str(item))
        .order_by(table.c.platform, table.c.target)
    )
    return tuple((PlatformName(platform), target) for platform, target in found)
