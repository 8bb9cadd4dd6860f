"""Every condition that a rules file can name, how a file combines them, and the JSON Schema of that.

To add one: write a frozen Struct with the members of `rules.rule.Predicate` into the file of its family (labels,
files, people, states, branches, texts, outcomes), then its line into PREDICATES. The shapes of values are in
`rules.shapes` and `values`; each knows its JSON Schema. Add a row to the table in tests/unit/rules/test_predicates.py:
a value that holds, one that does not and one that is refused. Editors, documentation and `ai-crm explain` follow.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ai_crm.model.item import ItemKind
from ai_crm.model.trigger import Trigger
from ai_crm.rules.predicates.branches import Base, Branch, FromFork, Head, OnDefaultBranch, Tag
from ai_crm.rules.predicates.combine import AllOf, AnyOf, NoneOf, leaves
from ai_crm.rules.predicates.files import FilesChanged, FilesOnly, NotFilesChanged, Size
from ai_crm.rules.predicates.labels import LabelAdded, Labels, LabelsAll, NotLabels
from ai_crm.rules.predicates.outcomes import (
    Conclusion,
    DeploymentStatus,
    Environment,
    Prerelease,
    Review,
    Severity,
    Workflow,
)
from ai_crm.rules.predicates.people import (
    Actor,
    ActorIsBot,
    Assignee,
    Author,
    AuthorIsBot,
    AuthorTeam,
    NotAuthor,
)
from ai_crm.rules.predicates.states import Category, Draft, InactiveFor, Milestone, State, Type
from ai_crm.rules.predicates.texts import BodyMatches, CommentMatches, TitleMatches
from ai_crm.rules.rule import Condition, Predicate, Team
from ai_crm.rules.shapes import Schema, kind_of
from ai_crm.rules.source import Entry, Mapping, Node, Problems, Scalar, Sequence, did_you_mean

PREDICATES: tuple[type[Predicate], ...] = (
    Labels,
    LabelsAll,
    NotLabels,
    LabelAdded,
    FilesChanged,
    FilesOnly,
    NotFilesChanged,
    Size,
    Author,
    NotAuthor,
    AuthorIsBot,
    AuthorTeam,
    Actor,
    ActorIsBot,
    Assignee,
    State,
    Draft,
    Milestone,
    Type,
    Category,
    InactiveFor,
    TitleMatches,
    BodyMatches,
    CommentMatches,
    Base,
    Head,
    FromFork,
    Branch,
    OnDefaultBranch,
    Tag,
    Workflow,
    Conclusion,
    Environment,
    DeploymentStatus,
    Prerelease,
    Severity,
    Review,
)


def parse_condition(node: Node | None, triggers: tuple[Trigger, ...], problems: Problems) -> AllOf:
    """What must hold for a rule with these triggers: a list of conditions, or one mapping of them.

    No node, null and an empty list want nothing. Each problem points at its key or value.
    """
    match node:
        case None | Scalar(value=None) | Sequence(items=()):
            return AllOf(())
        case _:
            return _all_of(_groups(node, triggers, problems))


def check_teams(condition: AllOf, teams: tuple[Team, ...], problems: Problems) -> None:
    """Tells about each team that the conditions name and the file's `teams:` does not declare."""
    for leaf in leaves(condition):
        if isinstance(leaf, AuthorTeam):
            leaf.check_declared(teams, problems)


def condition_schema() -> Schema:
    """The `$defs` of conditions: `conditions` is what a rule has, the others are what it is made of."""
    parts = {"$ref": "#/$defs/condition_parts"}
    combined = {
        "all": {**parts, "description": "Every one of these holds."},
        "any": {**parts, "description": "At least one of these holds."},
        "not": {**parts, "description": "None of these holds."},
    }
    condition = {"$ref": "#/$defs/condition"}
    some = {"type": "array", "minItems": 1, "items": condition}
    return {
        "conditions": {
            "description": "What must hold for the rule to match: all of these. The values of one are alternatives.",
            "anyOf": [{"type": "null"}, condition, {"type": "array", "items": condition}],
        },
        "condition_parts": {"anyOf": [condition, some]},
        "condition": {
            "description": "One condition, or several that must all hold.",
            "type": "object",
            "minProperties": 1,
            "additionalProperties": False,
            "properties": {key: dict(schema) for key, schema in chain(_properties(), combined.items())},
        },
    }


