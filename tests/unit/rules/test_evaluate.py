"""When a rule is asked, what it answers, and what must be looked up for it: as little as possible."""

from __future__ import annotations

from typing import Any

import pytest

from ai_crm.config.policy import load_policy
from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemKind, ItemState, Needs
from ai_crm.rules.evaluate import judge, needs_of, triggered
from ai_crm.rules.rule import Defaults, Policy, Rule
from tests.unit.rules.conftest import NOW, an_event, an_item

ISSUE = an_item()
PULL = an_item(ItemKind.PULL_REQUEST)


def policy(*rules: str) -> Policy:
    lines = "".join(f"  r{number}: {{{rule}}}\n" for number, rule in enumerate(rules))
    return load_policy(f"workflows:\n{lines}".encode(), "rules.yml", Defaults())


def rule(text: str) -> Rule:
    return policy(text).rules[0]


def seen(item: Item, *names: str, **fields: Any) -> Event:
    return an_event(item, *names, **fields)


LABELED = "trigger: issue_opened, conditions: [{labels: bug}], task: {}"


# --- triggered --------------------------------------------------------------------------------------------------------


def test_a_rule_is_asked_about_the_events_that_it_waits_for() -> None:
    asked = rule("trigger: [issue_opened, pull_request_merged], task: {}")
    assert triggered(asked, seen(ISSUE, "issues.opened"), has_task=False)
    assert triggered(asked, seen(PULL, "pull_request.closed", "pull_request.merged"), has_task=True)
    assert not triggered(asked, seen(PULL, "pull_request.closed"), has_task=False)


def test_a_label_that_comes_later_counts_as_part_of_the_beginning() -> None:
    asked = rule(LABELED)
    late = seen(an_item(labels=("bug",)), "issues.labeled")
    assert triggered(asked, late, has_task=False)
    assert judge(asked, late, late.item, policy(LABELED), NOW).matched


def test_a_rule_that_has_made_its_task_is_done_with_late_labels() -> None:
    asked = rule(LABELED)
    late = seen(an_item(labels=("bug",)), "issues.labeled")
    assert not triggered(asked, late, has_task=True)
    trigger, _ = judge(asked, late, late.item, policy(LABELED), NOW, has_task=True).findings
    assert (trigger.satisfied, trigger.seen) == (False, "issues.labeled, too late: the rule has made its task")


def test_a_closed_item_is_no_longer_at_its_beginning() -> None:
    closed = seen(an_item(state=ItemState.DONE, labels=("bug",)), "issues.labeled")
    assert not triggered(rule(LABELED), closed, has_task=False)


@pytest.mark.parametrize(
    ("text", "item", "name"),
    [
        ("trigger: issue_opened, conditions: [{not_labels: wontfix}], task: {}", ISSUE, "issues.unlabeled"),
        ("trigger: issue_opened, conditions: [{any: [{labels: a}, {state: open}]}], task: {}", ISSUE, "issues.labeled"),
        ("trigger: pull_request_opened, conditions: [{draft: false}], task: {}", PULL, "pull_request.ready_for_review"),
        ("trigger: pull_request_opened, conditions: [{files_changed: x}], task: {}", PULL, "pull_request.synchronize"),
    ],
)
def test_any_later_event_that_can_change_a_condition_is_asked_about(text: str, item: Item, name: str) -> None:
    assert triggered(rule(text), seen(item, name), has_task=False)


@pytest.mark.parametrize(
    ("text", "item", "name"),
    [
        ("trigger: issue_opened, task: {}", ISSUE, "issues.labeled"),
        ("trigger: issue_opened, conditions: [{author: a}], task: {}", ISSUE, "issues.labeled"),
        ("trigger: issue_reopened, conditions: [{labels: a}], task: {}", ISSUE, "issues.labeled"),
        ("trigger: pull_request_opened, conditions: [{labels: a}], task: {}", ISSUE, "issues.labeled"),
        (
            "trigger: issue_opened, conditions: [{labels: a}], actions: [{action: github_label, params: {add: b}}]",
            ISSUE,
            "issues.labeled",
        ),
    ],
)
def test_nothing_else_is_late(text: str, item: Item, name: str) -> None:
    assert not triggered(rule(text), seen(item, name), has_task=False)


def test_a_rule_that_is_switched_off_is_never_asked_and_says_so() -> None:
    off = rule("enabled: false, trigger: issue_opened, task: {}")
    event = seen(ISSUE, "issues.opened")
    assert not triggered(off, event, has_task=False)
    (trigger,) = judge(off, event, ISSUE, policy("trigger: push, task: {}"), NOW).findings
    assert "switched off (enabled: false)" in trigger.seen


