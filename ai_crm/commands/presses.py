"""What a button of ours says when somebody presses it: its verb and data made, and read again as a command. Pure.

The data come back from people's devices: whatever is in them is read like everything else that a person sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

import msgspec
from msgspec import UNSET, Struct

from ai_crm.commands.command import (
    AskAnalysis,
    Asked,
    ChangeTask,
    Command,
    Help,
    ListTasks,
    NewTask,
    ShowTask,
    StartTask,
    WatchTasks,
)
from ai_crm.commands.query import TaskQuery
from ai_crm.errors import Misunderstood
from ai_crm.model.task import Task, TaskId, TaskPatch, TaskStatus

# Slack takes 2,000 characters in a button, Teams counts both copies of the data to a card's size.
MOST_DATA = 1_500  # characters of a button's data as JSON, counted in UTF-16

T = TypeVar("T")


class Verb(StrEnum):
    """Every button that is answered; those that a template names in its own words are the same."""

    SET_STATUS = "set_status"
    UNDO = "undo"
    SHOW_TASK = "show_task"
    CREATE_TASK = "create_task"
    DETAILED_ANALYSIS = "detailed_analysis"
    PAGE = "page"
    WATCH = "watch"
    UNWATCH = "unwatch"
    HELP = "help"


# Buttons whose message becomes what they lead to.
RENEWING = frozenset({Verb.SET_STATUS, Verb.UNDO, Verb.PAGE, Verb.WATCH, Verb.UNWATCH})

# Those that only one person sees: what they lead to is for this person alone.
OWN = frozenset({Verb.WATCH, Verb.UNWATCH})


class Press(Struct, frozen=True):
    """What a button carries."""

    verb: Verb
    data: Mapping[str, str]


def parse_press(verb: str, data: Mapping[str, object]) -> Asked:
    """The command behind a button. Raises Misunderstood.

    `verb` may be empty where a client sends it inside of the data, as `verb` or `action` (Teams' `Action.Submit`).
    """
    told = {name: value for name, value in data.items() if isinstance(value, str)}
    if sum(map(len, told.values())) > 2 * MOST_DATA:
        raise _unreadable()
    name = verb or told.get("verb", "") or told.get("action", "")
    if name not in set(Verb):
        raise _unreadable()
    return Asked(_command(Verb(name), told))


def undo(before: Task, after: Task) -> Press | None:
    """The button that takes a change back; None where nothing changed, or what was there does not fit into a button."""
    patch = _way_back(before, after)
    press = Press(Verb.UNDO, {"task": after.id, "version": str(after.version), "back": _json(patch)})
    return press if patch != TaskPatch() and fits(press) else None


def page(asked: ListTasks, cursor: str) -> Press | None:
    """The button to the next page; None for a search that does not fit into a button."""
    press = Press(Verb.PAGE, {"query": _json(asked.query), "cursor": cursor})
    return press if fits(press) else None


def show_task(task: TaskId) -> Press:
    return Press(Verb.SHOW_TASK, {"task": task})


def watch(task: TaskId, *, watched: bool) -> Press:
    """The button that begins to watch a task, or ends it where it is `watched`."""
    return Press(Verb.UNWATCH if watched else Verb.WATCH, {"task": task})


def about_analysis(verb: Verb, asked: AskAnalysis) -> Press | None:
    """A button below an analysis; None for a text that does not fit into a button."""
    # `action` is what the first plan's example carries.
    press = Press(verb, {"action": verb, "title": asked.title, **({"body": asked.body} if asked.body else {})})
    return press if fits(press) else None


def fits(press: Press) -> bool:
    return len(_json(press.data).encode("utf-16-le")) <= 2 * MOST_DATA


def _command(verb: Verb, told: Mapping[str, str]) -> Command:
    match verb:
        case Verb.SET_STATUS:
            patch = TaskPatch(status=_decoded(f'"{told.get("status", "")}"', TaskStatus))
            return ChangeTask(task=_task(told), patch=patch, version=_version(told))
        case Verb.UNDO:
            return ChangeTask(task=_task(told), patch=_decoded(told.get("back", ""), TaskPatch), version=_version(told))
        case Verb.SHOW_TASK:
            return ShowTask(_task(told))
        case Verb.CREATE_TASK:
            draft = NewTask(title=told.get("title", ""), description=told.get("body", ""))
            return draft if draft.title.strip() else StartTask(draft)
        case Verb.DETAILED_ANALYSIS:
            return AskAnalysis(_title(told), told.get("body", ""), detailed=True)
        case Verb.PAGE:
            return ListTasks(_decoded(told.get("query", ""), TaskQuery), told.get("cursor", ""))
        case Verb.WATCH | Verb.UNWATCH:
            return WatchTasks((_task(told),), watching=verb is Verb.WATCH)
        case Verb.HELP:
            return Help(told.get("about", ""))


def _task(told: Mapping[str, str]) -> TaskId:
    task = told.get("task", "")
    if not task or len(task) > 64 or not task.isprintable():
        raise _unreadable()
    return TaskId(task)


def _version(told: Mapping[str, str]) -> int:
    """Cards of before this was counted have none."""
    version = told.get("version", "0")
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        raise _unreadable()
    return int(version)


def _title(told: Mapping[str, str]) -> str:
    title = told.get("title", "")
    if not title.strip():
        raise Misunderstood("this button does not know its text any more", hint='Ask again: pm analyze "…"')
    return title


def _way_back(before: Task, after: Task) -> TaskPatch:
    fields = ("title", "status", "priority", "agent", "assignees", "labels", "due")
    was = {name: getattr(before, name) for name in fields if getattr(before, name) != getattr(after, name)}
    if was.get("agent", UNSET) is None:
        del was["agent"]  # a task that has an agent cannot have none again
    return TaskPatch(**was)


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="deterministic").decode()


def _decoded(text: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _unreadable() from error


def _unreadable() -> Misunderstood:
    return Misunderstood("this button cannot be understood", hint="Show the card again: task show AICRM-42")
