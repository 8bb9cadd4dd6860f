"""What a task's status may be called: our own words, and the names that a team gives them."""

from __future__ import annotations

import re

from msgspec import Struct

from ai_crm.model.task import TaskStatus


class StatusName(Struct, frozen=True):
    """A team's own name for a status; `name` as `in_one_spelling` writes it, and never one of our words."""

    name: str
    status: TaskStatus


def in_one_spelling(typed: str) -> str:
    """A name as names are compared: `In Progress` and `in_progress` are `in-progress`."""
    return "-".join(re.split(r"[\s_-]+", typed.strip().lower()))


def statuses_by_name(own: tuple[StatusName, ...]) -> dict[str, TaskStatus]:
    """Everything that a status may be called, our own words first."""
    return {status.value: status for status in TaskStatus} | {each.name: each.status for each in own}
