"""A change that was made for one version of a task is never put on another, wherever tasks are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_crm.errors import VersionClash
from ai_crm.model.decision import Decision
from ai_crm.model.task import Task, TaskPatch, TaskStatus

if TYPE_CHECKING:
    from tests.conftest import Finish
    from tests.contracts.conftest import NewPlace, Place
    from tests.doubles.decisions import Decisions

STATUSES = (TaskStatus.DONE, TaskStatus.TODO, TaskStatus.BLOCKED)


def asked(decisions: Decisions, event: str, status: TaskStatus, version: int) -> Decision:
    """As a person asks for it: for one version, and at a time that no item has."""
    update = decisions.update("triage", event, TaskPatch(status=status))
    return decisions.make(event, msgspec.structs.replace(update, version=version, asked_at=decisions.noon))


@pytest.fixture
def task(place: Place, finish: Finish, decisions: Decisions) -> Task:
    """A task at its first version."""
    store = place.open()
    commit = finish(
        store.commit(decisions.make("e1", decisions.create("triage"), decisions.card("e1")), decisions.noon)
    )
    for planned in commit.outbox:
        change = finish(store.refresh(planned))
        assert change
        finish(store.settle(change, finish(place.platform.apply(change))))
    return commit.tasks[0]


def stored(place: Place, finish: Finish, decisions: Decisions) -> Task:
    return finish(place.open().tasks_of(decisions.issue))[0]


def carry_out(place: Place, finish: Finish, decisions: Decisions, decision: Decision) -> tuple[Task, ...]:
    """Commits it with the card that shows it, which is what stores tasks where there is no database."""
    store = place.open()
    card = decisions.card(decision.event)
    commit = finish(store.commit(msgspec.structs.replace(decision, changes=(*decision.changes, card)), decisions.noon))
    for planned in commit.outbox:
        change = finish(store.refresh(planned))
        if change:
            finish(store.settle(change, finish(place.platform.apply(change))))
    return commit.updated


def test_a_change_for_the_version_that_is_there_is_made(
    place: Place, finish: Finish, decisions: Decisions, task: Task
) -> None:
    (updated,) = carry_out(place, finish, decisions, asked(decisions, "r1", TaskStatus.DONE, task.version))

    assert (updated.version, updated.status) == (task.version + 1, TaskStatus.DONE)
    assert updated.history[-1].at == decisions.noon
    assert stored(place, finish, decisions).version == updated.version


@pytest.mark.parametrize("status", [TaskStatus.DONE, TaskStatus.TODO])
def test_a_change_for_another_version_is_refused_and_nothing_of_it_is_kept(
    place: Place, finish: Finish, decisions: Decisions, task: Task, status: TaskStatus
) -> None:
    with pytest.raises(VersionClash) as clash:
        carry_out(place, finish, decisions, asked(decisions, "r1", status, task.version + 1))

    assert task.id in str(clash.value)
    assert stored(place, finish, decisions) == msgspec.structs.replace(task, url=stored(place, finish, decisions).url)


def test_the_same_request_again_is_no_clash_with_itself(
    place: Place, finish: Finish, decisions: Decisions, task: Task
) -> None:
    request = asked(decisions, "r1", TaskStatus.DONE, task.version)
    carry_out(place, finish, decisions, request)
    assert carry_out(place, finish, decisions, request) == ()
    assert stored(place, finish, decisions).version == task.version + 1


def test_a_change_for_no_version_is_made_at_any(place: Place, finish: Finish, decisions: Decisions, task: Task) -> None:
    carry_out(place, finish, decisions, asked(decisions, "r1", TaskStatus.DONE, task.version))
    carry_out(place, finish, decisions, asked(decisions, "r2", TaskStatus.BLOCKED, 0))
    assert stored(place, finish, decisions).status is TaskStatus.BLOCKED


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    requests=st.lists(
        st.tuples(st.sampled_from(STATUSES), st.integers(min_value=0, max_value=5)), min_size=1, max_size=6
    )
)
def test_whatever_is_asked_the_version_grows_with_each_change_and_with_nothing_else(
    new_place: NewPlace, finish: Finish, decisions: Decisions, requests: list[tuple[TaskStatus, int]]
) -> None:
    """The same rule, kept by hand beside every store: so all of them agree."""
    place = new_place()
    carry_out(place, finish, decisions, decisions.make("e1", decisions.create("triage")))
    version, status = 1, TaskStatus.TODO
    for number, (wanted, for_version) in enumerate(requests):
        decision = asked(decisions, f"r{number}", wanted, for_version)
        if for_version in {0, version}:
            carry_out(place, finish, decisions, decision)
            version, status = version + (wanted is not status), wanted
        else:
            with pytest.raises(VersionClash):
                carry_out(place, finish, decisions, decision)
        found = stored(place, finish, decisions)
        assert (found.version, found.status) == (version, status)
