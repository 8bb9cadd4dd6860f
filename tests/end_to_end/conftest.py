"""The product as a user has it: built, installed beside its dependencies, started as a program of its own."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec import Struct


class Done(Struct, frozen=True, kw_only=True):
    """What a run left behind, to the byte."""

    status: int
    log: bytes
    errors: str
    output: str
    summary: str


class Running(Struct, frozen=True):
    """A step that was started."""

    process: subprocess.Popen[bytes]
    folder: Path

    def done(self) -> Done:
        log, errors = self.process.communicate(timeout=60)
        return Done(
            status=self.process.returncode,
            log=log,
            errors=errors.decode(),
            output=(self.folder / "output").read_text(encoding="utf-8"),
            summary=(self.folder / "summary").read_text(encoding="utf-8"),
        )


class Program(Struct, frozen=True):
    """The installed product."""

    python: Path
    scripts: Path

    def start(
        self, folder: Path, event: str, body: bytes, environ: Mapping[str, str], cwd: Path | None = None
    ) -> Running:
        """Starts the step as its container does. `folder` takes the runner's files; `environ` adds to the runner's own."""
        (folder / "event.json").write_bytes(body)
        for name in ("output", "summary"):
            (folder / name).touch()
        given = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(folder / "event.json"),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_RUN_ID": "7000000001",
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            "GITHUB_WORKSPACE": str(cwd or folder),
            "LANG": "C.UTF-8",
            **environ,
        }
        process = subprocess.Popen(
            [str(self.python), "-I", "-m", "action"],
            cwd=cwd or folder,
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        return Running(process, folder)


@pytest.fixture(scope="session")
def program(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The wheel in an environment of its own, where no checkout is; its dependencies are lent by the tests' own."""
    folder = tmp_path_factory.mktemp("installed")
    build = ["-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder / "dist")]
    _run([sys.executable, *build], root)
    home = folder / "venv"
    _run([sys.executable, "-m", "venv", "--without-pip", str(home)], folder)
    python = home / "bin" / "python"
    wheel = next((folder / "dist").glob("*.whl"))
    install = ["install", "--quiet", "--no-index", "--no-deps", "--no-cache-dir", str(wheel)]
    _run([sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python), *install], folder)
    lent = sysconfig.get_paths(vars={"base": str(home), "platbase": str(home)})["purelib"]
    # A path in a .pth file is only looked at after our own, and the .pth files that lie there are not obeyed.
    (Path(lent) / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return Program(python, home / "bin")


def _run(command: list[str], cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
