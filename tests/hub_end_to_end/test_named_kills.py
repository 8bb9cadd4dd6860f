"""Death at every named point in the life of an event, and holders that wake up after their leases: nothing lost or doubled."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from sqlalchemy import Select, select

from ai_crm.store import tables
from ai_crm.store.database import engine_for, reading
from tests.doubles.github_server import FakeGitHub
from tests.doubles.hub import Hub
from tests.doubles.hub_points import POINTS, Plan
from tests.doubles.load import RULES, UNPACED, Load
from tests.doubles.nursery import Life, Nursery

_SHARED = {
    "AI_CRM_LEASE_SECONDS": "2",
    "AI_CRM_SECRET_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    **UNPACED,
}
# Each window is wider than it is by itself, so that much is under way when the process dies.
_WIDER = dict.fromkeys(POINTS, 0.01)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hub.db'}"
    found: str = request.getfixturevalue("database_url")
    return found


class Place(Struct, frozen=True, kw_only=True):
    """Where it happens: a receiver that runs, and two workers that do not run yet."""

    url: str
    web: Hub
    worker: Hub
    late: Hub
    github: FakeGitHub
    nursery: Nursery
    root: Path

    def load(self, pause: float, hang_up: int = 10) -> Load:
        return Load([self.web], self.github, self.root, pause=pause, hang_up=hang_up, ahead=12)


@pytest.fixture
def place(tmp_path: Path, url: str, github: FakeGitHub, root: Path) -> Iterator[Place]:
    github.put_file(".github/ai-crm.yml", RULES)
    with Nursery(root) as nursery:
        web, worker = (_hub(tmp_path, role, url, nursery) for role in ("web", "worker"))
        late = _hub(tmp_path / "late", "worker", url, nursery)
        web.connect(github.url)
        with web:
            yield Place(url=url, web=web, worker=worker, late=late, github=github, nursery=nursery, root=root)


@pytest.mark.timeout(400)
def test_dying_at_each_point_in_turn_loses_nothing_and_doubles_nothing(place: Place) -> None:
    chance = random.Random(20261124)  # noqa: S311 - to be repeated, not to be secret
    key = place.web.key()
    with place.worker:
        with place.load(0.02) as load:
            for point in chance.sample(POINTS, len(POINTS)):
                hub = place.web if point.startswith("accept.") else place.worker
                hub.kill()
                life = hub.start(place.nursery.planned(Plan(at=point, passage=chance.randint(1, 4), slow=_WIDER)))
                assert isinstance(life, Life)
                assert life.died() == -signal.SIGKILL, f"it died before {point}"
                hub.start()
                load.rest(place.web, key)
                load.wait_for(2)
        load.settle(place.web, key)
        assert place.worker.stop() == 0
    assert place.web.command("db", "check", check=False).returncode == 0


@pytest.mark.parametrize("point", ["decide.before", "apply.before", "apply.after"])
def test_a_holder_that_wakes_after_its_lease_writes_nothing(point: str, place: Place) -> None:
    """The late one is a process of its own; what it held went over to another one meanwhile."""
    queue = tables.delivery if point.startswith("decide.") else tables.change
    key = place.web.key()
    with place.load(0, hang_up=0) as load:
        load.wait_for(6)
    place.late.start(place.nursery.planned(Plan(slow={point: 4.0})))
    _wait_until(place.url, select(queue).where(queue.c.lease_until != ""))
    with place.worker:
        load.settle(place.web, key)
        before = _rows(place.url)
        assert _found(place.url, select(queue).where(queue.c.attempts > 1)), "nothing went over"

        assert place.late.stop() == 0  # it finishes what it has in hand first

        assert _rows(place.url) == before
        load.settle(place.web, key)


def _hub(data: Path, role: str, url: str, nursery: Nursery) -> Hub:
    data.mkdir(exist_ok=True)
    return Hub(data, _SHARED | {"AI_CRM_DATABASE_URL": url}, role, nursery)


def _rows(url: str) -> list[list[tuple[Any, ...]]]:
    """All that a worker writes."""
    wrote = (tables.delivery, tables.decision, tables.change, tables.task, tables.task_history, tables.audit)
    return [sorted(_found(url, select(table)), key=repr) for table in wrote]


def _wait_until(url: str, statement: Select[Any]) -> None:
    end = time.monotonic() + 20
    while not _found(url, statement):
        assert time.monotonic() < end, "nothing was taken"
        time.sleep(0.02)


def _found(url: str, statement: Select[Any]) -> list[tuple[Any, ...]]:
    engine = engine_for(url)
    try:
        with reading(engine) as connection:
            return [tuple(row) for row in connection.execute(statement)]
    finally:
        engine.dispose()
