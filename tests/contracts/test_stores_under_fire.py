"""Databases while many write at once, while writers are killed, and while there is no room left."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import event

from ai_crm.errors import StoreUnavailable
from ai_crm.model.change import CreateTask
from ai_crm.model.decision import Decision
from ai_crm.store.database import engine_for
from ai_crm.store.sql import SqlStore

if TYPE_CHECKING:
    from tests.conftest import Finish
    from tests.contracts.conftest import Inline
    from tests.doubles.decisions import Decisions

WRITERS = 8
ROUNDS = 50
KILLS = 30


@pytest.fixture(params=["sqlite file", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite file":
        return f"sqlite:///{tmp_path}/tasks.db"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.mark.timeout(120)
def test_many_that_commit_the_same_at_once_make_one_task_and_own_one_outbox(
    url: str, finish: Finish, decisions: Decisions, inline: Inline, request: pytest.FixtureRequest
) -> None:
    """Eight processes, as far as the database can tell: each has connections of its own."""
    stores = [SqlStore(url, inline, request.node.nodeid) for _ in range(WRITERS)]
    gate = threading.Barrier(WRITERS, timeout=30)

    def write(writer: int) -> list[tuple[int, int]]:
        counts = []
        for number in range(ROUNDS):
            decision = decisions.opened(f"{writer} {number}", "triage", item=decisions.another_issue(number))
            gate.wait()
            commit = finish(stores[writer].commit(decision, decisions.noon))
            counts.append((len(commit.created), len(commit.outbox)))
        return counts

    with ThreadPoolExecutor(WRITERS) as pool:
        results = list(pool.map(write, range(WRITERS)))

    for rounds in zip(*results, strict=True):
        # One creates the task and owns card, labels, comment and message; the others may only show the card.
        assert sorted(rounds) == [(0, 1)] * (WRITERS - 1) + [(1, 4)]
    found = [finish(stores[0].tasks_of(decisions.another_issue(number))) for number in range(ROUNDS)]
    assert [len(tasks) for tasks in found] == [1] * ROUNDS
    assert len({task.id for tasks in found for task in tasks}) == ROUNDS
    for store in stores:
        store.close()


def test_many_that_open_a_new_database_at_once_all_find_it_usable(
    new_empty_url: Callable[[], str], finish: Finish, decisions: Decisions, inline: Inline
) -> None:
    gate = threading.Barrier(WRITERS, timeout=30)

    def open_it(url: str) -> None:
        store = SqlStore(url, inline, "w")
        gate.wait()
        assert finish(store.tasks_of(decisions.issue)) == ()
        store.close()

    with ThreadPoolExecutor(WRITERS) as pool:
        for _ in range(4):
            list(pool.map(open_it, [new_empty_url()] * WRITERS))


def test_writers_killed_at_any_moment_break_no_promise_and_leave_nothing_half_done(tmp_path: Path, root: Path) -> None:
    path = tmp_path / "tasks.db"
    command = (sys.executable, root / "tests" / "doubles" / "killed_writer.py", path, str(KILLS), "20261124")
    environment = {**os.environ, "PYTHONPATH": str(root)}
    promised = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.split()

    database = sqlite3.connect(path)
    assert len(promised) > KILLS / 2
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    kept = [
        msgspec.json.decode(payload, type=Decision) for (payload,) in database.execute("SELECT payload FROM decision")
    ]
    assert {decision.event for decision in kept} >= set(promised)
    assert _planned(kept) == {key for (key,) in database.execute("SELECT key FROM change")}
    assert _born(kept) == set(database.execute("SELECT rule, item FROM task"))
    assert _count(database, "task_history") == _count(database, "task") > 0
    highest = database.execute("SELECT max(number), (SELECT last_number FROM workspace) FROM task").fetchone()
    assert highest[0] == highest[1]
    database.close()


def test_a_full_disk_stores_nothing_by_halves(
    tmp_path: Path, finish: Finish, decisions: Decisions, inline: Inline
) -> None:
    engine = engine_for(f"sqlite:///{tmp_path}/tasks.db")
    store = SqlStore(engine, inline, "w")
    finish(store.commit(decisions.opened("e1", "triage"), decisions.noon))
    engine.dispose()
    event.listen(engine, "connect", _no_more_pages)

    large = decisions.create("later", description="x" * 1_000_000)
    with pytest.raises(StoreUnavailable, match="full"):
        finish(store.commit(decisions.make("e2", large, decisions.card("e2")), decisions.noon))

    assert [task.rule for task in finish(store.tasks_of(decisions.issue))] == ["triage"]
    store.close()


def _no_more_pages(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA max_page_count = 1")  # SQLite takes it as: no more than there are


def _planned(decisions: list[Decision]) -> set[str]:
    return {change.key for decision in decisions for change in decision.changes}


def _born(decisions: list[Decision]) -> set[tuple[str, str]]:
    creations = (change for decision in decisions for change in decision.changes if isinstance(change, CreateTask))
    return {(change.rule, str(change.item)) for change in creations}


def _count(database: sqlite3.Connection, table: str) -> int:
    counted: int = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - the name is ours
    return counted
