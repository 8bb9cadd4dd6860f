"""One run of the step against a GitHub on loopback, and what it left behind: status, log, outputs, summary."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from action.__main__ import main
from tests.doubles.github_server import FakeGitHub

PROJECT = "Codertocat/Hello-World"


class Result(Struct, frozen=True):
    """What a run left behind."""

    status: int
    log: str
    outputs: dict[str, str]
    summary: str

    @property
    def decision(self) -> Any:
        return json.loads(self.outputs["decision"])


class Step:
    """Runs the step in this process, as a runner would: variables in, files and standard output out."""

    def __init__(self, github: FakeGitHub, folder: Path, payloads: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.github = github
        self.folder = folder
        self._payloads = payloads
        self._capsys = capsys

    def payload(self, name: str) -> Any:
        """A recorded event, such as `issues.opened`, to be changed by the test."""
        return json.loads((self._payloads / f"{name}.json").read_text(encoding="utf-8"))

    def rules(self, text: str) -> None:
        """Puts a rules file on the default branch."""
        self.github.put_file(".github/ai-crm.yml", text)

    def run(self, event: str, payload: Any, *, attempt: int = 1, unwritable: str = "", **inputs: str) -> Result:
        """`unwritable` is `output` or `summary`: a file that the runner names and that cannot be written."""
        for name in ("event.json", "output", "summary"):
            (self.folder / name).write_text("", encoding="utf-8")
        content = payload if isinstance(payload, str) else json.dumps(payload)
        (self.folder / "event.json").write_text(content, encoding="utf-8")
        self._capsys.readouterr()
        environment = self._environment(event, attempt, inputs)
        named = {"output": "GITHUB_OUTPUT", "summary": "GITHUB_STEP_SUMMARY"}
        if unwritable:
            environment[named[unwritable]] = str(self.folder / "no such folder" / unwritable)
        status = main(environment)
        return Result(
            status,
            self._capsys.readouterr().out,
            _outputs((self.folder / "output").read_text(encoding="utf-8")),
            (self.folder / "summary").read_text(encoding="utf-8"),
        )

    def _environment(self, event: str, attempt: int, inputs: dict[str, str]) -> dict[str, str]:
        given = {"github_token": self.github.token, "pm_analysis": "true", "auto_assign": "true", **inputs}
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.github.url,
            "GITHUB_GRAPHQL_URL": self.github.graphql_url,
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(self.folder / "event.json"),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_REPOSITORY": PROJECT,
            "GITHUB_RUN_ATTEMPT": str(attempt),
            "GITHUB_RUN_ID": "7000000001",
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "GITHUB_WORKSPACE": str(self.folder),
            **{f"INPUT_{name.upper()}": value for name, value in given.items()},
        }


def _outputs(written: str) -> dict[str, str]:
    """What the runner makes of the output file: `name<<delimiter`, lines, `delimiter`."""
    found = re.findall(r"^(\w+)<<(\S+)\n(.*?)\n\2$", written, re.MULTILINE | re.DOTALL)
    return {name: value for name, _, value in found}


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub(PROJECT, default_branch="master") as github:
        yield github


@pytest.fixture
def step(github: FakeGitHub, tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]) -> Step:
    return Step(github, tmp_path, root / "tests" / "platforms" / "github" / "payloads", capsys)


@pytest.fixture
def seed(root: Path) -> str:
    """The rules file of the seed, word for word."""
    return (root / "templates" / "examples" / "ai-crm.yml").read_text(encoding="utf-8")
