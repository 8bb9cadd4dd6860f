"""What every store promises, tried on all of them: in memory, in a card, in SQLite, PostgreSQL and a hub on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_crm.errors import StoreError
from ai_crm.model.analysis import Priority
from ai_crm.model.change import CreateTask, Notify, OutboundChange, ShowCard
from ai_crm.model.decision import Decision
from ai_crm.model.item import ItemRef
from ai_crm.model.task import RuleId, Task, TaskPatch, TaskStatus
from ai_crm.ports import Store

if TYPE_CHECKING:
    from tests.conftest import Finish
    from tests.contracts.conftest import NewPlace, Place
    from tests.doubles.decisions import Decisions

DONE = TaskPatch(status=TaskStatus.DONE)
TODO = TaskPatch(status=TaskStatus.TODO)

HOSTILE = {
    "emoji": "🚀 Fehler 💥 👩‍👩‍👧‍👦",
    "right to left": "\u202egnp.exe \u0645\u0631\u062d\u0628\u0627",
    "SQL": "'); DROP TABLE task; -- %s :workspace $1 ?",
    "LIKE": "100%_\\",
    "braces": "{issue.title} ${title} {{x}}",
    "HTML": "--> <!-- ai-crm --> </details><script>",
    "line ends": "a\r\nb\u2028c\u0085d\te",
    "NUL": "before\x00after",
    "100 KB": "x" * 50_000 + "ß" * 25_000,
}


class Run:
    """One process with a decision: what flow does with a store, step by step, so that a test can end it anywhere."""

    def __init__(self, place: Place, finish: Finish, at: datetime) -> None:
        self.place = place
        self.finish = finish
        self.at = at
        self.store: Store = place.open()
        self.created: tuple[Task, ...] = ()
        self.outbox: tuple[OutboundChange, ...] = ()

    def steps(self, decision: Decision) -> Iterator[OutboundChange | None]:
        """Commits, then yields after each change that was settled: after None nothing but the commit happened."""
        commit = self.finish(self.store.commit(decision, self.at))
        self.created, self.outbox = commit.created, commit.outbox
        yield None
        yielded: set[RuleId] = set()
        for planned in commit.outbox:
            if planned.rule in yielded and not isinstance(planned, ShowCard):
                continue
            change = self.finish(self.store.refresh(planned))
            if change is not None:
                applied = self.finish(self.place.platform.apply(change))
                yielded.update(applied.yielded)
                self.finish(self.store.settle(change, applied))
                yield change

    def all(self, decision: Decision) -> Run:
        for _ in self.steps(decision):
            pass
        return self


NewRun = Callable[..., Run]


@pytest.fixture
def run(place: Place, finish: Finish, decisions: Decisions) -> Callable[[], Run]:
    """A new process at the same place."""
    return lambda: Run(place, finish, decisions.noon)


@pytest.fixture
def tasks(place: Place, finish: Finish, decisions: Decisions) -> Callable[..., tuple[Task, ...]]:
    """The tasks that a new process finds."""

    def find(item: ItemRef = decisions.issue) -> tuple[Task, ...]:
        return finish(place.open().tasks_of(item))

    return find


Tasks = Callable[..., tuple[Task, ...]]
NewProcess = Callable[[], Run]


def test_an_item_that_nothing_was_decided_about_has_no_tasks(tasks: Tasks) -> None:
    assert tasks() == ()


def test_a_created_task_is_found_by_the_next_process(
    run: NewProcess, tasks: Tasks, decisions: Decisions, place: Place
) -> None:
    made = run().all(decisions.opened("e1", "triage"))

    (task,) = tasks()
    plan = decisions.create("triage")
    assert (task.title, task.priority, task.agent, task.assignees, task.labels) == (
        plan.title,
        Priority.HIGH,
        plan.agent,
        plan.assignees,
        plan.labels,
    )
    assert (task.rule, task.item, task.version, task.status) == ("triage", decisions.issue, 1, TaskStatus.TODO)
    assert (task.born_of, task.seen_at, task.url) == ("e1", decisions.noon, place.platform.url(decisions.issue))
    assert [entry.what for entry in task.history] == ["created"]
    assert [created.id for created in made.created] == [task.id]


def test_the_same_event_again_changes_nothing(
    run: NewProcess, tasks: Tasks, decisions: Decisions, place: Place
) -> None:
    run().all(decisions.opened("e1", "triage"))
    before = tasks()

    again = run().all(decisions.opened("e1", "triage"))

    assert again.created == ()
    assert tasks() == before
    assert len(place.platform.messages) == 1


def test_another_event_makes_no_second_task_and_leaves_the_first_event_its_effects(
    run: NewProcess, tasks: Tasks, decisions: Decisions, place: Place
) -> None:
    first = run().steps(decisions.opened("e1", "triage"))
    assert next(first) is None
    assert isinstance(next(first), ShowCard)  # from here on the task exists, and nobody was told yet

    second = run().all(decisions.opened("e2", "triage"))

    assert second.created == ()
    assert [type(change) for change in second.outbox] == [ShowCard]
    assert place.platform.messages == []
    list(first)
    assert len(place.platform.messages) == 1
    assert [task.born_of for task in tasks()] == ["e1"]


def test_an_update_is_kept_with_its_history(run: NewProcess, tasks: Tasks, decisions: Decisions) -> None:
    run().all(decisions.opened("e1", "triage"))
    patch = TaskPatch(status=TaskStatus.DONE, labels=("bug",))
    update = decisions.update("triage", "e2", patch, seen=5)

    run().all(decisions.make("e2", update, decisions.card("e2")))

    (task,) = tasks()
    assert (task.status, task.labels, task.version) == (TaskStatus.DONE, ("bug",), 2)
    assert task.seen_at == decisions.minute(5)
    assert [entry.what for entry in task.history] == ["created", "status: todo → done", "labels: bug, auth → bug"]
    assert task.history[1].because == "octocat: e2"


def test_an_event_older_than_what_the_task_followed_changes_nothing(
    run: NewProcess, tasks: Tasks, decisions: Decisions
) -> None:
    run().all(decisions.opened("e1", "triage"))
    run().all(decisions.make("e3", decisions.update("triage", "e3", DONE, seen=9), decisions.card("e3")))
    before = tasks()

    late = run().all(decisions.make("e2", decisions.update("triage", "e2", TODO, seen=5), decisions.card("e2")))

    assert tasks() == before
    assert late.created == ()


def test_an_update_counts_once_even_where_time_cannot_tell(run: NewProcess, tasks: Tasks, decisions: Decisions) -> None:
    done = decisions.make("e2", decisions.update("triage", "e2", DONE), decisions.card("e2"))
    reopened = decisions.make("e3", decisions.update("triage", "e3", TODO), decisions.card("e3"))
    run().all(decisions.opened("e1", "triage"))

    for decision in (done, reopened, done):
        run().all(decision)

    (task,) = tasks()
    assert (task.status, task.version) == (TaskStatus.TODO, 3)


def test_the_rules_of_an_item_share_one_card(run: NewProcess, tasks: Tasks, decisions: Decisions, place: Place) -> None:
    run().all(decisions.opened("e1", "triage", "security"))
    run().all(decisions.opened("e2", "later"))

    assert [task.rule for task in tasks()] == ["triage", "security", "later"]
    assert len({task.id for task in tasks()}) == 3
    card = place.platform.card(decisions.issue)
    assert card
    assert [task.id for task in card.tasks] == [task.id for task in tasks()]


def test_items_do_not_see_each_others_tasks(run: NewProcess, tasks: Tasks, decisions: Decisions) -> None:
    other = decisions.another_issue(13)
    run().all(decisions.opened("e1", "triage"))
    run().all(decisions.opened("e2", "triage", item=other))
    run().all(decisions.opened("e3", "triage", item=decisions.push))

    found = (*tasks(), *tasks(other), *tasks(decisions.push))

    assert [task.item for task in found] == [decisions.issue, other, decisions.push]
    assert len({task.id for task in found}) == 3


def test_one_process_can_commit_several_decisions(run: NewProcess, tasks: Tasks, decisions: Decisions) -> None:
    process = run()
    process.all(decisions.opened("e1", "triage"))
    process.all(decisions.make("e2", decisions.update("triage", "e2", DONE, seen=3), decisions.card("e2")))

    assert [task.status for task in tasks()] == [TaskStatus.DONE]


def test_a_process_that_dies_after_the_commit_leaves_everything_to_the_next(
    run: NewProcess, tasks: Tasks, decisions: Decisions, place: Place
) -> None:
    decision = decisions.opened("e1", "triage")
    dying = run()
    next(dying.steps(decision))
    planned = {change.key for change in dying.outbox}

    again = run().all(decision)

    assert {change.key for change in again.outbox} == planned
    assert len(tasks()) == 1
    assert len(place.platform.messages) == 1


@pytest.mark.parametrize("settled", range(10))
def test_wherever_a_process_dies_the_next_one_finishes_and_repeats_no_message(
    run: NewProcess, tasks: Tasks, decisions: Decisions, place: Place, settled: int
) -> None:
    decision = decisions.opened("e1", "triage", "security")
    process = run()
    steps = process.steps(decision)
    for _ in range(settled):
        next(steps, None)

    run().all(decision)

    assert sorted(task.rule for task in tasks()) == ["security", "triage"]
    told = [message.rule for message in place.platform.messages]
    # Commit, card, and for each rule labels, comment, message; a card remembers messages when it is shown at the end.
    in_the_gap = {5: ["triage"], 6: ["triage"], 7: ["triage"], 8: ["triage", "security"]}
    twice = [] if process.store.remembers else in_the_gap.get(settled, [])
    assert sorted(told) == sorted(["triage", "security", *twice])
    assert len(place.platform.marks) == 4


def test_what_an_event_left_undone_comes_back_although_nothing_is_left_to_decide(
    run: NewProcess, decisions: Decisions, place: Place, tasks: Tasks
) -> None:
    run().all(decisions.opened("e1", "triage"))
    closed = decisions.make(
        "e2",
        decisions.update("triage", "e2", DONE, seen=3),
        decisions.card("e2"),
        decisions.notify("triage", event="e2"),
    )
    dying = run()
    next(dying.steps(closed))

    again = run().all(decisions.make("e2") if dying.store.remembers else closed)

    assert Notify in [type(change) for change in again.outbox]
    assert [task.status for task in tasks()] == [TaskStatus.DONE]
    assert len(place.platform.messages) == 2


def test_a_change_that_waits_is_planned_anew_by_its_own_event(
    run: NewProcess, decisions: Decisions, place: Place
) -> None:
    """The message failed because the rules named a channel that does not exist; somebody mended them and ran again."""
    next(run().steps(decisions.opened("e1", "triage")))
    again = decisions.make(
        "e1", decisions.create("triage"), decisions.card("e1"), decisions.notify("triage", to="#new")
    )

    run().all(again)

    assert [message.target for message in place.platform.messages] == ["#new"]


def test_changes_wait_in_the_order_in_which_they_were_decided(run: NewProcess, decisions: Decisions) -> None:
    decision = decisions.opened("e1", "triage", "security")
    decided = [change.key for change in decision.changes if not isinstance(change, CreateTask)]
    for _ in range(2):
        process = run()
        next(process.steps(decision))

        assert [change.key for change in process.outbox][: len(decided)] == decided


def test_while_one_process_carries_a_change_out_another_leaves_it_alone(
    place: Place, finish: Finish, decisions: Decisions
) -> None:
    first, second = place.open(), place.open()
    decision = decisions.opened("e1", "triage")
    (*_, mine), (*_, theirs) = (finish(store.commit(decision, decisions.noon)).outbox for store in (first, second))

    assert finish(first.refresh(mine))
    assert finish(second.refresh(theirs)) is None or not second.remembers


def test_a_change_that_waits_belongs_to_the_event_that_planned_it_first(
    run: NewProcess, decisions: Decisions, place: Place
) -> None:
    dying = run()
    next(dying.steps(decisions.make("e1", decisions.notify("shout", to="#first"))))
    if not dying.store.remembers:
        return  # without a card there is nothing to wait in

    other = run().all(decisions.make("e2", decisions.notify("shout", to="#second")))
    run().all(decisions.make("e1"))

    assert other.outbox == ()
    assert [message.target for message in place.platform.messages] == ["#first"]


def test_texts_learn_their_tasks_id_and_address_right_before_they_are_sent(
    run: NewProcess, tasks: Tasks, decisions: Decisions, place: Place
) -> None:
    run().all(decisions.opened("e1", "triage"))

    (task,) = tasks()
    (message,) = place.platform.messages
    assert message.text.parts == (f"New task {task.id}: {task.url}",)
    assert message.tasks == (task,)
    assert task.url


def test_a_text_without_a_task_keeps_its_gaps(run: NewProcess, decisions: Decisions, place: Place) -> None:
    run().all(decisions.make("e1", decisions.notify("shout", event="e1")))

    (message,) = place.platform.messages
    assert message.text.filled(None) == "New task (task id): (task url)"


def test_the_second_showing_of_a_card_knows_where_the_first_one_is(
    run: NewProcess, decisions: Decisions, place: Place
) -> None:
    run().all(decisions.opened("e1", "triage"))
    process = run()
    shown = [
        change
        for change in process.steps(decisions.make("e2", decisions.update("triage", "e2", DONE), decisions.card("e2")))
        if isinstance(change, ShowCard)
    ]

    card = place.platform.card(decisions.issue)
    assert card
    assert [change.where for change in shown] == [card.where]


def test_settling_twice_is_settling_once(place: Place, finish: Finish, decisions: Decisions) -> None:
    store = place.open()
    commit = finish(store.commit(decisions.opened("e1", "triage"), decisions.noon))
    change = finish(store.refresh(commit.outbox[0]))
    assert change
    applied = finish(place.platform.apply(change))

    assert finish(store.settle(change, applied)) == finish(store.settle(change, applied))


def test_a_decision_without_changes_leaves_nothing_to_do(place: Place, finish: Finish, decisions: Decisions) -> None:
    commit = finish(place.open().commit(decisions.make("e1"), decisions.noon))

    assert (commit.tasks, commit.created, commit.updated, commit.outbox, commit.claim) == ((), (), (), (), None)


def test_the_claim_is_the_card_where_the_card_is_what_stores_the_task(
    place: Place, finish: Finish, decisions: Decisions
) -> None:
    store = place.open()
    commit = finish(store.commit(decisions.opened("e1", "triage"), decisions.noon))

    assert commit.claim == (None if store.remembers else decisions.card("e1").key)
    assert isinstance(commit.outbox[0], ShowCard)


def test_a_change_that_no_decision_planned_cannot_be_settled(
    place: Place, finish: Finish, decisions: Decisions
) -> None:
    store = place.open()
    stray = decisions.notify("triage")
    applied = finish(place.platform.apply(stray))

    if store.remembers:
        with pytest.raises(StoreError, match="no decision planned"):
            finish(store.settle(stray, applied))
    else:
        assert finish(store.settle(stray, applied)) == ()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_strangers_words_come_back_as_they_were(run: NewProcess, tasks: Tasks, decisions: Decisions, text: str) -> None:
    creation = decisions.create("triage", title=text, description=text)
    run().all(decisions.make("e1", creation, decisions.card("e1")))
    renamed = decisions.update("triage", "e2", TaskPatch(title=f"re: {text}"), seen=2)
    run().all(decisions.make("e2", renamed, decisions.card("e2")))

    (task,) = tasks()
    assert (task.title, task.description) == (f"re: {text}", text)
    assert len(task.history[1].what) < 300


@pytest.mark.parametrize("word", [word for name, word in HOSTILE.items() if name not in {"NUL", "100 KB"}])
def test_names_that_are_looked_up_may_hold_anything(
    run: NewProcess, tasks: Tasks, decisions: Decisions, word: str
) -> None:
    item = decisions.branch(word)
    run().all(decisions.opened(word, word, item=item))
    run().all(decisions.opened(word, word, item=item))

    assert [task.rule for task in tasks(item)] == [word]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=st.lists(st.booleans(), max_size=12))
def test_two_events_at_once_make_one_task_one_card_and_one_message(
    new_place: NewPlace, finish: Finish, decisions: Decisions, turns: list[bool]
) -> None:
    place = new_place()
    first = Run(place, finish, decisions.noon).steps(decisions.opened("e1", "triage", "security"))
    second = Run(place, finish, decisions.noon).steps(decisions.opened("e2", "triage", "later"))
    for turn in turns:
        next(first if turn else second, None)
    list(first)
    list(second)

    found = finish(place.open().tasks_of(decisions.issue))
    assert sorted(task.rule for task in found) == ["later", "security", "triage"]
    assert len({task.id for task in found}) == 3
    assert sorted(message.rule for message in place.platform.messages) == ["later", "security", "triage"]
    card = place.platform.card(decisions.issue)
    assert card
    assert {task.rule for task in card.tasks} == {task.rule for task in found}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=st.lists(st.booleans(), max_size=12))
def test_the_same_event_in_two_processes_at_once_sends_one_message(
    new_place: NewPlace, finish: Finish, decisions: Decisions, turns: list[bool]
) -> None:
    place = new_place()
    runs = [Run(place, finish, decisions.noon) for _ in range(2)]
    first, second = (run.steps(decisions.opened("e1", "triage")) for run in runs)
    for turn in turns:
        next(first if turn else second, None)
    list(first)
    list(second)

    assert len(finish(place.open().tasks_of(decisions.issue))) == 1
    # A card cannot tell a process that died from one that is still at it: there it is at least once.
    assert len(place.platform.messages) == 1 or not runs[0].store.remembers
    assert len(place.platform.messages) in {1, 2}
