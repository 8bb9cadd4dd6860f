"""What only the store without a database has to get right: one card, read seldom, written by several runs at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import pytest

from ai_crm.model.change import ChangeKey, Notify, OutboundChange, ShowCard
from ai_crm.model.decision import Decision
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.task import Task, TaskPatch, TaskStatus
from ai_crm.store.card import MOST_KEYS, CardStore

if TYPE_CHECKING:
    from tests.conftest import Finish
    from tests.doubles.card_platform import CardPlatform
    from tests.doubles.decisions import Decisions

DONE = TaskPatch(status=TaskStatus.DONE)


class Run:
    """One run of the step: its own store, on the platform that all runs share."""

    def __init__(self, platform: CardPlatform, finish: Finish, decisions: Decisions) -> None:
        self._platform = platform
        self._finish = finish
        self._decisions = decisions
        self.store = CardStore(platform)

    def commit(self, decision: Decision) -> tuple[OutboundChange, ...]:
        return self._finish(self.store.commit(decision, self._decisions.noon)).outbox

    def carry_out(self, *planned: OutboundChange) -> list[OutboundChange]:
        """What was really carried out: some changes turn out to be no news."""
        done = []
        for each in planned:
            change = self._finish(self.store.refresh(each))
            if change:
                self._finish(self.store.settle(change, self._finish(self._platform.apply(change))))
                done.append(change)
        return done

    def tasks(self, item: ItemRef) -> tuple[Task, ...]:
        return self._finish(self.store.tasks_of(item))


NewRun = Callable[[], Run]


@pytest.fixture
def new_run(card_platform: CardPlatform, finish: Finish, decisions: Decisions) -> NewRun:
    return lambda: Run(card_platform, finish, decisions)


def test_the_card_is_read_once_however_often_it_is_asked_about(
    new_run: NewRun, card_platform: CardPlatform, decisions: Decisions
) -> None:
    run = new_run()
    run.tasks(decisions.issue)
    outbox = run.commit(
        decisions.make("e1", decisions.create("triage"), decisions.card("e1"), decisions.labels("triage"))
    )
    run.carry_out(*outbox)
    run.tasks(decisions.issue)

    assert (card_platform.reads, card_platform.writes) == (1, 1)


def test_the_card_comes_first_wherever_the_decision_has_it(new_run: NewRun, decisions: Decisions) -> None:
    changes = (decisions.labels("triage"), decisions.create("triage"), decisions.card("e1"))

    outbox = new_run().commit(decisions.make("e1", *changes))

    assert [change.key for change in outbox] == [decisions.card("e1").key, decisions.labels("triage").key]


def test_messages_are_remembered_by_showing_the_card_a_second_time(
    new_run: NewRun, card_platform: CardPlatform, decisions: Decisions
) -> None:
    run = new_run()
    outbox = run.commit(decisions.opened("e1", "triage"))
    first, *_, last = run.carry_out(*outbox)

    message = decisions.notify("triage").key
    assert isinstance(first, ShowCard)
    assert isinstance(last, ShowCard)
    assert (first.applied, last.applied, last.records) == ((), (message,), (message,))
    assert first.key != last.key
    card = card_platform.card(decisions.issue)
    assert card
    assert card.applied == (message,)
    assert first.tasks == last.tasks  # the same tasks are the same text, to the letter


def test_a_card_that_would_say_the_same_is_not_shown_again(
    new_run: NewRun, card_platform: CardPlatform, decisions: Decisions
) -> None:
    run = new_run()
    outbox = run.commit(decisions.opened("e1", "triage"))
    unsent = [change for change in outbox if not isinstance(change, Notify)]

    shown = [change for change in run.carry_out(*unsent) if isinstance(change, ShowCard)]

    assert len(shown) == 1
    assert card_platform.writes == 1


def test_once_all_messages_are_remembered_the_card_is_shown_once(new_run: NewRun, decisions: Decisions) -> None:
    run = new_run()
    run.carry_out(*run.commit(decisions.opened("e1", "triage")))

    again = new_run().commit(decisions.opened("e1", "triage"))

    assert [type(change).__name__ for change in again] == ["ShowCard", "AddLabels", "Comment"]


def test_what_other_runs_wrote_meanwhile_is_not_written_over(
    new_run: NewRun, card_platform: CardPlatform, decisions: Decisions
) -> None:
    run = new_run()
    claim, *rest = run.commit(decisions.opened("e1", "triage"))
    run.carry_out(claim)
    other = new_run()
    other.carry_out(*other.commit(decisions.opened("e2", "security")))

    run.carry_out(*rest)

    card = card_platform.card(decisions.issue)
    assert card
    assert [task.rule for task in card.tasks] == ["triage", "security"]
    assert set(card.applied) == {decisions.notify("triage").key, decisions.notify("security").key}
    assert [task.rule for task in run.tasks(decisions.issue)] == ["triage", "security"]


def test_what_other_runs_wrote_over_is_written_again(
    new_run: NewRun, card_platform: CardPlatform, decisions: Decisions
) -> None:
    opened = new_run()
    opened.carry_out(*opened.commit(decisions.opened("e0", "triage")))
    before = card_platform.card(decisions.issue)
    assert before
    run = new_run()
    changes = (decisions.update("triage", "e1", DONE), decisions.create("security"), decisions.card("e1"))
    claim, *rest = run.commit(decisions.make("e1", *changes, decisions.notify("security")))
    run.carry_out(claim)
    card_platform.put_card(decisions.issue, before.tasks, before.applied)

    run.carry_out(*rest)

    card = card_platform.card(decisions.issue)
    assert card
    assert [(task.rule, task.status) for task in card.tasks] == [("triage", "done"), ("security", "todo")]


def test_a_card_that_a_list_does_not_show_yet_is_written_where_it_was_left(
    new_run: NewRun, card_platform: CardPlatform, decisions: Decisions
) -> None:
    run = new_run()
    claim, *rest = run.commit(decisions.opened("e1", "triage"))
    run.carry_out(claim)
    where = card_platform.card(decisions.issue)
    assert where
    card_platform.lose_card(decisions.issue)

    *_, last = run.carry_out(*rest)

    assert isinstance(last, ShowCard)
    assert (last.where, len(last.tasks)) == (where.where, 1)


def test_a_run_that_was_second_takes_over_the_first_ones_tasks(new_run: NewRun, decisions: Decisions) -> None:
    first, second = new_run(), new_run()
    mine = first.commit(decisions.opened("e1", "triage"))
    theirs = second.commit(decisions.opened("e2", "triage", "security"))
    first.carry_out(mine[0])

    second.carry_out(theirs[0])

    assert [(task.rule, task.born_of) for task in second.tasks(decisions.issue)] == [
        ("triage", "e1"),
        ("security", "e2"),
    ]
    assert [task.id for task in second.tasks(decisions.issue)] == ["AICRM-12", "AICRM-12-2"]
    assert second.tasks(decisions.issue) == new_run().tasks(decisions.issue)


def test_a_run_that_was_second_gives_its_tasks_up_even_if_it_cannot_read_the_winners(
    new_run: NewRun, card_platform: CardPlatform, finish: Finish, decisions: Decisions
) -> None:
    first, second = new_run(), new_run()
    mine = first.commit(decisions.opened("e1", "triage"))
    claim = second.commit(decisions.opened("e2", "triage", "security"))[0]
    first.carry_out(mine[0])
    change = finish(second.store.refresh(claim))
    assert change
    applied = finish(card_platform.apply(change))
    card_platform.lose_card(decisions.issue)

    tasks = finish(second.store.settle(change, applied))

    assert [task.rule for task in tasks] == ["security"]


@pytest.mark.parametrize("kind", [ItemKind.ISSUE, ItemKind.PULL_REQUEST, ItemKind.DISCUSSION])
def test_tasks_of_what_has_a_number_carry_it(new_run: NewRun, decisions: Decisions, kind: ItemKind) -> None:
    item = ItemRef(PlatformName.GITHUB, "octo/hello", kind, "42")
    run = new_run()
    run.commit(decisions.opened("e1", "triage", "security", item=item))
    run.commit(decisions.opened("e2", "docs", item=item))

    assert [task.id for task in run.tasks(item)] == ["AICRM-42", "AICRM-42-2", "AICRM-42-3"]


def test_tasks_of_what_has_no_number_get_five_letters_that_are_the_same_every_time(
    new_run: NewRun, decisions: Decisions
) -> None:
    names = []
    for _ in range(2):
        run = new_run()
        run.commit(decisions.opened("e1", "triage", "security", item=decisions.push))
        names.append([task.id for task in run.tasks(decisions.push)])

    assert names[0] == names[1]
    assert len(set(names[0])) == 2
    assert all(
        len(name) == len("AICRM-ABCDE") and set(name[6:]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        for name in names[0]
    )


def test_a_card_remembers_the_newest_keys_and_forgets_the_oldest(
    new_run: NewRun, card_platform: CardPlatform, decisions: Decisions
) -> None:
    run = new_run()
    run.carry_out(*run.commit(decisions.make("e0", decisions.create("triage"), decisions.card("e0"))))
    known = tuple(ChangeKey(f"{number:032x}") for number in range(MOST_KEYS))
    card_platform.put_card(decisions.issue, run.tasks(decisions.issue), known)
    run = new_run()
    run.carry_out(*run.commit(decisions.make("e1", decisions.card("e1"), decisions.notify("triage", event="e1"))))

    card = card_platform.card(decisions.issue)
    assert card
    assert card.applied == (*known[1:], decisions.notify("triage", event="e1").key)


def test_without_a_card_a_message_is_sent_and_nothing_is_claimed(
    card_platform: CardPlatform, finish: Finish, decisions: Decisions
) -> None:
    decision = decisions.make("e1", decisions.notify("shout", event="e1"))
    commit = finish(CardStore(card_platform).commit(decision, decisions.noon))

    assert (commit.claim, [type(change) for change in commit.outbox]) == (None, [Notify])


def test_a_task_shows_where_its_card_is(new_run: NewRun, card_platform: CardPlatform, decisions: Decisions) -> None:
    run = new_run()
    run.commit(decisions.opened("e1", "triage"))
    placeless = run.tasks(decisions.issue)
    elsewhere = msgspec.structs.replace(placeless[0], rule="other", url="https://hub.example/AICRM-1")
    card_platform.put_card(decisions.issue, (*placeless, elsewhere))

    found = new_run().tasks(decisions.issue)

    assert [task.url for task in found] == [card_platform.url(decisions.issue), "https://hub.example/AICRM-1"]
