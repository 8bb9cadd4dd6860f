"""The flags with which tasks are looked for, whatever command looks for them."""

from __future__ import annotations

from ai_crm.commands.flags import Flag

FILTERS = (
    Flag(
        name="status",
        takes="STATUS",
        summary="todo, in-progress, in-review, blocked, done, cancelled; open is the first four",
        many=True,
    ),
    Flag(name="agent", takes="AGENT", summary="an agent's name", also=("agents",), many=True),
    Flag(name="assignee", takes="LOGIN", summary="who does it; `@me` is you", also=("assign", "assignees"), many=True),
    Flag(name="priority", takes="PRIORITY", summary="low, medium, high, urgent", many=True),
    Flag(name="label", takes="LABEL", summary="labels", also=("labels",), many=True),
    Flag(name="project", takes="PROJECT", summary="such as octo/hello", many=True),
    Flag(name="watched", takes="", summary="those that you watch"),
    Flag(
        name="due",
        takes="DAY",
        summary="`<2026-12-01` for before it, `>2026-12-01` for after it, `today`, `week`, `overdue`, `none`",
        many=True,
    ),
    Flag(name="overdue", takes="", summary="those that should be finished by now and are not"),
    Flag(name="updated", takes="AGE", summary="`<7d` for within seven days, `>30d` for longer ago"),
)
