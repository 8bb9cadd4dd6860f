"""What a person is told about a broken rules file: everything, at its character, with what was probably meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.config.policy import load_policy
from ai_crm.errors import RulesInvalid
from ai_crm.rules.rule import Defaults, Policy

FILE = [
    ("auto_task_creaton: {}", '1:1: the file has no key "auto_task_creaton" (did you mean "auto_task_creation"?)'),
    ("version: 2", "1:10: version must be 1, not the number 2 (a later version needs a later release of AI-CRM)"),
    ("version: true", "1:10: version must be 1, not true or false (a later version needs a later release of AI-CRM)"),
    ("workflows: [1]", "1:12: workflows must be a mapping from names to rules, not a list"),
    ("workflows:", "1:11: workflows must be a mapping from names to rules, not nothing"),
    ("auto_task_creation: x", '1:21: auto_task_creation must be a mapping, not "x"'),
    (
        "auto_task_creation: {rules: {a: 1}}",
        "1:29: rules must be a list, not a mapping (start each rule with `- `)",
    ),
    ("auto_task_creation: {rules: [3]}", "1:30: a rule must be a mapping, not the number 3"),
    ("auto_task_creation: {enabled: yes}", '1:31: enabled must be true or false, not "yes"'),
]

# Each stands behind `workflows: {x: `, which is 15 characters long.
RULES = [
    ("{trigger: push}", "1:13: this rule does nothing (give it a `task:` or `actions:`)"),
    ("{task: {}}", '1:16: a rule needs "trigger" (such as `trigger: issue_opened`)'),
    ("{trigger: 5, task: {}}", "1:26: trigger must be a word such as issue_opened, not the number 5"),
    ("{trigger: [], task: {}}", "1:26: trigger is an empty list (leave it out or put something in)"),
    ("{trigger: Issue_opened, task: {}}", '1:26: there is no trigger "Issue_opened" (did you mean "issue_opened"?)'),
    (
        "{trigger: issues, task: {}}",
        '1:26: trigger "issues" is many events (say which, such as issue_opened or issue_edited; several go into a list)',
    ),
    ("{trigger: {platform: jira, event: push}, task: {}}", '1:37: platform cannot be "jira"; it is one of github'),
    ("{trigger: {platform: github}, task: {}}", '1:26: a trigger needs "event"'),
    ("{trigger: push, task: {}, name: y}", '1:42: a rule has no key "name" (it knows enabled, description, trigger, '),
    (
        "{trigger: push, task: {}, conditions: [{labls: x}]}",
        '1:56: there is no condition "labls" (did you mean "labels"?)',
    ),
    ("{trigger: push, task: 5}", "1:38: a task must be a mapping, not the number 5"),
    ("{trigger: push, task: {titel: x}}", '1:39: a task has no key "titel" (did you mean "title"?)'),
    ("{trigger: push, task: {title: 5}}", "1:46: title must be text, not the number 5 (put it in quotes)"),
    ("{trigger: push, task: {title: '{psh.sha}'}}", '1:47: there is no {psh.sha} here (did you mean "push.sha"?)'),
    ("{trigger: push, task: {priority: hihg}}", '1:49: priority must be one of urgent, high, medium, low, not "hihg"'),
    ("{trigger: push, task: {agent: debuger}}", '1:46: there is no agent "debuger" (did you mean "debugger"?)'),
    ("{trigger: push, task: {agent: x}}", '1:46: there is no agent "x" (`ai-crm agents list` shows all; your own go'),
    ("{trigger: push, task: {assignees: '@bob'}}", "1:50: assignees must be a login without @, such as octocat"),
    ("{trigger: push, task: {labels: []}}", "1:47: labels is an empty list (leave it out or put something in)"),
    (
        "{trigger: push, task: {title: a, title_template: b}}",
        '1:38: a task has both "title" and "title_template": keep',
    ),
    (
        "{trigger: push, task: {agent: debugger, agent_hint: debugger}}",
        '1:38: a task has both "agent" and "agent_hint"',
    ),
    ("{trigger: push, actions: x}", '1:41: actions must be a list, not "x"'),
    ("{trigger: push, actions: [x]}", '1:42: an action must be a mapping, not "x"'),
    ("{trigger: push, actions: [{}]}", '1:42: an action needs "action"'),
    ("{trigger: push, actions: [{action: asign}]}", '1:51: action cannot be "asign"; it is one of create_ai_crm_task,'),
    ("{trigger: push, actions: [{action: create_issue}]}", '1:42: create_issue needs "title"'),
    (
        "{trigger: push, actions: [{action: github_comment, params: {message: x}}]}",
        "1:75: github_comment cannot be done for push: it needs an issue or a pull request (give push a rule of its own)",
    ),
    (
        "{trigger: issue_opened, actions: [{action: assign_reviewer, params: {agent: debugger}}]}",
        "1:84: assign_reviewer cannot be done for issue_opened: it needs a pull request",
    ),
    (
        "{trigger: push, actions: [{action: create_issue, params: {title: '{task.url}'}}, {action: create_ai_crm_task}]}",
        "1:82: {task.url} is not known here (there is no task yet when this is written)",
    ),
    (
        "{trigger: push, task: {}, actions: [{action: create_ai_crm_task}]}",
        "1:52: this rule makes a task already: one rule makes one (write a second rule)",
    ),
    (
        "{trigger: push, task: {}, actions: [{action: update_task, params: {status: done}}]}",
        "1:82: update_task without `of` would change the task that this very rule makes",
    ),
    (
        "{trigger: push, actions: [{action: update_task, params: {status: doing}}]}",
        '1:81: status cannot be "doing"; it is one of todo, in-progress',
    ),
    (
        "{trigger: push, actions: [{action: update_task, params: {status: Doen}}]}",
        '1:81: status cannot be "Doen"; it is one of todo, in-progress, in-review, blocked, done, cancelled (did you',
    ),
    (
        "{trigger: push, actions: [{action: update_task, params: {status: dong}}]}}\nstatuses: {doing: in-progress",
        '1:81: status cannot be "dong"; it is one of todo, in-progress, in-review, blocked, done, cancelled, doing (did',
    ),
    (  # the name is known, whatever it shall stand for: one mistake is one problem
        "{trigger: push, actions: [{action: update_task, params: {status: doing}}]}}\nstatuses: {doing: in progress",
        '2:19: the status doing cannot be "in progress"; it is one of todo, in-progress, in-review, blocked, done, cancelled (did',
    ),
    (
        "{trigger: push, actions: [{action: update_task, params: {status: done, of: y}}]}",
        '1:91: there is no rule "y" in this file',
    ),
    (
        "{trigger: push, actions: [{action: slack_notification, params: {channel: '#{push.message}', message: x}}]}",
        "1:89: channel cannot take {push.message}: strangers would choose who reads the message (write it out,",
    ),
    (
        "{trigger: push, actions: [{action: teams_notification, params: {channel: a, chat_id: b, message: x}}]}",
        '1:79: teams_notification has both "chat_id" and "channel": keep one',
    ),
    (
        "{trigger: push, actions: [{action: webhook, params: {url: 'http://hooks.example.com'}}]}",
        '1:74: url must be an https address without user name, fragment and {names}, not "http://hooks.example.com"',
    ),
    (
        "{trigger: push, actions: [{action: webhook, params: {url: 'https://{push.message}/'}}]}",
        "1:74: url must be an https address without user name, fragment and {names}",
    ),
    (
        "{trigger: push, actions: [{action: webhook, params: {url: 'https://10.0.0.1/'}}]}",
        "1:74: url names 10.0.0.1, which is no address of the public internet (write an address that anybody",
    ),
    (
        "{trigger: push, actions: [{action: webhook, params: {url: 'https://0x7f.1/'}}]}",
        "1:74: url cannot be called: a host in numbers must be written as the usual four, such as 8.8.4.4",
    ),
    ("{trigger: push, actions: [{action: webhook, params: {body: x}}]}", '1:68: webhook needs "url"'),
    (
        "{trigger: push, actions: [{action: webhook, params: {url: 'https://x.example', body: '{{'}}]}",
        "1:101: body begins like JSON and is none: {names} stand between the quotes of its texts",
    ),
]

SETTINGS = [
    ("agents: x", '1:9: agents must be a list, not "x"'),
    ("agents: [{people: a}]", '1:10: an agent needs "name"'),
    ("agents: [{name: debugger, people: []}]", "1:35: people is an empty list (leave it out or put something in)"),
    (
        "agents: [{name: debugger, people: ['@x']}]",
        "1:36: somebody behind an agent must be a login or a team without @",
    ),
    (
        "agents: [{name: debugger, people: {}}]",
        '1:35: somebody behind an agent needs one of "github", "slack", "teams"',
    ),
    ("agents: [{name: x, skills: [x y z, 5]}]", "1:36: skills must be a word, not the number 5 (put it in quotes)"),
    (
        "agents: [{name: x}, {name: x}]",
        '1:21: the agent "x" is here twice, first in line 1 (put what they say together)',
    ),
    ("people: [{slack: U1}]", '1:10: a person needs "github"'),
    ("people: [{github: a}, {github: A}]", '1:23: the person "a" is here twice, first in line 1'),
    ("people: [{github: org/team}]", "1:19: github must be a login without @, such as octocat"),
    ("teams: {a b: x}", '1:9: a team\'s name must be a team, such as org/team, not "a b"'),
    ("teams: {}", "1:8: teams has 0 entries; 1 to 200 are allowed"),
    (
        "statuses: [doing]",
        "1:11: statuses must be a mapping from names of your own to ours, not a list (such as `doing: in-progress`)",
    ),
    ("statuses: {}", "1:11: statuses has 0 entries; 1 to 50 are allowed"),
    (
        "statuses:\n  qa: in-review\n  doing: in-progres",
        '3:10: the status doing cannot be "in-progres"; it is one of todo, in-progress, in-review, blocked, done, cancelled (did',
    ),
    ("statuses: {doing: 5}", "1:19: the status doing must be a status, not the number 5"),
    (
        "statuses: {In Progress: todo}",
        '1:12: "in-progress" is one of our own statuses (choose another name for what it stands for)',
    ),
    ("statuses: {DONE: done}", '1:12: "done" is one of our own statuses'),
    (
        "statuses: {qa check: in-review, QA_Check: blocked}",
        '1:33: the status "qa-check" is here twice, first in line 1',
    ),
    ("statuses: {'a, b': todo}", "1:12: a status's name must be a name on one line, without commas"),
    ("statuses: {-x: todo}", "1:12: a status's name must be a name on one line"),
    ('statuses: {"a\\nb": todo}', "1:12: a status's name must be a name on one line"),
    ("card: {labels: [size]}", '1:17: labels cannot be "size"; it is one of priority, agent'),
    ("card: {label_prefix: ''}", "1:22: label_prefix is empty"),
]


def read(text: str) -> Policy | RulesInvalid:
    try:
        return load_policy(text.encode(), "rules.yml", Defaults())
    except RulesInvalid as broken:
        return broken


def told(text: str) -> list[str]:
    broken = read(text)
    assert isinstance(broken, RulesInvalid)
    return [str(problem).removeprefix("rules.yml:") for problem in broken.problems]


@pytest.mark.parametrize(
    ("text", "expected"), [*FILE, *((f"workflows: {{x: {rule}}}", expected) for rule, expected in RULES), *SETTINGS]
)
def test_one_mistake_is_told_once_and_at_its_character(text: str, expected: str) -> None:
    (problem,) = told(text)
    assert problem.startswith(expected)


def test_every_problem_is_told_in_one_run_in_the_order_of_the_file() -> None:
    text = """\
