"""The one decision: pure, the same bytes for the same question, and quiet about what is ours."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from ai_crm.analysis import offline_analyst
from ai_crm.config.policy import load_policy
from ai_crm.errors import ChangeRefused, Unsupported, UpstreamUnavailable
from ai_crm.flow.consider import Analysts, consider
from ai_crm.flow.decide import decide
from ai_crm.flow.deliver import deliver
from ai_crm.flow.follow import FOLLOWED, follow
from ai_crm.model.analysis import WorkType
from ai_crm.model.change import (
    AddLabels,
    Applied,
    Assign,
    Comment,
    CreateTask,
    OutboundChange,
    Outcome,
    ShowCard,
    UpdateTask,
)
from ai_crm.model.decision import Answer, Decision, Skip
from ai_crm.model.event import Event, FieldChange
from ai_crm.model.item import ItemKind, ItemRef, ItemState, Person, PlatformName
from ai_crm.model.task import Task, TaskStatus
from ai_crm.model.trigger import find_trigger
from ai_crm.platforms.hub import OwnPlatform
from ai_crm.platforms.printed import Printed
from ai_crm.rules.rule import Defaults, Policy
from ai_crm.store.card import CardStore
from ai_crm.store.memory import MemoryStore
from tests.conftest import Finish
from tests.unit.rules.conftest import NOW, an_event, an_item

_RULES = b"""
auto_task_creation:
  rules:
    - name: bugs
      trigger: issue_opened
      conditions: [{labels: bug}]
      task: {title: "Bug: {issue.title}", pm_analysis: true}
    - name: every issue
      trigger: issue_opened
      task: {title: "Look at {issue.title}", priority: low}
