"""When a rule's turn comes, as a file says it: both spellings, what is refused and where, and what a text may name."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from ai_crm.config.policy import load_policy
from ai_crm.errors import RulesInvalid
from ai_crm.rules.rule import Defaults, Policy
from ai_crm.rules.schedule import Schedule, schedule_of

TELL = 'actions: [{action: slack_notification, params: {channel: "#dev", message: hi}}]'


def policy(text: str) -> Policy:
    return load_policy(textwrap.dedent(text).encode(), "rules.yml", Defaults())


def refused(text: str) -> list[str]:
    with pytest.raises(RulesInvalid) as found:
        policy(text)
    return [str(problem) for problem in found.value.problems]


def schedule(cron: str) -> Schedule:
    return schedule_of(cron, "UTC")


def test_both_spellings_mean_the_same() -> None:
    short = """\
        auto_task_creation:
          rules:
            - name: stale
              trigger: schedule
              cron: "0 9 * * 1-5"
              time_zone: Europe/Berlin
              actions: [{action: github_label, params: {add: old}}]
        """
    for platform in ("hub", "github"):
        long = f"""\
            workflows:
              stale:
                trigger: {{platform: {platform}, event: schedule, cron: "0 9 * * 1-5", time_zone: Europe/Berlin}}
                actions: [{{action: github_label, params: {{add: old}}}}]
            """
        (one,), (other,) = policy(short).rules, policy(long).rules
        assert one.schedule == other.schedule == schedule_of("0 9 * * 1-5", "Europe/Berlin")
        assert (one.triggers, one.effects) == (other.triggers, other.effects)


def test_a_zone_that_is_not_said_is_utc_and_no_cron_is_no_schedule() -> None:
    (rule,) = policy(f"workflows: {{r: {{trigger: report, cron: 5 4 * * *, {TELL}}}}}").rules
    assert rule.schedule == schedule_of("5 4 * * *", "UTC")
    (rule,) = policy(f"workflows: {{s: {{trigger: schedule, {TELL}}}}}").rules
    assert rule.schedule is None


@pytest.mark.parametrize(
    ("cron", "field", "wanted"),
    [
        ("*/20 * * * *", "minutes", (0, 20, 40)),
        ("5/20 * * * *", "minutes", (5, 25, 45)),
        ("1,2,1 * * * *", "minutes", (1, 2)),
        ("0 8-18/5 * * *", "hours", (8, 13, 18)),
        ("0 0 1,15 * *", "days", {1, 15}),
        ("0 0 * JAN-mar,12 *", "months", {1, 2, 3, 12}),
        ("0 0 * * mon-fri", "weekdays", {1, 2, 3, 4, 5}),
        ("0 0 * * 7", "weekdays", {0}),
        ("0 0 * * Fri-Sun", "weekdays", {5, 6, 0}),
        ("0 0 * * 0-6", "weekdays", set(range(7))),
        ("0 0 29 2 *", "days", {29}),
        ("0   0  31 1-2 *", "days", {31}),
        ("0 0 31 2 1", "either_day", True),
        ("0 0 */2 * 1", "either_day", False),
        ("0 0 1 * *", "either_day", False),
    ],
)
def test_five_fields_are_read_as_cron_reads_them(cron: str, field: str, wanted: object) -> None:
    assert getattr(schedule(cron), field) == wanted


@pytest.mark.parametrize(
    ("cron", "told"),
    [
        ("0 9 * *", "five fields"),
        ("0 9 * * * *", "five fields"),
        ("@daily", "five fields"),
        ("60 * * * *", 'cannot have "60" as minute: it goes from 0 to 59'),
        ("0 24 * * *", 'cannot have "24" as hour'),
        ("0 0 0 * *", 'cannot have "0" as day of the month'),
        ("0 0 * foo *", 'cannot have "foo" as month: it goes from 1 to 12 or jan to dec'),
        ("0 0 * * 8", 'cannot have "8" as weekday'),
        ("0 0 * * mo", 'cannot have "mo" as weekday'),
        ("0 18-8 * * *", 'cannot have "18-8" as hour: it ends before it begins'),
        ("*/0 * * * *", "cannot have the step 0 for the minute"),
        ("*/99 * * * *", "cannot have the step 99 for the minute"),
        ("1,,2 * * * *", 'cannot have "" as minute'),
        ("1-2-3 * * * *", 'cannot have "1-2-3" as minute'),
        ("0 0 30 2 *", "never comes: no month that it names has 30 days"),
        ("0 0 31 4,6 *", "never comes: no month that it names has 31 days"),
    ],
)
def test_a_cron_that_is_none_is_refused_at_its_place_with_what_is_possible(cron: str, told: str) -> None:
    (problem,) = refused(f'workflows:\n  r:\n    trigger: report\n    cron: "{cron}"\n    {TELL}\n')
    assert problem.startswith("rules.yml:4:11: cron ")
    assert told in problem


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Europe/Berlim", 'did you mean "Europe/Berlin"?'),
        ("Mars", "a place, as in Europe/Berlin"),
        ("../etc/passwd", "must be a time zone"),
        ("5", "must be a time zone"),
    ],
)
def test_a_zone_that_is_none_is_refused_at_its_place(zone: str, told: str) -> None:
    (problem,) = refused(
        f"workflows:\n  r:\n    trigger: report\n    cron: 0 9 * * *\n    time_zone: {zone}\n    {TELL}\n"
    )
    assert problem.startswith("rules.yml:5:16: time_zone")
    assert told in problem


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("trigger: issue_opened, cron: 0 9 * * *", "cron and time_zone are for rules that wait for schedule or report"),
        ("trigger: issue_opened, time_zone: UTC", "cron and time_zone are for rules that wait for schedule or report"),
        ("trigger: schedule, time_zone: UTC", "time_zone needs cron"),
        ("trigger: report", "report needs cron"),
        ("trigger: {event: report, cron: 0 9 * * *}, cron: 1 9 * * *", "cron stands beside the trigger too"),
    ],
)
def test_a_time_without_a_meaning_is_told(rule: str, told: str) -> None:
    (problem,) = refused(f"workflows: {{r: {{{rule}, {TELL}}}}}")
    assert told in problem


@pytest.mark.parametrize(
    "action",
    [
        "action: create_issue, params: {title: x}",
        "action: github_comment, params: {message: x}",
        "action: github_label, params: {add: x}",
        "action: assign, params: {people: ada}",
        "action: assign_reviewer, params: {reviewers: ada}",
    ],
)
def test_a_report_has_no_place_on_github(action: str) -> None:
    (problem,) = refused(f"workflows: {{r: {{trigger: report, cron: 0 9 * * *, actions: [{{{action}}}]}}}}")
    assert "cannot be done for report" in problem


def test_a_file_with_a_report_in_it_names_its_figures() -> None:
    message = "{report.total_events} {report.success_rate} {report.tasks_open} {report.since} {report.url}"
    (rule,) = policy(f'workflows: {{r: {{trigger: report, cron: 0 9 * * *, task: {{title: "{message}"}}}}}}').rules
    assert rule.creates
    (problem,) = refused("workflows: {r: {trigger: report, cron: 0 9 * * *, task: {title: '{report.totl_events}'}}}")
    assert 'did you mean "report.total_events"?' in problem


def test_the_guides_rules_by_the_clock_are_valid(root: Path) -> None:
    (block,) = re.findall(
        r"^```yml\n(.*?)^```", (root / "docs" / "rules.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert [rule.schedule.cron for rule in policy(block).rules if rule.schedule] == [
        "0 9 * * 1-5",
        "0 14 * * fri",
        "30 8 * * *",
        "0 7 * * mon",
    ]


def test_what_no_file_may_say_is_refused_elsewhere_too() -> None:
    with pytest.raises(RulesInvalid):
        schedule_of("0 9 * *", "UTC")
    with pytest.raises(RulesInvalid):
        schedule_of("0 9 * * *", "Nowhere")
