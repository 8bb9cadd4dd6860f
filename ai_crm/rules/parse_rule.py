"""How one rule is read, in either of its forms: first who it is and what it waits for, then what it wants."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from ai_crm.model.status_name import StatusName
from ai_crm.model.task import RuleId
from ai_crm.rules.effects import EFFECTS
from ai_crm.rules.effects.create_task import CreateAiCrmTask
from ai_crm.rules.parse_body import Body, Templates, hand_over, read_body
from ai_crm.rules.parse_trigger import TIMES, Wait, read_trigger
from ai_crm.rules.predicates import check_teams, parse_condition
from ai_crm.rules.predicates.combine import AllOf
from ai_crm.rules.rule import Defaults, Effect, Place, Rule, Team
from ai_crm.rules.shapes import FLAG, NAME, NOTE, Schema, Text, as_text, described, given, items, object_of
from ai_crm.rules.source import Mapping, Mark, Node, Problems, Scalar

_MOST_ACTIONS = 20

_KEYS: dict[str, Schema] = {
    "enabled": described(FLAG, "False switches the rule off and keeps it in the file."),
    "description": described(NOTE, "What the rule is for."),
    "trigger": {"$ref": "#/$defs/trigger", "description": "What the rule waits for."},
    **TIMES,
    "conditions": {"$ref": "#/$defs/conditions", "description": "What must hold: all of it."},
    "task": {"$ref": "#/$defs/task", "description": "The task that the rule makes, once for each item."},
    "actions": {"$ref": "#/$defs/actions", "description": "What else the rule does, in this order."},
    "use": {"$ref": "#/$defs/use", "description": "The rule template that the rule is made from."},
    "with": {"type": "object", "description": "The template's parameters."},
}
WORKFLOW = object_of(_KEYS)
RULE = object_of({"name": described(NAME, "The name that its tasks remember: keep it once there are tasks."), **_KEYS})

_ACTION_NAME = Text(says="an action", words=tuple(effect.action for effect in EFFECTS))
ACTION = object_of(
    {"action": {**_ACTION_NAME.schema, "description": "What to do."}, "params": {"type": "object"}},
    required=("action",),
)
ACTIONS: Schema = {"type": "array", "minItems": 1, "maxItems": _MOST_ACTIONS, "items": {"$ref": "#/$defs/action"}}


class Draft(Struct, frozen=True, kw_only=True):
    """A rule of which name and triggers are known: enough to know what other rules may call it.

    `stem` is what its id is made of when it has no name.
    """

    name: Scalar | None
    stem: str
    at: Mark
    wait: Wait
    body: Body
    note: str
    enabled: bool


class World(Struct, frozen=True, kw_only=True):
    """What a rule may refer to outside of itself."""

    agents: tuple[str, ...]
    teams: tuple[Team, ...]
    rules: tuple[str, ...]
    defaults: Defaults
    statuses: tuple[StatusName, ...]


def read_draft(node: Node, key: Scalar | None, templates: Templates, problems: Problems) -> Draft:
    """The rule as far as it can be read alone. `key` is the name that a workflow has in its file."""
    rule = given(node, WORKFLOW if key else RULE, "a rule", problems)
    body = read_body(rule, templates)
    trigger = body.nodes.get("trigger")
    wait = read_trigger(trigger, body.nodes, body.problems) if trigger else Wait(())
    if trigger is None and "use" not in rule.nodes and isinstance(node, Mapping):
        problems.add(node.at, 'a rule needs "trigger"', "such as `trigger: issue_opened`")
    name = as_text(key) if key else rule.nodes.get("name")
    named = name if name and NAME.read(name, "name", problems) and isinstance(name, Scalar) else None
    return Draft(
        name=named,
        stem=body.use.text if body.use else next((trigger.word for trigger in wait.triggers), ""),
        at=key.at if key else node.at,
        wait=wait,
        body=body,
        note=rule.read(NOTE, "description", absent=body.note),
        enabled=rule.read(FLAG, "enabled", absent=True),
    )


def read_rule(draft: Draft, rule: RuleId, world: World, problems: Problems) -> Rule:
    """The whole rule; what is wrong in it is told to `problems`."""
    inner = draft.body.problems
    triggers = draft.wait.triggers
    groups = (parse_condition(node, triggers, inner) for node in (*draft.wait.conditions, *draft.body.conditions))
    condition = AllOf(tuple(part for group in groups for part in group.parts))
    check_teams(condition, world.teams, inner)
    # Without a trigger no name in a text is known: what could be told about them would only mislead.
    effects = tuple(_effects(draft, world)) if triggers else ()
    hand_over(draft.body, problems)
    return Rule(
        id=rule,
        triggers=triggers,
        condition=condition,
        effects=effects,
        at=draft.at,
        note=draft.note,
        enabled=draft.enabled,
        schedule=draft.wait.schedule,
    )


def _effects(draft: Draft, world: World) -> Iterator[Effect]:
    wanted = tuple(_wanted(draft.body))
    makers = [params for effect, params in wanted if effect.creates]
    for params in makers[1:]:
        draft.body.problems.add(params.at, "this rule makes a task already: one rule makes one", "write a second rule")
    if draft.body.nodes and not {"task", "actions", "use"} & draft.body.nodes.keys():
        draft.body.problems.add(draft.at, "this rule does nothing", "give it a `task:` or `actions:`")
    made = not makers  # a rule that makes no task speaks about the one that its item has
    for effect, params in wanted:
        place = Place(
            triggers=draft.wait.triggers,
            task=made,
            creates=bool(makers),
            agents=world.agents,
            rules=world.rules,
            defaults=world.defaults,
            statuses=world.statuses,
        )
        read = effect.parse(params, place, draft.body.problems)
        made = made or effect.creates
        if read is not None:
            yield read


def _wanted(body: Body) -> Iterator[tuple[type[Effect], Node]]:
    """The kinds of effects that the rule asks for with their parameters, the `task:` block first."""
    if "task" in body.nodes:
        yield CreateAiCrmTask, body.nodes["task"]
    if "actions" in body.nodes:
        for item in items(body.nodes["actions"], "actions", _MOST_ACTIONS, body.problems):
            action = given(item, ACTION, "an action", body.problems)
            name = action.read(_ACTION_NAME, "action", absent="")
            effect = next((effect for effect in EFFECTS if effect.action == name), None)
            if effect is not None:
                yield effect, action.nodes.get("params", Mapping((), item.at))
