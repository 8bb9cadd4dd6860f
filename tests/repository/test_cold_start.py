"""What a run that decides and writes nothing must not load: each of these costs more than the decision."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.doubles.taught import taught_file

_HEAVY = {
    "aiohttp", "asyncio", "click", "concurrent.futures", "dataclasses", "difflib", "github", "http.client", "jinja2",
    "jsonschema", "logging", "nacl", "pathlib", "pathspec", "psycopg", "pydantic", "requests", "rich", "slack_sdk",
    "sqlalchemy", "ssl", "urllib.request", "urllib3",
}  # fmt: skip


@pytest.mark.parametrize("learned", [b"", taught_file()], ids=["nothing learned", "learned"])
def test_a_decision_loads_nothing_that_only_writing_needs(root: Path, tmp_path: Path, learned: bytes) -> None:
    done = _step(root, tmp_path, learned)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "issue_opened" in done.stdout
    assert ('"analyst":"learned-1-40-' in (tmp_path / "output").read_text(encoding="utf-8")) is bool(learned)
    assert _loaded(done.stderr) & _HEAVY == set()


def _step(root: Path, workspace: Path, learned: bytes) -> subprocess.CompletedProcess[str]:
    """One dry run of the Action's real entry point, in a checked-out repository with the rules of the seed."""
    (workspace / ".github").mkdir()
    (workspace / ".github" / "ai-crm.yml").write_text(_RULES + (_LEARNED if learned else ""), encoding="utf-8")
    (workspace / "learned.json").write_bytes(learned)
    for name in ("output", "summary"):
        (workspace / name).touch()
    environment = {
        "PATH": os.environ["PATH"],
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "issues",
        "GITHUB_EVENT_PATH": str(root / "tests" / "platforms" / "github" / "payloads" / "issues.opened.json"),
        "GITHUB_OUTPUT": str(workspace / "output"),
        "GITHUB_REPOSITORY": "octo-org/octo-repo",
        "GITHUB_STEP_SUMMARY": str(workspace / "summary"),
        "GITHUB_WORKSPACE": str(workspace),
        "INPUT_CONFIG_SOURCE": "workspace",
        "INPUT_DRY_RUN": "true",
    }
    command = [sys.executable, "-I", "-X", "importtime", "-m", "action"]
    return subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True, check=False)


def _loaded(trace: str) -> set[str]:
    return set(re.findall(r"^import time:[^|]*\|[^|]*\|\s*([\w.]+)$", trace, re.MULTILINE))


_RULES = """\
auto_task_creation:
  rules:
    - trigger: issue_opened
      conditions:
        - not_labels: ["wontfix", "duplicate"]
      task:
        title_template: "GitHub Issue: {issue.title}"
        pm_analysis: true
        auto_assign: true
"""
_LEARNED = "analysis: {learned: learned.json}\n"
