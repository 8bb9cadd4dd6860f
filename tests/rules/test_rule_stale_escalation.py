"""`use: stale-escalation`: the tasks of issues and pull requests that nobody touches become more urgent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ai_crm.config.policy import load_policy
from ai_crm.model.analysis import Priority
from ai_crm.model.task import RuleId, Task, TaskId
from ai_crm.rules.rule import Defaults
from ai_crm.rules.schedule import schedule_of
from tests.rules.conftest import NOW

if TYPE_CHECKING:
    from tests.rules.conftest import Ask, Happens

USE = "auto_task_creation: {rules: [{use: stale-escalation}]}"
MINE = """\
auto_task_creation:
  rules:
    - use: stale-escalation
      with: {after: 36h, labels: customer, ignore: waiting, label: overdue, priority: urgent}
"""
RAISED = ["update priority HIGH, labels ('needs-attention',)", "label needs-attention"]


@pytest.mark.parametrize(
    ("rules", "labels", "days", "lines"),
    [
        (USE, (), 15, RAISED),
        (USE, (), 13, []),
        (USE, ("blocked",), 15, []),
        (USE, ("Needs-Attention",), 15, RAISED[:1]),
        (MINE, ("customer",), 2, ["update priority URGENT, labels ('overdue',)", "label overdue"]),
        (MINE, ("customer",), 1, []),
        (MINE, ("customer", "waiting"), 2, []),
        (MINE, (), 2, []),
    ],
)
def test_stale_escalation(
    ask: Ask, happens: Happens, rules: str, labels: tuple[str, ...], days: int, lines: list[str]
) -> None:
    event = happens("issues.opened", ("schedule",), updated_at=NOW - timedelta(days=days), labels=labels)
    task = Task(id=TaskId("AICRM-1"), rule=RuleId("bugs"), item=event.item.ref, title="x")
    assert ask(rules, event, task) == lines


def test_pull_requests_grow_stale_like_issues(ask: Ask, happens: Happens) -> None:
    event = happens("pull_request.opened", ("schedule",), updated_at=NOW - timedelta(days=15))
    task = Task(id=TaskId("AICRM-1"), rule=RuleId("reviews"), item=event.item.ref, title="x")
    assert ask(USE, event, task) == RAISED


def test_what_was_raised_before_is_left_alone(ask: Ask, happens: Happens) -> None:
    event = happens("issues.opened", ("schedule",), updated_at=NOW - timedelta(days=20), labels=("needs-attention",))
    task = Task(
        id=TaskId("AICRM-1"),
        rule=RuleId("bugs"),
        item=event.item.ref,
        title="x",
        priority=Priority.HIGH,
        labels=("needs-attention",),
    )
    assert ask(USE, event, task) == []


def test_an_item_without_a_task_is_labelled_and_that_it_has_none_is_said(ask: Ask, happens: Happens) -> None:
    event = happens("issues.opened", ("schedule",), updated_at=NOW - timedelta(days=20))
    assert ask(USE, event) == ["label needs-attention", "not update_task"]


def test_in_a_hub_it_says_when(ask: Ask, happens: Happens) -> None:
    rules = """\
auto_task_creation:
  rules:
    - use: stale-escalation
      with: {cron: "0 9 * * 1-5", time_zone: Europe/Berlin}
"""
    (rule,) = load_policy(rules.encode(), "rules.yml", Defaults()).rules
    assert rule.schedule == schedule_of("0 9 * * 1-5", "Europe/Berlin")
    event = happens("issues.opened", ("schedule",), updated_at=NOW - timedelta(days=15))
    assert ask(rules, event) == ask(USE, event)
