"""`use: daily-report`: a channel is told what the hub did since the last time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ai_crm.analysis import offline_analyst
from ai_crm.config.policy import load_policy
from ai_crm.flow.decide import decide
from ai_crm.model.change import CreateTask
from ai_crm.model.event import Event
from ai_crm.model.item import PlatformName
from ai_crm.model.occasion import ReportDue, written
from ai_crm.model.record import Report, Workflow
from ai_crm.model.task import RuleId
from ai_crm.platforms.hub.decode import decode
from ai_crm.ports import RawRequest
from ai_crm.rules.rule import Defaults

if TYPE_CHECKING:
    from tests.rules.conftest import Ask, Happens

USE = 'workflows: {daily: {use: daily-report, with: {channel: "#dev"}}}'
MINE = """\
workflows:
  weekly:
    use: daily-report
    with: {channel: C012AB3CD, cron: "30 7 * * mon", time_zone: Europe/Berlin}
"""
FIGURES = Report(
    since=datetime(2026, 11, 23, 9, tzinfo=UTC),
    until=datetime(2026, 11, 24, 9, tzinfo=UTC),
    total_events=41,
    average_response_ms=1234,
    success_rate=0.975,
    top_workflows=(Workflow(rule="triage", matched=12), Workflow(rule="hub/stale", matched=3)),
    platform_breakdown=(),
    tasks_created=5,
    tasks_done=4,
    tasks_open=9,
)
QUIET = Report(
    since=FIGURES.since,
    until=FIGURES.until,
    total_events=0,
    average_response_ms=None,
    success_rate=None,
    top_workflows=(),
    platform_breakdown=(),
    tasks_created=0,
    tasks_done=0,
    tasks_open=9,
)


def reported(figures: Report) -> Event:
    due = ReportDue(
        rule=RuleId("daily"), at=figures.until, workspace="default", url="https://hub.example", figures=figures
    )
    (event,) = decode(RawRequest({"x-ai-crm-event-id": "delivery-1"}, written(due)))
    return event


def test_the_figures_of_a_day(ask: Ask) -> None:
    (told,) = ask(USE, reported(FIGURES))
    assert told.splitlines() == [
        'tell slack #dev "*AI-CRM* 2026-11-23 09:00+00:00 to 2026-11-24 09:00+00:00',
        "Events: 41, without a failure 97.5%, answered after 1234 ms on average",
        "Tasks: 5 new, 4 done, 9 open",
        "Rules that matched most: triage (12), hub/stale (3)",
        "https://hub.example",
        '"',
    ]


def test_a_quiet_day_has_figures_too(ask: Ask) -> None:
    (told,) = ask(USE, reported(QUIET))
    assert "Events: 0, without a failure n/a, answered after n/a ms on average" in told
    assert "Rules that matched most: none" in told


@pytest.mark.parametrize(
    ("rules", "cron", "zone"), [(USE, "0 9 * * 1-5", "UTC"), (MINE, "30 7 * * mon", "Europe/Berlin")]
)
def test_when_it_comes(rules: str, cron: str, zone: str) -> None:
    (rule,) = load_policy(rules.encode(), "rules.yml", Defaults()).rules
    assert rule.schedule
    assert (rule.schedule.cron, rule.schedule.time_zone) == (cron, zone)


def test_nothing_that_happens_is_a_report(ask: Ask, happens: Happens) -> None:
    assert ask(USE, happens("issues.opened")) == []


def test_a_report_can_be_a_task_that_stands_in_the_hub_alone() -> None:
    event = reported(FIGURES)
    rules = "workflows: {r: {trigger: report, cron: 0 9 * * *, task: {title: 'Look at {report.tasks_open}'}}}"
    policy = load_policy(rules.encode(), "rules.yml", Defaults())
    (change,) = decide(event, event.item, (), policy, offline_analyst(), FIGURES.until).changes  # and no card
    assert isinstance(change, CreateTask)
    assert (change.title, change.item.platform) == ("Look at 9", PlatformName.HUB)
