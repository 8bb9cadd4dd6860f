"""How `use:` makes a rule from a template: its gaps, what a file may put over it, and what is told when it is wrong."""

from __future__ import annotations

import textwrap
from typing import Any

import msgspec
import pytest

from ai_crm.config.rules_file import read_document
from ai_crm.errors import RulesInvalid
from ai_crm.model.analysis import Priority
from ai_crm.rules.effects.create_task import CreateAiCrmTask
from ai_crm.rules.effects.github_label import GithubLabel
from ai_crm.rules.parse import PolicySource, parse_policy
from ai_crm.rules.predicates.combine import AllOf
from ai_crm.rules.predicates.labels import Labels, NotLabels
from ai_crm.rules.rule import Condition, Defaults, Policy, Rule
from ai_crm.rules.rule_template import read_rule_template
from ai_crm.rules.source import Mapping, Mark, Problems
from tests.unit.rules.conftest import a_policy

TEMPLATE = """\
description: Looks at reports.
parameters:
  labels: {description: Which labels., type: list, default: [bug]}
  ignore: {description: Which not., type: list, default: null}
  extra: {description: One more label., type: text, default: null}
  title: {description: How tasks are called., type: text}
  urgent: {description: How urgent., type: priority, default: high}
  assign: {description: Whether to assign., type: boolean, default: null}
rule:
  trigger: issue_opened
  conditions:
    - labels: [$(labels), shared, $(extra)]
    - not_labels: $(ignore)
  task:
    title: $(title)
    agent_hint: debugger
    priority: $(urgent)
    auto_assign: $(assign)
  actions:
    - action: github_label
      params: {add: $(labels)}
"""
WRITTEN_OUT = """\
trigger: issue_opened
conditions: [{labels: [bug, shared]}]
task: {title: "A: {issue.title}", agent_hint: debugger, priority: high}
actions: [{action: github_label, params: {add: bug}}]
"""


def document(text: str) -> Mapping:
    return read_document(text.encode(), "rules.yml")


def read(text: str, problems: Problems) -> Policy:
    source = PolicySource(
        file="rules.yml",
        fingerprint="",
        agents=(*a_policy().agents,),
        defaults=Defaults(),
        template=lambda _: document(TEMPLATE),
        template_names=("reports", "other"),
    )
    return parse_policy(document(text), source, problems)


AGENTS = "agents: [{name: debugger}, {name: lonely}]\n"


def rule(text: str) -> Rule:
    """The rule that a file makes whose only workflow is this."""
    problems = Problems("rules.yml")
    (made,) = read(f"{AGENTS}workflows:\n  x:\n{textwrap.indent(text, '    ')}", problems).rules
    assert problems.found == ()
    return msgspec.structs.replace(made, at=Mark(0, 0), note="")


def told(text: str) -> list[str]:
    problems = Problems("rules.yml")
    read(f"{AGENTS}workflows:\n  x: {text}", problems)
    return [str(problem).removeprefix("rules.yml:") for problem in problems.found]


def task(made: Rule) -> CreateAiCrmTask:
    (found,) = (effect for effect in made.effects if isinstance(effect, CreateAiCrmTask))
    return found


def parts(made: Rule) -> tuple[Condition, ...]:
    assert isinstance(made.condition, AllOf)
    return made.condition.parts


def test_a_rule_made_from_a_template_is_the_rule_written_out() -> None:
    assert rule('use: reports\nwith: {title: "A: {issue.title}"}') == rule(WRITTEN_OUT)


def test_a_list_in_a_gap_joins_the_list_around_it() -> None:
    made = rule("use: reports\nwith: {title: x, labels: [a, b], extra: c}")
    assert parts(made)[0] == Labels(("a", "b", "shared", "c"))


def test_one_text_will_do_for_a_list() -> None:
    assert rule("use: reports\nwith: {title: x, labels: a}") == rule("use: reports\nwith: {title: x, labels: [a]}")


def test_a_gap_without_a_value_leaves_out_what_it_stands_for() -> None:
    without = rule("use: reports\nwith: {title: x}")
    assert len(parts(without)) == 1
    assert not task(without).auto_assign
    filled = rule("use: reports\nwith: {title: x, ignore: wontfix, assign: true}")
    assert parts(filled)[1] == NotLabels(("wontfix",))
    assert task(filled).auto_assign


