"""`use: ci-failure`: a task of each workflow run that fails on the default branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.rules.conftest import Ask, Happens

USE = "auto_task_creation: {rules: [{use: ci-failure}]}"
MINE = "auto_task_creation: {rules: [{use: ci-failure, with: {workflows: [CI, Docs], default_branch: false, agent: debugger}}]}"
FACTS = {"sha": "3484a3f", "status": "completed", "event": "push", "run_number": "7", "attempt": "1"}


@pytest.mark.parametrize(
    ("rules", "run", "lines"),
    [
        (USE, ("CI", "master", "failure"), ['task "CI fails on master" (HIGH, devops-troubleshooter assigned)']),
        (USE, ("CI", "master", "success"), []),
        (USE, ("CI", "topic", "failure"), []),
        (MINE, ("Docs", "topic", "failure"), ['task "Docs fails on topic" (HIGH, debugger assigned)']),
        (MINE, ("Lint", "topic", "failure"), []),
        (MINE, ("CI", "master", "failure"), []),
    ],
)
def test_ci_failure(ask: Ask, happens: Happens, rules: str, run: tuple[str, str, str], lines: list[str]) -> None:
    workflow, branch, conclusion = run
    names = ("workflow_run.completed", "workflow_run.failed" if conclusion == "failure" else "workflow_run.succeeded")
    facts = {**FACTS, "name": workflow, "branch": branch, "conclusion": conclusion}
    assert ask(rules, happens("workflow_run.completed", names, facts=facts)) == lines
