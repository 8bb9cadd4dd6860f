"""PostgreSQL dies under load, whole or in part: the hub's processes go on by themselves, with nothing lost or doubled."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pytest

from tests.conftest import without_postgres
from tests.doubles.github_server import FakeGitHub
from tests.doubles.hub import Hub
from tests.doubles.hub_points import POINTS, Plan
from tests.doubles.load import RULES, UNPACED, Load
from tests.doubles.nursery import Nursery

pytestmark = pytest.mark.postgres

# How often the whole server, and how often one process of it.
_WHOLE, _PARTS = 5, 10


class Mortal:
    """A PostgreSQL that dies when it is told to."""

    def __init__(self, root: Path) -> None:
        self._process = subprocess.Popen(
            (sys.executable, root / "tests" / "doubles" / "postgres.py", "--durable"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            without_postgres(self._process.wait())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        with self._process:  # closes its input, which ends it
            pass

    def kill(self, what: str) -> None:
        """Returns when it serves again."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "serves\n"


@pytest.fixture
def database(root: Path) -> Iterator[Mortal]:
    with Mortal(root) as database:
        yield database


@pytest.mark.timeout(400)
def test_what_was_accepted_survives_the_database(
    tmp_path: Path, root: Path, github: FakeGitHub, database: Mortal
) -> None:
    github.put_file(".github/ai-crm.yml", RULES)
    shared = {"AI_CRM_LEASE_SECONDS": "4", "AI_CRM_DATABASE_URL": database.url, **UNPACED}
    wider = Plan(slow=dict.fromkeys(POINTS, 0.01))
    with Nursery(root) as nursery, ExitStack() as running:
        web, worker = (Hub(tmp_path, shared, role, nursery.planned(wider)) for role in ("web", "worker"))
        web.connect(github.url)
        key = web.key()
        for hub in (web, worker):
            running.enter_context(hub)
        with Load([web], github, root, pause=0.02) as load:
            for kill in range(_WHOLE + _PARTS):
                load.wait_for(3)
                time.sleep(0.05)
                database.kill("all" if kill % 3 == 0 else "backend")
                load.rest(web, key)
            load.wait_for(3)
        load.settle(web, key)
        assert [hub.stop() for hub in (web, worker)] == [0, 0]
    assert web.command("db", "check", check=False).returncode == 0
