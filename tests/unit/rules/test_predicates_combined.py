"""Conditions together: lists, all, any and not, in both spellings of the seed, and what cannot be asked at all."""

from __future__ import annotations

import itertools
import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import Struct

from ai_crm.model.decision import Finding
from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemKind, Needs
from ai_crm.model.trigger import TRIGGERS
from ai_crm.rules.predicates import PREDICATES, check_teams, condition_schema, parse_condition
from ai_crm.rules.predicates.combine import AllOf, AnyOf, NoneOf, leaves
from ai_crm.rules.predicates.files import FilesChanged
from ai_crm.rules.predicates.labels import Labels, NotLabels
from ai_crm.rules.predicates.people import Assignee
from ai_crm.rules.rule import Policy, Team
from ai_crm.rules.source import Problems
from tests.unit.rules.conftest import NOW, a_policy, an_event, an_item, problems, triggers, value

# As printed in the document that asked for all this, in both of its languages.
SEED_ISSUE = """\
- labels: ["bug", "enhancement"]
- not_labels: ["wontfix", "duplicate"]
"""
SEED_PULL_REQUEST = '- files_changed: ["*.py", "*.js", "*.ts"]'
SEED_WORKFLOW_ISSUE = """\
- labels.contains: ["bug", "feature"]
- assignee: null
"""
SEED_WORKFLOW_REVIEW = '- files_changed.includes: ["*.py", "*.js"]'


def condition(yaml: str, *words: str) -> AllOf:
    found = problems()
    made = parse_condition(value(yaml), triggers(*words), found)
    found.raise_if_any()
    return made


def refusal(yaml: str, *words: str) -> Problems:
    found = problems()
    parse_condition(value(yaml), triggers(*words), found)
    return found


def holds(made: AllOf, item: Item) -> bool:
    return made.check(an_event(item), item, a_policy(), NOW).satisfied


@pytest.mark.parametrize(
    ("labels", "creates"),
    [((), False), (("question",), False), (("bug",), True), (("bug", "wontfix"), False), (("wontfix",), False)],
)
def test_a_list_of_conditions_wants_all_of_them(labels: tuple[str, ...], creates: bool) -> None:  # noqa: FBT001
    """The five issues of which the origin accepted every single one."""
    assert holds(condition(SEED_ISSUE, "issue_opened"), an_item(labels=labels)) is creates


def test_the_conditions_of_the_seed_are_understood_in_both_languages() -> None:
    assert condition(SEED_ISSUE, "issue_opened") == AllOf(
        (Labels(("bug", "enhancement")), NotLabels(("wontfix", "duplicate")))
    )
    assert condition(SEED_PULL_REQUEST, "pull_request_opened") == AllOf((FilesChanged(("*.py", "*.js", "*.ts")),))
    assert condition(SEED_WORKFLOW_ISSUE, "issues.opened") == AllOf((Labels(("bug", "feature")), Assignee(("",))))
    assert condition(SEED_WORKFLOW_REVIEW, "pull_request.opened") == AllOf((FilesChanged(("*.py", "*.js")),))


def test_the_workflows_of_the_seed_match_what_they_should() -> None:
    issue = condition(SEED_WORKFLOW_ISSUE, "issues.opened")
    assert holds(issue, an_item(labels=("feature",)))
    assert not holds(issue, an_item(labels=("feature",), assignees=("octocat",)))
    review = condition(SEED_WORKFLOW_REVIEW, "pull_request.opened")
    assert holds(review, an_item(ItemKind.PULL_REQUEST, files=("web/app.js",)))
    assert not holds(review, an_item(ItemKind.PULL_REQUEST, files=("README.md",)))


def test_the_ways_to_write_a_list_mean_the_same() -> None:
    same = {
        condition(yaml, "issue_opened")
        for yaml in (
            "- labels: bug\n- author: octocat",
            "- labels: bug\n  author: octocat",
            "labels: bug\nauthor: octocat",
            "all: [{labels: bug, author: octocat}]",
            "- all:\n    - labels: bug\n    - author: octocat",
        )
    }
    assert len({tuple(leaves(made)) for made in same}) == 1


