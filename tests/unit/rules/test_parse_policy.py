"""What a rules file amounts to: both spellings, ids, switches, agents, people, teams, statuses and the card."""

from __future__ import annotations

import textwrap

import msgspec
import pytest

from ai_crm.config.policy import load_policy
from ai_crm.errors import RulesInvalid
from ai_crm.model.agent import Contact
from ai_crm.model.status_name import StatusName
from ai_crm.model.task import TaskStatus
from ai_crm.rules.effects.create_task import CreateAiCrmTask
from ai_crm.rules.effects.update_task import UpdateExistingTask
from ai_crm.rules.rule import CardSettings, Defaults, Policy, Rule, Team
from ai_crm.rules.source import Mark

RULE = "{trigger: issue_opened, task: {}}"


def policy(text: str) -> Policy:
    return load_policy(textwrap.dedent(text).encode(), "rules.yml", Defaults())


def rules(*lines: str) -> Policy:
    return policy("auto_task_creation:\n  rules:\n" + "".join(f"    - {line}\n" for line in lines))


def meaning(rule: Rule) -> Rule:
    """A rule without its name and place."""
    return msgspec.structs.replace(rule, id="", at=Mark(0, 0))


# --- two spellings, one form ------------------------------------------------------------------------------------------

SHORT = """
    auto_task_creation:
      rules:
        - name: triage
          trigger: issue_opened
          conditions:
            - labels: [bug, feature]
            - assignee: null
          task:
            title_template: "GitHub: {issue.title}"
            description_template: "{issue.body}"
            pm_analysis: true
            auto_assign: true
          actions:
            - action: github_comment
              params: {message: "{task.url}"}
    """
LONG = """
    workflows:
      triage:
        trigger:
          platform: github
          event: issues.opened
          conditions:
            - labels.contains: [bug, feature]
            - assignee: null
        actions:
          - action: create_ai_crm_task
            params:
              title: "GitHub: {issue.title}"
              description: "{issue.body}"
              pm_analysis: true
              auto_assign: true
          - action: github_comment
            params:
              message: "{task.url}"
    """


def test_both_spellings_of_a_rule_are_one_rule() -> None:
    (short,), (long,) = policy(SHORT).rules, policy(LONG).rules
    assert short.id == long.id == "triage"
    assert meaning(short) == meaning(long)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("trigger: issue_opened", "trigger: issues.opened"),
        ("trigger: issue_opened", "trigger: [issue_opened, issues.opened]"),
        ("trigger: issue_opened", "trigger: {event: issues.opened}"),
        ("trigger: issue_opened", "trigger: {platform: github, event: [issue_opened]}"),
        ("trigger: push, conditions: [{branch: main}]", "trigger: {event: push, conditions: {branch: main}}"),
        (
            "trigger: issue_opened, conditions: [{labels: a}, {state: open}]",
            "trigger: {event: issue_opened, conditions: [{labels: a}]}, conditions: {state: open}",
        ),
    ],
)
def test_a_trigger_means_the_same_however_it_is_spelled(one: str, other: str) -> None:
    first, second = rules(f"{{{one}, task: {{}}}}", f"{{{other}, task: {{}}}}").rules
    assert meaning(first) == meaning(second)


def test_a_task_block_and_actions_go_together_the_task_first() -> None:
    (rule,) = policy(SHORT).rules
    assert [effect.action for effect in rule.effects] == ["create_ai_crm_task", "github_comment"]
    assert rule.creates


# --- ids --------------------------------------------------------------------------------------------------------------


def test_a_rule_without_a_name_is_called_by_its_trigger_and_its_place_among_such_rules() -> None:
    found = rules(
        RULE,
        "{trigger: push, task: {}}",
        RULE,
        "{name: mine, trigger: issue_opened, task: {}}",
        "{use: bug-triage}",
        RULE,
    )
    assert [rule.id for rule in found.rules] == [
        "issue_opened",
        "push",
        "issue_opened-2",
        "mine",
        "bug-triage",
        "issue_opened-3",
    ]


def test_rules_that_are_told_apart_by_their_place_only_are_warned_about() -> None:
    assert rules(RULE, "{trigger: push, task: {}}", "{use: bug-triage}").warnings == ()
    first, second = rules(RULE, RULE).warnings
    assert first.startswith('rules.yml:3:7: this rule has no name and is called "issue_opened" by its place')
    assert '"issue_opened-2"' in second


def test_automatic_assignment_without_any_way_to_choose_is_warned_about() -> None:
    task = "trigger: push, task: {pm_analysis: false, auto_assign: true"
    (warning,) = rules(f"{{{task}}}}}").warnings
    assert warning.startswith("rules.yml:3:7: auto_assign has nobody to choose from")
    assert rules(f"{{{task}, agent_hint: debugger}}}}").warnings == ()


def test_a_rule_knows_its_line_and_what_it_is_for() -> None:
    found = policy("""\
        workflows:
          first: {trigger: push, task: {}, description: Looks at pushes}
          second:
            trigger: push
            task: {}
        """)
    assert [(rule.id, rule.at.line, rule.note) for rule in found.rules] == [
        ("first", 2, "Looks at pushes"),
        ("second", 3, ""),
    ]


# --- switches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing yet\n",
        "---\n",
        "auto_task_creation: {enabled: false}",
        f"auto_task_creation: {{enabled: false, rules: [{RULE}]}}",
        f"workflows: {{x: {{enabled: false, {RULE[1:]}}}",
    ],
)
def test_an_empty_file_and_one_that_is_switched_off_switch_automation_off(text: str) -> None:
    assert not policy(text).enabled


