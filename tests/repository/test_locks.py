"""What is installed is what was locked: pinned, hashed, the same version everywhere, and no address to fetch it from."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_LOCKS = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock")


@pytest.mark.parametrize("name", _LOCKS)
def test_a_lock_pins_and_hashes_everything(root: Path, name: str) -> None:
    blocks = re.split(r"^(?=[A-Za-z0-9])", (root / name).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert blocks
    assert [block for block in blocks if not re.match(r"[\w.-]+==\S+", block) or "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("name", [*_LOCKS, "tests/package-lock.json"])
def test_a_lock_holds_no_address(root: Path, name: str) -> None:
    text = (root / name).read_text(encoding="utf-8")
    assert re.findall(r"\w+://\S*|--(?:index|extra-index|find-links)\S*|\"resolved\"", text) == []


def test_the_locks_agree_with_each_other(root: Path) -> None:
    runtime, build, dev = (_pins(root / name) for name in _LOCKS)
    assert {name: dev.get(name) for name in runtime} == runtime
    assert {name: dev.get(name) for name in build} == build


def test_the_lock_holds_what_the_project_asks_for(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = map(Requirement, (*project["dependencies"], *project["optional-dependencies"]["postgres"]))
    pins = _pins(root / "requirements.lock")
    unmet = [str(one) for one in wanted if not one.specifier.contains(pins.get(canonicalize_name(one.name), "0"))]
    assert unmet == []


def test_every_npm_package_is_pinned_and_hashed(root: Path) -> None:
    asked = json.loads((root / "tests/package.json").read_text(encoding="utf-8"))
    packages = json.loads((root / "tests/package-lock.json").read_text(encoding="utf-8"))["packages"]
    direct = asked["devDependencies"] | asked["optionalDependencies"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in direct} == direct
    assert [name for name, package in packages.items() if name and not package.get("integrity")] == []


def _pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([^ ;\\]+)", lock.read_text(encoding="utf-8"), re.MULTILINE))
