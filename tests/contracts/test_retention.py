"""What is behind us goes after its days, in both databases; what waits, and tasks, stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, Table, func, insert, select, update

from ai_crm.errors import SettingsInvalid
from ai_crm.store import tables
from ai_crm.store.database import reading, writing
from ai_crm.store.retention import DAYS, apply_retention
from ai_crm.store.rows import stamp
from ai_crm.store.sql import SqlStore
from ai_crm.store.transactions import Direct

if TYPE_CHECKING:
    from tests.conftest import Finish
    from tests.contracts.conftest import Inline
    from tests.doubles.decisions import Decisions

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=1000)

Sweep = Callable[..., dict[str, int]]


@pytest.fixture
def store(engine: Engine, inline: Inline) -> SqlStore:
    return SqlStore(engine, inline, "w")


@pytest.fixture
def sweep(engine: Engine, inline: Inline, finish: Finish) -> Sweep:
    """Applies the retention and tells what went, without what there was nothing of."""

    def run(workspace: str = "w", **days: int) -> dict[str, int]:
        gone = finish(apply_retention(Direct(engine, inline), workspace, days, NOON))
        return {name: count for name, count in gone.items() if count}

    return run


def test_old_settled_deliveries_go_and_waiting_ones_stay(
    engine: Engine, store: SqlStore, finish: Finish, decisions: Decisions, sweep: Sweep
) -> None:
    finish(store.tasks_of(decisions.issue))
    for state in ("queued", "working", "done", "ignored", "dead"):
        deliver(engine, f"old-{state}", state, LONG_AGO)
        deliver(engine, f"new-{state}", state, NOON - timedelta(days=1))

    assert sweep() == {"deliveries": 2, "dead_letters": 1}
    assert names(engine) == {f"new-{state}" for state in ("queued", "working", "done", "ignored", "dead")} | {
        "old-queued",
        "old-working",
    }


def test_more_than_one_batch_goes(
    engine: Engine, store: SqlStore, finish: Finish, decisions: Decisions, sweep: Sweep
) -> None:
    finish(store.tasks_of(decisions.issue))
    with writing(engine) as connection:
        connection.execute(
            insert(tables.delivery), [delivery(f"e{number}", "done", LONG_AGO) for number in range(1001)]
        )

    assert sweep() == {"deliveries": 1001}


def test_a_decision_goes_with_its_changes_and_its_task_stays(
    engine: Engine, store: SqlStore, finish: Finish, decisions: Decisions, sweep: Sweep
) -> None:
    finish(store.commit(decisions.opened("e1", "triage"), LONG_AGO))
    settle(engine, "done")

    assert sweep(audit=10_000) == {"decisions": 1}
    assert count(engine, tables.change) == 0
    (task,) = finish(store.tasks_of(decisions.issue))
    assert len(task.history) == 1


def test_where_a_message_is_is_forgotten_with_what_it_was_about(
    engine: Engine, store: SqlStore, finish: Finish, decisions: Decisions, sweep: Sweep
) -> None:
    """A live message of a task stays known, however old; one that only told something goes with its record."""
    alone = decisions.another_issue(5)
    finish(store.commit(decisions.opened("e1", "triage"), LONG_AGO))
    finish(store.commit(decisions.make("e2", decisions.notify("digest", alone), item=alone), LONG_AGO))
    for item in (decisions.issue, alone):
        row = {"workspace": "w", "platform": "slack", "target": "U0ANN", "item": str(item), "address": "D0:1"}
        with writing(engine) as connection:
            connection.execute(insert(tables.message).values(row))
    sweep(audit=10_000)
    assert count(engine, tables.message) == 2
    settle(engine, "done")

    assert sweep(audit=10_000) == {"decisions": 3}
    with reading(engine) as connection:
        assert connection.execute(select(tables.message.c.item)).scalars().all() == [str(decisions.issue)]


def test_what_happened_once_is_not_repeated_when_its_record_is_gone(
    engine: Engine, store: SqlStore, finish: Finish, decisions: Decisions, sweep: Sweep
) -> None:
    finish(store.commit(decisions.opened("e1", "triage"), LONG_AGO))
    settle(engine, "done")
    sweep()

    again = finish(store.commit(decisions.opened("e2", "triage"), NOON))

    assert again.created == ()
    assert [type(change).__name__ for change in again.outbox] == ["ShowCard"]


def test_a_decision_whose_changes_wait_stays_with_its_delivery(
    engine: Engine, store: SqlStore, finish: Finish, decisions: Decisions, sweep: Sweep
) -> None:
    finish(store.commit(decisions.opened("e1", "triage"), LONG_AGO))
    deliver(engine, "e1", "done", LONG_AGO)

    assert sweep(audit=10_000) == {}
    assert names(engine) == {"e1"}


def test_dead_changes_are_kept_for_the_days_of_dead_letters(
    engine: Engine, store: SqlStore, finish: Finish, decisions: Decisions, sweep: Sweep
) -> None:
    finish(store.commit(decisions.opened("e1", "triage"), LONG_AGO))
    settle(engine, "dead")

    assert sweep(dead_letters=5000, audit=10_000) == {}
    assert sweep(dead_letters=90, audit=10_000) == {"dead_letters": 4, "decisions": 1}


def test_audit_and_answers_to_repeated_requests_go(
    engine: Engine, store: SqlStore, finish: Finish, decisions: Decisions, sweep: Sweep
) -> None:
    finish(store.tasks_of(decisions.issue))
    with writing(engine) as connection:
        for at in (LONG_AGO, NOON):
            connection.execute(
                insert(tables.audit).values(
                    workspace="w", id=stamp(at), at=stamp(at), actor="a", action="b", subject="c", cause=""
                )
            )
            connection.execute(
                insert(tables.idempotency).values(
                    workspace="w", key=stamp(at), request="r", status=200, answer="{}", created_at=stamp(at)
                )
            )

    assert sweep() == {"audit": 1, "idempotency": 1}


def test_another_workspace_loses_nothing(
    engine: Engine, store: SqlStore, finish: Finish, decisions: Decisions, sweep: Sweep
) -> None:
    finish(store.tasks_of(decisions.issue))
    deliver(engine, "e1", "done", LONG_AGO)

    assert sweep("other") == {}


@pytest.mark.parametrize("days", [{"tasks": 3}, {"audit": 0}, {"deliveries": -1}])
def test_days_that_make_no_sense_delete_nothing(sweep: Sweep, days: dict[str, int]) -> None:
    with pytest.raises(SettingsInvalid):
        sweep(**days)


def test_nothing_is_kept_for_less_than_a_day_by_default() -> None:
    assert all(kept >= 1 for kept in DAYS.values())


def delivery(name: str, state: str, at: datetime) -> dict[str, object]:
    empty = ("vendor_id", "not_before", "holder", "lease_until", "reason", "detail", "decided_at")
    return {
        "workspace": "w",
        "id": name,
        "connection": "c",
        "platform": "github",
        "name": "issues",
        "body_hash": name,
        "lane": "l",
        "headers": "{}",
        "body": b"{}",
        "received_at": stamp(at),
        "state": state,
        "attempts": 0,
        **dict.fromkeys(empty, ""),
    }


def deliver(engine: Engine, name: str, state: str, at: datetime) -> None:
    with writing(engine) as connection:
        connection.execute(insert(tables.delivery).values(delivery(name, state, at)))


def settle(engine: Engine, state: str) -> None:
    with writing(engine) as connection:
        connection.execute(update(tables.change).where(tables.change.c.state == "pending").values(state=state))


def names(engine: Engine) -> set[str]:
    with reading(engine) as connection:
        return set(connection.execute(select(tables.delivery.c.id)).scalars())


def count(engine: Engine, table: Table) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()
