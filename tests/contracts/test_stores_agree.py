"""Deliveries come twice and in any order: every store ends with the same tasks, and repeating changes none of them."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_crm.model.analysis import Priority
from ai_crm.model.decision import Decision
from ai_crm.model.task import Task, TaskPatch, TaskStatus
from ai_crm.store.memory import MemoryStore

if TYPE_CHECKING:
    from tests.conftest import Finish
    from tests.contracts.conftest import NewPlace, Place
    from tests.doubles.decisions import Decisions

RULES = ("triage", "security", "docs")

# A decision in miniature: an item, and what is planned for some rules: None creates a task, a patch changes it. The
# minute is when the item was last touched, None where the platform does not tell.
patches = st.builds(
    TaskPatch,
    status=st.sampled_from(TaskStatus),
    priority=st.sampled_from((msgspec.UNSET, *Priority)),
    labels=st.sampled_from((msgspec.UNSET, (), ("bug",), ("bug", "auth"))),
)
plans = st.dictionaries(st.sampled_from(RULES), st.none() | patches, min_size=1)
miniatures = st.tuples(st.integers(1, 2), plans, st.none() | st.integers(0, 4))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(miniatures=st.lists(miniatures, min_size=1, max_size=6), data=st.data())
def test_deliveries_that_come_again_at_any_time_change_no_task(
    new_place: NewPlace, finish: Finish, decisions: Decisions, miniatures: list[Any], data: st.DataObject
) -> None:
    once = [_decision(decisions, f"e{number}", miniature) for number, miniature in enumerate(miniatures)]
    again = list(once)
    for _ in range(data.draw(st.integers(0, 6), label="repetitions")):
        first = data.draw(st.integers(0, len(once) - 1), label="which")
        earliest = again.index(once[first]) + 1
        again.insert(data.draw(st.integers(earliest, len(again)), label="where"), once[first])

    assert _after(new_place(), finish, decisions, again) == _after(new_place(), finish, decisions, once)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(miniatures=st.lists(miniatures, min_size=1, max_size=8))
def test_every_store_makes_the_same_of_the_same_decisions(
    new_place: NewPlace, finish: Finish, decisions: Decisions, miniatures: list[Any]
) -> None:
    made = [_decision(decisions, f"e{number}", miniature) for number, miniature in enumerate(miniatures)]
    twin = MemoryStore()
    for decision in made:
        finish(twin.commit(decision, decisions.noon))

    found = _after(new_place(), finish, decisions, made)

    for item, tasks in found.items():
        kept = finish(twin.tasks_of(decisions.another_issue(item)))
        assert [_nameless(task) for task in tasks] == [_nameless(task) for task in kept]


def test_in_whatever_order_a_history_arrives_the_newest_state_stays(
    place: Place, finish: Finish, decisions: Decisions
) -> None:
    statuses = list(TaskStatus)
    orders = list(permutations(range(len(statuses))))[::72]  # 10 of 720: the pure function is tried with all
    for number, order in enumerate(orders):
        item = decisions.another_issue(number)
        _carry_out(place, finish, decisions, decisions.opened(f"{number}", "triage", item=item))
        for step in order:
            event = f"{number} {step}"
            update = decisions.update("triage", event, TaskPatch(status=statuses[step]), item, seen=step)
            _carry_out(place, finish, decisions, decisions.make(event, update, decisions.card(event, item), item=item))
        (task,) = finish(place.open().tasks_of(item))
        assert (task.status, task.seen_at) == (statuses[-1], decisions.noon + timedelta(minutes=len(statuses) - 1))


def _decision(decisions: Decisions, event: str, miniature: Any) -> Decision:
    number, planned, seen = miniature
    item = decisions.another_issue(number)
    changes = (
        decisions.create(rule, item, seen=seen)
        if patch is None
        else decisions.update(rule, event, patch, item, seen=seen)
        for rule, patch in planned.items()
    )
    return decisions.make(event, *changes, decisions.card(event, item), item=item)


def _after(place: Place, finish: Finish, decisions: Decisions, made: list[Decision]) -> dict[int, tuple[Task, ...]]:
    """The tasks of both items after every decision was carried out, each by a process of its own."""
    for decision in made:
        _carry_out(place, finish, decisions, decision)
    return {number: finish(place.open().tasks_of(decisions.another_issue(number))) for number in (1, 2)}


def _carry_out(place: Place, finish: Finish, decisions: Decisions, decision: Decision) -> None:
    store = place.open()
    for planned in finish(store.commit(decision, decisions.noon)).outbox:
        change = finish(store.refresh(planned))
        if change:
            finish(store.settle(change, finish(place.platform.apply(change))))


def _nameless(task: Task) -> Task:
    """Without what differs by place: what a task is called and where it shows."""
    return msgspec.structs.replace(task, id="", url="")
