"""The image does what the step promises: without a network, without rights, among hostile files, and for real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.doubles.emulate import OURS, emulated

pytestmark = pytest.mark.container

_LOOKS = {"dry_run": "true", "config_source": "workspace"}
_RULES = """\
auto_task_creation:
  rules:
    - trigger: issue_opened
      task:
        title_template: "GitHub Issue: {issue.title}"
        pm_analysis: true
"""


@pytest.fixture(scope="module")
def event(root: Path) -> bytes:
    return (root / "tests" / "platforms" / "github" / "payloads" / "issues.opened.json").read_bytes()


def test_a_dry_run_needs_no_network(container: Any, event: bytes) -> None:
    _write_rules(container.workspace)
    step = container.step(event, _LOOKS, "--network=none")
    assert step.status == 0, step.log
    assert "issue_opened" in step.summary
    assert "tasks_created<<" in step.outputs


def test_it_runs_as_anybody_with_no_rights_and_nothing_to_write_to(container: Any, event: bytes) -> None:
    _write_rules(container.workspace)
    flags = ("--network=none", "--user=1001", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")
    step = container.step(event, _LOOKS, *flags)
    assert step.status == 0, step.log


def test_files_of_the_workspace_are_never_run(container: Any, event: bytes) -> None:
    _write_rules(container.workspace)
    trap = "open('/github/workspace/trapped', 'w').close()\n"
    for name in ("json.py", "msgspec.py", "sitecustomize.py", "usercustomize.py", "action/__init__.py", "ai_crm.py"):
        file = container.workspace / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(trap)
    hostile = {"PYTHONPATH": "/github/workspace", "PYTHONSTARTUP": "/github/workspace/json.py"}
    step = container.step(event, _LOOKS, "--network=none", **hostile)
    assert step.status == 0, step.log
    assert not (container.workspace / "trapped").exists()


def test_a_broken_rules_file_ends_with_status_2_and_an_annotation_at_its_place(container: Any, event: bytes) -> None:
    _write_rules(container.workspace, _RULES.replace("trigger: issue_opened", "trigger: isue_opened"))
    step = container.step(event, _LOOKS, "--network=none")
    assert step.status == 2
    assert "::error title=AI-CRM,file=.github/ai-crm.yml,line=3,col=16::" in step.log


@pytest.mark.node
def test_the_task_is_on_the_issue_once_however_often_the_step_runs(
    container: Any, node: str, node_modules: Path, tmp_path: Path
) -> None:
    with emulated(node, node_modules, tmp_path) as github:
        github.put_file(".github/ai-crm.yml", _RULES)
        number = github.open_issue("Crash when saving", "It loses data.")
        opened = next(one for one in github.webhook.settled() if one.name == "issues.opened")
        for _ in range(2):
            step = container.step(opened.body, {"github_token": OURS}, "--network=host", GITHUB_API_URL=github.url)
            assert step.status == 0, step.log
        (comment,) = github.comments(number)
        assert "AICRM-1" in comment
        assert {label for label in github.labels(number) if label.startswith("ai-crm/")}


def _write_rules(workspace: Path, text: str = _RULES) -> None:
    (workspace / ".github").mkdir()
    (workspace / ".github" / "ai-crm.yml").write_text(text, encoding="utf-8")
