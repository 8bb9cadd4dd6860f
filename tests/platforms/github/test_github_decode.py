"""What GitHub's deliveries tell: everything that others recorded, then the turns that recordings do not show."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote_plus

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_crm.cards.state import card_mark, key_mark
from ai_crm.errors import EventUnknown, PayloadInvalid
from ai_crm.model.change import ChangeKey
from ai_crm.model.event import Event, FieldChange
from ai_crm.model.facts import FACTS
from ai_crm.model.item import ItemKind, ItemRef, ItemState, Person, PlatformName
from ai_crm.model.trigger import TRIGGERS, find_trigger
from ai_crm.platforms.github.decode import EVENTS, IGNORED, decode
from ai_crm.ports import RawRequest

if TYPE_CHECKING:
    from tests.platforms.github.conftest import Corpus, Decode, Payload, Recorded

CARD = card_mark(ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.ISSUE, "1"))
KEY = key_mark(ChangeKey("0" * 32))


def raw(event: str, payload: object, **headers: str) -> RawRequest:
    body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RawRequest({"x-github-event": event, "x-github-delivery": "d", **named}, body)


def everything(corpus: Corpus) -> Iterator[tuple[str, int, Payload]]:
    for event, examples in corpus.items():
        for number, example in enumerate(examples):
            yield event, number, example


def test_every_recorded_delivery_is_decoded_or_left_alone_by_name(corpus: Corpus) -> None:
    outcomes = Counter(
        "decoded" if decode(raw(event, payload)) else "ignored" for event, _, payload in everything(corpus)
    )
    assert outcomes == {"decoded": 191, "ignored": 138}


def test_every_recorded_event_answers_to_triggers_of_its_items_kind_and_carries_all_its_facts(corpus: Corpus) -> None:
    for event, number, payload in everything(corpus):
        for found in decode(raw(event, payload)):
            kind = found.item.ref.kind
            triggers = [find_trigger(name) for name in found.names]
            assert [trigger and trigger.kind for trigger in triggers] == [kind] * len(triggers), (event, number)
            assert tuple(sorted(found.item.facts)) == tuple(sorted(FACTS[kind])), (event, number)
            assert found.project.name == found.item.ref.project == payload["repository"]["full_name"]
            assert found.item.title
            assert found.item.url.startswith(("https://", "http://"))


def test_an_event_survives_its_journey_through_storage(corpus: Corpus) -> None:
    for event, _, payload in everything(corpus):
        for found in decode(raw(event, payload)):
            assert msgspec.json.decode(msgspec.json.encode(found), type=Event) == found


# What GitHub says in a second field, or never said to anybody who recorded it: tests of their own below.
_APART = {"merged", "approved", "changes_requested", "failed", "succeeded"}
_UNRECORDED = {"schedule", "pull_request_comment", "secret_scanning_alert"}


def test_every_trigger_can_happen(corpus: Corpus) -> None:
    actions = {trigger.name.partition(".")[2] for trigger in TRIGGERS} - {""}
    happened = set()
    for event, _, payload in everything(corpus):
        for action in actions if "action" in payload and event in EVENTS else {""}:
            if find_trigger(f"{event}.{action}") or not action:
                happened |= {
                    name for found in decode(raw(event, {**payload, "action": action})) for name in found.names
                }
    silent = {trigger.name for trigger in TRIGGERS if trigger.platform is PlatformName.GITHUB} - happened
    assert [
        name for name in silent if name.partition(".")[0] not in _UNRECORDED and name.partition(".")[2] not in _APART
    ] == []


@pytest.mark.node
def test_every_event_that_github_describes_is_decoded_or_left_alone_by_name(node_modules: Path) -> None:
    described = msgspec.json.decode(
        (node_modules / "@octokit/openapi-webhooks/generated/api.github.com.json").read_bytes()
    )
    unknown = []
    for name, webhook in described["webhooks"].items():
        event = webhook["post"]["x-github"]["subcategory"].replace("-", "_")
        for action in _actions(name, webhook["post"], described["components"]["schemas"]):
            known = event in IGNORED or f"{event}.{action}" in IGNORED
            if not known and not (event in EVENTS and find_trigger(f"{event}.{action}" if action else event)):
                unknown.append(f"{event}.{action}")
    assert unknown == []


def _actions(name: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> list[str]:
    """Two descriptions of pull requests name no action but in their own name."""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    unnamed = [name.removeprefix("pull-request-").replace("-", "_")] if name.startswith("pull-request-") else [""]
    found: list[str] = schema.get("properties", {}).get("action", {}).get("enum", unnamed)
    return found


def test_each_event_is_either_read_or_ignored_and_each_reason_is_a_sentence() -> None:
    assert not set(EVENTS) & set(IGNORED)
    assert [event for event, reason in IGNORED.items() if len(reason.split()) < 4] == []


class Case(NamedTuple):
    """What an example of the corpus must become; `number` counts the examples of its event."""

    event: str
    number: int
    names: str
    kind: ItemKind
    id: str
    state: ItemState
    facts: Mapping[str, str] = {}
    changed: tuple[FieldChange, ...] = ()


OPEN, DONE, DROPPED = ItemState.OPEN, ItemState.DONE, ItemState.DROPPED
CASES = (
    Case("issues", 16, "issues.opened", ItemKind.ISSUE, "1", OPEN),
    Case("issues", 9, "issues.labeled", ItemKind.ISSUE, "1", OPEN, {}, (FieldChange("labels", after="bug"),)),
    Case("issues", 24, "issues.unlabeled", ItemKind.ISSUE, "1", OPEN, {}, (FieldChange("labels", before="bug"),)),
    Case("issues", 2, "issues.assigned", ItemKind.ISSUE, "1", OPEN, {}, (FieldChange("assignees", after="Codertocat"),)),
    Case("issues", 13, "issues.milestoned", ItemKind.ISSUE, "2", OPEN, {}, (FieldChange("milestone", after="v1.0"),)),
    Case("issues", 5, "issues.demilestoned", ItemKind.ISSUE, "2", OPEN, {}, (FieldChange("milestone", before="v1.0"),)),
    Case("issues", 4, "issues.deleted", ItemKind.ISSUE, "1", DROPPED),
    Case("issues", 21, "issues.transferred", ItemKind.ISSUE, "1", DROPPED),
    Case("issue_comment", 2, "issue_comment.created", ItemKind.ISSUE, "1", OPEN),
    Case("pull_request", 13, "pull_request.opened", ItemKind.PULL_REQUEST, "2", OPEN, {"fork": "false"}),
    Case("pull_request", 3, "pull_request.closed", ItemKind.PULL_REQUEST, "2", DROPPED),
    Case("pull_request", 21, "pull_request.review_requested", ItemKind.PULL_REQUEST, "2", OPEN, {},
         (FieldChange("reviewers", after="octocat"),)),
    Case("pull_request_review", 2, "pull_request_review.submitted", ItemKind.PULL_REQUEST, "2", OPEN),
    Case("pull_request_review_comment", 1, "pull_request_review_comment.created", ItemKind.PULL_REQUEST, "2", OPEN),
    Case("pull_request_review_thread", 1, "pull_request_review_thread.resolved", ItemKind.PULL_REQUEST, "2", OPEN),
    Case("discussion", 3, "discussion.created", ItemKind.DISCUSSION, "4", OPEN, {"category": "General"}),
    Case("discussion", 1, "discussion.answered", ItemKind.DISCUSSION, "4", DONE),
    Case("discussion", 2, "discussion.category_changed", ItemKind.DISCUSSION, "4", OPEN, {},
         (FieldChange("category", before="General", after="Show and tell"),)),
    Case("discussion", 4, "discussion.edited", ItemKind.DISCUSSION, "4", OPEN, {},
         (FieldChange("title", before="TEST", after="TEST edit"),)),
    Case("release", 10, "release.published", ItemKind.RELEASE, "17372790", DONE,
         {"tag_name": "0.0.1", "prerelease": "false", "draft": "false", "target_commitish": "master"}),
    Case("release", 4, "release.deleted", ItemKind.RELEASE, "17372790", DROPPED),
    Case("push", 4, "push", ItemKind.PUSH, "master@6113728f27ae82c7b1a177c8d03f9e96e0adf246", OPEN,
         {"branch": "master", "ref": "refs/heads/master", "commits": "1", "deleted": "false",
          "message": "Initial commit"}),
    Case("push", 2, "push", ItemKind.PUSH, "tags/simple-tag@6113728f27ae82c7b1a177c8d03f9e96e0adf246/deleted", OPEN,
         {"branch": "", "deleted": "true"}),
    Case("create", 0, "create", ItemKind.REF, "tags/simple-tag", OPEN, {"name": "simple-tag", "ref_type": "tag"}),
    Case("delete", 0, "delete", ItemKind.REF, "tags/simple-tag", DROPPED),
    Case("repository", 1, "repository.created", ItemKind.REPOSITORY, "186853261", OPEN, {"visibility": "public"}),
    Case("repository", 9, "repository.renamed", ItemKind.REPOSITORY, "186853261", OPEN, {"name": "Hello-World"}),
    Case("deployment", 0, "deployment.created", ItemKind.DEPLOYMENT, "145988746", OPEN,
         {"environment": "production", "ref": "master", "task": "deploy", "status": ""}),
    Case("deployment_status", 0, "deployment_status.created deployment_status.succeeded", ItemKind.DEPLOYMENT,
         "145988746", DONE, {"status": "success"}),
    Case("workflow_run", 1, "workflow_run.completed workflow_run.succeeded", ItemKind.WORKFLOW_RUN, "289782451", DONE),
    Case("workflow_run", 3, "workflow_run.requested", ItemKind.WORKFLOW_RUN, "289782451", OPEN),
    Case("check_suite", 0, "check_suite.completed check_suite.succeeded", ItemKind.CHECK, "suite/118578147", DONE),
    Case("check_run", 3, "check_run.completed check_run.succeeded", ItemKind.CHECK, "run/128620228", DONE),
    Case("code_scanning_alert", 0, "code_scanning_alert.reopened", ItemKind.ALERT, "code_scanning/10", OPEN,
         {"source": "code_scanning", "severity": "note", "rule": "Style/FrozenStringLiteralComment"}),
    Case("dependabot_alert", 0, "dependabot_alert.fixed", ItemKind.ALERT, "dependabot/1", DONE,
         {"package": "ansible", "severity": "medium", "location": "path/to/requirements.txt"}),
    Case("label", 0, "label.deleted", ItemKind.LABEL, "1362937026", DROPPED, {"name": ":bug: Bugfix"}),
    Case("milestone", 0, "milestone.created", ItemKind.MILESTONE, "1", OPEN, {"due_on": "2019-05-23T07:00:00Z"}),
    Case("milestone", 2, "milestone.closed", ItemKind.MILESTONE, "1", DONE),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.event}-{case.number}")
def test_a_recorded_delivery_tells_what_happened(case: Case, corpus: Corpus, one: Decode) -> None:
    event = one(case.event, corpus[case.event][case.number])
    assert " ".join(event.names) == case.names
    assert (event.item.ref.kind, event.item.ref.id, event.item.state) == (case.kind, case.id, case.state)
    assert {name: event.item.facts[name] for name in case.facts} == case.facts
    if case.changed:
        assert event.changed == case.changed


def test_an_opened_issue_is_read_whole(recorded: Recorded, one: Decode) -> None:
    event = one("issues", recorded("issues.opened"))
    item = event.item
    assert str(item.ref) == "github:Codertocat/Hello-World:issue:1"
    assert item.title == "Spelling error in the README file"
    assert item.body.startswith("It looks like you accidently spelled 'commit'")
    assert item.url == "https://github.com/Codertocat/Hello-World/issues/1"
    assert (item.author, event.actor) == (Person("Codertocat", trusted=True), Person("Codertocat", trusted=True))
    assert (item.labels, item.assignees, item.milestone) == (("bug",), ("Codertocat",), "v1.0")
    assert (item.comments, item.votes, item.files, item.draft) == (0, 0, None, False)
    assert item.created_at == event.at == datetime(2019, 5, 15, 15, 20, 18, tzinfo=UTC)
    assert (event.project.default_branch, event.project.private) == ("master", False)


def test_an_opened_pull_request_is_read_whole(recorded: Recorded, one: Decode) -> None:
    payload = recorded("pull_request.opened")
    payload["pull_request"]["requested_teams"] = [{"slug": "reviewers"}]
    payload["pull_request"]["requested_reviewers"] = [{"login": "ann"}]
    item = one("pull_request", payload).item
    assert (item.base, item.head, item.lines_changed) == ("master", "changes", 2)
    assert item.reviewers == ("ann", "Codertocat/reviewers")
    assert item.facts["head_sha"] == "ec26c3e57ca3a959ca5aad62de7213c562f8c821"
    assert item.facts["head_repo"] == "Codertocat/Hello-World"


@pytest.mark.parametrize("repo", [None, {"full_name": "mallory/Hello-World"}])
def test_a_pull_request_from_a_fork_is_known_as_one_even_when_the_fork_is_gone(
    recorded: Recorded, one: Decode, repo: object
) -> None:
    payload = recorded("pull_request.opened")
    payload["pull_request"]["head"]["repo"] = repo
    assert one("pull_request", payload).item.facts["fork"] == "true"


def test_pull_request_target_is_the_same_event(recorded: Recorded, one: Decode) -> None:
    payload = recorded("pull_request.opened")
    assert one("pull_request_target", payload) == one("pull_request", payload)


@pytest.mark.parametrize(
    ("fields", "names", "state"),
    [
        ({"state": "closed", "merged": True}, ("pull_request.closed", "pull_request.merged"), ItemState.MERGED),
        ({"state": "closed", "merged": False}, ("pull_request.closed",), ItemState.DROPPED),
    ],
)
def test_a_closed_pull_request_was_merged_or_not(
    recorded: Recorded, one: Decode, fields: Payload, names: tuple[str, ...], state: ItemState
) -> None:
    payload = recorded("pull_request.opened")
    payload["action"] = "closed"
    payload["pull_request"].update(fields)
    event = one("pull_request", payload)
    assert (event.names, event.item.state) == (names, state)


@pytest.mark.parametrize(
    ("reason", "state"),
    [("completed", DONE), (None, DONE), ("not_planned", DROPPED), ("duplicate", DROPPED), ("a new one", DONE)],
)
def test_why_an_issue_was_closed_decides_whether_it_is_done(
    recorded: Recorded, one: Decode, reason: str | None, state: ItemState
) -> None:
    payload = recorded("issues.opened")
    payload["action"] = "closed"
    payload["issue"].update(state="closed", state_reason=reason)
    event = one("issues", payload)
    assert (event.name, event.item.state) == ("issues.closed", state)


def test_a_comment_on_a_pull_request_is_about_the_pull_request(recorded: Recorded, one: Decode) -> None:
    payload = recorded("issue_comment.created")
    payload["issue"]["pull_request"] = {"merged_at": None}
    event = one("issue_comment", payload)
    assert event.names == ("pull_request_comment.created",)
    assert (event.item.ref.kind, event.item.base, event.item.files) == (ItemKind.PULL_REQUEST, None, None)
    payload["issue"].update(state="closed", pull_request={"merged_at": "2026-11-24T00:00:00Z"})
    assert one("issue_comment", payload).item.state is ItemState.MERGED


def test_a_comment_is_a_remark_of_its_author(recorded: Recorded, one: Decode) -> None:
    payload = recorded("issue_comment.created")
    payload["comment"]["author_association"] = "NONE"
    payload["comment"]["user"] = {"login": "mallory", "type": "User"}
    payload["sender"] = {"login": "mallory", "type": "User"}
    event = one("issue_comment", payload)
    assert event.remark
    assert event.remark.author == event.actor == Person("mallory")
    assert event.remark.body == "You are totally right! I'll get this fixed right away."
    assert event.at == datetime(2019, 5, 15, 15, 20, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "names"),
    [
        ("approved", ("pull_request_review.submitted", "pull_request_review.approved")),
        ("CHANGES_REQUESTED", ("pull_request_review.submitted", "pull_request_review.changes_requested")),
        ("commented", ("pull_request_review.submitted",)),
    ],
)
def test_a_review_has_a_verdict_and_its_author_has_been_heard(
    corpus: Corpus, one: Decode, state: str, names: tuple[str, ...]
) -> None:
    payload = copy.deepcopy(corpus["pull_request_review"][2])
    payload["review"].update(state=state, user={"login": "ann", "type": "User"})
    event = one("pull_request_review", payload)
    assert event.names == names
    assert event.remark
    assert event.remark.verdict == state.lower()
    assert "ann" in (event.item.reviewers or ())


@pytest.mark.parametrize(
    ("event", "conclusion", "word", "state"),
    [
        ("workflow_run", "failure", "failed", OPEN),
        ("workflow_run", "timed_out", "failed", OPEN),
        ("workflow_run", "startup_failure", "failed", OPEN),
        ("workflow_run", "cancelled", "", DROPPED),
        ("workflow_run", "action_required", "", OPEN),
        ("check_suite", "failure", "failed", OPEN),
        ("check_run", "failure", "failed", OPEN),
        ("check_run", "neutral", "", DROPPED),
    ],
)
def test_how_a_run_ended_is_a_name_of_its_own(
    corpus: Corpus, one: Decode, event: str, conclusion: str, word: str, state: ItemState
) -> None:
    payload = copy.deepcopy(next(example for example in corpus[event] if example["action"] == "completed"))
    payload[event]["conclusion"] = conclusion
    found = one(event, payload)
    assert found.names == (f"{event}.completed", *([f"{event}.{word}"] if word else []))
    assert found.item.state is state


@pytest.mark.parametrize(("state", "word"), [("failure", "failed"), ("error", "failed"), ("success", "succeeded")])
def test_how_a_deployment_ended_is_a_name_of_its_own(corpus: Corpus, one: Decode, state: str, word: str) -> None:
    payload = copy.deepcopy(corpus["deployment_status"][0])
    payload["deployment_status"]["state"] = state
    assert one("deployment_status", payload).names == ("deployment_status.created", f"deployment_status.{word}")


def test_an_edit_names_the_fields_and_their_old_values(corpus: Corpus, one: Decode) -> None:
    payload = copy.deepcopy(corpus["pull_request"][13])
    payload["action"] = "edited"
    payload["changes"] = {"title": {"from": "Old"}, "base": {"ref": {"from": "develop"}, "sha": {"from": "c0ffee"}}}
    assert one("pull_request", payload).changed == (
        FieldChange("title", before="Old", after="Update the README with new information."),
        FieldChange("base", before="develop", after="master"),
    )


def test_a_renamed_or_transferred_repository_tells_its_old_name(corpus: Corpus, one: Decode) -> None:
    renamed, transferred = copy.deepcopy(corpus["repository"][9]), copy.deepcopy(corpus["repository"][10])
    renamed["changes"]["repository"]["name"]["from"] = "Old-Name"  # the recorded one was renamed to itself
    assert one("repository", renamed).changed == (
        FieldChange("title", before="Octocoders/Old-Name", after="Octocoders/Hello-World"),
    )
    (moved,) = one("repository", transferred).changed
    assert (moved.field, moved.after) == ("title", transferred["repository"]["full_name"])
    assert (moved.before or "").startswith("octocat/")
    renamed["repository"]["full_name"] = "without a slash"
    assert one("repository", renamed).item.title == "without a slash"


def test_a_secret_alert_never_tells_the_secret(recorded: Recorded, one: Decode) -> None:
    payload = recorded("issues.opened")
    alert = {
        "number": 7,
        "secret": "ghp_canary",
        "secret_type": "github_personal_access_token",
        "secret_type_display_name": "GitHub Personal Access Token",
        "html_url": "https://github.com/o/r/security/secret-scanning/7",
        "resolution": None,
    }
    found = one("secret_scanning_alert", {**payload, "action": "created", "alert": alert})
    assert (found.item.ref.id, found.item.title) == ("secret_scanning/7", "GitHub Personal Access Token")
    assert found.item.facts["secret_type"] == "github_personal_access_token"
    assert b"ghp_canary" not in msgspec.json.encode(found)
    for resolution, state in (("revoked", DONE), ("false_positive", DROPPED), ("wont_fix", DROPPED)):
        alert["resolution"] = resolution
        closed = one("secret_scanning_alert", {**payload, "action": "resolved", "alert": alert})
        assert closed.item.state is state


def test_the_address_of_a_branch_is_one_whatever_its_name(corpus: Corpus, one: Decode) -> None:
    payload = {**corpus["create"][0], "ref": "feature/#1 (a?b)", "ref_type": "branch"}
    assert one("create", payload).item.url.endswith("/tree/feature/%231%20%28a%3Fb%29")


def test_pushed_files_are_known_from_the_commits_unless_they_do_not_say(recorded: Recorded, one: Decode) -> None:
    payload = recorded("push")
    assert one("push", payload).item.files == ("README.md",)
    for commit in payload["commits"]:  # as a workflow sees the same push
        del commit["added"], commit["modified"], commit["removed"]
    assert one("push", payload).item.files is None


def test_whoever_pushed_may_write(recorded: Recorded, one: Decode) -> None:
    event = one("push", recorded("push"))
    assert (event.item.author, event.actor.trusted) == (Person("Codertocat", trusted=True), True)


# Who says it


@pytest.mark.parametrize(
    ("user", "association", "person"),
    [
        ({"login": "ann", "type": "User"}, "OWNER", Person("ann", trusted=True)),
        ({"login": "ann", "type": "User"}, "MEMBER", Person("ann", trusted=True)),
        ({"login": "ann", "type": "User"}, "COLLABORATOR", Person("ann", trusted=True)),
        ({"login": "ann", "type": "User"}, "CONTRIBUTOR", Person("ann")),
        ({"login": "ann", "type": "User"}, "owner", Person("ann")),
        ({"login": "ann", "type": "User"}, None, Person("ann")),
        ({"login": "dependabot[bot]", "type": "User"}, "NONE", Person("dependabot[bot]", is_bot=True)),
        ({"login": "renovate", "type": "Bot"}, "NONE", Person("renovate", is_bot=True)),
        (None, "NONE", Person("ghost")),
    ],
)
def test_an_author_is_trusted_when_github_says_so(
    recorded: Recorded, one: Decode, user: object, association: str | None, person: Person
) -> None:
    payload = recorded("issues.opened")
    payload["issue"].update(user=user, author_association=association)
    assert one("issues", payload).item.author == person


def test_a_sender_is_not_trusted_for_what_somebody_else_is(recorded: Recorded, one: Decode) -> None:
    payload = recorded("issues.opened")
    payload["sender"] = {"login": "mallory", "type": "User"}
    assert one("issues", payload).actor == Person("mallory")


# What we caused ourselves


@pytest.mark.parametrize("mark", [CARD, KEY])
@pytest.mark.parametrize(
    ("user", "association", "echo"),
    [
        ({"login": "github-actions[bot]", "type": "Bot"}, "NONE", True),
        ({"login": "ann", "type": "User"}, "MEMBER", True),
        ({"login": "mallory", "type": "User"}, "CONTRIBUTOR", False),
        ({"login": "mallory", "type": "User"}, "NONE", False),
    ],
)
def test_our_mark_counts_when_its_author_may_write_and_not_when_a_stranger_pastes_it(
    recorded: Recorded, one: Decode, mark: str, user: Payload, association: str, *, echo: bool
) -> None:
    comment = recorded("issue_comment.created")
    comment["comment"].update(body=f"{mark}\r\nA card", user=user, author_association=association)
    assert one("issue_comment", comment).echo is echo
    issue = recorded("issues.opened")
    issue["issue"].update(body=f"{mark}\nA card", user=user, author_association=association)
    assert one("issues", issue).echo is echo


def test_a_colleague_who_quotes_our_mark_further_down_is_heard(recorded: Recorded, one: Decode) -> None:
    payload = recorded("issue_comment.created")
    payload["comment"]["body"] = f"Look what it wrote:\n\n{CARD}\n"
    assert not one("issue_comment", payload).echo


def test_a_comment_of_a_person_on_an_issue_that_we_opened_is_heard(recorded: Recorded, one: Decode) -> None:
    payload = recorded("issue_comment.created")
    payload["issue"].update(body=f"{CARD}\n", user={"login": "github-actions[bot]", "type": "Bot"})
    assert not one("issue_comment", payload).echo


# What nobody knows, and what is broken


@pytest.mark.parametrize("event", ["", "brand_new", "issues ", "ISSUES", "x" * 5000, "a\x1b[31mb", "::error::x"])
def test_an_event_that_nobody_knows_is_named_and_not_an_error(recorded: Recorded, event: str) -> None:
    with pytest.raises(EventUnknown) as caught:
        decode(raw(event, recorded("issues.opened")))
    assert caught.value.http_status == 202
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


def test_an_action_that_nobody_knows_is_named_too(recorded: Recorded) -> None:
    with pytest.raises(EventUnknown, match=r"issues\.brand_new"):
        decode(raw("issues", {**recorded("issues.opened"), "action": "brand_new"}))


@pytest.mark.parametrize("event", ["schedule", "workflow_dispatch", "repository_dispatch", "ping"])
def test_what_is_ignored_by_name_is_not_even_read(event: str) -> None:
    assert decode(RawRequest({"x-github-event": event}, b"not JSON at all")) == ()


def test_an_ignored_action_of_an_event_that_is_read_tells_nothing(recorded: Recorded) -> None:
    assert decode(raw("secret_scanning_alert", {**recorded("issues.opened"), "action": "assigned"})) == ()


def test_the_delivery_id_is_githubs_or_in_a_workflow_the_event_files(recorded: Recorded) -> None:
    body = msgspec.json.encode(recorded("issues.opened"))
    (webhook,) = decode(
        RawRequest({"x-github-event": "issues", "x-github-delivery": "a-b", "x-ai-crm-event-id": "c"}, body)
    )
    (workflow,) = decode(RawRequest({"x-github-event": "issues", "x-ai-crm-event-id": "c"}, body))
    assert (webhook.id, workflow.id) == ("a-b", "c")
    with pytest.raises(PayloadInvalid):
        decode(RawRequest({"x-github-event": "issues"}, body))


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe\0", b"[" * 100_000, b"[]", b"1", b"null", b'"text"', b"{}", b"NaN", b"[NaN]"]
)
def test_what_is_not_githubs_form_is_refused_with_a_reason(body: bytes) -> None:
    with pytest.raises(PayloadInvalid):
        decode(raw("issues", body))


def test_a_wrong_shape_is_named_by_its_path(recorded: Recorded) -> None:
    payload = recorded("issues.opened")
    payload["issue"]["title"] = 42
    with pytest.raises(PayloadInvalid, match=r"^GitHub: issue\.title: expected a string, found a number$"):
        decode(raw("issues", payload))
    payload["issue"].update(title="x", labels=[{"name": "bug"}, {"name": None}])
    with pytest.raises(PayloadInvalid, match=r"issue\.labels\[1\]\.name: expected a string, found nothing"):
        decode(raw("issues", payload))


def test_a_link_that_is_no_web_address_goes_no_further(recorded: Recorded) -> None:
    payload = recorded("issues.opened")
    payload["issue"]["html_url"] = "javascript:alert(1)"
    with pytest.raises(PayloadInvalid, match=r"issue\.html_url: expected a web address"):
        decode(raw("issues", payload))


def test_texts_lose_what_cannot_be_seen_and_names_keep_their_letters(recorded: Recorded, one: Decode) -> None:
    payload = recorded("issues.opened")
    payload["issue"].update(
        title="a\0b\u202ec\ud83d", body="\u200bx", labels=[{"name": "\u26a0\ufe0f breaking\0\ud83d"}]
    )
    item = one("issues", payload).item
    assert (item.title, item.body) == ("abc", "x")
    assert item.labels == ("\u26a0\ufe0f breaking?",)


def test_half_an_emoji_that_some_program_cut_off_is_no_reason_to_lose_the_event(
    recorded: Recorded, one: Decode
) -> None:
    payload = recorded("issues.opened")
    payload["issue"]["title"] = "cut \ud83d"
    assert one("issues", payload).item.title == "cut "


def test_a_webhook_that_sends_a_form_is_read_too(recorded: Recorded) -> None:
    body = msgspec.json.encode(recorded("issues.opened"))
    form = f"payload={quote_plus(body)}".encode()
    kind = {"content_type": "application/x-www-form-urlencoded"}
    assert decode(raw("issues", form, **kind)) == decode(raw("issues", body))
    for broken in (b"", b"payload", b"payload=1&payload=2", b"other=1", b"&".join([b"a=1"] * 50)):
        with pytest.raises(PayloadInvalid):
            decode(raw("issues", broken, **kind))


_JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["closed", "2026-13-45", "https://a b", "x" * 5000, "refs/heads/", "\0", "0" * 40]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["login", "name", "from", "id"]), st.integers(), max_size=2),
)


def _places(thing: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    if isinstance(thing, dict):
        for key in thing:
            yield from _places(thing[key], (*path, key))
    elif isinstance(thing, list):
        for position, one in enumerate(thing):
            yield from _places(one, (*path, position))


def _essential(path: tuple[str | int, ...]) -> bool:
    """GitHub repeats owners and templates of addresses everywhere: nearly all places are of these, and none is read."""
    return not str(path[-1]).endswith("_url") and "owner" not in path


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_damaged_delivery_is_refused_or_understood_and_never_a_crash(corpus: Corpus, data: st.DataObject) -> None:
    event = data.draw(st.sampled_from(sorted(EVENTS.keys() & corpus.keys())))
    payload = copy.deepcopy(data.draw(st.sampled_from(corpus[event])))
    for _ in range(data.draw(st.integers(1, 4))):
        places = [path for path in _places(payload) if _essential(path)]
        *way, last = data.draw(st.sampled_from(places))
        holder: Any = payload
        for step in way:
            holder = holder[step]
        if isinstance(holder, dict) and data.draw(st.booleans()):
            del holder[last]
        else:
            holder[last] = data.draw(_JUNK)
    refused, found = _outcome(raw(event, msgspec.json.encode(payload)))
    assert refused or msgspec.json.decode(msgspec.json.encode(found), type=tuple[Event, ...]) == found
    assert refused == "unknown" or ": expected " in refused or len(found) <= 1


def _outcome(request: RawRequest) -> tuple[str, tuple[Event, ...]]:
    try:
        return "", decode(request)
    except PayloadInvalid as error:
        return str(error), ()
    except EventUnknown:
        return "unknown", ()
