"""Which connection of a workspace a change goes through, as far as the database can tell."""

from __future__ import annotations

from sqlalchemy import Connection, select

from ai_crm.model.access import HOME
from ai_crm.model.item import PlatformName
from ai_crm.model.space import connection_in, parted
from ai_crm.store import tables


def connection_for(connection: Connection, workspace: str, platform: PlatformName, target: str) -> str:
    """The one to the space that the target names, switched off or not; without a space the first that is on.

    Empty where there is none: then it is for what the settings name. A tenant needs a connection to be let in beside the
    one that the settings name, so that what names none is for that one.
    """
    space, _ = parted(platform, target)
    if platform is PlatformName.TEAMS and workspace == HOME and not space:
        return ""
    table = tables.connection
    this = table.c.id == connection_in(platform, space) if space else table.c.active == 1
    found: str | None = connection.execute(
        select(table.c.id)
        .where(table.c.workspace == workspace, table.c.platform == platform, this)
        .order_by(table.c.created_at, table.c.id)
        .limit(1)
    ).scalar()
    return found or ""
