"""Who wants to hear of a task that is not theirs."""

from __future__ import annotations

from typing import Protocol

from ai_crm.model.item import PlatformName
from ai_crm.model.task import TaskId
from ai_crm.ports.members import Member


class Watches(Protocol):
    """All raise StoreUnavailable."""

    async def watch(self, workspace: str, task: TaskId, member: Member) -> bool:
        """False where this member watched it before; who is not known yet is then.

        Raises RecordMissing for a task that is not there, CommandRefused for who watches as many as one person may.
        """
        ...

    async def unwatch(self, workspace: str, task: TaskId, member: Member) -> bool:
        """False where this member did not watch it. Raises RecordMissing for what is no task's name."""
        ...

    async def watched_by(self, workspace: str, platform: PlatformName, member: str) -> tuple[TaskId, ...]:
        """The tasks that somebody watches, the newest first."""
        ...

    async def watchers(self, workspace: str, tasks: tuple[TaskId, ...]) -> tuple[tuple[TaskId, Member], ...]:
        """Who watches which of these."""
        ...
