"""What we ask GitHub: rules from the default branch alone, files, teams, silent issues, items; and how often."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ai_crm.cards.state import card_mark
from ai_crm.errors import (
    AnswerUnintelligible,
    CredentialsRefused,
    ItemMissing,
    RateLimited,
    RulesInvalid,
    SettingsInvalid,
    UpstreamError,
    UpstreamUnavailable,
)
from ai_crm.model.event import Event
from ai_crm.model.facts import FACTS
from ai_crm.model.item import Item, ItemKind, ItemRef, ItemState, Needs, PlatformName
from ai_crm.platforms.github import Access, GitHub
from ai_crm.ports import RulesText
from tests.doubles.github_server import FakeGitHub, Fault
from tests.doubles.notices import inline

if TYPE_CHECKING:
    from tests.conftest import Finish
    from tests.platforms.github.conftest import Decode, NewGitHub, Recorded

RULES = b"version: 1\nrules: []\n"
PATH = ".github/ai-crm.yml"


def ref(kind: ItemKind, identity: str) -> ItemRef:
    return ItemRef(PlatformName.GITHUB, "octo/hello", kind, identity)


# Rules


def test_rules_are_read_from_the_default_branch_and_nowhere_else(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish
) -> None:
    fake_github.put_file(PATH, RULES)
    found = finish(new_github(default_branch="main").rules("octo/hello"))
    assert found == RulesText(PATH, RULES, "default branch main")
    assert [str(seen) for seen in fake_github.requests] == [f"GET /repos/octo/hello/contents/{PATH}?ref=main"]


def test_without_a_known_branch_github_itself_takes_the_default_one(
    github: GitHub, fake_github: FakeGitHub, finish: Finish
) -> None:
    fake_github.put_file(PATH, RULES)
    assert finish(github.rules("octo/hello")) == RulesText(PATH, RULES, "default branch")
    assert fake_github.requests[0].query == {}


def test_names_of_branches_and_files_are_quoted(new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish) -> None:
    fake_github.default_branch = "a/b c#d?e&f"
    fake_github.put_file("rules dir/x?y.yml", RULES)
    github = new_github(default_branch="a/b c#d?e&f", rules_path="rules dir/x?y.yml")
    assert finish(github.rules("octo/hello"))


def test_missing_unreachable_and_broken_are_three_different_answers(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish
) -> None:
    assert finish(new_github().rules("octo/hello")) is None
    with pytest.raises(ItemMissing, match="contents: read"):
        finish(new_github().rules("octo/elsewhere"))
    fake_github.put_file(PATH, RULES, type="symlink")
    with pytest.raises(RulesInvalid):
        finish(new_github().rules("octo/hello"))
    fake_github.grant("issues: write")
    with pytest.raises(CredentialsRefused) as refused:
        finish(new_github().rules("octo/hello"))
    assert refused.value.missing == "contents: read"


@pytest.mark.parametrize(
    ("text", "fields", "why"),
    [
        (RULES, {"type": "symlink", "target": "/etc/passwd"}, "is a symlink and not a plain file"),
        (RULES, {"type": "submodule", "submodule_git_url": "git://x"}, "is a submodule and not a plain file"),
        (RULES, {"submodule_git_url": "git://x"}, "not a plain file"),
        (b"x" * 65_537, {}, "is larger than 64 KiB"),
        (b"x", {"size": 2_000_000, "content": "", "encoding": "none"}, "is larger than 64 KiB"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", {}, "is kept in Git LFS"),
    ],
)
def test_what_is_no_plain_small_file_is_refused_with_the_reason(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, text: bytes, fields: Mapping[str, str], why: str
) -> None:
    fake_github.put_file(PATH, text, **fields)
    with pytest.raises(RulesInvalid) as refused:
        finish(github.rules("octo/hello"))
    assert (refused.value.problems[0].file, refused.value.problems[0].line) == (PATH, 0)
    assert why in refused.value.problems[0].what


def test_a_folder_of_that_name_is_refused(github: GitHub, fake_github: FakeGitHub, finish: Finish) -> None:
    fake_github.repo.files[PATH] = [{"type": "file", "name": "a.yml"}]
    with pytest.raises(RulesInvalid, match="is a folder"):
        finish(github.rules("octo/hello"))


def test_the_largest_file_that_is_allowed_arrives_whole(
    github: GitHub, fake_github: FakeGitHub, finish: Finish
) -> None:
    fake_github.put_file(PATH, b"#" * 65_536)
    found = finish(github.rules("octo/hello"))
    assert found
    assert len(found.text) == 65_536


def test_the_answers_that_github_itself_gives_as_examples_are_understood(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, answers: Mapping[str, Mapping[str, Any]]
) -> None:
    shown = answers["GET /repos/{owner}/{repo}/contents/{path}"]
    # Its "content" is a phrase and no Base64.
    fake_github.repo.files[PATH] = {**shown["response-if-content-is-a-file"], "content": "dmVyc2lvbjog\nMQ==\n"}
    assert finish(github.rules("octo/hello")) == RulesText(PATH, b"version: 1", "default branch")
    for kind in ("directory", "symlink", "submodule"):
        fake_github.repo.files[PATH] = shown[f"response-if-content-is-a-{kind}"]
        with pytest.raises(RulesInvalid):
            finish(github.rules("octo/hello"))


@pytest.mark.parametrize("fields", [{"content": "!!!"}, {"content": 7}, {"size": "x"}, {"type": None}])
def test_an_answer_that_is_not_githubs_is_no_empty_rules_file(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, fields: Mapping[str, Any]
) -> None:
    fake_github.put_file(PATH, RULES, **fields)
    with pytest.raises(AnswerUnintelligible):
        finish(github.rules("octo/hello"))


# What the analysis learned

LEARNED = ".github/ai-crm-analysis.json"


def test_what_was_learned_is_read_from_the_default_branch_in_one_question(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish
) -> None:
    fake_github.put_file(LEARNED, b"x" * 1_000_000)
    found = finish(new_github(default_branch="main").learned("octo/hello", LEARNED))
    assert found == RulesText(LEARNED, b"x" * 1_000_000, "default branch main")
    assert [str(seen) for seen in fake_github.requests] == [f"GET /repos/octo/hello/contents/{LEARNED}?ref=main"]


def test_a_learned_file_that_is_missing_costs_one_question_and_no_plain_file_is_refused(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish
) -> None:
    assert finish(new_github().learned("octo/hello", LEARNED)) is None
    assert fake_github.calls() == 1
    for fields, why in (({"type": "symlink"}, "is a symlink"), ({"size": 1_000_001}, "is larger than 1 MB")):
        fake_github.put_file(LEARNED, b"{}", **fields)
        with pytest.raises(RulesInvalid, match=why):
            finish(new_github().learned("octo/hello", LEARNED))
    fake_github.fail(Fault(status=502), times=3)
    with pytest.raises(UpstreamUnavailable):
        finish(new_github().learned("octo/hello", LEARNED))


# Repeating, and being told to wait


@pytest.mark.parametrize("fault", [Fault(502), Fault(503, b"<html>"), Fault(500), Fault(cut=True)])
def test_a_question_is_asked_three_times_while_github_is_not_well(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, naps: list[float], fault: Fault
) -> None:
    fake_github.put_file(PATH, RULES)
    fake_github.fail(fault, times=2)
    assert finish(github.rules("octo/hello"))
    assert (fake_github.calls(), naps) == (3, [0.5, 2.0])


def test_the_fourth_time_nobody_asks(github: GitHub, fake_github: FakeGitHub, finish: Finish) -> None:
    fake_github.fail(Fault(503), times=9)
    with pytest.raises(UpstreamUnavailable):
        finish(github.rules("octo/hello"))
    assert fake_github.calls() == 3


def test_who_was_told_to_wait_asks_nothing_more(github: GitHub, fake_github: FakeGitHub, finish: Finish) -> None:
    fake_github.fail(Fault(403, b"{}", {"Retry-After": "7"}))
    for _ in range(3):
        with pytest.raises(RateLimited) as limited:
            finish(github.rules("octo/hello"))
        assert limited.value.retry_after == 7
    assert fake_github.calls() == 1


def test_a_wrong_token_is_said_to_be_wrong_and_is_not_shown(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish
) -> None:
    with pytest.raises(CredentialsRefused, match="github_token") as refused:
        finish(new_github("ghs_wrong_canary").rules("octo/hello"))
    assert "ghs_wrong_canary" not in f"{refused.value!r} {refused.value}"
    assert fake_github.calls() == 1


def test_without_a_token_none_is_sent_and_what_is_public_can_be_read(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish
) -> None:
    fake_github.token = ""
    fake_github.fail(Fault(200, b'{"type": "file", "size": 1, "content": "eA==\\n"}'))
    found = finish(new_github().rules("octo/hello"))
    assert found
    assert (found.text, "authorization" in fake_github.requests[0].headers) == (b"x", False)


def test_a_redirect_is_not_followed(github: GitHub, fake_github: FakeGitHub, finish: Finish) -> None:
    fake_github.fail(Fault(301, b"{}", {"Location": f"{fake_github.url}/elsewhere"}))
    fake_github.fail(Fault(301, b"{}", {"Location": f"{fake_github.url}/elsewhere"}))
    with pytest.raises(ItemMissing, match="renamed or moved"):
        finish(github.rules("octo/hello"))


@pytest.mark.parametrize("url", ["http://github.example/api/v3", "ftp://x", "https://user@x", ""])
def test_a_token_is_only_sent_where_it_is_safe(finish: Finish, url: str) -> None:
    github = GitHub(Access(token=lambda: "t", api_url=url), inline, lambda _: None)
    with pytest.raises(SettingsInvalid):
        finish(github.rules("octo/hello"))


# What rules need to know


def completed(github: GitHub, finish: Finish, event: Event, needs: Needs) -> Item:
    return finish(github.complete(event.item, needs))


@pytest.fixture
def pull(recorded: Recorded, one: Decode) -> Event:
    payload = recorded("pull_request.opened")
    payload["repository"]["full_name"] = "octo/hello"
    payload["pull_request"]["user"]["login"] = "ann"
    return one("pull_request", payload)


def test_changed_files_come_from_all_pages_with_old_names_too(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, pull: Event
) -> None:
    files = [f"src/{number}.py" for number in range(150)]
    fake_github.change_files("2", {"filename": "new.md", "previous_filename": "old.md", "status": "renamed"}, *files)
    found = completed(github, finish, pull, Needs(files=True))
    assert (found.files, found.files_cut) == (("new.md", "old.md", *files), False)
    assert fake_github.calls() == 2


def test_no_more_than_three_thousand_files_are_listed(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, pull: Event
) -> None:
    fake_github.change_files("2", *(f"{number}.py" for number in range(3100)))
    found = completed(github, finish, pull, Needs(files=True))
    assert (len(found.files or ()), found.files_cut) == (3000, True)
    assert fake_github.calls() == 30


def test_nothing_is_asked_that_is_not_needed(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, pull: Event, recorded: Recorded, one: Decode
) -> None:
    assert completed(github, finish, pull, Needs()) == pull.item
    issue = one("issues", recorded("issues.opened"))
    assert completed(github, finish, issue, Needs(files=True)).files is None
    assert completed(github, finish, one("push", recorded("push")), Needs(files=True)).files == ("README.md",)
    assert fake_github.calls() == 0


def a_push(recorded: Recorded, one: Decode, before: str) -> Event:
    payload = recorded("push")
    payload["repository"]["full_name"] = "octo/hello"
    payload["before"] = before
    del payload["commits"][0]["added"]
    return one("push", payload)


def test_pushed_files_are_compared_where_the_workflow_hides_them(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, recorded: Recorded, one: Decode
) -> None:
    after = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
    fake_github.change_files(f"c0ffee...{after}", "a.py", "b.py")
    assert completed(github, finish, a_push(recorded, one, "c0ffee"), Needs(files=True)).files == ("a.py", "b.py")


def test_a_comparison_that_is_full_may_lack_files(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, recorded: Recorded, one: Decode
) -> None:
    push = a_push(recorded, one, "c0ffee")
    for many in (299, 300):
        fake_github.change_files(f"c0ffee...{push.item.facts['sha']}", *(f"{number}.py" for number in range(many)))
        assert completed(new_github(), finish, push, Needs(files=True)).files_cut is (many == 300)


@pytest.mark.parametrize("known", ["", "main"])
def test_a_new_branch_is_compared_with_the_default_one(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, recorded: Recorded, one: Decode, known: str
) -> None:
    fake_github.change_files("main...6113728f27ae82c7b1a177c8d03f9e96e0adf246", "a.py")
    github = new_github(default_branch=known)
    assert completed(github, finish, a_push(recorded, one, "0" * 40), Needs(files=True)).files == ("a.py",)


def test_teams_are_asked_one_by_one_and_only_those_of_the_author_are_kept(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, pull: Event
) -> None:
    fake_github.teams = {"octo/core": {"ann"}, "octo/docs": {"ben"}, "other/core": {"ann"}}
    needs = Needs(teams=("core", "octo/docs", "other/core"))
    assert completed(github, finish, pull, needs).author_teams == ("core", "other/core")


def test_a_team_that_the_token_cannot_see_is_not_an_empty_team(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, pull: Event
) -> None:
    fake_github.teams = {"octo/core": {"ann"}}
    fake_github.teams_visible = False
    with pytest.raises(CredentialsRefused) as unseen:
        completed(new_github(), finish, pull, Needs(teams=("core",)))
    assert unseen.value.missing == "members: read"
    assert "`teams:` in the rules file" in unseen.value.hint
    fake_github.grant("contents: read")
    with pytest.raises(CredentialsRefused, match="members: read"):
        completed(new_github(), finish, pull, Needs(teams=("core",)))


# Items


def test_silent_issues_come_oldest_first_without_our_own_and_without_the_lively(
    github: GitHub, fake_github: FakeGitHub, finish: Finish
) -> None:
    fake_github.open_issue("old", updated_at="2026-01-02T00:00:00Z")
    fake_github.open_issue("oldest", updated_at="2026-01-01T00:00:00Z")
    fake_github.open_issue("a pull request", updated_at="2026-01-03T00:00:00Z", pull_request={}, draft=True)
    card = card_mark(ref(ItemKind.RELEASE, "1"))
    fake_github.open_issue("card", card, author="github-actions[bot]", updated_at="2026-01-01T00:00:00Z")
    fake_github.open_issue("closed", state="closed", updated_at="2026-01-01T00:00:00Z")
    fake_github.open_issue("lively", updated_at="2026-06-01T00:00:00Z")
    since = datetime(2026, 2, 1, tzinfo=UTC)
    found = finish(github.untouched("octo/hello", since, 10))
    assert [item.title for item in found] == ["oldest", "old", "a pull request"]
    assert [item.ref.kind for item in found] == [ItemKind.ISSUE, ItemKind.ISSUE, ItemKind.PULL_REQUEST]
    assert len(finish(github.untouched("octo/hello", since, 1))) == 1
    assert finish(github.untouched("octo/hello", since - timedelta(days=99), 10)) == ()
    assert fake_github.calls() == 3


def test_an_issue_is_fetched_as_it_is_now(github: GitHub, fake_github: FakeGitHub, finish: Finish) -> None:
    number = fake_github.open_issue("Now", "text", labels=["bug"], state="closed", state_reason="not_planned")
    item = finish(github.fetch(ref(ItemKind.ISSUE, str(number))))
    assert (item.title, item.labels, item.state) == ("Now", ("bug",), ItemState.DROPPED)


def test_a_fetched_pull_request_knows_who_was_asked_and_who_was_heard(
    github: GitHub, fake_github: FakeGitHub, finish: Finish
) -> None:
    asked: dict[str, Any] = {"requested_reviewers": [{"login": "ann"}], "requested_teams": [{"slug": "core"}]}
    number = fake_github.open_issue("PR", pull_request={}, author="mallory", **asked)
    fake_github.repo.reviews[number] = [{"user": {"login": login}} for login in ("ben", "mallory", "ben", "ann")]
    item = finish(github.fetch(ref(ItemKind.PULL_REQUEST, str(number))))
    assert item.reviewers == ("ann", "octo/core", "ben")


def test_a_discussion_is_fetched_through_graphql(github: GitHub, fake_github: FakeGitHub, finish: Finish) -> None:
    fake_github.discussions[4] = {
        "number": 4,
        "title": "How?",
        "body": "",
        "html_url": "https://github.example/octo/hello/discussions/4",
        "answer_html_url": None,
        "closed": True,
        "state_reason": "OUTDATED",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-02T00:00:00Z",
        "author_association": "NONE",
        "user": {"login": "mallory", "type": "User"},
        "category": {"name": "Q&A"},
        "label_list": {"nodes": [{"name": "help"}]},
        "comment_list": {"totalCount": 3},
    }
    item = finish(github.fetch(ref(ItemKind.DISCUSSION, "4")))
    assert (item.title, item.state, item.labels, item.comments) == ("How?", ItemState.DROPPED, ("help",), 3)
    assert item.facts == {"category": "Q&A"}
    with pytest.raises(ItemMissing):
        finish(github.fetch(ref(ItemKind.DISCUSSION, "5")))


@pytest.mark.parametrize(("kind", "error"), [("RATE_LIMITED", RateLimited), ("FORBIDDEN", CredentialsRefused)])
def test_graphql_refuses_with_a_success_and_is_understood(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, kind: str, error: type[UpstreamError]
) -> None:
    fake_github.fail(Fault(200, f'{{"data": null, "errors": [{{"type": "{kind}"}}]}}'.encode()))
    with pytest.raises(error):
        finish(github.fetch(ref(ItemKind.DISCUSSION, "4")))


SHOWN: tuple[tuple[ItemKind, str, str, str], ...] = (
    (ItemKind.RELEASE, "1", "releases/1", "releases/{release_id}"),
    (ItemKind.PUSH, "main@6dcb09b", "commits/6dcb09b", "commits/{ref}"),
    (ItemKind.REF, "heads/featureA", "git/ref/heads/featureA", "git/ref/{ref}"),
    (ItemKind.WORKFLOW_RUN, "30433642", "actions/runs/30433642", "actions/runs/{run_id}"),
    (ItemKind.CHECK, "suite/5", "check-suites/5", "check-suites/{check_suite_id}"),
    (ItemKind.CHECK, "run/4", "check-runs/4", "check-runs/{check_run_id}"),
    (ItemKind.ALERT, "code_scanning/42", "code-scanning/alerts/42", "code-scanning/alerts/{alert_number}"),
    (ItemKind.ALERT, "dependabot/1", "dependabot/alerts/1", "dependabot/alerts/{alert_number}"),
    (ItemKind.ALERT, "secret_scanning/42", "secret-scanning/alerts/42", "secret-scanning/alerts/{alert_number}"),
    (ItemKind.MILESTONE, "1", "milestones/1", "milestones/{milestone_number}"),
    (ItemKind.LABEL, "208045946", "labels", "labels"),
)


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown[2])
def test_every_kind_of_item_can_be_fetched_again_under_its_own_name(
    github: GitHub,
    fake_github: FakeGitHub,
    finish: Finish,
    answers: Mapping[str, Mapping[str, Any]],
    shown: tuple[ItemKind, str, str, str],
) -> None:
    kind, identity, place, operation = shown
    fake_github.repo.shown[place] = answers[f"GET /repos/{{owner}}/{{repo}}/{operation}"]["default"]
    item = finish(github.fetch(ref(kind, identity)))
    assert item.ref == ref(kind, identity)
    assert item.title
    assert item.url.startswith("http")
    assert set(item.facts) == set(FACTS[kind])
    with pytest.raises(ItemMissing):
        finish(github.fetch(ref(kind, identity + "9")))


def test_a_deployment_is_fetched_with_its_latest_status(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, answers: Mapping[str, Mapping[str, Any]]
) -> None:
    path = "GET /repos/{owner}/{repo}/deployments/{deployment_id}"
    fake_github.repo.shown["deployments/1"] = answers[path]["default"]
    fake_github.repo.shown["deployments/1/statuses"] = answers[f"{path}/statuses"]["default"]
    item = finish(github.fetch(ref(ItemKind.DEPLOYMENT, "1")))
    assert (item.facts["environment"], item.facts["status"], item.state) == ("production", "success", ItemState.DONE)
    fake_github.repo.shown["deployments/1/statuses"] = []
    assert finish(github.fetch(ref(ItemKind.DEPLOYMENT, "1"))).facts["status"] == ""


def test_a_repository_and_a_pull_request_of_githubs_own_examples_are_understood(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, answers: Mapping[str, Mapping[str, Any]]
) -> None:
    fake_github.fail(_shows(answers["GET /repos/{owner}/{repo}"]["default-response"]))
    item = finish(github.fetch(ref(ItemKind.REPOSITORY, "1296269")))
    assert (item.title, item.facts["visibility"]) == ("octocat/Hello-World", "public")
    fake_github.fail(_shows(answers["GET /repos/{owner}/{repo}/pulls/{pull_number}"]["default"]))
    fake_github.fail(_shows(answers["GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews"]["default"]))
    pull = finish(github.fetch(ref(ItemKind.PULL_REQUEST, "1347")))
    assert (pull.title, pull.base, pull.head) == ("Amazing new feature", "master", "new-topic")
    assert pull.reviewers == ("other_user", "octo/justice-league")


def _shows(value: object) -> Fault:
    import json

    return Fault(200, json.dumps(value).encode())


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"number": "x"}', b"null", b"[" * 50_000])
def test_an_answer_of_a_wrong_shape_is_never_an_item(
    github: GitHub, fake_github: FakeGitHub, finish: Finish, body: bytes
) -> None:
    fake_github.fail(Fault(200, body))
    with pytest.raises(AnswerUnintelligible):
        finish(github.fetch(ref(ItemKind.ISSUE, "1")))


def test_a_hostile_identity_stays_inside_its_address(github: GitHub, fake_github: FakeGitHub, finish: Finish) -> None:
    fetches: tuple[Callable[[], ItemRef], ...] = (
        lambda: ref(ItemKind.RELEASE, "../../issues/1?x=1#y"),
        lambda: ref(ItemKind.REF, "heads/../../../user"),
        lambda: ref(ItemKind.PUSH, "main@../../x"),
    )
    for make in fetches:
        with pytest.raises(ItemMissing):
            finish(github.fetch(make()))
    assert all(seen.path.startswith("/repos/octo/hello/") for seen in fake_github.requests)
    assert all("/../" not in seen.path and "?" not in seen.target for seen in fake_github.requests)
