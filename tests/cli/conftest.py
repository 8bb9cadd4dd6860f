"""The command line as a person meets it: words in, text and a status out, in a folder of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest

from ai_crm.cli import main


class Ran(NamedTuple):
    """What a run left behind."""

    status: int
    out: str
    err: str


class Run(Protocol):
    def __call__(self, *arguments: str) -> Ran: ...


@pytest.fixture
def ai_crm(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `ai-crm` in this process, errors and exit status included."""

    def run(*arguments: str) -> Ran:
        with pytest.raises(SystemExit) as end:
            main(arguments)
        written = capsys.readouterr()
        return Ran(int(end.value.code or 0), written.out, written.err)

    return run


@pytest.fixture
def program(folder: Path) -> Run:
    """Runs `ai-crm` as a program of its own, with nothing of this process and no terminal."""

    def run(*arguments: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-I", "-m", "ai_crm.cli", *arguments],
            cwd=folder,
            env=_environment(),
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository that the person stands in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".github").mkdir()
    return tmp_path


@pytest.fixture
def rules_file(folder: Path) -> Path:
    """The rules of the seed, where the Action reads them."""
    file = folder / ".github" / "ai-crm.yml"
    file.write_text(_RULES, encoding="utf-8")
    return file


@pytest.fixture
def broken_rules_file(folder: Path) -> Path:
    """The same with two typing errors, one in a condition and one in a value."""
    file = folder / ".github" / "ai-crm.yml"
    file.write_text(
        _RULES.replace("not_labels", "not_lables").replace("pm_analysis: true", "pm_analysis: ture"), encoding="utf-8"
    )
    return file


@pytest.fixture(scope="session")
def issue_opened(root: Path) -> Path:
    """A recorded event: somebody opened an issue that is labelled as a bug."""
    return root / "tests" / "platforms" / "github" / "payloads" / "issues.opened.json"


def _environment() -> Mapping[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error"}


_RULES = """\
auto_task_creation:
  enabled: true
  rules:
    - trigger: issue_opened
      conditions:
        - labels: ["bug", "enhancement"]
        - not_labels: ["wontfix", "duplicate"]
      task:
        title_template: "GitHub Issue: {issue.title}"
        pm_analysis: true
        auto_assign: true

    - trigger: pull_request_opened
      conditions:
        - files_changed: ["*.py", "*.js", "*.ts"]
      task:
        title_template: "Code Review: {pr.title}"
        agent_hint: "code-reviewer"
        priority: "high"
"""