def test_the_files_own_trigger_stands_in_place_of_the_templates() -> None:
    made = rule("use: reports\nwith: {title: x}\ntrigger: [pull_request_opened, issue_reopened]")
    assert [trigger.word for trigger in made.triggers] == ["pull_request_opened", "issue_reopened"]


def test_the_files_conditions_and_actions_come_on_top() -> None:
    more = """\
use: reports
with: {title: x}
conditions: [{labels: mine}]
actions: [{action: github_label, params: {add: second}}]
"""
    made = rule(more)
    assert parts(made) == (Labels(("bug", "shared")), Labels(("mine",)))
    assert [effect.add for effect in made.effects if isinstance(effect, GithubLabel)] == [("bug",), ("second",)]


def test_each_key_of_the_files_task_stands_in_place_of_the_templates() -> None:
    made = task(rule("use: reports\nwith: {title: x}\ntask: {title_template: y, agent: lonely, priority: low}"))
    assert made.title is not None
    assert made.title.parts == ("y",)
    assert (made.agent, made.agent_hint, made.priority) == ("lonely", "", Priority.LOW)


def test_a_value_that_looks_like_a_gap_is_only_text() -> None:
    made = task(rule("use: reports\nwith: {title: $(labels)}"))
    assert made.title is not None
    assert made.title.parts == ("$(labels)",)


def test_two_rules_of_one_template_are_numbered() -> None:
    problems = Problems("rules.yml")
    use = "{use: reports, with: {title: x}}"
    found = read(f"{AGENTS}auto_task_creation: {{rules: [{use}, {use}]}}", problems)
    assert not problems
    assert [rule.id for rule in found.rules] == ["reports", "reports-2"]
    assert found.rules[0].note == "Looks at reports."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{use: report, with: {title: x}}", '3:12: there is no rule template "report" (did you mean "reports"?)'),
        ("{use: 5}", "3:12: there is no rule template the number 5 (there are reports, other)"),
        ("{use: reports}", '3:12: with (for reports) needs "title"'),
        ("{use: reports, with: {}}", '3:27: with (for reports) needs "title"'),
        ("{use: reports, with: x}", '3:27: with (for reports) must be a mapping, not "x"'),
        (
            "{use: reports, with: {title: x, lables: a}}",
            '3:38: with (for reports) has no key "lables" (did you mean "labels"?)',
        ),
        ("{use: reports, with: {title: [x]}}", "3:35: title must be text, not a list"),
        ("{use: reports, with: {title: x, assign: 1}}", "3:46: assign must be true or false, not the number 1"),
        ("{use: reports, with: {title: x, assign: null}}", "3:46: assign must be true or false, not nothing"),
        ("{use: reports, with: {title: x, urgent: hgih}}", "3:46: urgent must be one of urgent, high, medium, low"),
        (
            "{use: reports, with: {title: '{isue.url}'}}",
            '3:36: there is no {isue.url} here (did you mean "issue.url"?)',
        ),
        ("{with: {}, trigger: push, task: {}}", '3:13: "with" needs "use": it fills a rule template'),
        ("{use: reports, with: {title: x}, task: {agent: nobdy}}", '3:53: there is no agent "nobdy"'),
        ("{use: reports, with: {title: x}, task: 5}", "3:45: a task must be a mapping, not the number 5"),
        (
            "{use: reports, with: {title: x}, trigger: push}",
            "3:12: in the rule template reports: github_label cannot be done for push",
        ),
    ],
)
def test_what_is_wrong_is_told_where_it_stands_or_where_the_template_is_used(text: str, expected: str) -> None:
    found = told(text)
    assert any(problem.startswith(expected) for problem in found), found
    assert len(found) == 1 or "push" in text


BROKEN: list[tuple[str, Any]] = [
    ("description: x\nparameters: {}\n", 'needs "rule"'),
    ("description: x\nparameters: []\nrule: {}\n", "parameters and rule must be mappings"),
    ("description: x\nparameters: {a: {description: x, type: number}}\nrule: {}\n", 'type cannot be "number"'),
    ("description: x\nparameters: {}\nrule: {task: {title: $(nam)}}\n", '"$(nam)" is no parameter'),
    ("description: x\nparameters: {}\nrule: {task: {title: a $(b) c}}\n", '"a $(b) c" is no parameter'),
]


@pytest.mark.parametrize(("text", "expected"), BROKEN)
def test_a_broken_template_is_refused_as_a_whole(text: str, expected: str) -> None:
    with pytest.raises(RulesInvalid, match="rules/mine") as broken:
        read_rule_template("mine", document(text))
    assert expected in str(broken.value)