@pytest.mark.parametrize(
    "text", ["version: 1", "auto_task_creation: {}", "auto_task_creation: {rules: []}", "card: {}"]
)
def test_a_file_without_rules_waits_for_them(text: str) -> None:
    found = policy(text)
    assert found.enabled
    assert found.rules == ()


def test_the_switch_of_automatic_tasks_leaves_workflows_on() -> None:
    found = policy(f"""
        auto_task_creation:
          enabled: false
          rules: [{RULE}]
        workflows:
          other: {RULE}
        """)
    assert found.enabled
    assert [(rule.id, rule.enabled) for rule in found.rules] == [("issue_opened", False), ("other", True)]


def test_one_rule_can_be_switched_off_and_stays_in_the_policy() -> None:
    found = rules("{enabled: false, trigger: push, task: {}}", RULE)
    assert [rule.enabled for rule in found.rules] == [False, True]


@pytest.mark.parametrize("version", ["1", "1.0", "0x1"])
def test_the_first_version_of_the_format_may_be_named(version: str) -> None:
    assert policy(f"version: {version}").enabled


# --- agents, people, teams, statuses, card ----------------------------------------------------------------------------


def test_an_agent_of_the_catalogue_keeps_what_the_file_does_not_say() -> None:
    before = {agent.name: agent for agent in policy("version: 1").agents}
    found = {
        agent.name: agent
        for agent in policy("""
            agents:
              - name: security-auditor
                people: [ada, octo-org/security, {github: bob, slack: U1, teams: t1}, {slack: U2}]
            """).agents
    }
    assert list(found) == list(before)
    assert found["security-auditor"] == msgspec.structs.replace(
        before["security-auditor"],
        people=(
            Contact(github="ada"),
            Contact(github="octo-org/security"),
            Contact(github="bob", slack="U1", teams="t1"),
            Contact(slack="U2"),
        ),
    )


def test_a_file_brings_agents_of_its_own_and_rules_may_name_them() -> None:
    found = policy("""
        agents:
          - {name: billing-team, role: Knows invoices., skills: [invoice, vat], people: ada}
        auto_task_creation:
          rules:
            - trigger: issue_opened
              task: {agent: billing-team}
        """)
    own = found.agents[-1]
    assert (own.name, own.category, own.role, own.skills) == (
        "billing-team",
        "own",
        "Knows invoices.",
        ("invoice", "vat"),
    )
    assert own.people == (Contact(github="ada"),)
    (effect,) = found.rules[0].effects
    assert isinstance(effect, CreateAiCrmTask)
    assert effect.agent == "billing-team"


def test_the_file_says_who_is_who() -> None:
    found = policy("people: [{github: ada, slack: U1}, {github: 'renovate[bot]'}]")
    assert found.people == (Contact(github="ada", slack="U1"), Contact(github="renovate[bot]"))


def test_the_file_declares_teams() -> None:
    assert policy("teams: {maintainers: [ada, bob], 2fa: carl}").teams == (
        Team("maintainers", ("ada", "bob")),
        Team("2fa", ("carl",)),
    )


def test_the_file_has_names_of_its_own_for_statuses() -> None:
    assert policy("statuses: {doing: in-progress, QA check: in-review, 2: todo}").statuses == (
        StatusName("doing", TaskStatus.IN_PROGRESS),
        StatusName("qa-check", TaskStatus.IN_REVIEW),
        StatusName("2", TaskStatus.TODO),
    )
    assert policy("version: 1").statuses == ()


@pytest.mark.parametrize("said", ["qa check", "QA-Check", "qa_check", "in-review", "In Review"])
@pytest.mark.parametrize(
    "rule",
    [
        "auto_task_creation: {{rules: [{{trigger: pull_request_opened, actions: [{action}]}}]}}",
        "workflows: {{x: {{trigger: {{platform: github, event: pull_request.opened}}, actions: [{action}]}}}}",
    ],
)
def test_rules_of_both_forms_may_use_the_files_own_names_in_any_spelling(said: str, rule: str) -> None:
    written = rule.format(action=f"{{action: update_task, params: {{status: {said}}}}}")
    (effect,) = policy(f"{written}\nstatuses: {{qa check: in-review}}").rules[0].effects
    assert isinstance(effect, UpdateExistingTask)
    assert effect.status is TaskStatus.IN_REVIEW


@pytest.mark.parametrize(
    ("text", "card"),
    [
        ("version: 1", CardSettings()),
        ("card: {}", CardSettings()),
        (
            "card: {comment: false, labels: priority, label_prefix: crm-}",
            CardSettings(comment=False, labels=("priority",), label_prefix="crm-"),
        ),
        ("card: {labels: false}", CardSettings(labels=())),
    ],
)
def test_the_card_can_be_set(text: str, card: CardSettings) -> None:
    assert policy(text).card == card


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("version: 1", ""),
        ("analysis: {}", ""),
        ("analysis: {learned: .github/ai-crm-analysis.json}", ".github/ai-crm-analysis.json"),
        ("analysis: {learned: a..b/c d.json}", "a..b/c d.json"),
    ],
)
def test_what_was_learned_is_a_path_in_the_repository(text: str, path: str) -> None:
    assert policy(text).learned == path


@pytest.mark.parametrize("path", ["/a", "../a", "a/../b", "a/..", "..", "./a", "a/", "a\\b", '"a\\nb"', '""', "7"])
def test_a_path_that_leads_elsewhere_is_refused_at_its_place(path: str) -> None:
    with pytest.raises(RulesInvalid) as broken:
        policy(f"analysis: {{learned: {path}}}")
    (problem,) = broken.value.problems
    assert (problem.line, problem.column) == (1, 21)


def test_the_fingerprint_is_of_the_bytes() -> None:
    assert policy("version: 1").fingerprint != policy("version: 1 # again").fingerprint
    assert len(policy("version: 1").fingerprint) == 64