def _properties() -> Iterator[tuple[str, Schema]]:
    for predicate in PREDICATES:
        about = f" Asked about {_spoken(predicate.kinds)}." if predicate.kinds else ""
        documented, *others = predicate.keys
        yield documented, {**predicate.schema, "description": predicate.schema["description"] + about}
        for other in others:
            yield other, {**predicate.schema, "description": f"Another spelling of `{documented}`."}


_BY_KEY = {key: predicate for predicate in PREDICATES for key in predicate.keys}
_COMBINED = ("all", "any", "not")
_Group = tuple[Condition, ...]


def _groups(node: Node, triggers: tuple[Trigger, ...], problems: Problems) -> tuple[_Group, ...]:
    """The parts of `all`, `any` and `not`: the keys of a mapping, or the items of a list, whose keys belong together."""
    match node:
        case Mapping():
            return tuple((part,) for part in _group(node, triggers, problems))
        case Sequence():
            return tuple(_group(item, triggers, problems) for item in node.items)
        case Scalar():
            problems.add(node.at, f"conditions are a list, such as `- labels: bug`, not {kind_of(node)}")
            return ()


def _group(node: Node, triggers: tuple[Trigger, ...], problems: Problems) -> _Group:
    if not isinstance(node, Mapping) or not node.entries:
        problems.add(node.at, f"a condition is a key and its value, such as `labels: bug`, not {kind_of(node)}")
        return ()
    parts = (_condition(entry, triggers, problems) for entry in node.entries)
    return tuple(part for part in parts if part is not None)


def _condition(entry: Entry, triggers: tuple[Trigger, ...], problems: Problems) -> Condition | None:
    key = entry.key.text
    if key in _COMBINED:
        return _combined(entry, triggers, problems)
    predicate = _BY_KEY.get(key)
    if predicate is None:
        hint = did_you_mean(key, (*_BY_KEY, *_COMBINED)) or "`ai-crm schema ai-crm` lists all conditions"
        problems.add(entry.key.at, f'there is no condition "{key[:60]}"', hint)
        return None
    _check_kinds(predicate, entry, triggers, problems)
    return predicate.parse(entry.value, problems)


def _combined(entry: Entry, triggers: tuple[Trigger, ...], problems: Problems) -> Condition:
    if isinstance(entry.value, Sequence) and not entry.value.items:
        problems.add(entry.value.at, f"`{entry.key.text}` lists no conditions", "leave it out, or put one in")
    groups = _groups(entry.value, triggers, problems)
    match entry.key.text:
        case "all":
            return _all_of(groups)
        case "any":
            return AnyOf(tuple(_one(group) for group in groups))
        case _:
            return NoneOf(tuple(_one(group) for group in groups))


def _all_of(groups: tuple[_Group, ...]) -> AllOf:
    return AllOf(tuple(chain.from_iterable(groups)))


def _one(group: _Group) -> Condition:
    return group[0] if len(group) == 1 else AllOf(group)


def _check_kinds(predicate: type[Predicate], entry: Entry, triggers: tuple[Trigger, ...], problems: Problems) -> None:
    """Tells about a condition that no item of the rule can be asked about."""
    kinds = frozenset(chain.from_iterable(map(_kinds, triggers)))
    if predicate.kinds is not None and kinds and predicate.kinds.isdisjoint(kinds):
        what = f"{entry.key.text} says nothing about {_spoken(kinds)}, which this rule is about"
        problems.add(entry.key.at, what, f"it can be asked about {_spoken(predicate.kinds)}")


def _kinds(trigger: Trigger) -> tuple[ItemKind, ...]:
    """A schedule is asked about every open item, be it an issue or a pull request."""
    return (ItemKind.ISSUE, ItemKind.PULL_REQUEST) if trigger.name == "schedule" else (trigger.kind,)


def _spoken(kinds: frozenset[ItemKind]) -> str:
    return " and ".join(_PLURALS[kind] for kind in ItemKind if kind in kinds)


_PLURALS = {
    ItemKind.ISSUE: "issues",
    ItemKind.PULL_REQUEST: "pull requests",
    ItemKind.DISCUSSION: "discussions",
    ItemKind.RELEASE: "releases",
    ItemKind.PUSH: "pushes",
    ItemKind.REF: "branches and tags",
    ItemKind.REPOSITORY: "repositories",
    ItemKind.DEPLOYMENT: "deployments",
    ItemKind.WORKFLOW_RUN: "workflow runs",
    ItemKind.CHECK: "checks",
    ItemKind.ALERT: "alerts",
    ItemKind.LABEL: "labels",
    ItemKind.MILESTONE: "milestones",
    ItemKind.REPORT: "reports",
}
