"""What a change is called when people read about it, planned ("would add …") or done ("added …")."""

from __future__ import annotations

from typing import assert_never

from msgspec import UNSET, Struct

from ai_crm.model.change import (
    AddLabels,
    AnyChange,
    Assign,
    CallWebhook,
    Comment,
    CreateItem,
    CreateTask,
    Notify,
    RemoveLabels,
    RequestReview,
    ShowCard,
    UpdateTask,
)
from ai_crm.model.task import AgentChoice, Task, TaskPatch


class Wording(Struct, frozen=True):
    """A sentence without its subject. `rest` may hold strangers' words: escape it for where it goes."""

    would: str
    did: str
    rest: str

    def planned(self) -> str:
        return f"would {self.would} {self.rest}"

    def done(self) -> str:
        return f"{self.did} {self.rest}"


def describe(change: AnyChange, task: Task | None = None) -> Wording:
    """One line about a change. `task` fills the gaps of texts that mention it."""
    match change:
        case CreateTask():
            agent = f", {change.agent.name}" if change.agent else ""
            return Wording("create", "created", f'the task "{change.title}" ({change.priority}{agent})')
        case UpdateTask():
            return Wording("update", "updated", f"the task: {_differences(change.patch)}")
        case ShowCard():
            return Wording("show", "showed", f"the card on {change.item.kind} {change.item.id}")
        case Comment():
            return Wording("write", "wrote", f'the comment "{change.text.filled(task)}"')
        case AddLabels():
            return Wording("add", "added", f"the labels {', '.join(change.labels)}")
        case RemoveLabels():
            return Wording("take off", "took off", f"the labels {', '.join(change.labels)}")
        case Assign():
            return Wording("assign", "assigned", ", ".join(change.people))
        case RequestReview():
            return Wording("ask", "asked", f"{', '.join((*change.people, *change.teams))} for a review")
        case CreateItem():
            return Wording("open", "opened", f'the issue "{change.title.filled(task)}"')
        case Notify():
            return Wording("tell", "told", f'{change.platform} {change.target}: "{change.text.filled(task)}"')
        case CallWebhook():
            return Wording("call", "called", f"the webhook at {_host(change.url)}")
        case _:
            assert_never(change)


def _host(url: str) -> str:
    """Without path and query: they may be what lets a caller in."""
    return url.partition("://")[2].partition("/")[0].partition("?")[0]


def _differences(patch: TaskPatch) -> str:
    fields = ((field, getattr(patch, field)) for field in patch.__struct_fields__)
    return ", ".join(f"{field} {_value(value)}" for field, value in fields if value is not UNSET)


def _value(value: object) -> str:
    match value:
        case AgentChoice():
            return value.name
        case tuple():
            return ", ".join(value) or "none"
        case _:
            return str(value)