version: 3
workflows:
  a:
    trigger: isue_opened
    conditions: [{labls: bug}]
    task: {title: "{issue.titel}", agent: debuger}
  b:
    trigger: push
teems: {}
"""
    assert [problem.partition(": ")[0] for problem in told(text)] == [
        "1:10",
        "4:14",
        "5:19",
        "6:20",
        "6:43",
        "7:3",
        "9:1",
    ]


def test_a_rule_without_a_trigger_is_not_told_that_its_names_are_unknown() -> None:
    assert told("workflows: {x: {triger: issue_opened, task: {title: '{issue.title}'}}}") == [
        '1:16: a rule needs "trigger" (such as `trigger: issue_opened`)',
        '1:17: a rule has no key "triger" (did you mean "trigger"?)',
    ]


def test_a_name_may_be_used_once_whether_given_or_derived() -> None:
    twice = "auto_task_creation: {rules: [{name: a, trigger: push, task: {}}, {name: a, trigger: push, task: {}}]}"
    assert told(twice) == ['1:73: two rules are called "a", the first in line 1 (give each its own name)']
    derived = "auto_task_creation: {rules: [{trigger: push, task: {}}]}\nworkflows: {push: {trigger: push, task: {}}}"
    assert told(derived) == ['2:13: two rules are called "push", the first in line 1 (give each its own name)']


def test_a_file_has_at_most_two_hundred_rules() -> None:
    rules = "".join(f"  r{number}: {{trigger: push, task: {{}}}}\n" for number in range(201))
    assert told(f"workflows:\n{rules}") == ["202:3: the file has 201 rules; 200 are allowed"]


@pytest.mark.parametrize("name", ["''", "' a'", "'a '", '"a\\nb"', "'" + "x" * 101 + "'", "5"])
def test_a_name_is_one_line_of_bounded_length(name: str) -> None:
    (problem,) = told(f"auto_task_creation: {{rules: [{{name: {name}, trigger: push, task: {{}}}}]}}")
    assert problem.startswith("1:37: name ")


def test_a_long_or_odd_value_is_shown_on_one_short_line() -> None:
    (problem,) = told(f'workflows: {{x: {{trigger: "{"x" * 500}\\n::error::y", task: {{}}}}}}')
    assert len(problem) < 200
    assert "\n" not in problem


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=10), inside, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ("auto_task_creation", "workflows", "agents", "people", "teams", "statuses", "card", "version", "rules", "x")
)


@given(st.dictionaries(KEYS, ANYTHING | st.dictionaries(KEYS, ANYTHING, max_size=3), max_size=3))
@settings(max_examples=150, deadline=None)
def test_whatever_a_file_holds_it_is_a_policy_or_problems_with_places(document: object) -> None:
    found = read(json.dumps(document))
    assert isinstance(found, Policy) or all(problem.line >= 1 for problem in found.problems)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_slip_of_the_finger_in_a_good_file_breaks_nothing_but_that_file(data: st.DataObject) -> None:
    good = (Path(__file__).parents[3] / "templates" / "examples" / "team.yml").read_text(encoding="utf-8")
    at = data.draw(st.integers(0, len(good) - 1))
    slip = data.draw(st.sampled_from(("", " ", "\n", "x", ":", "- ", "{", "}", '"', "#", "\t")))
    found = read(good[:at] + slip + good[at + 1 :])
    assert isinstance(found, Policy) or found.problems