def test_no_conditions_are_no_obstacle() -> None:
    for made in (parse_condition(None, triggers("issue_opened"), problems()), condition("null"), condition("[]")):
        assert made == AllOf(())
        assert holds(made, an_item())


def test_any_wants_one_of_its_parts() -> None:
    made = condition("- any:\n    - labels: bug\n    - title_matches: crash\n      author: octocat", "issue_opened")
    assert holds(made, an_item(labels=("bug",)))
    assert holds(made, an_item(title="A crash"))
    assert not holds(made, an_item())


def test_not_wants_none_of_its_parts() -> None:
    for yaml in ("not: {labels: wontfix, author: hubot}", "not:\n  - labels: wontfix\n  - author: hubot"):
        made = condition(yaml, "issue_opened")
        assert holds(made, an_item())
        assert not holds(made, an_item(labels=("wontfix",)))
    together = condition("not:\n  - labels: wontfix\n    author: hubot", "issue_opened")
    assert holds(together, an_item(labels=("wontfix",)))


class Said(Struct, frozen=True):
    """A condition that says what a test wants it to say: True, False, or None for what was not looked up."""

    answer: bool | None
    late: tuple[str, ...] = ()

    def needs(self) -> Needs:
        return Needs()

    def check(self, _event: Event, _item: Item, _policy: Policy, _now: datetime) -> Finding:
        return Finding(
            condition="said",
            satisfied=self.answer is True,
            wanted="yes",
            seen=str(self.answer),
            known=self.answer is not None,
        )


def answer(made: AllOf | AnyOf | NoneOf) -> bool | None:
    event = an_event()
    found = made.check(event, event.item, a_policy(), NOW)
    assert found.known or not found.satisfied
    return found.satisfied if found.known else None


@pytest.mark.parametrize("answers", tuple(itertools.product((True, False, None), repeat=2)))
def test_ignorance_is_neither_yes_nor_no(answers: tuple[bool | None, ...]) -> None:
    parts = tuple(map(Said, answers))
    everything = False if False in answers else None if None in answers else True
    anything = True if True in answers else None if None in answers else False
    assert answer(AllOf(parts)) is everything
    assert answer(AnyOf(parts)) is anything
    assert answer(NoneOf(parts)) is (None if anything is None else not anything)


def test_not_does_not_act_on_files_that_nobody_looked_up() -> None:
    made = condition("not: {files_changed: 'docs/**'}", "pull_request_opened")
    assert not holds(made, an_item(ItemKind.PULL_REQUEST))
    assert holds(made, an_item(ItemKind.PULL_REQUEST, files=("a.py",)))


def test_findings_keep_the_shape_of_the_file() -> None:
    made = condition("- labels: bug\n- any: [{author: hubot}, {draft: true}]", "issue_opened", "pull_request_opened")
    event = an_event()
    found = made.check(event, event.item, a_policy(), NOW)
    assert [part.condition for part in found.within] == ["labels", "any"]
    assert [part.condition for part in found.within[1].within] == ["author", "draft"]
    assert (found.seen, found.within[1].wanted) == ("0 of 2 hold", "one of 2 conditions")


def test_needs_and_late_events_are_those_of_all_parts() -> None:
    made = condition(
        "- not: {files_changed: '*.py', author_team: [org/a, b]}\n- any: [{author_team: org/c}, {draft: false}]",
        "pull_request_opened",
    )
    assert made.needs() == Needs(files=True, teams=("org/a", "org/c"))
    assert made.late == ("synchronize", "ready_for_review", "converted_to_draft")


