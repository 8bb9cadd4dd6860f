"""The one card of an item: found, claimed, kept, and given up to whoever was earlier."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ai_crm.cards.state import card_mark, read_state
from ai_crm.cards.sticky import sticky_body
from ai_crm.errors import ChangeRefused, Conflict, CredentialsRefused, ItemMissing, UpstreamUnavailable
from ai_crm.model.change import Applied, ChangeKey, Outcome, ShowCard, change_key
from ai_crm.model.item import ItemKind, ItemRef, PlatformName, Project
from ai_crm.model.task import HistoryEntry, RuleId, Task, TaskId, TaskStatus
from ai_crm.platforms.github import GitHub
from ai_crm.ports import FoundCard
from tests.doubles.github_routes import Seen
from tests.doubles.github_server import BOT, FakeGitHub, Fault

if TYPE_CHECKING:
    from tests.conftest import Finish
    from tests.platforms.github.conftest import NewGitHub

PROJECT = Project(name="octo/hello", url="https://github.example/octo/hello", default_branch="main")
ISSUE = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.ISSUE, "1")
RELEASE = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.RELEASE, "77")
FRESH = {"fresh": frozenset({ISSUE, RELEASE})}


def task(rule: str = "triage", item: ItemRef = ISSUE, number: str = "AICRM-1", **fields: Any) -> Task:
    return Task(id=TaskId(number), rule=RuleId(rule), item=item, title=f"Task of {rule}", **fields)


def show(*tasks: Task, where: str = "", labels: tuple[str, ...] = (), applied: tuple[str, ...] = ()) -> ShowCard:
    item = tasks[0].item
    return ShowCard(
        key=change_key(tasks[0].rule, item, "card", "event"),
        rule=tasks[0].rule,
        item=item,
        because="shows the tasks",
        project=PROJECT,
        labels=labels,
        tasks=tasks,
        applied=tuple(map(ChangeKey, applied)),
        where=where,
    )


def body(*tasks: Task) -> str:
    return sticky_body(tasks[0].item, tasks, ())


def rules(found: FoundCard | None) -> list[str]:
    return [known.rule for known in found.tasks] if found else []


@pytest.fixture
def issue(fake_github: FakeGitHub) -> int:
    """An issue without comments; its number is ISSUE's."""
    return fake_github.open_issue("It crashes")


