"""The step with what the repository's own history taught: from the default branch alone, and only when it is needed."""

from __future__ import annotations

from typing import Any

import pytest

from ai_crm.analysis import fingerprint_of
from tests.action.conftest import Result, Step
from tests.doubles.github_server import Fault
from tests.doubles.taught import taught_file

PATH = ".github/ai-crm-analysis.json"
NAMED = f"analysis: {{learned: {PATH}}}\n"


def _opened(step: Step, *labels: str) -> Any:
    """An issue with a title that only this team's history understands."""
    payload = step.payload("issues.opened")
    payload["issue"].update(
        title="quaddle lever of the React component", body="", labels=[{"name": label} for label in labels]
    )
    step.github.open_issue("quaddle lever of the React component", "", labels=list(labels))
    return payload


def _analyst(done: Result) -> str:
    tasks = [change for change in done.decision["changes"] if "analysis" in change]
    return str(tasks[0]["analysis"]["analyst"])


def test_the_files_analysis_is_used_and_named_in_the_decision(step: Step, seed: str) -> None:
    step.rules(seed + NAMED)
    step.github.put_file(PATH, taught_file())
    done = step.run("issues", _opened(step, "enhancement"))
    assert done.status == 0, done.log
    assert _analyst(done) == f"learned-1-40-{fingerprint_of(taught_file())}"
    assert "::warning" not in done.log


def test_it_costs_one_call_more_and_none_where_nothing_is_analysed(step: Step, seed: str) -> None:
    step.rules(seed)
    step.github.put_file(PATH, taught_file())
    step.run("issues", _opened(step, "enhancement"), dry_run="true")
    without = step.github.calls()
    step.rules(seed + NAMED)
    step.run("issues", _opened(step, "enhancement"), dry_run="true")
    assert step.github.calls() == 2 * without + 1
    before = step.github.calls()
    step.run("issues", _opened(step, "wontfix"))
    assert step.github.calls() - before == 1


def test_a_pull_requests_own_file_is_never_looked_at(step: Step, seed: str) -> None:
    step.rules(seed + NAMED)
    step.github.put_file(PATH, taught_file())
    payload = step.payload("pull_request.opened")
    step.github.change_files(str(payload["number"]), "app.py", PATH)
    (step.folder / ".github").mkdir()
    (step.folder / PATH).write_text("{}", encoding="utf-8")
    done = step.run("pull_request_target", payload)
    assert _analyst(done).startswith("learned-1-40-")
    asked = [seen for seen in step.github.requests if PATH in seen.path]
    assert [seen.query for seen in asked] == [{"ref": "master"}]


@pytest.mark.parametrize(
    ("text", "fields", "why"),
    [
        (b"{}", {}, "it is no learned analysis"),
        (taught_file()[:-40], {}, "it is no learned analysis"),
        (taught_file(), {"type": "symlink", "target": "/etc/passwd"}, "is a symlink and not a plain file"),
        (b"x", {"size": 1_000_001, "content": "", "encoding": "none"}, "is larger than 1 MB"),
        (b"version https://git-lfs.github.com/spec/v1\n", {}, "is kept in Git LFS"),
        (None, {}, "there is no such file"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_warning_and_the_task_is_made_without_it(
    step: Step, seed: str, text: bytes | None, fields: dict[str, Any], why: str
) -> None:
    step.rules(seed + NAMED)
    if text is not None:
        step.github.put_file(PATH, text, **fields)
    payload = _opened(step, "enhancement")
    done = step.run("issues", payload)
    assert done.status == 0
    assert done.outputs["tasks_created"] == "1"
    assert not _analyst(done).startswith("learned")
    (warning,) = [line for line in done.log.splitlines() if line.startswith("::warning")]
    assert PATH in warning
    assert why in warning
    assert why in done.summary
    again = step.run("issues", payload, attempt=2)
    assert "all of this was done before" in again.log


def test_a_file_that_cannot_be_reached_decides_nothing(step: Step, seed: str) -> None:
    step.rules(seed + NAMED)
    step.github.put_file(PATH, taught_file())
    step.github.fail(Fault(status=502), "GET", PATH, times=3)
    done = step.run("issues", _opened(step, "enhancement"))
    assert done.status == 0
    assert done.outputs["tasks_created"] == "0"
    assert "could not read" in done.log
    assert step.github.calls("POST") == 0


@pytest.mark.parametrize("link", [False, True])
def test_rules_of_the_workspace_take_the_workspaces_file(step: Step, seed: str, *, link: bool) -> None:
    (step.folder / ".github").mkdir()
    (step.folder / ".github" / "ai-crm.yml").write_text(seed + NAMED, encoding="utf-8")
    (step.folder / "elsewhere.json").write_bytes(taught_file())
    if link:
        (step.folder / PATH).symlink_to(step.folder / "elsewhere.json")
    else:
        (step.folder / PATH).write_bytes(taught_file())
    done = step.run("issues", _opened(step, "enhancement"), config_source="workspace")
    assert _analyst(done).startswith("learned") is not link
    assert ("not an ordinary file" in done.log) is link


@pytest.mark.parametrize("path", ["../x.json", "/etc/passwd", "a/../../b"])
def test_a_path_that_leads_out_of_the_repository_is_an_error_of_the_rules(step: Step, seed: str, path: str) -> None:
    step.rules(seed + f"analysis: {{learned: {path}}}\n")
    done = step.run("issues", _opened(step, "enhancement"))
    assert done.status == 2
    assert "must be the path of a file in this repository" in done.log
