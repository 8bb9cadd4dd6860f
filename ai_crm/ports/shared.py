"""What a hub and an Action that decides itself say to each other about one decision, and what the hub's store does then."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from ai_crm.model.change import Applied, ChangeKey, OutboundChange
from ai_crm.model.decision import Decision
from ai_crm.model.item import ItemRef
from ai_crm.model.task import Task
from ai_crm.ports import Commit


class ItemTasks(Struct, frozen=True):
    """An item's tasks as they are now, oldest first."""

    tasks: tuple[Task, ...]


class HandedIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decision, and what runs that could not reach the hub left on the item's card.

    `tasks` move into the hub where it has none of their rules, under numbers of its own; `sent` are the messages that
    went out without the hub.
    """

    decision: Decision
    tasks: tuple[Task, ...] = ()
    sent: tuple[ChangeKey, ...] = ()


class Beginning(Struct, frozen=True, forbid_unknown_fields=True):
    """`holder` names whoever carries a change out; one that is run again keeps its name, and finds what it had in hand."""

    holder: str


class SharedStore(Protocol):
    """A workspace's tasks for callers that decide themselves: the hub sends messages, the callers do everything else.

    `by` is whose API key it is. Everything raises StoreUnavailable, and then nothing was written.
    """

    async def tasks_of(self, item: ItemRef) -> tuple[Task, ...]: ...

    async def hand_in(self, handed: HandedIn, by: str, at: datetime) -> Commit:
        """Stores tasks, decision and outbox together; the outbox is what the caller shall carry out.

        Handing in again changes nothing. Raises PayloadInvalid for changes that belong to another item.
        """
        ...

    async def begin(self, key: ChangeKey, holder: str, at: datetime) -> OutboundChange | None:
        """The caller's change with what is known by now; None when somebody else has it or it is done.

        Raises RecordMissing for one that no caller shall carry out.
        """
        ...

    async def conclude(self, applied: Applied, by: str, at: datetime) -> tuple[Task, ...]:
        """Remembers what became of a caller's change; the item's tasks. Only the first word about a change counts.

        Raises RecordMissing for one that no caller shall carry out.
        """
        ...
