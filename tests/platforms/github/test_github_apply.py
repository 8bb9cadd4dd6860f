"""Comments, labels, people, reviews and new issues on GitHub: done once, and every refusal says what to do."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ai_crm.cards.state import card_mark, key_mark
from ai_crm.errors import (
    AnswerUnintelligible,
    ChangeRefused,
    CredentialsRefused,
    ItemMissing,
    RateLimited,
    SettingsInvalid,
    Unsupported,
    UpstreamError,
    UpstreamUnavailable,
)
from ai_crm.model.change import (
    AddLabels,
    Applied,
    Assign,
    Comment,
    CreateItem,
    Notify,
    OutboundChange,
    Outcome,
    RemoveLabels,
    RequestReview,
    ShowCard,
    Text,
    change_key,
)
from ai_crm.model.item import ItemKind, ItemRef, PlatformName, Project
from ai_crm.model.task import RuleId, Task, TaskId
from ai_crm.platforms.github import Access, GitHub
from tests.doubles.github_server import FakeGitHub, Fault
from tests.doubles.notices import inline, shows

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Finish
    from tests.platforms.github.conftest import NewGitHub

PROJECT = Project(name="octo/hello", url="https://github.example/octo/hello", default_branch="main")
ISSUE = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.ISSUE, "1")
PULL = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.PULL_REQUEST, "1")
RELEASE = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.RELEASE, "77")
RULE = RuleId("triage")


def fields(item: ItemRef, action: str) -> dict[str, Any]:
    return {"key": change_key(RULE, item, action, ""), "rule": RULE, "item": item, "because": "the rule says so"}


def comment(text: str = "Thank you", item: ItemRef = ISSUE) -> Comment:
    return Comment(**fields(item, "comment"), text=Text((text,)))


def add(*labels: str, item: ItemRef = ISSUE) -> AddLabels:
    return AddLabels(**fields(item, "add"), labels=labels)


def remove(*labels: str, item: ItemRef = ISSUE) -> RemoveLabels:
    return RemoveLabels(**fields(item, "remove"), labels=labels)


def assign(*people: str, item: ItemRef = ISSUE) -> Assign:
    return Assign(**fields(item, "assign"), people=people)


def review(*people: str, teams: tuple[str, ...] = (), item: ItemRef = PULL) -> RequestReview:
    return RequestReview(**fields(item, "review"), people=people, teams=teams)


def create(title: str = "Write docs", body: str = "Please.", labels: tuple[str, ...] = ("docs",)) -> CreateItem:
    return CreateItem(
        **fields(ISSUE, "create"), project=PROJECT, title=Text((title,)), body=Text((body,)), labels=labels
    )


def card(item: ItemRef) -> ShowCard:
    task = Task(id=TaskId("AICRM-1"), rule=RULE, item=item, title="T")
    return ShowCard(**fields(item, "card"), project=PROJECT, tasks=(task,))


@pytest.fixture
def issue(fake_github: FakeGitHub) -> int:
    return fake_github.open_issue("It crashes", labels=["Bug"])


@pytest.fixture
def pull(fake_github: FakeGitHub) -> int:
    return fake_github.open_issue("A change", pull_request={}, author="octocat")


def done(change: OutboundChange, **more: Any) -> Applied:
    return Applied(key=change.key, outcome=Outcome.DONE, **more)


def already(change: OutboundChange, **more: Any) -> Applied:
    return Applied(key=change.key, outcome=Outcome.ALREADY, **more)


# Comments


def test_a_comment_is_written_once_however_often_the_job_is_run_again(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    first = finish(new_github().apply(comment()))
    assert first == done(comment(), where="1002", url="https://github.example/octo/hello/issues/1#issuecomment-1002")
    assert finish(new_github().apply(comment())) == already(comment(), where=first.where, url=first.url)
    assert fake_github.comments_of(issue) == [f"{key_mark(comment().key)}\nThank you"]


def test_a_comment_whose_answer_was_lost_is_found_again(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    fake_github.fail(Fault(502, done=True), "POST")
    with pytest.raises(UpstreamUnavailable, match="run it again"):
        finish(new_github().apply(comment()))
    assert finish(new_github().apply(comment())).outcome is Outcome.ALREADY
    assert (len(fake_github.comments_of(issue)), fake_github.calls("POST")) == (1, 1)


def test_a_stranger_cannot_keep_us_from_commenting_by_pasting_our_mark(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    fake_github.write_comment(issue, key_mark(comment().key))
    assert finish(github.apply(comment())).outcome is Outcome.DONE
    assert len(fake_github.comments_of(issue)) == 2


def test_comments_that_were_read_for_the_card_are_not_read_again(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    finish(github.read_card(ISSUE))
    finish(github.apply(comment()))
    assert [seen.method for seen in fake_github.requests] == ["GET", "POST"]
    assert len(fake_github.comments_of(issue)) == 1


def test_a_comment_that_is_too_long_loses_its_end(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    finish(github.apply(comment("x" * 70_000)))
    assert len(fake_github.comments_of(issue)[0]) == 65_536


# Labels


def test_labels_are_added_and_taken_off(github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int) -> None:
    assert finish(github.apply(add("ai-crm/high", "\u26a0\ufe0f a/b"))) == done(add("ai-crm/high", "\u26a0\ufe0f a/b"))
    assert fake_github.labels_of(issue) == ["Bug", "ai-crm/high", "\u26a0\ufe0f a/b"]
    assert finish(github.apply(remove("\u26a0\ufe0f a/b", "gone"))).outcome is Outcome.DONE
    assert finish(github.apply(remove("\u26a0\ufe0f a/b", "gone"))).outcome is Outcome.ALREADY
    assert fake_github.labels_of(issue) == ["Bug", "ai-crm/high"]


def test_a_label_that_github_refuses_is_named(github: GitHub, finish: Finish, issue: int) -> None:
    with pytest.raises(ChangeRefused, match=f"#{issue}: could not add labels: .*name is too long"):
        finish(github.apply(add("x" * 51)))


# People


def test_people_are_assigned_and_those_whom_github_leaves_out_are_named(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    assert finish(github.apply(assign("ann"))) == done(assign("ann"))
    change = assign("ann", "BEN", "stranger")
    fake_github.collaborators.add("BEN")
    assert finish(github.apply(change)) == done(change, detail="not assigned by GitHub: stranger")
    assert fake_github.assignees_of(issue) == ["ann", "BEN"]


def test_one_person_for_whom_github_refuses_all_does_not_spoil_it_for_the_others(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    fake_github.fail(Fault(422, b'{"message": "Validation failed"}'), "POST", "/assignees")
    assert finish(github.apply(assign("ann", "stranger"))).detail == "not assigned by GitHub: stranger"
    assert fake_github.assignees_of(issue) == ["ann"]
    fake_github.fail(Fault(422, b'{"message": "Validation failed"}'), "POST", "/assignees")
    with pytest.raises(ChangeRefused, match="Validation failed"):
        finish(github.apply(assign("ben")))


def test_when_nobody_can_be_assigned_that_is_no_success(github: GitHub, finish: Finish, issue: int) -> None:
    with pytest.raises(ChangeRefused, match=f"#{issue}: GitHub assigned none of x, y. Only people with access"):
        finish(github.apply(assign("x", "y")))


def test_no_more_than_ten_people_are_assigned_and_the_rest_is_named(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    people = tuple(f"p{number}" for number in range(12))
    fake_github.collaborators |= set(people)
    assert finish(github.apply(assign(*people))).detail == "not assigned by GitHub: p10, p11"
    assert len(fake_github.assignees_of(issue)) == 10


def test_people_and_teams_are_asked_for_a_review(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, pull: int
) -> None:
    fake_github.teams = {"octo/core": set()}
    assert finish(github.apply(review("ann", teams=("octo/core",)))) == done(review("ann", teams=("octo/core",)))
    assert fake_github.reviewers_of(pull) == ["ann", "core"]
    assert fake_github.calls() == 1


def test_one_reviewer_who_cannot_be_asked_does_not_spoil_it_for_the_others(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, pull: int
) -> None:
    change = review("octocat", "ann", "stranger", teams=("octo/unknown",))
    assert finish(github.apply(change)) == done(change, detail="refused by GitHub: octocat, stranger, octo/unknown")
    assert fake_github.reviewers_of(pull) == ["ann"]


@pytest.mark.parametrize("people", [("octocat",), ("octocat", "stranger")])
def test_when_nobody_can_be_asked_that_is_no_success(
    github: GitHub, finish: Finish, pull: int, people: tuple[str, ...]
) -> None:
    with pytest.raises(ChangeRefused, match=f"octo/hello#{pull}"):
        finish(github.apply(review(*people)))


def test_an_issue_cannot_be_reviewed(github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int) -> None:
    item = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.ISSUE, str(issue))
    with pytest.raises(Unsupported, match="only pull requests can be reviewed"):
        finish(github.apply(review("ann", item=item)))
    assert fake_github.calls() == 0


# New issues


def test_an_issue_is_opened_once(new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish) -> None:
    opened = finish(new_github().apply(create("A\nB")))
    assert opened == done(create(), where="1", url="https://github.example/octo/hello/issues/1")
    found = fake_github.repo.issues[1]
    assert (found["title"], found["body"]) == ("A B", f"{key_mark(create().key)}\nPlease.")
    assert fake_github.labels_of(1) == ["docs"]
    for number in range(150):
        fake_github.open_issue(f"later {number}")
    assert finish(new_github().apply(create())) == already(create(), where="1", url=opened.url)


def test_an_issue_elsewhere_needs_a_right_there(github: GitHub, finish: Finish) -> None:
    change = create()
    elsewhere = CreateItem(
        **fields(ISSUE, "create"),
        project=Project(name="octo/other", url=""),
        title=change.title,
        body=change.body,
    )
    with pytest.raises(ItemMissing, match="octo/other"):
        finish(github.apply(elsewhere))


# What has no thread


def test_what_has_no_thread_is_talked_about_under_its_own_issue(
    github: GitHub, fake_github: FakeGitHub, finish: Finish
) -> None:
    finish(github.apply(card(RELEASE)))
    for change in (comment(item=RELEASE), add("x", item=RELEASE), assign("ann", item=RELEASE)):
        assert finish(github.apply(change)).outcome is Outcome.DONE
    assert fake_github.comments_of(1) == [f"{key_mark(comment(item=RELEASE).key)}\nThank you"]
    assert fake_github.labels_of(1) == ["ai-crm/task", "x"]
    assert fake_github.assignees_of(1) == ["ann"]


def test_without_such_an_issue_there_is_nowhere_to_say_it(
    github: GitHub, fake_github: FakeGitHub, finish: Finish
) -> None:
    with pytest.raises(Unsupported, match="Let the rule create a task"):
        finish(github.apply(comment(item=RELEASE)))
    assert fake_github.calls("POST") == 0


def test_a_message_to_a_chat_is_not_githubs(github: GitHub, finish: Finish) -> None:
    change = Notify(**fields(ISSUE, "notify"), platform=PlatformName.SLACK, target="#dev", text=Text(("x",)))
    with pytest.raises(Unsupported):
        finish(github.apply(change))


# Refusals

EVERY = (card(ISSUE), comment(), add("x"), assign("ann"), create())


@pytest.mark.parametrize("change", EVERY, ids=lambda change: type(change).__name__)
def test_a_missing_permission_is_named_and_nothing_is_done(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int, change: OutboundChange
) -> None:
    fake_github.grant("contents: read", "issues: read")
    with pytest.raises(
        CredentialsRefused, match="It takes `issues: write`: a workflow gives that under `permissions:`"
    ) as refused:
        finish(github.apply(change))
    assert refused.value.missing == "issues: write"
    assert (fake_github.comments_of(issue), fake_github.labels_of(issue)) == ([], ["Bug"])


def test_a_pull_request_has_a_permission_of_its_own(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, pull: int
) -> None:
    fake_github.grant("contents: read", "pull-requests: read")
    with pytest.raises(CredentialsRefused) as refused:
        finish(github.apply(review("ann")))
    assert refused.value.missing == "pull-requests: write"
    assert fake_github.reviewers_of(pull) == []


def test_the_least_that_is_needed_for_issues_is_enough(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    fake_github.grant("contents: read", "issues: write")
    fake_github.put_file(".github/ai-crm.yml", "version: 1")
    finish(github.rules("octo/hello"))
    for change in EVERY:
        finish(github.apply(change))
    assert fake_github.assignees_of(issue) == ["ann"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(401, b'{"message": "Bad credentials"}'), CredentialsRefused),
        (Fault(403, b"{}", {"Retry-After": "9"}), RateLimited),
        (Fault(403, b"{}", {"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "1000"}), RateLimited),
        (Fault(429), RateLimited),
        (Fault(404, b"{}"), ItemMissing),
        (Fault(410, b"{}"), ItemMissing),
        (Fault(422, b"{}"), ChangeRefused),
        (Fault(500), UpstreamUnavailable),
        (Fault(502, b"<html>"), UpstreamUnavailable),
        (Fault(200, b"<html>"), AnswerUnintelligible),
        (Fault(201, b"[1]"), AnswerUnintelligible),
        (Fault(201, b"{}"), AnswerUnintelligible),
        (Fault(301, b"{}", {"Location": "http://elsewhere.example/x"}), AnswerUnintelligible),
        (Fault(302, b"{}", {"Location": "http://elsewhere.example/x"}), ItemMissing),
        (Fault(307, b"{}", {"Location": "http://elsewhere.example/x"}), ItemMissing),
        (Fault(201, b"{}", {"X-RateLimit-Remaining": "x", "X-RateLimit-Limit": "y"}), AnswerUnintelligible),
        (Fault(cut=True), UpstreamUnavailable),
    ],
    ids=lambda value: str(getattr(value, "status", "")),
)
def test_a_write_is_sent_once_whatever_the_answer(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int, fault: Fault, error: type[UpstreamError]
) -> None:
    fake_github.fail(fault, "POST")
    with pytest.raises(error) as caught:
        finish(github.apply(comment()))
    assert fake_github.calls("POST") == 1
    assert fake_github.comments_of(issue) == []
    assert not shows(caught.value, fake_github.token)


def test_after_a_limit_nothing_more_is_sent(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    fake_github.fail(Fault(403, b"{}", {"Retry-After": "9"}), "POST")
    for change in (add("x"), assign("ann"), comment(), create()):
        with pytest.raises(RateLimited) as limited:
            finish(github.apply(change))
        assert limited.value.retry_after == 9
    assert fake_github.calls() == 1
    assert fake_github.labels_of(issue) == ["Bug"]


def test_a_token_is_not_sent_over_plain_http_to_another_machine(finish: Finish) -> None:
    github = GitHub(Access(token=lambda: "t", api_url="http://github.example"), inline, lambda _: None)
    with pytest.raises(SettingsInvalid):
        finish(github.apply(add("x")))


def test_github_is_told_who_asks_and_which_version_is_meant(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, issue: int
) -> None:
    finish(github.read_card(ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.ISSUE, str(issue))))
    finish(github.apply(add("x")))
    for seen in fake_github.requests:
        assert seen.headers["user-agent"].startswith("ai-crm/")
        assert seen.headers["x-github-api-version"] == "2022-11-28"
        assert seen.headers["accept"] == "application/vnd.github+json"


def test_our_marks_are_what_the_card_reader_looks_for() -> None:
    assert card_mark(ISSUE) != card_mark(PULL)
    assert key_mark(comment().key) != key_mark(add("x").key)


HEAVY = (
    "github",
    "requests",
    "http.client",
    "ssl",
    "asyncio",
    "logging",
    "dataclasses",
    "email",
    "json",
)


def test_an_event_is_decoded_without_a_network_in_memory_and_read_without_pygithub(root: Path) -> None:
    program = f"""
import sys
from ai_crm.platforms.github import Access, GitHub, Setup
from ai_crm.ports import RawRequest
github = GitHub(Access(token=str), None, None, Setup())
body = open("tests/platforms/github/payloads/issues.opened.json", "rb").read()
github.decode(RawRequest({{"x-github-event": "issues", "x-github-delivery": "d"}}, body))
print([name for name in {HEAVY} if name in sys.modules])
import ai_crm.platforms.github.session, ai_crm.platforms.github.card, ai_crm.platforms.github.apply
print([name for name in ("github", "requests", "asyncio", "logging") if name in sys.modules])
"""
    told = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == ["[]", "[]"]
