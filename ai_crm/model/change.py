"""The writes that a decision plans, each with a key that makes doing it twice the same as doing it once."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from enum import StrEnum
from typing import NewType

from msgspec import Struct

from ai_crm.model.analysis import Analysis, Priority
from ai_crm.model.item import ItemRef, PlatformName, Project
from ai_crm.model.task import AgentChoice, RuleId, Task, TaskPatch

ChangeKey = NewType("ChangeKey", str)


def change_key(rule: RuleId, item: ItemRef, action: str, generation: str) -> ChangeKey:
    """A key that depends on nothing but what is to be done: 32 hexadecimal digits.

    `generation` tells repeated changes apart: empty for what happens once per (rule, item), else the event's id.
    """
    parts = "\x1f".join((rule, str(item), action, generation))
    return ChangeKey(hashlib.sha256(parts.encode()).hexdigest()[:32])


class Later(Struct, frozen=True):
    """A word of a text that is known only once its task is stored: `id` or `url`."""

    task: str


class Text(Struct, frozen=True):
    """A rendered text whose values are already inert for where it goes, with gaps only for what is known later."""

    parts: tuple[str | Later, ...]

    @property
    def has_gaps(self) -> bool:
        return not all(isinstance(part, str) for part in self.parts)

    def filled(self, task: Task | None) -> str:
        """The text for people. Without a task a gap reads `(task id)`, so that a preview shows what belongs there."""
        return "".join(part if isinstance(part, str) else _fill(part, task) for part in self.parts)


def _fill(gap: Later, task: Task | None) -> str:
    if task is None:
        return f"(task {gap.task})"
    return task.id if gap.task == "id" else task.url


class Change(Struct, frozen=True, kw_only=True, tag_field="change"):
    """`because` is a sentence for people; `rule` is the rule whose doing it is."""

    key: ChangeKey
    rule: RuleId
    item: ItemRef
    because: str


class CreateTask(Change, frozen=True, kw_only=True, tag="create_task"):
    title: str
    description: str = ""
    priority: Priority = Priority.MEDIUM
    agent: AgentChoice | None = None
    assignees: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    due: date | None = None
    analysis: Analysis | None = None
    seen_at: datetime | None = None
    asked_at: datetime | None = None


class UpdateTask(Change, frozen=True, kw_only=True, tag="update_task"):
    """`version` is the one that the patch was made for, when somebody looked at it; 0 where that does not matter.

    `asked_at` is when a person asked for it, here and in CreateTask; None where an event did.
    """

    patch: TaskPatch
    seen_at: datetime | None = None
    asked_at: datetime | None = None
    version: int = 0


class ShowCard(Change, frozen=True, kw_only=True, tag="show_card"):
    """Shows the item's tasks where people look: one card per item, updated in place.

    `tasks` and `applied` are filled in when it is carried out; `records` are the keys whose success the card shall
    remember, for a store that has no other memory. `where` is the card's own address, empty while unknown.
    """

    project: Project
    labels: tuple[str, ...] = ()
    records: tuple[ChangeKey, ...] = ()
    tasks: tuple[Task, ...] = ()
    applied: tuple[ChangeKey, ...] = ()
    where: str = ""


class Comment(Change, frozen=True, kw_only=True, tag="comment"):
    text: Text


class AddLabels(Change, frozen=True, kw_only=True, tag="add_labels"):
    labels: tuple[str, ...]


class RemoveLabels(Change, frozen=True, kw_only=True, tag="remove_labels"):
    labels: tuple[str, ...]


class Assign(Change, frozen=True, kw_only=True, tag="assign"):
    people: tuple[str, ...]


class RequestReview(Change, frozen=True, kw_only=True, tag="request_review"):
    people: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()


class CreateItem(Change, frozen=True, kw_only=True, tag="create_item"):
    """A new item in `project`, beside the one that the event is about."""

    project: Project
    title: Text
    body: Text
    labels: tuple[str, ...] = ()


class Notify(Change, frozen=True, kw_only=True, tag="notify"):
    """A message to a channel, chat or person of a chat platform, with the task's card when there is one.

    `where` is the platform's address of the item's live message in this target, empty while there is none: its card is
    renewed in place, and the text goes below it; with `surface` everybody in the channel sees the text, too. It is
    filled in when the change is carried out. Without a text only the card is renewed. Before `not_before` nobody is told.
    """

    platform: PlatformName
    target: str
    text: Text
    tasks: tuple[Task, ...] = ()
    where: str = ""
    surface: bool = False
    not_before: datetime | None = None

    @property
    def is_silent(self) -> bool:
        return not any(self.text.parts)


class CallWebhook(Change, frozen=True, kw_only=True, tag="call_webhook"):
    """A POST of `body` to an address that the rule's author wrote down. `content_type` is a header's value."""

    url: str
    body: Text
    content_type: str = "application/json"


TaskChange = CreateTask | UpdateTask
OutboundChange = (
    ShowCard | Comment | AddLabels | RemoveLabels | Assign | RequestReview | CreateItem | Notify | CallWebhook
)
AnyChange = TaskChange | OutboundChange


class Outcome(StrEnum):
    DONE = "done"
    ALREADY = "already"  # it was there before us
    YIELDED = "yielded"  # another run did the same at the same moment and was first
    SHOWN = "shown"  # nowhere to send it: printed instead


class Applied(Struct, frozen=True, kw_only=True):
    """What became of a change. `where` is the platform's address of the result (an id), `url` the one for people.

    `yielded` names the rules whose tasks another run had put on the card first: what else they want is that run's.
    """

    key: ChangeKey
    outcome: Outcome
    where: str = ""
    url: str = ""
    detail: str = ""
    yielded: tuple[RuleId, ...] = ()
