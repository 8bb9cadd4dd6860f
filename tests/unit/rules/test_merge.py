import pytest

from ai_crm.config.agents import load_agents
from ai_crm.config.policy import load_policy
from ai_crm.errors import RulesInvalid
from ai_crm.model.status_name import StatusName
from ai_crm.model.task import TaskStatus
from ai_crm.rules.merge import merged, no_rules
from ai_crm.rules.rule import Defaults, Policy

OWN = b"""
auto_task_creation:
  rules:
    - {name: triage, trigger: issue_opened, task: {title_template: "Own: {issue.title}"}}
"""
SHARED = OWN.replace(b"Own", b"Shared")


def policy(text: bytes) -> Policy:
    return load_policy(text, "rules.yml", Defaults())


def test_a_project_alone_has_exactly_its_own_policy() -> None:
    own = policy(OWN)

    assert merged(own, (), load_agents()) is own


def test_without_any_file_there_are_no_rules_and_tasks_still_follow_their_items() -> None:
    assert merged(None, (), load_agents()) == no_rules(load_agents())
    assert no_rules(load_agents()).enabled


def test_a_rule_of_the_hub_can_be_neither_replaced_nor_imitated_by_a_project() -> None:
    both = merged(policy(OWN), (policy(SHARED),), load_agents())

    assert [rule.id for rule in both.rules] == ["triage", "hub/triage"]
    with pytest.raises(RulesInvalid, match="belong to the hub"):
        merged(policy(OWN.replace(b"name: triage", b"name: hub/triage")), (), load_agents())


def test_a_project_that_switches_itself_off_keeps_the_hubs_rules() -> None:
    off = policy(OWN.replace(b"auto_task_creation:", b"auto_task_creation:\n  enabled: false"))

    assert [rule.id for rule in merged(off, (policy(SHARED),), load_agents()).rules] == ["hub/triage"]


def test_names_of_statuses_are_united_and_a_project_knows_its_own_best() -> None:
    own = policy(OWN + b"statuses: {qa: blocked}")
    shared = policy(b"statuses: {QA: in-review, doing: in-progress}"), policy(b"statuses: {doing: todo, later: todo}")

    assert merged(own, shared, ()).statuses == (
        StatusName("qa", TaskStatus.BLOCKED),
        StatusName("doing", TaskStatus.IN_PROGRESS),
        StatusName("later", TaskStatus.TODO),
    )


def test_the_fingerprint_names_all_files() -> None:
    own, shared = policy(OWN), policy(SHARED)
    prints = {merged(own, (), ()).fingerprint, merged(None, (shared,), ()).fingerprint}

    assert prints == {own.fingerprint, shared.fingerprint}
    assert merged(own, (shared,), ()).fingerprint not in prints
