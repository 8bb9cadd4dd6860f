"""`use: bug-triage`: a task of each bug report, with type, effort, priority and agent worked out from its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.rules.conftest import Ask, Happens

USE = "auto_task_creation: {rules: [{use: bug-triage}]}"
MINE = """\
auto_task_creation:
  rules:
    - use: bug-triage
      with: {labels: [defect, crash], ignore: later, agent: python-pro, priority: low, auto_assign: true}
"""


@pytest.mark.parametrize(
    ("rules", "labels", "title", "lines"),
    [
        # rules, labels       title                       what follows
        (USE, ("bug",), "Typo in the README", ['task "Bug: Typo in the README" (LOW, debugger recommended)']),
        (USE, ("bug",), "App crashes on start", ['task "Bug: App crashes on start" (HIGH, debugger recommended)']),
        (USE, (), "App crashes on start", []),
        (USE, ("question",), "App crashes on start", []),
        (USE, ("bug", "duplicate"), "App crashes on start", []),
        (MINE, ("crash",), "Down", ['task "Bug: Down" (LOW, python-pro assigned)', "assign guido"]),
        (MINE, ("crash", "later"), "Down", []),
        (MINE, ("bug",), "Down", []),
    ],
)
def test_bug_triage(
    ask: Ask, happens: Happens, rules: str, labels: tuple[str, ...], title: str, lines: list[str]
) -> None:
    assert ask(rules, happens("issues.opened", labels=labels, title=title, body="")) == lines


def test_the_steps_input_decides_about_assigning_where_the_rule_does_not(ask: Ask, happens: Happens) -> None:
    event = happens("issues.opened", assignees=())
    assert ask(USE, event, auto_assign=True)[1:] == ["assign ada"]
