"""What the forms for tasks hold, and which command what was typed there becomes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from msgspec import UNSET, UnsetType

from ai_crm.commands.command import ChangeTask, NewTask
from ai_crm.commands.priority import Level, priority_of
from ai_crm.commands.query import parse_status
from ai_crm.commands.words import shown
from ai_crm.errors import Misunderstood
from ai_crm.hub.dashboard.form import Fields, listed
from ai_crm.model.analysis import Priority
from ai_crm.model.status_name import StatusName
from ai_crm.model.task import Task, TaskId, TaskPatch, TaskStatus

# A form also sends what it showed under this name, so that only what a person changed becomes a change.
WAS = "was."

_FIELDS = ("title", "status", "priority", "agent", "assignees", "labels", "due")
_NEW = ("title", "description", "agent", "priority", "impact", "urgency", "assignees", "labels", "due")


def values_of(task: Task) -> Mapping[str, str]:
    """The task as its form shows it. An agent that is only recommended is no choice yet."""
    return {
        "title": task.title,
        "status": task.status.value,
        "priority": task.priority.value,
        "agent": task.agent.name if task.agent and task.agent.assigned else "",
        "assignees": ", ".join(task.assignees),
        "labels": listed(task.labels),
        "due": task.due.isoformat() if task.due else "",
    }


def shown_values(task: Task, fields: Fields | None) -> Mapping[str, str]:
    """What stands in the form: what the person changed as they typed it, and the rest as it is now."""
    now = values_of(task)
    return {name: fields.one(name) if fields and _is_touched(fields, name) else now[name] for name in _FIELDS}


def new_values(fields: Fields) -> Mapping[str, str]:
    """What stands in the form for a new task."""
    return {name: fields.one(name) for name in _NEW}


def change_of(task: TaskId, fields: Fields, me: str, statuses: tuple[StatusName, ...]) -> ChangeTask:
    """Raises Misunderstood for what cannot be read; whether a task can be so is decided where it is changed."""
    touched = {name: fields.one(name) for name in _FIELDS if _is_touched(fields, name)}
    if "agent" in touched and not touched["agent"]:
        raise Misunderstood("a task that has an agent cannot have none again", hint="Choose another one")
    patch = TaskPatch(
        title=touched.get("title", UNSET),
        status=_status(touched.get("status"), statuses),
        priority=_priority(touched["priority"]) if "priority" in touched else UNSET,
        assignees=_people(fields, me) if "assignees" in touched else UNSET,
        labels=fields.many("labels") if "labels" in touched else UNSET,
        due=_day(touched["due"]) if "due" in touched else UNSET,
    )
    return ChangeTask(task=task, patch=patch, agent=touched.get("agent", ""), version=_version(fields))


def draft_of(fields: Fields, me: str) -> NewTask:
    """Raises Misunderstood."""
    if not fields.one("title"):
        raise Misunderstood("a task needs a title", hint="Say in a few words what is to be done")
    return NewTask(
        title=fields.one("title"),
        description=fields.one("description"),
        agent=fields.one("agent"),
        priority=_chosen(fields),
        assignees=_people(fields, me),
        labels=fields.many("labels"),
        due=_day(fields.one("due")),
    )


def _is_touched(fields: Fields, name: str) -> bool:
    return name in fields.values and fields.one(name) != fields.one(f"{WAS}{name}")


def _status(value: str | None, statuses: tuple[StatusName, ...]) -> TaskStatus | UnsetType:
    return UNSET if value is None else parse_status(value, statuses)


def _priority(value: str) -> Priority:
    if value not in set(Priority):
        raise Misunderstood(f"there is no priority {shown(value)}", hint=f"There are {', '.join(Priority)}")
    return Priority(value)


def _chosen(fields: Fields) -> Priority | None:
    """The priority, else what impact and urgency make of it, else None: what the analysis says."""
    if fields.one("priority"):
        return _priority(fields.one("priority"))
    impact, urgency = fields.one("impact"), fields.one("urgency")
    if impact in set(Level) and urgency in set(Level):
        return priority_of(Level(impact), Level(urgency))
    if impact or urgency:
        raise Misunderstood("impact and urgency make a priority together", hint="Choose both, or neither")
    return None


def _people(fields: Fields, me: str) -> tuple[str, ...]:
    named = fields.many("assignees")
    if not me and any(name.lower() == "@me" for name in named):
        raise Misunderstood("@me stands for nobody here", hint="Say which login is yours: link LOGIN")
    return tuple(me if name.lower() == "@me" else name for name in named)


def _day(value: str) -> date | None:
    if not value:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise Misunderstood(f"{shown(value)} is no day", hint="Write it as 2026-12-31") from None


def _version(fields: Fields) -> int:
    version = fields.one("version")
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        raise Misunderstood("this form does not say which version of the task it showed", hint="Open the task again")
    return int(version)
