"""What a task is: ours, one per (rule, item) for ever, wherever it is kept."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import NewType

from msgspec import UNSET, Struct, UnsetType

from ai_crm.model.analysis import Analysis, Priority
from ai_crm.model.item import ItemRef

TaskId = NewType("TaskId", str)
RuleId = NewType("RuleId", str)


class TaskStatus(StrEnum):
    TODO = "todo"
    IN_PROGRESS = "in-progress"
    IN_REVIEW = "in-review"
    BLOCKED = "blocked"
    DONE = "done"
    CANCELLED = "cancelled"


class AgentChoice(Struct, frozen=True, kw_only=True):
    """`assigned` is false for a mere recommendation. `because` says who or what chose."""

    name: str
    assigned: bool
    because: str
    runner_up: str = ""
    confidence: int | None = None


class HistoryEntry(Struct, frozen=True, kw_only=True):
    """One change of a task: when (None where the event had no time), who did it, what changed, and why."""

    at: datetime | None
    actor: str
    what: str
    because: str


class Task(Struct, frozen=True, kw_only=True):
    """`version` starts at 1 and grows by one with every change.

    `born_of` is the event that created it: when that very event comes again, what it left undone is finished, while
    any other event leaves a task's beginning alone. `seen_at` is the item's own time of its last change that we
    followed: an event that is older came late and changes nothing.
    """

    id: TaskId
    rule: RuleId
    item: ItemRef
    title: str
    description: str = ""
    status: TaskStatus = TaskStatus.TODO
    priority: Priority = Priority.MEDIUM
    agent: AgentChoice | None = None
    assignees: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    due: date | None = None
    analysis: Analysis | None = None
    url: str = ""
    version: int = 1
    born_of: str = ""
    seen_at: datetime | None = None
    history: tuple[HistoryEntry, ...] = ()


class TaskPatch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What shall be different. A field that is UNSET stays as it is."""

    title: str | UnsetType = UNSET
    status: TaskStatus | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    agent: AgentChoice | UnsetType = UNSET
    assignees: tuple[str, ...] | UnsetType = UNSET
    labels: tuple[str, ...] | UnsetType = UNSET
    due: date | UnsetType | None = UNSET