# --- judge ------------------------------------------------------------------------------------------------------------


def test_a_verdict_has_the_trigger_first_and_then_every_condition() -> None:
    rules = policy("trigger: issue_opened, conditions: [{labels: bug}, {not_labels: wontfix}, {state: open}], task: {}")
    item = an_item(labels=("bug", "wontfix"))
    verdict = judge(rules.rules[0], seen(item), item, rules, NOW)
    assert [(finding.condition, finding.satisfied) for finding in verdict.findings] == [
        ("trigger", True),
        ("labels", True),
        ("not_labels", False),
        ("state", True),
    ]
    assert (verdict.rule, verdict.matched, verdict.missed, verdict.line) == ("r0", False, 1, 2)


def test_a_rule_without_conditions_matches_by_its_trigger_alone() -> None:
    rules = policy("trigger: issue_opened, task: {}")
    assert judge(rules.rules[0], seen(ISSUE), ISSUE, rules, NOW).matched


def test_conditions_are_looked_at_for_another_event_of_such_items_to_show_the_nearest_miss() -> None:
    rules = policy("trigger: issue_closed, conditions: [{labels: bug}], task: {}")
    item = an_item(labels=("bug",))
    verdict = judge(rules.rules[0], seen(item, "issues.opened"), item, rules, NOW)
    trigger, labels = verdict.findings
    assert not verdict.matched
    assert (trigger.wanted, trigger.seen, trigger.satisfied) == ("issue_closed", "issues.opened", False)
    assert labels.satisfied
    assert verdict.note == ""


def test_conditions_about_other_kinds_of_items_are_not_looked_at_and_the_verdict_says_why() -> None:
    rules = policy("trigger: [pull_request_opened, release_published], conditions: [{author: a}], task: {}")
    verdict = judge(rules.rules[0], seen(ISSUE), ISSUE, rules, NOW)
    assert [finding.condition for finding in verdict.findings] == ["trigger"]
    assert verdict.note == (
        "its conditions were not looked at: it is about a pull request or a release, this is an issue"
    )


def test_a_schedule_is_about_issues_and_pull_requests() -> None:
    rules = policy(
        "trigger: schedule, conditions: [{inactive_for: 1d}], actions: [{action: assign, params: {people: a}}]"
    )
    assert judge(rules.rules[0], seen(PULL, "pull_request.opened"), PULL, rules, NOW).note == ""


# --- needs_of ---------------------------------------------------------------------------------------------------------

FILES = "conditions: [{files_changed: '*.py'}, {labels: bug}]"


@pytest.mark.parametrize(
    ("rules", "item", "name", "needs"),
    [
        ((f"trigger: pull_request_opened, {FILES}, task: {{}}",), {"labels": ("bug",)}, "opened", Needs(files=True)),
        ((f"trigger: pull_request_opened, {FILES}, task: {{}}",), {}, "opened", Needs()),
        ((f"trigger: pull_request_closed, {FILES}, task: {{}}",), {"labels": ("bug",)}, "opened", Needs()),
        ((f"trigger: pull_request_opened, {FILES}, task: {{}}",), {"labels": ("bug",)}, "labeled", Needs(files=True)),
        (
            (f"enabled: false, trigger: pull_request_opened, {FILES}, task: {{}}",),
            {"labels": ("bug",)},
            "opened",
            Needs(),
        ),
        (("trigger: pull_request_opened, task: {}",), {}, "opened", Needs()),
        (
            (
                "trigger: pull_request_opened, conditions: [{author_team: a/b}], task: {}",
                "trigger: pull_request_opened, conditions: [{author_team: [a/c, a/b]}, {files_changed: x}], task: {}",
            ),
            {},
            "opened",
            Needs(files=True, teams=("a/b", "a/c")),
        ),
        (
            ("trigger: pull_request_opened, conditions: [{any: [{files_changed: x}, {labels: bug}]}], task: {}",),
            {"labels": ("bug",)},
            "opened",
            Needs(files=True),
        ),
    ],
)
def test_only_what_can_still_decide_a_rule_is_looked_up(
    rules: tuple[str, ...], item: dict[str, Any], name: str, needs: Needs
) -> None:
    event = seen(an_item(ItemKind.PULL_REQUEST, **item), f"pull_request.{name}")
    assert needs_of(policy(*rules), event, NOW) == needs
