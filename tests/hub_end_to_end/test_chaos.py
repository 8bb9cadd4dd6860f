"""kill -9 at random while load runs: everything that was accepted has its effects, each once, and nothing is stuck.

`AI_CRM_CHAOS_KILLS` says how often, and `make chaos` kills ten thousand times. What is killed are whole processes of the
hub, forked from one that has done the imports; ten more are killed that were started as an operator starts them. In
each life some windows are wider than they are by themselves, so that races show.
"""

from __future__ import annotations

import os
import random
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.doubles.github_server import FakeGitHub
from tests.doubles.hub import Hub
from tests.doubles.hub_points import POINTS, Plan
from tests.doubles.load import RULES, UNPACED, Load
from tests.doubles.nursery import Nursery

KILLS = int(os.environ.get("AI_CRM_CHAOS_KILLS", "200"))
SEED = int(os.environ.get("AI_CRM_CHAOS_SEED", "20261124"))

# Half of the kills hit one process on SQLite, half one of five on PostgreSQL; each round has a fresh database.
_ROUNDS = -(-KILLS // 500)
_EACH = -(-KILLS // _ROUNDS // 2)
_SHARED = {
    "AI_CRM_LEASE_SECONDS": "4",
    "AI_CRM_SECRET_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    **UNPACED,
}
_rounds = pytest.mark.parametrize("round_", range(_ROUNDS))


@pytest.mark.timeout(200 + _EACH * 3)
@_rounds
def test_one_process_on_sqlite_is_killed_again_and_again(tmp_path: Path, root: Path, round_: int) -> None:
    chance = random.Random(SEED + round_)  # noqa: S311 - to be repeated, not to be secret
    with FakeGitHub() as github, Nursery(root) as nursery:
        github.put_file(".github/ai-crm.yml", RULES)
        hub = Hub(tmp_path, _SHARED)
        hub.connect(github.url)
        key = hub.key()
        with hub:
            with Load([hub], github, root) as load:
                for _ in range(_EACH):
                    time.sleep(chance.expovariate(6))
                    hub.kill()
                    hub.start(nursery.planned(_wider(chance)))
                    load.rest(hub, key)
            load.settle(hub, key)
            assert hub.stop() == 0
        _is_sound(hub, load)


@pytest.mark.postgres
@pytest.mark.timeout(200 + _EACH * 3)
@_rounds
def test_two_receivers_and_three_workers_on_postgresql_are_killed_in_any_order(
    tmp_path: Path, root: Path, database_url: str, round_: int
) -> None:
    chance = random.Random(SEED - round_)  # noqa: S311 - to be repeated, not to be secret
    with FakeGitHub() as github, Nursery(root) as nursery, ExitStack() as running:
        github.put_file(".github/ai-crm.yml", RULES)
        hubs = []
        for name in ("web-1", "web-2", "worker-1", "worker-2", "worker-3"):
            (tmp_path / name).mkdir()
            shared = _SHARED | {"AI_CRM_DATABASE_URL": database_url}
            hubs.append(Hub(tmp_path / name, shared, name.partition("-")[0], nursery))
        hubs[0].connect(github.url)
        key = hubs[0].key()
        for hub in hubs:
            running.enter_context(hub)
        with Load(hubs[:2], github, root) as load:
            for _ in range(_EACH):
                time.sleep(chance.expovariate(8))
                hub = chance.choice(hubs)
                hub.kill()
                hub.start(nursery.planned(_wider(chance)))
                load.rest(hubs[0], key)
        load.settle(hubs[0], key)
        assert [hub.stop() for hub in hubs] == [0] * len(hubs)
        _is_sound(hubs[0], load)


@pytest.mark.timeout(200)
def test_one_that_an_operator_started_is_killed(tmp_path: Path, root: Path) -> None:
    chance = random.Random(SEED)  # noqa: S311 - to be repeated, not to be secret
    with FakeGitHub() as github:
        github.put_file(".github/ai-crm.yml", RULES)
        hub = Hub(tmp_path, _SHARED)
        hub.connect(github.url)
        key = hub.key()
        with hub:
            with Load([hub], github, root) as load:
                for _ in range(10):
                    time.sleep(chance.uniform(0.05, 0.8))
                    hub.kill()
                    hub.start()
                    load.rest(hub, key)
            load.settle(hub, key)
            assert hub.stop() == 0
        _is_sound(hub, load)


def _wider(chance: random.Random) -> Plan:
    return Plan(slow={point: chance.uniform(0.0, 0.05) for point in chance.sample(POINTS, 3)})


def _is_sound(hub: Hub, load: Load) -> None:
    assert load.accepted
    checked = hub.command("db", "check", check=False)
    assert checked.returncode == 0, checked.stdout