"""


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy(_RULES, "ai-crm.yml", Defaults())


def _decide(event: Event, policy: Policy, *tasks: Task) -> Decision:
    return decide(event, event.item, tasks, policy, offline_analyst(), NOW)


def _bug() -> Event:
    return an_event(an_item(labels=("bug",)))


def _stored(decision: Decision, finish: Finish) -> tuple[Task, ...]:
    return finish(MemoryStore().commit(decision, NOW)).tasks


def test_the_same_question_has_the_same_answer_to_the_byte(policy: Policy) -> None:
    assert _decide(_bug(), policy).to_json() == _decide(_bug(), policy).to_json()


def test_a_decision_survives_its_json_form(policy: Policy) -> None:
    decision = _decide(_bug(), policy)
    assert msgspec.json.decode(decision.to_json(), type=Decision) == decision


def test_every_rule_is_told_whether_it_matched_or_not(policy: Policy) -> None:
    decision = _decide(an_event(an_item(labels=("question",))), policy)
    assert [(verdict.rule, verdict.matched) for verdict in decision.verdicts] == [
        ("bugs", False),
        ("every issue", True),
    ]


def test_two_rules_make_two_tasks_and_one_card(policy: Policy) -> None:
    changes = _decide(_bug(), policy).changes
    assert [change.rule for change in changes if isinstance(change, CreateTask)] == ["bugs", "every issue"]
    assert sum(isinstance(change, ShowCard) for change in changes) == 1


def test_what_we_caused_ourselves_is_not_even_judged(policy: Policy) -> None:
    decision = _decide(msgspec.structs.replace(_bug(), echo=True), policy)
    assert (decision.answer, decision.verdicts, decision.changes) == (Answer.ECHO, (), ())


def test_a_policy_that_is_switched_off_does_nothing() -> None:
    off = load_policy(b"auto_task_creation: {enabled: false, rules: []}\n", "ai-crm.yml", Defaults())
    assert _decide(_bug(), off).answer is Answer.OFF


def test_a_rule_is_done_with_an_item_that_has_its_task(policy: Policy, finish: Finish) -> None:
    tasks = _stored(_decide(_bug(), policy), finish)
    later = msgspec.structs.replace(_bug(), id="delivery-2")
    decision = _decide(later, policy, *tasks)
    assert decision.changes == ()
    assert all("exists already" in verdict.note for verdict in decision.verdicts)


def test_the_very_event_that_made_a_task_is_planned_again_with_the_same_keys(policy: Policy, finish: Finish) -> None:
    first = _decide(_bug(), policy)
    again = _decide(_bug(), policy, *_stored(first, finish))
    assert [change.key for change in again.changes] == [change.key for change in first.changes]


def test_labels_that_are_there_are_not_added(policy: Policy) -> None:
    changes = _decide(_bug(), policy).changes
    (added,) = (change for change in changes if isinstance(change, AddLabels))
    labelled = an_event(an_item(labels=("bug", *added.labels)))
    assert not any(isinstance(change, AddLabels) for change in _decide(labelled, policy).changes)


@pytest.mark.parametrize(
    ("name", "state", "status"),
    [
        ("issues.closed", ItemState.DONE, TaskStatus.DONE),
        ("issues.closed", ItemState.DROPPED, TaskStatus.CANCELLED),
        ("issues.deleted", ItemState.DROPPED, TaskStatus.CANCELLED),
        ("pull_request.merged", ItemState.MERGED, TaskStatus.DONE),
        ("pull_request.ready_for_review", ItemState.OPEN, TaskStatus.IN_REVIEW),
        ("pull_request.converted_to_draft", ItemState.OPEN, TaskStatus.IN_PROGRESS),
    ],
)
def test_a_task_follows_its_item(
    policy: Policy, finish: Finish, name: str, state: ItemState, status: TaskStatus
) -> None:
    task = _stored(_decide(_bug(), policy), finish)[0]
    event = an_event(an_item(state=state, updated_at=NOW + timedelta(hours=1)), name)
    update = follow(event, event.item, task, own_labels="ai-crm/")
    assert isinstance(update, UpdateTask)
    assert update.patch.status is status


def test_an_event_that_comes_late_changes_nothing_and_says_so(policy: Policy, finish: Finish) -> None:
    task = _stored(_decide(_bug(), policy), finish)[0]
    event = an_event(an_item(state=ItemState.DONE, updated_at=NOW - timedelta(hours=1)), "issues.closed")
    late = follow(event, event.item, task, own_labels="ai-crm/")
    assert isinstance(late, Skip)
    assert "older" in late.because


def test_a_comment_that_was_deleted_does_not_cancel_the_task(policy: Policy, finish: Finish) -> None:
    task = _stored(_decide(_bug(), policy), finish)[0]
    event = an_event(an_item(), "issue_comment.deleted")
    assert follow(event, event.item, task, own_labels="ai-crm/") is None


def test_our_own_labels_are_no_news(policy: Policy, finish: Finish) -> None:
    task = _stored(_decide(_bug(), policy), finish)[0]
    event = an_event(an_item(labels=("bug", "ai-crm/high")), "issues.labeled")
    assert follow(event, event.item, task, own_labels="ai-crm/") is None


def test_a_new_title_keeps_the_words_of_the_rule(policy: Policy, finish: Finish) -> None:
    task = _stored(_decide(_bug(), policy), finish)[0]
    item = an_item(title="Typo", updated_at=NOW + timedelta(hours=1))
    changed = (FieldChange("title", "Spelling error in the README file", "Typo"),)
    update = follow(an_event(item, "issues.edited", changed=changed), item, task, own_labels="ai-crm/")
    assert isinstance(update, UpdateTask)
    assert update.patch.title == "Bug: Typo"


class _Flaky(Printed):
    """Carries everything out but labels."""

    def __init__(self) -> None:
        self.done: list[str] = []

    async def apply(self, change: OutboundChange) -> Applied:
        if isinstance(change, AddLabels):
            raise UpstreamUnavailable("down")
        self.done.append(type(change).__name__)
        return Applied(key=change.key, outcome=Outcome.DONE, where="1", url="https://x.example/1")


def test_a_change_that_fails_does_not_stop_the_others(policy: Policy, finish: Finish) -> None:
    github = _Flaky()
    report = finish(deliver(_decide(_bug(), policy), MemoryStore(), {PlatformName.GITHUB: github}, NOW))
    assert github.done == ["ShowCard"]
    assert [type(failure.change) for failure in report.failures] == [AddLabels]
    assert len(report.created) == 2


class _Full(Printed):
    """Cannot show the card, which is where this store keeps its tasks."""

    async def apply(self, change: OutboundChange) -> Applied:
        raise Unsupported(f"too much for one card of {change.item}")


def test_a_claim_that_fails_in_any_way_stops_everything(policy: Policy, finish: Finish) -> None:
    class Empty:
        async def read_card(self, item: ItemRef) -> None:
            """Nobody has a card."""

    with pytest.raises(ChangeRefused):
        finish(deliver(_decide(_bug(), policy), CardStore(Empty()), {PlatformName.GITHUB: _Full()}, NOW))


def test_what_was_begun_is_finished_although_our_own_doing_would_speak_against_it(finish: Finish) -> None:
    rules = b"""
