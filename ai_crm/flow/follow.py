"""What an event of an item means for the tasks that the item already has: closed becomes done, edited renames."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import UNSET

from ai_crm.model.change import UpdateTask, change_key
from ai_crm.model.decision import Skip
from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemState
from ai_crm.model.task import Task, TaskPatch, TaskStatus

_FINISHED = frozenset({TaskStatus.DONE, TaskStatus.CANCELLED})

# The last word of an event's name -> the status that the task has after it.
_STATUS_AFTER = {
    "reopened": TaskStatus.TODO,
    "reintroduced": TaskStatus.TODO,
    "unanswered": TaskStatus.TODO,
    "ready_for_review": TaskStatus.IN_REVIEW,
    "review_requested": TaskStatus.IN_REVIEW,
    "converted_to_draft": TaskStatus.IN_PROGRESS,
    "changes_requested": TaskStatus.IN_PROGRESS,
    "deleted": TaskStatus.CANCELLED,
    "transferred": TaskStatus.CANCELLED,
    "unpublished": TaskStatus.CANCELLED,
}
_CLOSING = frozenset(
    {"closed", "merged", "answered", "fixed", "resolved", "dismissed", "auto_dismissed", "closed_by_user"}
)
_ASSIGNING = frozenset({"assigned", "unassigned"})
_LABELLING = frozenset({"labeled", "unlabeled"})
_FOLLOWED = frozenset({*_STATUS_AFTER, *_CLOSING, *_ASSIGNING, *_LABELLING, "edited"})
# What is said or decided about an item's remark, such as a deleted comment, says nothing about the item.
_ABOUT_REMARKS = ("issue_comment", "pull_request_comment", "discussion_comment", "pull_request_review_comment")


def is_followed(event: Event) -> bool:
    """Whether a task could change because of this event, so that it is worth asking for the item's tasks."""
    return not event.name.startswith(_ABOUT_REMARKS) and any(word in _FOLLOWED for word in _words(event))


def follow(event: Event, item: Item, task: Task, *, own_labels: str) -> UpdateTask | Skip | None:
    """The update that brings the task up to date with its item; None when nothing is different, a Skip when it is late.

    `own_labels` is the prefix of labels that we set ourselves: they are no news.
    """
    if not is_followed(event):
        return None
    patch = _difference(task, _wanted(event, item, task, own_labels))
    if patch == TaskPatch():
        return None
    if _older(item.updated_at, task.seen_at):
        late = f"{event.name} is older than what {task.id} already followed, so it changes nothing"
        return Skip(rule=task.rule, action="follow", because=late)
    return UpdateTask(
        key=change_key(task.rule, item.ref, "follow", event.id),
        rule=task.rule,
        item=item.ref,
        because=f"{event.actor.login or 'somebody'}: {event.name} ({item.state})",
        patch=patch,
        seen_at=item.updated_at,
    )


def _words(event: Event) -> tuple[str, ...]:
    return tuple(name.rpartition(".")[2] for name in event.names)


def _wanted(event: Event, item: Item, task: Task, own_labels: str) -> TaskPatch:
    words = _words(event)
    status = next((after for word in reversed(words) if (after := _status(word, item, task)) is not None), UNSET)
    return TaskPatch(
        title=_renamed(event, task) if "edited" in words else UNSET,
        status=status,
        assignees=item.assignees if _ASSIGNING.intersection(words) else UNSET,
        labels=_foreign(item.labels, own_labels) if _LABELLING.intersection(words) else UNSET,
    )


def _status(word: str, item: Item, task: Task) -> TaskStatus | None:
    if word in _CLOSING:
        return TaskStatus.CANCELLED if item.state is ItemState.DROPPED else TaskStatus.DONE
    after = _STATUS_AFTER.get(word)
    if after in {TaskStatus.IN_REVIEW, TaskStatus.IN_PROGRESS} and task.status in _FINISHED:
        return None
    return after


def _renamed(event: Event, task: Task) -> str:
    """The task's title with the item's new title in place of the old one; the template's words around it stay."""
    renamed = task.title
    for change in event.changed:
        if change.field == "title" and change.before and change.after:
            renamed = renamed.replace(change.before, change.after)
    return renamed


def _foreign(labels: tuple[str, ...], own: str) -> tuple[str, ...]:
    return tuple(label for label in labels if not (own and label.startswith(own)))


def _difference(task: Task, wanted: TaskPatch) -> TaskPatch:
    """Only the fields that the task does not have already."""
    same = {field: UNSET for field in wanted.__struct_fields__ if getattr(wanted, field) == getattr(task, field)}
    return msgspec.structs.replace(wanted, **same)


def _older(event_time: datetime | None, seen: datetime | None) -> bool:
    return event_time is not None and seen is not None and event_time < seen
