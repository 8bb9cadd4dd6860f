"""`ai-crm doctor`: the workflow that GitHub refuses without a word to anybody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]

# The `on:` of the seed, as printed there.
_SEED = """\
name: AI-CRM Integration
on:
  issues: [opened, closed, labeled]
  pull_request: [opened, ready_for_review, closed]
  release: [published]
jobs: {}
"""


def test_the_workflow_of_the_seed_is_found_and_corrected(ai_crm: Run, folder: Path) -> None:
    workflows = folder / ".github" / "workflows"
    workflows.mkdir()
    (workflows / "ai-crm.yml").write_text(_SEED, encoding="utf-8")
    status, out, err = ai_crm("doctor")
    assert (status, err) == (2, "")
    assert [line.partition(": ")[0] for line in out.splitlines()] == [
        ".github/workflows/ai-crm.yml:3:11",
        ".github/workflows/ai-crm.yml:4:17",
        ".github/workflows/ai-crm.yml:5:12",
    ]
    assert "write `issues: {types: [opened, closed, labeled]}`" in out


def test_our_own_workflows_are_healthy(ai_crm: Run, root: Path) -> None:
    files = [str(path) for path in sorted((root / "templates" / "workflows").glob("*.yml"))]
    assert files
    status, out, err = ai_crm("doctor", *files)
    assert (status, err) == (0, "")
    assert out.endswith("every list of activities stands under `types:`\n")


def test_other_spellings_of_on_are_left_alone(ai_crm: Run, folder: Path) -> None:
    for text in ("on: push\n", "on: [push, issues]\n", "on:\n  push:\n    branches: [main]\n", "jobs: {}\n"):
        (folder / "one.yml").write_text(text, encoding="utf-8")
        assert ai_crm("doctor", "one.yml")[0] == 0


def test_a_repository_without_workflows_is_answered_with_a_sentence(ai_crm: Run, folder: Path) -> None:
    assert folder.exists()
    status, out, err = ai_crm("doctor")
    assert (status, out) == (1, "")
    assert err.startswith("ai-crm: .github/workflows: there are no workflow files. ")
