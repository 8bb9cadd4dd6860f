"""The published JSON Schemas, made from the very code that reads and writes these documents."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

import msgspec

from ai_crm.cards.elements import Card
from ai_crm.model.decision import Decision
from ai_crm.model.event import Event
from ai_crm.model.task import Task, TaskStatus
from ai_crm.rules.effects import EFFECTS
from ai_crm.rules.effects.create_task import CreateAiCrmTask
from ai_crm.rules.parse import AUTO_TASK_CREATION, FILE
from ai_crm.rules.parse_rule import ACTION, ACTIONS, RULE, WORKFLOW
from ai_crm.rules.parse_settings import AGENT, CONTACT, PERSON
from ai_crm.rules.parse_trigger import EVENT, EVENTS, TRIGGER
from ai_crm.rules.predicates import condition_schema
from ai_crm.rules.rule import Effect
from ai_crm.rules.rule_template import RuleTemplate
from ai_crm.rules.shapes import NAME, Schema

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_HOME = "https://raw.githubusercontent.com/ai-crm/github-action/v2/schemas"
_USUAL_PLACE = ".github/ai-crm.yml"


def rules_schema(agents: tuple[str, ...], templates: tuple[RuleTemplate, ...]) -> Schema:
    """The schema of a rules file. `agents` are names that editors offer: a file may have agents of its own."""
    return {
        **_head("ai-crm", "Rules of AI-CRM", f"What AI-CRM does about a repository's events: `{_USUAL_PLACE}`."),
        **FILE,
        "$defs": _definitions(agents, templates),
    }


def decision_schema() -> Schema:
    """The schema of a decision, as `ai-crm explain --format json` prints it."""
    return _of_struct(Decision, "decision", "What was decided about one event, and why.")


def task_schema() -> Schema:
    return _of_struct(Task, "task", "One task: one per rule and item, for ever.")


def event_schema() -> Schema:
    return _of_struct(Event, "event", "One thing that happened to one item, in the same words for every platform.")


def card_schema() -> Schema:
    return _of_struct(Card, "card", "One card: the part of an Adaptive Card 1.5 that every platform can show.")


def _definitions(agents: tuple[str, ...], templates: tuple[RuleTemplate, ...]) -> dict[str, Schema]:
    return {
        "auto_task_creation": AUTO_TASK_CREATION,
        "rule": _rule(RULE),
        "workflow": _rule(WORKFLOW),
        "filled": {"allOf": [_filled(template) for template in templates]},
        "use": {"oneOf": [{"const": template.name, "description": template.description} for template in templates]},
        "trigger": {"anyOf": [{"$ref": "#/$defs/events"}, TRIGGER]},
        "events": EVENTS,
        "event": EVENT,
        **condition_schema(),
        "task": CreateAiCrmTask.params,
        "actions": ACTIONS,
        "action": _action(),
        "agent_name": {"anyOf": [{"enum": list(agents)}, NAME.schema]},
        "status_name": {"anyOf": [{"enum": list(TaskStatus)}, NAME.schema]},
        "agent": AGENT,
        "contact": CONTACT,
        "person": PERSON,
    }


def _rule(schema: Schema) -> Schema:
    """A rule says everything itself, or uses a template and fills its parameters."""
    uses = {"required": ["use"]}
    says = {
        "required": ["trigger"],
        "anyOf": [{"required": ["task"]}, {"required": ["actions"]}],
        "not": {"required": ["with"]},
    }
    return {**schema, "if": uses, "then": {"$ref": "#/$defs/filled"}, "else": says}


def _filled(template: RuleTemplate) -> Schema:
    arguments = template.arguments
    return _when("use", template.name, {"properties": {"with": arguments}, **_needed("with", arguments)})


def _action() -> Schema:
    return {**ACTION, "allOf": [_parameters(effect) for effect in EFFECTS]}


def _parameters(effect: type[Effect]) -> Schema:
    then = {"properties": {"params": dict(effect.params)}, **_needed("params", dict(effect.params))}
    return _when("action", effect.action, then)


def _when(key: str, value: str, then: Schema) -> Schema:
    return {"if": {"required": [key], "properties": {key: {"const": value}}}, "then": then}


def _needed(key: str, schema: Schema) -> Schema:
    """Whether a mapping may be left out: not when something in it must be there."""
    return {"required": [key]} if "required" in schema or "anyOf" in schema else {}


def _head(name: str, title: str, description: str) -> Schema:
    return {"$schema": _DIALECT, "$id": f"{_HOME}/{name}.schema.json", "title": title, "description": description}


def _of_struct(struct: type[msgspec.Struct], name: str, description: str) -> Schema:
    schema: dict[str, Any] = msgspec.json.schema(struct)
    return {**_head(name, name.capitalize(), description), **_without_indents(schema)}


def _without_indents(schema: Any) -> Any:
    """Descriptions are docstrings, whose indentation Python keeps up to 3.12 and drops from 3.13 on."""
    match schema:
        case dict():
            return {key: _unindented(key, _without_indents(value)) for key, value in schema.items()}
        case list():
            return [_without_indents(each) for each in schema]
        case _:
            return schema


def _unindented(key: str, value: Any) -> Any:
    return cleandoc(value) if key == "description" and isinstance(value, str) else value
