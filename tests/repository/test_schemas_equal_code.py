"""The published schemas are what the code reads and writes, and nothing in them can be used to make a validator slow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from jsonschema import Draft202012Validator

from ai_crm.analysis import offline_analyst
from ai_crm.config.policy import load_policy, load_rule_templates, rule_template_names
from ai_crm.flow.decide import decide
from ai_crm.model.decision import Decision
from ai_crm.model.event import Event, FieldChange, Remark
from ai_crm.model.facts import FACTS
from ai_crm.model.item import Item, ItemKind, ItemRef, Person, PlatformName, Project
from ai_crm.model.task import AgentChoice, HistoryEntry, RuleId, Task, TaskId
from ai_crm.rules.effects import EFFECTS
from ai_crm.rules.predicates import PREDICATES
from ai_crm.rules.rule import Defaults
from ai_crm.schemas import published, write

SCHEMAS = published()
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
REF = ItemRef(PlatformName.GITHUB, "octocat/hello-world", ItemKind.PULL_REQUEST, "42")
EVENT = Event(
    id="delivery-1",
    platform=PlatformName.GITHUB,
    names=("pull_request.opened",),
    actor=Person("octocat"),
    project=Project(name=REF.project, url="https://github.com/octocat/hello-world", default_branch="main"),
    item=Item(
        ref=REF,
        title="Crash",
        url="https://github.com/octocat/hello-world/pull/42",
        labels=("bug",),
        files=("a.py",),
        author=Person("octocat", trusted=True),
        updated_at=NOW,
        facts=dict.fromkeys(FACTS[REF.kind], ""),
    ),
    changed=(FieldChange("labels", None, "bug"),),
    remark=Remark(author=Person("ada"), body="hm", url="https://github.com/x"),
    at=NOW,
)
EVERY_ACTION = """\
agents: [{name: debugger, people: [ada, octo-org/team]}]
workflows:
  everything:
    trigger: pull_request_opened
    conditions: [{any: [{files_changed: "*.py"}, {author_team: octo-org/team}]}, {draft: false}]
    task: {agent: debugger, auto_assign: true, labels: new, assignees: bob}
    actions:
      - {action: update_task, params: {of: other, status: done}}
      - {action: github_comment, params: {message: "{task.url} {pr.title}"}}
      - {action: github_label, params: {add: x, remove: bug}}
      - {action: assign_reviewer, params: {reviewers: octocat}}
      - {action: assign, params: {people: carl}}
      - {action: slack_notification, params: {channel: "#x", message: hi}}
      - {action: teams_notification, params: {chat_id: "{pr.author.teams_id}", message: hi}}
      - {action: create_issue, params: {title: x}}
      - {action: webhook, params: {url: "https://hooks.example.com/x"}}
  other: {trigger: push, task: {}}
"""
TASK = Task(
    id=TaskId("AICRM-42"),
    rule=RuleId("other"),
    item=REF,
    title="Crash",
    agent=AgentChoice(name="debugger", assigned=True, because="x", confidence=80),
    seen_at=NOW,
    history=(HistoryEntry(at=None, actor="octocat", what="created", because="x"),),
)


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMAS[f"{name}.schema.json"]))


def decided(rules: str, *tasks: Task) -> Decision:
    policy = load_policy(rules.encode(), "rules.yml", Defaults())
    return decide(EVENT, EVENT.item, tasks, policy, offline_analyst(), NOW)


def test_the_files_are_what_the_code_says(root: Path, tmp_path: Path) -> None:
    write(str(tmp_path))
    for name in SCHEMAS:
        assert (root / "schemas" / name).read_bytes() == (tmp_path / name).read_bytes(), "run `make schemas`"


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_a_schema_with_an_address_of_its_own(name: str) -> None:
    schema = json.loads(SCHEMAS[name])
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].endswith(f"/schemas/{name}")
    assert schema["title"]
    assert schema["description"]


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(child)


def test_no_file_can_make_a_validator_slow_or_reach_out() -> None:
    for node in nodes(json.loads(SCHEMAS["ai-crm.schema.json"])):
        assert "uniqueItems" not in node
        assert str(node.get("$ref", "#")).startswith("#")


def test_every_mapping_of_a_rules_file_is_closed_and_every_key_explained() -> None:
    for node in nodes(json.loads(SCHEMAS["ai-crm.schema.json"])):
        if "properties" not in node or "additionalProperties" not in node:
            continue
        assert node["additionalProperties"] is False
        for key, schema in node["properties"].items():
            assert schema.get("description") or "$ref" in schema or key in {"params", "min", "max"}, key


def test_every_condition_and_every_action_is_offered() -> None:
    definitions = json.loads(SCHEMAS["ai-crm.schema.json"])["$defs"]
    assert {key for predicate in PREDICATES for key in predicate.keys} <= definitions["condition"]["properties"].keys()
    assert definitions["action"]["properties"]["action"]["enum"] == [effect.action for effect in EFFECTS]


@pytest.mark.parametrize("name", ["ai-crm.yml", "automation-rules.yml", "team.yml"])
def test_the_examples_are_valid(root: Path, name: str) -> None:
    text = (root / "templates" / "examples" / name).read_text(encoding="utf-8")
    validator("ai-crm").validate(yaml.safe_load(text))


@pytest.mark.parametrize("name", rule_template_names())
def test_a_rule_template_with_its_defaults_is_valid_and_has_a_table(root: Path, name: str) -> None:
    template = next(template for template in load_rule_templates() if template.name == name)
    given = {parameter.name: "x" for parameter in template.parameters if parameter.required}
    rule = {"use": name, **({"with": given} if given else {})}
    document = {"workflows": {"x": rule}}
    validator("ai-crm").validate(document)
    assert load_policy(json.dumps(document).encode(), "rules.yml", Defaults()).rules
    assert template.description.endswith(".")
    assert all(parameter.description.endswith(".") for parameter in template.parameters)
    assert (root / "tests" / "rules" / f"test_rule_{name.replace('-', '_')}.py").exists()


def test_a_decision_with_every_kind_of_change_is_valid_and_comes_back_as_it_was() -> None:
    decision = decided(EVERY_ACTION, TASK)
    kinds = {type(change).__struct_config__.tag for change in decision.changes}
    assert kinds == {
        "create_task",
        "update_task",
        "show_card",
        "comment",
        "add_labels",
        "remove_labels",
        "assign",
        "request_review",
        "create_item",
        "notify",
        "call_webhook",
    }
    assert decision.skips
    validator("decision").validate(json.loads(decision.to_json()))
    assert msgspec.json.decode(decision.to_json(), type=Decision) == decision


@pytest.mark.parametrize("rules", ["", "version: 1", "workflows: {x: {trigger: push, task: {}}}"])
def test_a_decision_to_do_nothing_is_valid_too(rules: str) -> None:
    validator("decision").validate(json.loads(decided(rules).to_json()))


def test_tasks_and_events_are_valid() -> None:
    validator("task").validate(json.loads(msgspec.json.encode(TASK)))
    validator("event").validate(json.loads(msgspec.json.encode(EVENT)))


@pytest.mark.parametrize(("name", "document"), [("decision", {}), ("task", {"id": 5}), ("event", {"names": "x"})])
def test_what_is_none_of_ours_is_refused(name: str, document: dict[str, Any]) -> None:
    assert not validator(name).is_valid(document)
