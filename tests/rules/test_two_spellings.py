"""The product was asked for in two rule languages: each file, written in the other one, is the same rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from ai_crm.config.policy import load_policy
from ai_crm.model.trigger import find_trigger
from ai_crm.rules.rule import Defaults, Rule
from ai_crm.rules.source import Mark

LONG = {"labels": "labels.contains", "files_changed": "files_changed.includes"}
SHORT = {long: short for short, long in LONG.items()}
Document = dict[str, Any]


def as_workflows(document: Document) -> Document:
    """Rules with a task, as workflows with actions."""
    return {"workflows": {_word(rule): _as_workflow(rule) for rule in document["auto_task_creation"]["rules"]}}


def _word(rule: Document) -> str:
    return str(rule.get("name", rule["trigger"]))


def _as_workflow(rule: Document) -> Document:
    trigger = find_trigger(rule["trigger"])
    assert trigger is not None
    conditions = _respelled(rule["conditions"], LONG)
    params = {key.removesuffix("_template"): value for key, value in rule.get("task", {}).items()}
    task = [{"action": "create_ai_crm_task", "params": params}] if "task" in rule else []
    return {
        "trigger": {"platform": "github", "event": trigger.name, "conditions": conditions},
        "actions": [*task, *rule.get("actions", [])],
    }


def as_rules(document: Document) -> Document:
    """Workflows, as rules in a list."""
    rules = [_as_rule(name, workflow) for name, workflow in document["workflows"].items()]
    return {"auto_task_creation": {"enabled": True, "rules": rules}}


def _as_rule(name: str, workflow: Document) -> Document:
    trigger = find_trigger(workflow["trigger"]["event"])
    assert trigger is not None
    tasks = [one["params"] for one in workflow["actions"] if one["action"] == "create_ai_crm_task"]
    others = [one for one in workflow["actions"] if one["action"] != "create_ai_crm_task"]
    texts = {"title": "title_template", "description": "description_template"}
    return {
        "name": name,
        "trigger": trigger.word,
        "conditions": _respelled(workflow["trigger"]["conditions"], SHORT),
        **({"task": {texts.get(key, key): value for key, value in tasks[0].items()}} if tasks else {}),
        **({"actions": others} if others else {}),
    }


def _respelled(conditions: list[Document], words: dict[str, str]) -> list[Document]:
    return [{words.get(key, key): value for key, value in condition.items()} for condition in conditions]


def meaning(document: Document) -> list[Rule]:
    """The rules without their places."""
    rules = load_policy(json.dumps(document).encode(), "rules.yml", Defaults()).rules
    return [msgspec.structs.replace(rule, at=Mark(0, 0)) for rule in rules]


def seed(root: Path, name: str) -> Document:
    document: Document = yaml.safe_load((root / "templates" / "examples" / name).read_text(encoding="utf-8"))
    return document


def test_rules_with_tasks_are_the_same_as_workflows(root: Path) -> None:
    document = seed(root, "ai-crm.yml")
    assert len(meaning(document)) == 2
    assert meaning(as_workflows(document)) == meaning(document)


def test_workflows_are_the_same_as_rules_with_tasks(root: Path) -> None:
    document = seed(root, "automation-rules.yml")
    assert len(meaning(document)) == 2
    assert meaning(as_rules(document)) == meaning(document)


@pytest.mark.parametrize("name", ["ai-crm.yml", "automation-rules.yml"])
def test_there_and_back_again_is_the_same(root: Path, name: str) -> None:
    document = seed(root, name)
    there = as_workflows(document) if "auto_task_creation" in document else as_rules(document)
    back = as_rules(there) if "workflows" in there else as_workflows(there)
    assert meaning(back) == meaning(document)
