"""What a change still lacks right before it is carried out: the tasks as they are now, their ids and addresses. Pure."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from ai_crm.model.change import (
    AddLabels,
    Assign,
    CallWebhook,
    ChangeKey,
    Comment,
    CreateItem,
    Notify,
    OutboundChange,
    RemoveLabels,
    RequestReview,
    ShowCard,
    Text,
)
from ai_crm.model.task import Task


class Current(Struct, frozen=True, kw_only=True):
    """An item's tasks at this moment, the address of its card and of its live message where a change goes, and the keys
    that the card shall remember.
    """

    tasks: tuple[Task, ...]
    where: str = ""
    message: str = ""
    applied: tuple[ChangeKey, ...] = ()


def wants_tasks(change: OutboundChange) -> bool:
    """Whether anything in the change depends on tasks: it shows them, or one of its texts has a gap for one."""
    match change:
        case ShowCard() | Notify():
            return True
        case Comment():
            return change.text.has_gaps
        case CallWebhook():
            return change.body.has_gaps
        case CreateItem():
            return change.title.has_gaps or change.body.has_gaps
        case AddLabels() | RemoveLabels() | Assign() | RequestReview():
            return False


def informed(change: OutboundChange, current: Current) -> OutboundChange:
    """The change with everything in it that was not known when it was decided."""
    task = next((task for task in current.tasks if task.rule == change.rule), None)
    match change:
        case ShowCard():
            # Without its own address, so that showing the same tasks again is the same text to the letter.
            tasks = tuple(msgspec.structs.replace(each, url="") for each in current.tasks)
            return msgspec.structs.replace(
                change, tasks=tasks, applied=current.applied, where=current.where or change.where
            )
        case Notify():
            text = _filled(change.text, task)
            own = (task,) if task else change.tasks
            # A live message is the item's: it shows what other rules told there as well.
            tasks = current.tasks if task and current.message else own
            return msgspec.structs.replace(change, text=text, tasks=tasks, where=current.message)
        case Comment():
            return msgspec.structs.replace(change, text=_filled(change.text, task))
        case CallWebhook():
            return msgspec.structs.replace(change, body=_filled(change.body, task))
        case CreateItem():
            return msgspec.structs.replace(change, title=_filled(change.title, task), body=_filled(change.body, task))
        case AddLabels() | RemoveLabels() | Assign() | RequestReview():
            return change


def _filled(text: Text, task: Task | None) -> Text:
    """A text whose task is unknown keeps its gaps: whoever shows it says what belongs there. None at all stays none."""
    return Text((text.filled(task),)) if task and text.parts else text
