"""What an event of an item means for the tasks that the item already has: closed becomes done, edited renames."""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType

import msgspec
from msgspec import UNSET

from ai_crm.model.change import UpdateTask, change_key
from ai_crm.model.decision import Skip
from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemState
from ai_crm.model.task import Task, TaskPatch, TaskStatus

_FINISHED = frozenset({TaskStatus.DONE, TaskStatus.CANCELLED})

# What ends an item: its own state says whether the work was done or dropped.
_ENDING = frozenset(
    {
        "issues.closed",
        "pull_request.closed",
        "pull_request.merged",
        "discussion.closed",
        "discussion.answered",
        "milestone.closed",
        "code_scanning_alert.fixed",
        "code_scanning_alert.closed_by_user",
        "dependabot_alert.fixed",
        "dependabot_alert.dismissed",
        "dependabot_alert.auto_dismissed",
        "secret_scanning_alert.resolved",
    }
)
_BEGUN_AGAIN = frozenset(
    {
        "issues.reopened",
        "pull_request.reopened",
        "discussion.reopened",
        "discussion.unanswered",
        "code_scanning_alert.reopened",
        "code_scanning_alert.reopened_by_user",
        "dependabot_alert.reopened",
        "dependabot_alert.auto_reopened",
        "dependabot_alert.reintroduced",
        "secret_scanning_alert.reopened",
    }
)
_GONE = frozenset(
    {
        "issues.deleted",
        "issues.transferred",
        "discussion.deleted",
        "discussion.transferred",
        "release.deleted",
        "release.unpublished",
        "milestone.deleted",
        "label.deleted",
    }
)
# Only of a task that is not finished: a review that is asked for after the merge begins nothing anew.
_ON_THE_WAY = MappingProxyType(
    {
        "pull_request.ready_for_review": TaskStatus.IN_REVIEW,
        "pull_request.review_requested": TaskStatus.IN_REVIEW,
        "pull_request.converted_to_draft": TaskStatus.IN_PROGRESS,
        "pull_request_review.changes_requested": TaskStatus.IN_PROGRESS,
    }
)
_ASSIGNING = frozenset({"issues.assigned", "issues.unassigned", "pull_request.assigned", "pull_request.unassigned"})
_LABELLING = frozenset(
    {
        "issues.labeled",
        "issues.unlabeled",
        "pull_request.labeled",
        "pull_request.unlabeled",
        "discussion.labeled",
        "discussion.unlabeled",
    }
)
_RENAMING = frozenset(
    {"issues.edited", "pull_request.edited", "discussion.edited", "release.edited", "milestone.edited"}
)
FOLLOWED = frozenset({*_ENDING, *_BEGUN_AGAIN, *_GONE, *_ON_THE_WAY, *_ASSIGNING, *_LABELLING, *_RENAMING})


def is_followed(event: Event) -> bool:
    """Whether a task could change because of this event, so that it is worth asking for the item's tasks."""
    return not FOLLOWED.isdisjoint(event.names)


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


def _wanted(event: Event, item: Item, task: Task, own_labels: str) -> TaskPatch:
    status = next((after for name in reversed(event.names) if (after := _status(name, item, task)) is not None), UNSET)
    return TaskPatch(
        title=UNSET if _RENAMING.isdisjoint(event.names) else _renamed(event, task),
        status=status,
        assignees=UNSET if _ASSIGNING.isdisjoint(event.names) else item.assignees,
        labels=UNSET if _LABELLING.isdisjoint(event.names) else _foreign(item.labels, own_labels),
    )


def _status(name: str, item: Item, task: Task) -> TaskStatus | None:
    if name in _ENDING:
        return TaskStatus.CANCELLED if item.state is ItemState.DROPPED else TaskStatus.DONE
    if name in _BEGUN_AGAIN:
        return TaskStatus.TODO
    if name in _GONE:
        return TaskStatus.CANCELLED
    return None if task.status in _FINISHED else _ON_THE_WAY.get(name)


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