workflows:
  mine:
    trigger: {platform: github, event: issues.opened, conditions: [{assignee: null}]}
    actions:
      - {action: create_ai_crm_task, params: {assignees: [hubot]}}
      - {action: github_comment, params: {message: hello}}
"""
    policy = load_policy(rules, "ai-crm.yml", Defaults())
    first = _decide(_bug(), policy)
    now = msgspec.structs.replace(_bug().item, assignees=("hubot",))
    again = decide(_bug(), now, _stored(first, finish), policy, offline_analyst(), NOW)
    assert again.matched == ("mine",)
    assert any(isinstance(change, Comment) for change in again.changes)
    assert not any(isinstance(change, Assign) for change in again.changes)


def test_everything_that_is_followed_can_really_happen() -> None:
    assert {name for name in FOLLOWED if find_trigger(name) is None} == set()


@pytest.mark.parametrize(
    "name",
    [
        "pull_request_review_thread.resolved",
        "pull_request_review.dismissed",
        "pull_request_review_comment.deleted",
        "repository.transferred",
        "discussion_comment.edited",
    ],
)
def test_what_is_not_about_the_item_itself_changes_no_task(policy: Policy, finish: Finish, name: str) -> None:
    task = _stored(_decide(_bug(), policy), finish)[0]
    event = an_event(an_item(updated_at=NOW + timedelta(hours=1)), name)
    assert follow(event, event.item, task, own_labels="ai-crm/") is None


def test_votes_and_who_asks_stand_beside_the_text_and_our_own_labels_do_not(policy: Policy) -> None:
    labels, ada = ("bug", "ai-crm/security-auditor", "ai-crm/urgent"), Person("ada", trusted=True)
    item = an_item(title="Lorem ipsum", body="", labels=labels, votes=12, author=ada)
    made = next(change for change in _decide(an_event(item), policy).changes if isinstance(change, CreateTask))
    assert made.analysis is not None
    beside = [evidence.seen for evidence in made.analysis.urgency.evidence if evidence.where == "platform"]
    assert beside == ["+1 from 12 people", "reported by somebody of the project"]
    heard = {evidence.where for match in made.analysis.agents for evidence in match.evidence}
    assert not any(where.startswith("ai-crm/") for where in heard)
    assert "security-auditor" not in {match.name for match in made.analysis.agents}
    bot = msgspec.structs.replace(item, author=Person("renovate[bot]", is_bot=True, trusted=True), votes=None)
    made = next(change for change in _decide(an_event(bot), policy).changes if isinstance(change, CreateTask))
    assert made.analysis is not None
    assert all(evidence.where != "platform" for evidence in made.analysis.urgency.evidence)


def test_the_type_that_people_gave_an_issue_counts_like_a_label() -> None:
    item = an_item(ItemKind.ISSUE, {"type": "Feature"}, title="Lorem ipsum", body="", labels=())
    rules = load_policy(b"workflows: {a: {trigger: issue_opened, task: {pm_analysis: true}}}", "x.yml", Defaults())
    made = next(change for change in _decide(an_event(item), rules).changes if isinstance(change, CreateTask))
    assert made.analysis is not None
    assert made.analysis.type.value is WorkType.FEATURE
    assert [evidence.where for evidence in made.analysis.type.evidence] == ["label"]


class _Unasked:
    """A platform that nobody may ask anything."""


def test_an_event_that_no_rule_waits_for_asks_nobody(policy: Policy, finish: Finish) -> None:
    event = an_event(an_item(ItemKind.PUSH), "push")
    analysts = Analysts(offline_analyst(), OwnPlatform())
    considered = finish(consider(event, _Unasked(), _Unasked(), policy, analysts, NOW))  # type: ignore[arg-type]  # that is the point
    assert considered.decision.answer is Answer.NOTHING


def test_the_published_schema_describes_a_decision(policy: Policy, root: Path) -> None:
    from jsonschema import Draft202012Validator

    schema = json.loads((root / "schemas" / "decision.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(json.loads(_decide(_bug(), policy).to_json()))
