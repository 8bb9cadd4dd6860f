"""The Action's image as a runner starts it: mounts, variables and working directory of GitHub, any container engine."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest


class Step(NamedTuple):
    """What a step left behind."""

    status: int
    log: str
    outputs: str
    summary: str


class Container:
    """Starts the image with the folders that a runner mounts."""

    def __init__(self, engine: list[str], image: str, folder: Path) -> None:
        self._engine = engine
        self._image = image
        self._folder = folder
        self.workspace = folder / "workspace"
        self.workspace.mkdir()

    def step(self, event: bytes, inputs: Mapping[str, str], *flags: str, **variables: str) -> Step:
        """One run on an `issues` event. The folders belong to whoever runs the tests, as a runner's do."""
        workflow, commands = self._folder / "workflow", self._folder / "commands"
        for folder in (workflow, commands):
            folder.mkdir(exist_ok=True)
        (workflow / "event.json").write_bytes(event)
        for name in ("output", "summary"):
            (commands / name).write_text("")
            (commands / name).chmod(0o666)
        mounts = {self.workspace: "workspace", workflow: "workflow", commands: "file_commands"}
        environment = {**_RUNNER, **variables, **{f"INPUT_{name.upper()}": value for name, value in inputs.items()}}
        command = [
            *self._engine,
            *(word for here, there in mounts.items() for word in ("--volume", f"{here}:/github/{there}")),
            *(word for name, value in environment.items() for word in ("--env", f"{name}={value}")),
            "--workdir=/github/workspace",
            *flags,
            self._image,
        ]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        outputs, summary = ((commands / name).read_text(encoding="utf-8") for name in ("output", "summary"))
        return Step(done.returncode, done.stdout, outputs, summary)


@pytest.fixture
def container(tmp_path: Path) -> Container:
    """Needs an image that was built before: `make image`, then AI_CRM_IMAGE=ai-crm/github-action:local.

    Not asked for under CI=true: where no engine runs, none can be installed. AI_CRM_ENGINE is how one is started.
    """
    image = os.environ.get("AI_CRM_IMAGE")
    if not image:
        pytest.skip("needs the image: make image, then AI_CRM_IMAGE=ai-crm/github-action:local make test")
    tmp_path.chmod(0o755)
    return Container(shlex.split(os.environ.get("AI_CRM_ENGINE", "docker run --rm")), image, tmp_path)


_RUNNER = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_EVENT_NAME": "issues",
    "GITHUB_EVENT_PATH": "/github/workflow/event.json",
    "GITHUB_OUTPUT": "/github/file_commands/output",
    "GITHUB_REPOSITORY": "octocat/hello-world",
    "GITHUB_STEP_SUMMARY": "/github/file_commands/summary",
    "GITHUB_WORKSPACE": "/github/workspace",
    "HOME": "/github/home",
}