@pytest.mark.parametrize(
    ("yaml", "line", "column", "words"),
    [
        ("label: bug", 2, 3, 'did you mean "labels"?'),
        ("- lables.contains: bug", 2, 5, 'did you mean "labels.contains"?'),
        ("- an: []", 2, 5, 'did you mean "any"?'),
        ("zzzzzz: 1", 2, 3, "lists all conditions"),
        ("bug", 2, 3, "conditions are a list"),
        ("- bug", 2, 5, "a condition is a key and its value"),
        ("- [labels]", 2, 5, "a condition is a key and its value"),
        ("- {}", 2, 5, "a condition is a key and its value"),
        ("any: []", 2, 8, "lists no conditions"),
        ("- not: null", 2, 10, "conditions are a list"),
        ("- any:\n    - labels: null", 3, 17, "labels must be"),
        ("- files_changed: '*.py'", 2, 5, "says nothing about issues"),
        ("- not:\n    conclusion: failure", 3, 7, "it can be asked about workflow runs and checks"),
    ],
)
def test_what_is_wrong_is_named_where_it_stands(yaml: str, line: int, column: int, words: str) -> None:
    problem = refusal(yaml, "issue_opened").found[0]
    assert (problem.line, problem.column) == (line, column)
    assert words in str(problem)


def test_every_mistake_is_told_at_once() -> None:
    found = refusal("- label: bug\n- draft: maybe\n- any: [{size: 3}, {x: 1}]", "pull_request_opened")
    assert [problem.line for problem in found.found] == [2, 3, 4, 4]


def test_a_condition_is_refused_only_where_no_trigger_has_use_for_it() -> None:
    assert not refusal("draft: true", "issue_opened", "pull_request_opened")
    assert not refusal("draft: true", "schedule")
    assert refusal("draft: true", "issue_opened", "push")


def test_teams_are_checked_wherever_they_are_named() -> None:
    made = condition("- any: [{author_team: core}, {not: {team: [cores, org/x]}}]", "issue_opened")
    found = problems()
    check_teams(made, (Team("core", ("octocat",)),), found)
    assert [problem.what for problem in found.found] == ['there is no team "cores"']


CONDITIONS = Draft202012Validator({"$ref": "#/$defs/conditions", "$defs": condition_schema()})

some_condition = st.sampled_from(
    (
        {"labels": "bug"},
        {"labels.any": ["a"]},
        {"draft": True},
        {"draft": 1},
        {"size": {"min": 1}},
        {"nope": 1},
        {},
        "bug",
        None,
    )
)
combined = st.recursive(
    some_condition | st.just({"labels": "bug", "draft": False}),
    lambda inner: st.dictionaries(
        st.sampled_from(("any", "all", "not")), inner | st.lists(inner, max_size=2), min_size=1, max_size=2
    ),
    max_leaves=4,
)


@settings(max_examples=300)
@given(combined | st.lists(combined, max_size=3))
def test_schema_and_parser_accept_the_same_conditions(written: Any) -> None:
    assert CONDITIONS.is_valid(written) == (not refusal(json.dumps(written), "pull_request_opened")), written


def test_the_schema_knows_every_spelling() -> None:
    definitions = condition_schema()
    Draft202012Validator.check_schema({"$defs": definitions})
    spellings = {key for predicate in PREDICATES for key in predicate.keys}
    assert set(definitions["condition"]["properties"]) == spellings | {"any", "all", "not"}
    described = definitions["condition"]["properties"]
    assert described["files_changed.includes"]["description"] == "Another spelling of `files_changed`."
    assert described["draft"]["description"].endswith("Asked about pull requests.")


def test_every_condition_can_be_asked_in_some_rule() -> None:
    kinds = {trigger.kind for trigger in TRIGGERS}
    assert [predicate for predicate in PREDICATES if predicate.kinds is not None and not predicate.kinds & kinds] == []


def test_late_events_exist() -> None:
    """A condition that waits for an event that no platform sends would wait for ever."""
    words = {trigger.name.rpartition(".")[2] for trigger in TRIGGERS}
    assert {word for predicate in PREDICATES for word in predicate.late} <= words
