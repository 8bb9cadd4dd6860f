"""What the hub's API, dashboard and bots may ask the store about one workspace, and the few things they may do to it.

No method is without a workspace. Changing tasks goes through `Store.commit` like everything else.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ai_crm.commands.query import TaskQuery
from ai_crm.model.decision import Decision
from ai_crm.model.delivery import Delivery
from ai_crm.model.item import ItemRef
from ai_crm.model.record import (
    ConnectionHealth,
    DeadLetterPage,
    DecisionRecord,
    EventPage,
    EventRecord,
    Report,
    TaskComment,
    TaskPage,
    TaskStep,
)
from ai_crm.model.task import Task, TaskId


class Records(Protocol):
    """Everything raises StoreUnavailable; what is not there raises RecordMissing. Cursors are opaque; bad ones raise
    Misunderstood.
    """

    async def tasks(self, workspace: str, query: TaskQuery, now: datetime, cursor: str, most: int) -> TaskPage: ...

    async def task(self, workspace: str, task: TaskId) -> Task: ...

    async def history(self, workspace: str, task: TaskId) -> tuple[TaskStep, ...]:
        """The oldest first."""
        ...

    async def tasks_of(self, workspace: str, item: ItemRef) -> tuple[Task, ...]: ...

    async def comments(self, workspace: str, task: TaskId) -> tuple[TaskComment, ...]: ...

    async def add_comment(self, workspace: str, comment: TaskComment, told: Decision | None) -> None:
        """Also writes the audit entry, and plans what is `told`: all or nothing. Adding the same id again changes nothing."""
        ...

    async def events(self, workspace: str, state: str, cursor: str, most: int) -> EventPage:
        """Newest first. `state` is a DeliveryState's word, or empty for all."""
        ...

    async def event(self, workspace: str, event: str) -> EventRecord:
        """With its stages."""
        ...

    async def delivery(self, workspace: str, event: str) -> Delivery:
        """What came in as it came, for a dry run of other rules."""
        ...

    async def decisions_of(self, workspace: str, event: str) -> tuple[DecisionRecord, ...]: ...

    async def decision(self, workspace: str, decision: str) -> DecisionRecord: ...

    async def dead_letters(self, workspace: str, reason: str, cursor: str, most: int) -> DeadLetterPage: ...

    async def replay(self, workspace: str, letter: str, actor: str, now: datetime, *, anew: bool) -> str:
        """Sends a dead letter on, from the step that failed; `anew` decides its event again by the rules of today.

        Returns the event's id. Writes the audit entry.
        """
        ...

    async def connections(self, workspace: str) -> tuple[ConnectionHealth, ...]: ...

    async def report(self, workspace: str, since: datetime, until: datetime) -> Report: ...
