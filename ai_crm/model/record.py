"""What the hub tells about its work: events with their stages, dead letters, health, figures. Read, never decided on."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from ai_crm.model.decision import Decision
from ai_crm.model.delivery import DeliveryState
from ai_crm.model.item import PlatformName
from ai_crm.model.task import Task, TaskId


class TaskPage(Struct, frozen=True, kw_only=True):
    """`next` is an opaque cursor, empty on the last page; `total` counts all that the query finds."""

    tasks: tuple[Task, ...]
    next: str
    total: int


class TaskComment(Struct, frozen=True, kw_only=True):
    """What somebody wrote about a task here. `text` is a person's words: inert only after `cards` made it so."""

    id: str
    task: TaskId
    at: datetime
    actor: str
    text: str


class TaskStep(Struct, frozen=True, kw_only=True):
    """One change of a task, as `HistoryEntry`. `cause` is the id of the event or request, empty where nobody kept it."""

    at: datetime | None
    actor: str
    what: str
    because: str
    cause: str


class Stage(Struct, frozen=True, kw_only=True):
    """One step of an event: received, decided, then one for each change. `outcome` is a word, `detail` a sentence.

    `ms` is how long after the one before it (for a change: after it was planned); None while it waits. `change` is the
    key of a change, empty for the others: its dead letter is called `change:KEY`.
    """

    name: str
    at: datetime | None
    outcome: str
    detail: str = ""
    attempts: int = 0
    ms: int | None = None
    change: str = ""


class EventRecord(Struct, frozen=True, kw_only=True):
    """`state` is the delivery's; `settled` says that nothing of it waits any more. `stages` are empty in lists."""

    id: str
    connection: str
    platform: PlatformName
    name: str
    state: DeliveryState
    received_at: datetime
    decided_at: datetime | None
    attempts: int
    settled: bool
    reason: str = ""
    detail: str = ""
    stages: tuple[Stage, ...] = ()


class EventPage(Struct, frozen=True, kw_only=True):
    events: tuple[EventRecord, ...]
    next: str


class DecisionRecord(Struct, frozen=True, kw_only=True):
    id: str
    decided_at: datetime
    decision: Decision


class DeadLetter(Struct, frozen=True, kw_only=True):
    """`id` is `delivery:<event id>` or `change:<key>`; `what` describes it without a stranger's words."""

    id: str
    event: str
    connection: str
    what: str
    reason: str
    detail: str
    attempts: int
    since: datetime


class DeadLetterPage(Struct, frozen=True, kw_only=True):
    letters: tuple[DeadLetter, ...]
    next: str


class ConnectionHealth(Struct, frozen=True, kw_only=True):
    """`problem` is empty while it is well. `oldest_waiting` is when the oldest thing that waits came in."""

    id: str
    platform: PlatformName
    active: bool
    problem: str
    last_received: datetime | None
    last_applied: datetime | None
    waiting_deliveries: int
    waiting_changes: int
    dead: int
    oldest_waiting: datetime | None
    held_back_until: datetime | None


class Workflow(Struct, frozen=True, kw_only=True):
    rule: str
    matched: int


class PlatformFigures(Struct, frozen=True, kw_only=True):
    platform: PlatformName
    events: int
    failed: int
    average_response_ms: int | None


class Report(Struct, frozen=True, kw_only=True):
    """Figures of a stretch of time. A response is the time from receipt to the last settled change of an event, in ms.

    `success_rate` is the share, 0 to 1, of events that came to an end without a dead letter; None without events.
    """

    since: datetime
    until: datetime
    total_events: int
    average_response_ms: int | None
    success_rate: float | None
    top_workflows: tuple[Workflow, ...]
    platform_breakdown: tuple[PlatformFigures, ...]
    tasks_created: int
    tasks_done: int
    tasks_open: int
