"""What is published: three packages and their data, and that works away from this folder."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as a release builds it, with the locked build backend and no network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_three_packages_and_nothing_beside_them(wheel: Path) -> None:
    tops = {PurePosixPath(name).parts[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"ai_crm", "action", "bots"}


def test_the_wheel_holds_exactly_our_modules_and_data(wheel: Path, root: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    modules = {file for package in ("ai_crm", "action", "bots") for file in _files(root, package, "*.py")}
    data = {f"ai_crm/data/{file}" for folder in ("schemas", "templates") for file in _files(root, folder, "*")}
    assert packed == modules | data


def test_the_wheel_carries_its_licence(wheel: Path) -> None:
    assert any(name.endswith("/licenses/LICENSE") for name in zipfile.ZipFile(wheel).namelist())


def test_the_command_works_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    program = f"import sys; sys.path.insert(0, {str(installed)!r}); from ai_crm.cli import main; main(sys.argv[1:])"
    for arguments in (["--version"], ["agents", "list"], ["templates", "list"], ["schema", "decision"]):
        command = [sys.executable, "-I", "-c", program, *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout


def _files(root: Path, folder: str, pattern: str) -> set[str]:
    found = (path.relative_to(root) for path in (root / folder).rglob(pattern) if path.is_file())
    return {path.as_posix() for path in found if "__pycache__" not in path.parts}
