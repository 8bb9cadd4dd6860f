"""The one message that shows an item where people were told about it, wherever tasks and messages are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from ai_crm.errors import VersionClash
from ai_crm.model.change import Applied, Notify, Outcome, UpdateTask, change_key
from ai_crm.model.decision import Decision
from ai_crm.model.task import RuleId, TaskPatch, TaskStatus
from ai_crm.store.database import engine_for
from ai_crm.store.memory import MemoryStore
from ai_crm.store.sql import SqlStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Finish
    from tests.contracts.conftest import Inline
    from tests.doubles.decisions import Decisions

Keeper = MemoryStore | SqlStore
RULES = ("triage", "security")


@pytest.fixture
def database(new_empty_url: Callable[[], str], inline: Inline) -> Iterator[SqlStore]:
    opened = SqlStore(engine_for(new_empty_url()), inline, "w")
    yield opened
    opened.close()


@pytest.fixture(params=["memory", "database"])
def store(request: pytest.FixtureRequest, database: SqlStore) -> Keeper:
    return MemoryStore() if request.param == "memory" else database


def carry_out(store: Keeper, decision: Decision, decisions: Decisions, finish: Finish) -> tuple[Notify, ...]:
    """The messages as they go out. Where each is becomes known."""
    sent = []
    for planned in finish(store.commit(decision, decisions.noon)).outbox:
        change = finish(store.refresh(planned))
        assert change
        where = ""
        if isinstance(change, Notify):
            sent.append(change)
            where = change.where or "C0:1"
        finish(store.settle(change, Applied(key=change.key, outcome=Outcome.DONE, where=where)))
    return tuple(sent)


def moved(decisions: Decisions, event: str, rule: str, status: TaskStatus, action: str = "follow") -> UpdateTask:
    update = decisions.update(rule, event, TaskPatch(status=status))
    return msgspec.structs.replace(update, key=change_key(RuleId(rule), decisions.issue, action, event))


def test_a_live_message_shows_the_tasks_of_all_rules_that_told_there(
    store: Keeper, decisions: Decisions, finish: Finish
) -> None:
    first, second = carry_out(store, decisions.opened("e1", *RULES), decisions, finish)
    assert [task.rule for task in first.tasks] == ["triage"]
    assert (second.where, [task.rule for task in second.tasks]) == ("C0:1", list(RULES))

    update = moved(decisions, "e2", "security", TaskStatus.DONE)
    (renewal,) = carry_out(store, decisions.make("e2", update), decisions, finish)
    assert (renewal.where, renewal.text.parts) == ("C0:1", ())
    assert [task.status for task in renewal.tasks] == [TaskStatus.TODO, TaskStatus.DONE]


def test_an_event_that_is_decided_anew_renews_the_same_message_without_running_into_itself(
    store: Keeper, decisions: Decisions, finish: Finish
) -> None:
    carry_out(store, decisions.opened("e1", "triage"), decisions, finish)
    one = decisions.make("e2", moved(decisions, "e2", "triage", TaskStatus.BLOCKED))
    assert len(carry_out(store, one, decisions, finish)) == 1

    more = decisions.make("e2", *one.changes, moved(decisions, "e2", "triage", TaskStatus.DONE, "edited rule"))
    commit = finish(store.commit(more, decisions.noon))
    assert [task.status for task in commit.tasks] == [TaskStatus.DONE]


def test_a_person_whose_space_became_known_keeps_their_live_message(
    database: SqlStore, decisions: Decisions, finish: Finish
) -> None:
    before = decisions.make("e1", decisions.notify("triage", event="e1", to="U0ANN"))
    after = decisions.make("e2", decisions.notify("triage", event="e2", to="T0ONE/U0ANN"))
    again = decisions.make("e3", decisions.notify("triage", event="e3", to="T0ONE/U0ANN"))
    sent = [carry_out(database, each, decisions, finish) for each in (before, after, again)]
    assert [[change.where for change in each] for each in sent] == [[""], ["C0:1"], ["C0:1"]]


def test_channels_of_one_name_in_two_spaces_have_a_live_message_each(
    database: SqlStore, decisions: Decisions, finish: Finish
) -> None:
    targets = ("#dev", "T0ONE/#dev", "T0TWO/#dev")
    made = [
        decisions.make(f"e{number}", decisions.notify("triage", event=f"e{number}", to=target))
        for number, target in enumerate(targets)
    ]
    sent = [carry_out(database, each, decisions, finish) for each in made]
    assert [[change.where for change in each] for each in sent] == [[""], [""], [""]]


def test_several_decisions_are_taken_together_or_not_at_all(
    database: SqlStore, decisions: Decisions, finish: Finish
) -> None:
    first = decisions.opened("e1", "triage")
    late = msgspec.structs.replace(moved(decisions, "e1", "triage", TaskStatus.DONE), version=9)
    with pytest.raises(VersionClash):
        finish(database.commit_all((first, decisions.make("e1", late)), decisions.noon))
    assert finish(database.tasks_of(decisions.issue)) == ()

    told = decisions.make("e1", decisions.notify("triage", event="e1", to="U0ANN"))
    commit = finish(database.commit_all((first, told), decisions.noon))
    assert [task.rule for task in commit.created] == ["triage"]


def test_a_message_that_is_just_being_sent_is_renewed_when_the_task_moves_meanwhile(
    database: SqlStore, decisions: Decisions, finish: Finish
) -> None:
    """Its card shows the task as it was when the sending began, and nobody knows yet where it will be."""
    first = decisions.make("e1", decisions.create("triage"), decisions.notify("triage"))
    (planned,) = finish(database.commit(first, decisions.noon)).outbox
    sent = finish(database.refresh(planned))
    assert sent

    update = decisions.make("e2", moved(decisions, "e2", "triage", TaskStatus.DONE))
    (renewal,) = finish(database.commit(update, decisions.noon)).outbox
    finish(database.settle(sent, Applied(key=sent.key, outcome=Outcome.DONE, where="C0:1")))
    silent = finish(database.refresh(renewal))
    assert isinstance(silent, Notify)
    assert (silent.where, [task.status for task in silent.tasks]) == ("C0:1", [TaskStatus.DONE])
