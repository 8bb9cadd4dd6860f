"""How a rules file becomes a policy: every rule with its id, and everything that is wrong, in one reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct

from ai_crm.errors import Problem
from ai_crm.model.agent import Agent
from ai_crm.model.task import RuleId
from ai_crm.rules.effects.create_task import CreateAiCrmTask
from ai_crm.rules.parse_body import Templates
from ai_crm.rules.parse_rule import Draft, World, read_draft, read_rule
from ai_crm.rules.parse_settings import (
    AGENTS,
    ANALYSIS,
    CARD,
    PEOPLE,
    STATUSES,
    TEAMS,
    read_agents,
    read_analysis,
    read_card,
    read_people,
    read_statuses,
    read_teams,
)
from ai_crm.rules.rule import CardSettings, Defaults, Policy, Rule
from ai_crm.rules.rule_template import read_rule_template
from ai_crm.rules.shapes import FLAG, NAME, Schema, described, given, kind_of, object_of
from ai_crm.rules.source import Entry, Mapping, Node, Problems, Scalar, Sequence

MOST_RULES = 200

AUTO_TASK_CREATION = object_of(
    {
        "enabled": described(FLAG, "False switches these rules off and keeps them in the file."),
        "rules": {
            "type": "array",
            "maxItems": MOST_RULES,
            "items": {"$ref": "#/$defs/rule"},
            "description": "Rules, each asked about every event that it waits for.",
        },
    }
)
WORKFLOWS: Schema = {
    "type": "object",
    "maxProperties": MOST_RULES,
    "propertyNames": NAME.schema,
    "additionalProperties": {"$ref": "#/$defs/workflow"},
    "description": "Rules by name; the name is what their tasks remember.",
}
FILE = object_of(
    {
        "version": {"const": 1, "description": "The version of this format."},
        "auto_task_creation": {"$ref": "#/$defs/auto_task_creation", "description": "Rules that make tasks."},
        "workflows": WORKFLOWS,
        "agents": {**AGENTS, "description": "The people behind agents of the catalogue, and agents of your own."},
        "people": {**PEOPLE, "description": "Who is who on GitHub, Slack and Microsoft Teams."},
        "teams": {**TEAMS, "description": "Teams by name, so that no platform needs to be asked who is in them."},
        "statuses": {
            **STATUSES,
            "description": "Names of your own for a task's status, each with the one of ours that it stands for.",
            "examples": [{"doing": "in-progress", "qa": "in-review"}],
        },
        "card": {**CARD, "description": "How tasks show on GitHub."},
        "analysis": {
            **ANALYSIS,
            "description": "What this repository's own closed issues taught the PM analysis.",
            "examples": [{"learned": ".github/ai-crm-analysis.json"}],
        },
    }
)


class PolicySource(Struct, frozen=True, kw_only=True):
    """What a policy is made from besides its document: the file's name and fingerprint, and what comes from elsewhere.

    `template` reads a shipped rule template by a name that is in `template_names`.
    """

    file: str
    fingerprint: str
    agents: tuple[Agent, ...]
    defaults: Defaults
    template: Callable[[str], Mapping]
    template_names: tuple[str, ...]


def parse_policy(document: Mapping, source: PolicySource, problems: Problems) -> Policy:
    """The policy of a document; worth nothing when `problems` has something afterwards.

    An empty file switches automation off, and so does `auto_task_creation.enabled: false` when no workflow is left.
    """
    nodes = given(document, FILE, "the file", problems).nodes
    _check_version(nodes.get("version"), problems)
    agents = read_agents(nodes["agents"], source.agents, problems) if "agents" in nodes else source.agents
    teams = read_teams(nodes["teams"], problems) if "teams" in nodes else ()
    statuses = read_statuses(nodes["statuses"], problems) if "statuses" in nodes else ()
    drafts = tuple(_drafts(nodes, source, problems))
    if len(drafts) > MOST_RULES:
        problems.add(drafts[MOST_RULES].at, f"the file has {len(drafts)} rules; {MOST_RULES} are allowed")
    ids = _ids(drafts, problems)
    world = World(
        agents=tuple(agent.name for agent in agents),
        teams=teams,
        rules=ids,
        defaults=source.defaults,
        statuses=statuses,
    )
    rules = tuple(read_rule(draft, rule, world, problems) for draft, rule in zip(drafts, ids, strict=True))
    return Policy(
        enabled=any(rule.enabled for rule in rules) or _may_wait(nodes, rules),
        rules=rules,
        agents=agents,
        people=read_people(nodes["people"], problems) if "people" in nodes else (),
        teams=teams,
        card=read_card(nodes["card"], problems) if "card" in nodes else CardSettings(),
        fingerprint=source.fingerprint,
        statuses=statuses,
        warnings=tuple(str(warning) for warning in _warnings(drafts, rules, source.file)),
        learned=read_analysis(nodes["analysis"], problems) if "analysis" in nodes else "",
    )


def _may_wait(nodes: dict[str, Node], rules: tuple[Rule, ...]) -> bool:
    """A file without a rule that is on: whether it is merely not finished, rather than switched off."""
    auto = nodes.get("auto_task_creation")
    switch = auto.get("enabled") if isinstance(auto, Mapping) else None
    is_off = switch is not None and isinstance(switch.value, Scalar) and switch.value.value is False
    return bool(nodes) and not rules and not is_off


def _check_version(node: Node | None, problems: Problems) -> None:
    if node is None or (isinstance(node, Scalar) and node.value == 1 and not isinstance(node.value, bool)):
        return
    problems.add(node.at, f"version must be 1, not {kind_of(node)}", "a later version needs a later release of AI-CRM")


def _drafts(nodes: dict[str, Node], source: PolicySource, problems: Problems) -> Iterator[Draft]:
    """Every rule of the file, in either form, in the order of the file."""
    templates = Templates(source.template_names, lambda name: read_rule_template(name, source.template(name)))
    if "auto_task_creation" in nodes:
        auto = given(nodes["auto_task_creation"], AUTO_TASK_CREATION, "auto_task_creation", problems)
        enabled = auto.read(FLAG, "enabled", absent=True)
        for node in _list(auto.nodes.get("rules"), problems):
            draft = read_draft(node, None, templates, problems)
            yield msgspec.structs.replace(draft, enabled=draft.enabled and enabled)
    for entry in _entries(nodes.get("workflows"), problems):
        yield read_draft(entry.value, entry.key, templates, problems)


def _list(node: Node | None, problems: Problems) -> tuple[Node, ...]:
    match node:
        case None:
            return ()
        case Sequence():
            return node.items
        case _:
            problems.add(node.at, f"rules must be a list, not {kind_of(node)}", "start each rule with `- `")
            return ()


def _entries(node: Node | None, problems: Problems) -> tuple[Entry, ...]:
    match node:
        case None:
            return ()
        case Mapping():
            return node.entries
        case _:
            problems.add(node.at, f"workflows must be a mapping from names to rules, not {kind_of(node)}")
            return ()


def _ids(drafts: tuple[Draft, ...], problems: Problems) -> tuple[RuleId, ...]:
    """A rule's name, else what it waits for (or the template it uses) with its number among the nameless ones."""
    count: Counter[str] = Counter()
    lines: dict[str, int] = {}
    ids = []
    for draft in drafts:
        if draft.name is None:
            count[draft.stem] += 1
        rule = draft.name.text if draft.name else _numbered(draft.stem, count[draft.stem])
        if rule and rule in lines:
            at = draft.name.at if draft.name else draft.at
            problems.add(
                at, f'two rules are called "{rule}", the first in line {lines[rule]}', "give each its own name"
            )
        lines.setdefault(rule, draft.at.line)
        ids.append(RuleId(rule))
    return tuple(ids)


def _numbered(stem: str, number: int) -> str:
    return stem if number == 1 else f"{stem}-{number}"


def _warnings(drafts: tuple[Draft, ...], rules: tuple[Rule, ...], file: str) -> Iterator[Problem]:
    """What is allowed and probably not meant."""
    stems = Counter(draft.stem for draft in drafts if draft.name is None)
    for draft, rule in zip(drafts, rules, strict=True):
        line, column = draft.at.line, draft.at.column
        if draft.name is None and stems[draft.stem] > 1:
            what = f'this rule has no name and is called "{rule.id}" by its place among {stems[draft.stem]} such rules'
            yield Problem(file, line, column, what, "name it, so that its tasks stay its own")
        if any(isinstance(effect, CreateAiCrmTask) and effect.assigns_nobody for effect in rule.effects):
            what = "auto_assign has nobody to choose from: without pm_analysis only the rule can say which agent"
            yield Problem(file, line, column, what, "name one with `agent` or `agent_hint`")
