"""What the hub needs to remember about rules that come by the clock: when each is due next, and in which projects."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from ai_crm.model.delivery import Delivery


class Turn(Struct, frozen=True, kw_only=True):
    """When one rule is due next. `spec` says everything about it; with another `spec` it is another turn."""

    workspace: str
    name: str
    spec: str
    next_at: datetime


class Place(Struct, frozen=True, kw_only=True):
    """A project that a workspace had to do with, and the connection by which it is reached."""

    connection: str
    project: str


class Schedules(Protocol):
    """Raises StoreUnavailable."""

    async def turns(self, workspace: str) -> tuple[Turn, ...]: ...

    async def plan(self, workspace: str, added: tuple[Turn, ...], gone: tuple[Turn, ...]) -> None:
        """Takes away, then adds, together. What somebody else changed meanwhile stays as they made it."""
        ...

    async def due(self, now: datetime) -> tuple[Turn, ...]:
        """In all workspaces, the longest overdue first."""
        ...

    async def claim(self, turn: Turn, next_at: datetime, deliveries: tuple[Delivery, ...]) -> bool:
        """Takes a turn: puts it off until `next_at` and accepts its deliveries, both or neither.

        False, and nothing is done, when somebody else took it or its rule changed.
        """
        ...

    async def places(self, workspace: str, connections: tuple[str, ...]) -> tuple[Place, ...]:
        """The projects on GitHub that there are tasks or events of, each once, in alphabetical order.

        `connections` are those that may be used; a project of which it is not known whose it is gets the first.
        """
        ...