def test_a_new_items_card_costs_two_calls(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    github = new_github(**FRESH)
    assert finish(github.read_card(ISSUE)) is None
    done = finish(github.apply(show(task())))
    assert (done.outcome, done.url) == (Outcome.DONE, "https://github.example/octo/hello/issues/1#issuecomment-1002")
    assert [seen.method for seen in fake_github.requests] == ["POST", "GET"]
    assert fake_github.comments_of(issue) == [body(task())]


def test_another_run_finds_the_card_and_what_it_remembers(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    done = finish(new_github(**FRESH).apply(show(task(), applied=("a" * 32,))))
    found = finish(new_github().read_card(ISSUE))
    assert found == FoundCard(where=done.where, url=done.url, tasks=(task(),), applied=(ChangeKey("a" * 32),))
    assert len(fake_github.comments_of(issue)) == 1


def test_a_card_is_updated_where_it_is_and_left_alone_when_nothing_changed(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    where = str(fake_github.write_comment(issue, body(task()), "github-actions[bot]"))
    github = new_github()
    finish(github.read_card(ISSUE))
    finished = task(status=TaskStatus.DONE, version=2)
    assert finish(github.apply(show(finished, where=where))).outcome is Outcome.DONE
    assert [seen.method for seen in fake_github.requests] == ["GET", "GET", "PATCH"]
    assert fake_github.comments_of(issue) == [body(finished)]
    again = new_github()
    finish(again.read_card(ISSUE))
    assert finish(again.apply(show(finished, where=where))).outcome is Outcome.ALREADY
    assert fake_github.calls("PATCH") == 1


def test_a_store_that_knows_where_the_card_is_need_not_look_for_it(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    where = str(fake_github.write_comment(issue, body(task()), "github-actions[bot]"))
    finish(github.apply(show(task(version=2), where=where)))
    assert [seen.method for seen in fake_github.requests] == ["GET", "PATCH"]


def test_an_address_that_somebody_made_up_lets_nothing_be_written_over(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    """Whoever may report to a hub names the address, and the hub's token may write where theirs may not."""
    other = fake_github.open_issue("Something else")
    others = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.ISSUE, str(other))
    strangers = ("An answer of a person", "mallory", "NONE"), (body(task("forged")), "mallory", "NONE")
    named = [fake_github.write_comment(issue, text, author, role) for text, author, role in strangers]
    named.append(fake_github.write_comment(other, body(task(item=others)), "github-actions[bot]"))
    before = [*fake_github.comments_of(issue), *fake_github.comments_of(other)]
    for each in named:
        finish(new_github().apply(show(task(), where=str(each))))
    assert fake_github.comments_of(issue)[:2] + fake_github.comments_of(other) == before
    assert fake_github.comments_of(issue)[2:] == [body(task())]


def test_line_ends_that_an_editor_changed_are_no_change(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    edited = body(task()).replace("\n", "\r\n") + "\r\n"
    where = str(fake_github.write_comment(issue, edited, "github-actions[bot]"))
    assert rules(finish(github.read_card(ISSUE))) == ["triage"]
    assert finish(github.apply(show(task(), where=where))).outcome is Outcome.ALREADY


@pytest.mark.parametrize(
    ("author", "association"), [("mallory", "NONE"), ("mallory", "CONTRIBUTOR"), ("mallory", "FIRST_TIMER")]
)
def test_a_card_that_a_stranger_imitates_does_not_exist(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int, author: str, association: str
) -> None:
    forged = fake_github.write_comment(issue, body(task("forged")), author, association)
    assert finish(github.read_card(ISSUE)) is None
    assert finish(github.apply(show(task()))).where != str(forged)
    assert fake_github.comments_of(issue) == [body(task("forged")), body(task())]


def test_a_card_that_somebody_quotes_or_that_is_of_another_item_does_not_count(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    fake_github.write_comment(issue, f"Look:\n{body(task())}", "ann", "MEMBER")
    fake_github.write_comment(issue, f"> {body(task())}", "ann", "MEMBER")
    fake_github.write_comment(issue, body(task(item=RELEASE)), "github-actions[bot]")
    fake_github.write_comment(issue, card_mark(ISSUE) + " and more", "github-actions[bot]")
    assert finish(github.read_card(ISSUE)) is None


def test_a_card_whose_hidden_half_was_edited_away_is_filled_again(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    where = fake_github.write_comment(issue, f"{card_mark(ISSUE)}\nwhoops", "github-actions[bot]")
    found = finish(github.read_card(ISSUE))
    assert found
    assert (found.where, found.tasks) == (str(where), ())
    finish(github.apply(show(task(), where=found.where)))
    assert fake_github.comments_of(issue) == [body(task())]


def test_a_card_that_somebody_deleted_is_shown_again(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    done = finish(new_github(**FRESH).apply(show(task(), where="4711")))
    assert done.outcome is Outcome.DONE
    assert fake_github.comments_of(issue) == [body(task())]


def test_the_card_of_a_long_thread_is_found_at_its_beginning_with_one_call_and_at_its_end(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    fake_github.write_comment(issue, body(task()), "github-actions[bot]")
    for number in range(1500):
        fake_github.write_comment(issue, f"comment {number}")
    assert rules(finish(new_github().read_card(ISSUE))) == ["triage"]
    assert fake_github.calls() == 1
    late = fake_github.open_issue("long")
    item = msgspec.structs.replace(ISSUE, id=str(late))
    for number in range(1500):
        fake_github.write_comment(late, f"comment {number}")
    fake_github.write_comment(late, body(task("late", item)), "github-actions[bot]")
    assert rules(finish(new_github().read_card(item))) == ["late"]
    assert fake_github.calls() <= 1 + 12


def test_a_card_is_never_longer_than_github_takes(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    long = tuple(task(f"rule-{number}", description="word " * 30_000) for number in range(5))
    finish(new_github(**FRESH).apply(show(*long)))
    (shown,) = fake_github.comments_of(issue)
    assert len(shown) <= 65_536
    state = read_state(shown)
    assert state
    assert [kept.rule for kept in state.tasks] == [one.rule for one in long]


def test_a_writer_whose_cards_could_not_be_told_from_a_strangers_leaves_none(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    fake_github.writer, fake_github.writer_association = {"login": "outsider", "type": "User"}, "CONTRIBUTOR"
    with pytest.raises(CredentialsRefused, match="outsider"):
        finish(new_github(**FRESH).apply(show(task())))
    assert fake_github.comments_of(issue) == []


@pytest.mark.parametrize("association", ["OWNER", "MEMBER", "COLLABORATOR"])
def test_a_member_can_be_the_writer(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, issue: int, association: str
) -> None:
    fake_github.writer, fake_github.writer_association = {"login": "ann", "type": "User"}, association
    finish(new_github(**FRESH).apply(show(task())))
    assert rules(finish(new_github().read_card(ISSUE))) == ["triage"]
    assert len(fake_github.comments_of(issue)) == 1


# When two try at the same time


def earlier(fake_github: FakeGitHub, text: str) -> Callable[[Seen], None]:
    """Another run's card arrives just before ours does."""
    left = [text]

    def arrive(seen: Seen) -> None:
        if seen.method == "POST" and left:
            fake_github.write_comment(1, left.pop(), "github-actions[bot]")

    return arrive


def test_whoever_is_later_takes_its_card_back_and_yields(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    fake_github.before = earlier(fake_github, body(task(born_of="theirs")))
    github = new_github(**FRESH)
    done = finish(github.apply(show(task(born_of="ours"))))
    assert (done.outcome, done.yielded) == (Outcome.YIELDED, (RuleId("triage"),))
    assert fake_github.comments_of(issue) == [body(task(born_of="theirs"))]
    assert fake_github.calls("PATCH") == 0
    found = finish(github.read_card(ISSUE))
    assert found
    assert (found.where, found.tasks) == (done.where, (task(born_of="theirs"),))
    assert fake_github.calls() == 3


def test_what_only_the_later_one_has_is_added_under_a_free_number(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    fake_github.before = earlier(fake_github, body(task("theirs"), task("both", number="AICRM-1-2")))
    github = new_github(**FRESH)
    done = finish(github.apply(show(task("both"), task("ours", number="AICRM-1-2"))))
    assert (done.outcome, done.yielded) == (Outcome.YIELDED, (RuleId("both"),))
    found = finish(github.read_card(ISSUE))
    assert found
    assert [(one.rule, one.id) for one in found.tasks] == [
        ("theirs", "AICRM-1"),
        ("both", "AICRM-1-2"),
        ("ours", "AICRM-1-3"),
    ]
    assert len(fake_github.comments_of(issue)) == 1


@pytest.mark.usefixtures("issue")
def test_what_a_third_run_writes_over_is_added_again(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish
) -> None:
    arrive = earlier(fake_github, body(task("first")))
    overwritten: list[Seen] = []

    def meddle(seen: Seen) -> None:
        arrive(seen)
        if seen.method == "GET" and "/issues/comments/" in seen.path and not overwritten:
            overwritten.append(seen)
            next(iter(fake_github.repo.comments.values()))["body"] = body(task("first"), task("third"))

    fake_github.before = meddle
    github = new_github(**FRESH)
    finish(github.apply(show(task("ours"))))
    assert overwritten
    assert rules(finish(github.read_card(ISSUE))) == ["first", "third", "ours"]


def test_what_another_run_added_in_between_survives_our_next_showing(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    github = new_github(**FRESH)
    done = finish(github.apply(show(task())))
    fake_github.repo.comments[int(done.where)]["body"] = body(task(), task("other", number="AICRM-1-2"))
    newer = task(status=TaskStatus.DONE, version=2)
    finish(github.apply(show(newer, where=done.where)))
    found = finish(github.read_card(ISSUE))
    assert found
    assert found.tasks == (newer, task("other", number="AICRM-1-2"))
    assert len(fake_github.comments_of(issue)) == 1


def test_two_runs_about_an_old_card_lose_no_task_of_each_other(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    """Both read the card, one writes, then the other."""
    first = task("first")
    where = str(fake_github.write_comment(issue, body(first), "github-actions[bot]"))
    here, there = new_github(), new_github()
    assert finish(here.read_card(ISSUE)) == finish(there.read_card(ISSUE))
    bug, both = task("bug", number="AICRM-1-2"), task("both", number="AICRM-1-3", born_of="theirs")
    finish(there.apply(show(first, bug, both, where=where, applied=("a" * 32,))))
    fake_github.requests.clear()
    security, late = task("security", number="AICRM-1-2"), task("both", number="AICRM-1-3", born_of="ours")
    done = finish(here.apply(show(first, security, late, where=where, applied=("b" * 32,))))
    assert [seen.method for seen in fake_github.requests] == ["GET", "PATCH"]
    assert (done.outcome, done.yielded) == (Outcome.YIELDED, (RuleId("both"),))
    found = finish(here.read_card(ISSUE))
    assert found
    assert found.tasks == (first, bug, both, msgspec.structs.replace(security, id=TaskId("AICRM-1-4")))
    assert found.applied == (ChangeKey("a" * 32), ChangeKey("b" * 32))
    assert finish(new_github().read_card(ISSUE)) == found


def test_a_card_that_was_just_read_again_is_not_read_a_third_time(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    """What a store does that remembers in the card which messages were sent."""
    where = str(fake_github.write_comment(issue, body(task()), "github-actions[bot]"))
    for applied in ("a" * 32, "b" * 32):
        finish(github.read_card(ISSUE))
        finish(github.apply(show(task(), where=where, applied=(applied,))))
    assert [seen.method for seen in fake_github.requests] == ["GET", "GET", "PATCH", "GET", "PATCH"]


def test_what_we_changed_wins_and_what_only_another_run_changed_stays(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    born, closed, renamed = (HistoryEntry(at=None, actor="ann", what=what, because="b") for what in "bcr")
    ours, theirs = task("ours", history=(born,)), task("theirs", number="AICRM-1-2")
    where = str(fake_github.write_comment(issue, body(ours, theirs), "github-actions[bot]"))
    github = new_github()
    finish(github.read_card(ISSUE))
    change = msgspec.structs.replace
    done_there = change(ours, status=TaskStatus.DONE, title="Theirs", version=2, history=(born, closed))
    text = body(done_there, change(theirs, status=TaskStatus.DONE, version=2))
    fake_github.repo.comments[int(where)]["body"] = text
    finish(github.apply(show(change(ours, title="Ours", version=2, history=(born, renamed)), theirs, where=where)))
    found = finish(new_github().read_card(ISSUE))
    assert found
    assert found.tasks == (
        change(ours, status=TaskStatus.DONE, title="Ours", version=3, history=(born, closed, renamed)),
        change(theirs, status=TaskStatus.DONE, version=2),
    )


def test_a_card_that_somebody_deleted_after_we_read_it_is_shown_again(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    where = fake_github.write_comment(issue, body(task()), "github-actions[bot]")
    finish(github.read_card(ISSUE))
    del fake_github.repo.comments[where]
    newer = task(version=2)
    assert finish(github.apply(show(newer, where=str(where)))).outcome is Outcome.DONE
    assert fake_github.comments_of(issue) == [body(newer)]


@pytest.mark.usefixtures("issue")
def test_nobody_claims_that_a_card_holds_our_tasks_when_others_always_write_over_them(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish
) -> None:
    arrive = earlier(fake_github, body(task("first")))

    def meddle(seen: Seen) -> None:
        arrive(seen)
        if seen.method == "GET" and "/issues/comments/" in seen.path:
            next(iter(fake_github.repo.comments.values()))["body"] = body(task("first"))

    fake_github.before = meddle
    with pytest.raises(Conflict) as met:
        finish(new_github(**FRESH).apply(show(task("ours"))))
    assert met.value.retry
    assert fake_github.calls("PATCH") == 4


def test_a_lost_answer_does_not_make_a_second_card(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    fake_github.fail(Fault(502, done=True), "POST")
    with pytest.raises(UpstreamUnavailable):
        finish(new_github(**FRESH).apply(show(task())))
    assert fake_github.calls("POST") == 1
    again = new_github()
    assert rules(finish(again.read_card(ISSUE))) == ["triage"]
    assert len(fake_github.comments_of(issue)) == 1


@pytest.mark.parametrize("item", [ISSUE, RELEASE], ids=["comment", "issue"])
def test_two_runs_at_once_leave_one_card_with_the_tasks_of_both(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, item: ItemRef
) -> None:
    """Both have created their card before either looks: the worst that can happen, many times over."""
    for number in range(12):
        if item is ISSUE:
            fake_github.open_issue("busy")
        here = msgspec.structs.replace(item, id=str(len(fake_github.repo.issues) if item is ISSUE else number))
        meeting = threading.Barrier(2)

        def meet(seen: Seen, meeting: threading.Barrier = meeting) -> None:
            if seen.method == "GET" and seen.path.endswith(("/comments", "/issues")):
                meeting.wait(timeout=10)

        fake_github.before = meet
        outcomes = _at_once([new_github(fresh=frozenset({here})) for _ in range(2)], here, finish)
        fake_github.before = lambda _: None
        assert sorted(done.outcome for done in outcomes) == [Outcome.DONE, Outcome.YIELDED]
        assert len({done.where for done in outcomes}) == 1
        found = finish(new_github().read_card(here))
        assert sorted(rules(found)) == ["both", "run-0", "run-1"]
        assert len({known.id for known in found.tasks}) == 3 if found else False
        assert _cards(fake_github, here) == 1


def _at_once(runs: list[GitHub], item: ItemRef, finish: Finish) -> list[Applied]:
    found: list[Applied] = []

    def run(position: int, github: GitHub) -> None:
        tasks = (task("both", item), task(f"run-{position}", item, number="AICRM-1-2"))
        found.append(finish(github.apply(show(*tasks))))

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(runs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _cards(fake_github: FakeGitHub, item: ItemRef) -> int:
    mark = card_mark(item)
    texts = [*fake_github.repo.comments.values(), *fake_github.repo.issues.values()]
    return sum(text["body"].startswith(mark) for text in texts)


# What has no thread of its own


def release(**fields: Any) -> Task:
    return task(item=RELEASE, number="AICRM-K3QZB", **fields)


def test_what_has_no_thread_gets_an_issue_of_its_own(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish
) -> None:
    done = finish(new_github(**FRESH).apply(show(release(), labels=("ai-crm/high",))))
    opened = fake_github.repo.issues[1]
    assert (done.where, done.url) == ("1", "https://github.example/octo/hello/issues/1")
    assert (opened["title"], opened["body"]) == ("Task of triage", body(release()))
    assert fake_github.labels_of(1) == ["ai-crm/task", "ai-crm/high"]
    assert fake_github.calls() == 2
    assert rules(finish(new_github().read_card(RELEASE))) == ["triage"]


def test_its_issue_is_found_among_others_although_it_was_closed(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish
) -> None:
    label: dict[str, Any] = {"labels": ["ai-crm/task"]}
    other = msgspec.structs.replace(RELEASE, id="78")
    fake_github.open_issue("forged", body(release()), **label)
    fake_github.open_issue("no label", body(release()), author="github-actions[bot]")
    fake_github.open_issue("of another", body(task(item=other)), author="github-actions[bot]", **label)
    mine = fake_github.open_issue("mine", body(release()), author="github-actions[bot]", state="closed", **label)
    for number in range(120):
        fake_github.open_issue(f"later {number}", author="github-actions[bot]", **label)
    found = finish(new_github().read_card(RELEASE))
    assert found
    assert found.where == str(mine)


def test_its_issue_is_updated_and_keeps_the_labels_that_people_gave_it(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish
) -> None:
    github = new_github(**FRESH)
    done = finish(github.apply(show(release())))
    fake_github.repo.issues[1]["labels"].append({"name": "ours"})
    finish(github.read_card(RELEASE))
    finish(github.apply(show(release(version=2), where=done.where, labels=("ai-crm/urgent",))))
    assert fake_github.labels_of(1) == ["ai-crm/task", "ours", "ai-crm/urgent"]
    finish(github.read_card(RELEASE))
    finish(github.apply(show(release(version=3), where=done.where)))
    assert fake_github.labels_of(1) == ["ai-crm/task", "ours", "ai-crm/urgent"]


def test_a_second_issue_is_closed_as_a_duplicate_and_is_no_card_any_more(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish
) -> None:
    def arrive(seen: Seen) -> None:
        if seen.method == "POST":
            text = body(release(born_of="theirs"))
            fake_github.open_issue("theirs", text, author="github-actions[bot]", labels=["ai-crm/task"])

    fake_github.before = arrive
    done = finish(new_github(**FRESH).apply(show(release())))
    assert (done.outcome, done.where) == (Outcome.YIELDED, "1")
    twin = fake_github.repo.issues[2]
    assert (twin["state"], twin["state_reason"], twin["body"]) == ("closed", "duplicate", "Duplicate of #1")
    assert fake_github.labels_of(2) == []
    assert _cards(fake_github, RELEASE) == 1


def test_a_title_is_one_line_and_never_too_long(new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish) -> None:
    long = msgspec.structs.replace(release(), title="a\nb " + "x" * 400)
    finish(new_github(**FRESH).apply(show(long)))
    assert fake_github.repo.issues[1]["title"] == ("a b " + "x" * 400)[:255] + "…"


def test_a_repository_without_issues_says_so(new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish) -> None:
    fake_github.issues_enabled = False
    with pytest.raises(ItemMissing, match="issues are off"):
        finish(new_github(**FRESH).apply(show(release())))


def test_a_refused_card_says_what_github_says(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    fake_github.fail(
        Fault(422, b'{"message": "Validation Failed", "errors": [{"field": "body", "code": "x"}]}'), "POST"
    )
    with pytest.raises(ChangeRefused, match=f"octo/hello#{issue}: could not comment: Validation Failed; body x"):
        finish(new_github(**FRESH).apply(show(task())))


def test_the_bot_of_a_workflow_is_who_writes_by_default(fake_github: FakeGitHub) -> None:
    assert fake_github.writer is BOT
