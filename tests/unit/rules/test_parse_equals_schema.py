"""The parser and the published schema accept and refuse the same files, but for the checks that are listed here."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ai_crm.config.policy import load_policy
from ai_crm.errors import RulesInvalid
from ai_crm.rules.rule import Defaults
from ai_crm.schemas import published

VALIDATOR = Draft202012Validator(json.loads(published()["ai-crm.schema.json"]))
Values = st.SearchStrategy[Any]


def is_read(document: object) -> bool:
    """Whether the parser accepts the document. JSON is YAML, so that both look at the very same values."""
    try:
        load_policy(json.dumps(document).encode(), "rules.yml", Defaults())
    except RulesInvalid:
        return False
    return True


# --- a grammar of right files -----------------------------------------------------------------------------------------


def keys(required: dict[str, Values], **optional: Values) -> Values:
    return st.fixed_dictionaries(required, optional=optional)


def one_or_list(each: Values) -> Values:
    return st.one_of(each, st.lists(each, min_size=1, max_size=3))


FLAG = st.booleans()
TEXT = st.sampled_from(("x", "two words", "über", "a\nb"))
LABELS = one_or_list(st.sampled_from(("bug", "good first issue")))
LOGINS = one_or_list(st.sampled_from(("ada", "octo-cat", "renovate[bot]")))
PRIORITY = st.sampled_from(("urgent", "HIGH", "Low", "mEdIuM"))
AGENT = st.sampled_from(("debugger", "code-reviewer"))
TASK = st.one_of(
    keys({}, title=TEXT, description=TEXT, pm_analysis=FLAG, auto_assign=FLAG, agent=AGENT, priority=PRIORITY),
    keys({}, title_template=TEXT, description_template=TEXT, agent_hint=AGENT, labels=LABELS, assignees=LOGINS),
)


def action(name: str, params: Values) -> Values:
    return keys({"action": st.just(name), "params": params})


ACTIONS = st.lists(
    st.one_of(
        action("github_comment", keys({"message": TEXT})),
        action("github_label", keys({"add": LABELS}, remove=LABELS)),
        action("assign", keys({"people": LOGINS}, agent=AGENT)),
        action("slack_notification", keys({"channel": TEXT, "message": TEXT})),
        action("teams_notification", keys({"message": TEXT, "chat_id": TEXT})),
        action("webhook", keys({"url": st.just("https://hooks.example.com/x?y=z")}, body=TEXT)),
        action("create_issue", keys({"title": TEXT}, body=TEXT, labels=LABELS)),
    ),
    min_size=1,
    max_size=3,
)
UPDATES = st.lists(
    action(
        "update_task",
        keys(
            {"status": st.sampled_from(("todo", "in-progress", "done", "In Progress"))},
            priority=PRIORITY,
            agent=AGENT,
            labels=LABELS,
            assignees=LOGINS,
        ),
    ),
    min_size=1,
    max_size=2,
)
CONDITION = st.one_of(
    keys({"labels": LABELS}, state=st.just("open"), author=LOGINS), keys({"author_is_bot": FLAG}, not_labels=LABELS)
)
CONDITIONS = st.one_of(
    st.none(), CONDITION, st.lists(CONDITION, max_size=2), st.lists(keys({"any": CONDITION}), max_size=1)
)
EVENTS = one_or_list(st.sampled_from(("issue_opened", "issues.closed", "issue_labeled")))
TRIGGER = st.one_of(EVENTS, keys({"event": EVENTS}, platform=st.just("github"), conditions=CONDITIONS))
WITH = keys({}, labels=LABELS, agent=AGENT, priority=PRIORITY, auto_assign=FLAG)
ANY_RULE: dict[str, Values] = {"description": TEXT, "enabled": FLAG, "conditions": CONDITIONS}
CRON = st.sampled_from(("0 9 * * 1-5", "*/5 * * * *"))
RULES = st.one_of(
    keys({"trigger": st.just("schedule"), "actions": UPDATES}, cron=CRON, **ANY_RULE),
    keys({"trigger": keys({"event": st.just("schedule")}, cron=CRON), "actions": UPDATES}, **ANY_RULE),
    keys({"trigger": TRIGGER, "task": TASK}, actions=ACTIONS, **ANY_RULE),
    keys({"trigger": TRIGGER, "actions": ACTIONS}, **ANY_RULE),
    keys({"trigger": TRIGGER, "actions": UPDATES}, **ANY_RULE),
    keys({"use": st.just("bug-triage")}, task=TASK, **{**ANY_RULE, "with": WITH}),
)


@st.composite
def listed_rules(draw: st.DrawFn) -> Any:
    """Rules in a list, each with a name of its own if it has one."""
    found = draw(st.lists(RULES, max_size=3))
    return [{**rule, "name": f"rule {number}"} if draw(FLAG) else rule for number, rule in enumerate(found)]


IDS: dict[str, Values] = {"slack": st.just("U012"), "teams": st.just("0-0")}
SOMEONE = st.one_of(st.sampled_from(("ada", "octo-org/team")), keys({"github": st.just("octo-org/team")}, **IDS))
FILES = keys(
    {},
    version=st.sampled_from((1, 1.0)),
    auto_task_creation=keys({}, enabled=FLAG, rules=listed_rules()),
    workflows=st.dictionaries(st.sampled_from(("first", "second one")), RULES, max_size=2),
    agents=st.lists(
        keys(
            {"name": st.just("one-agent")},
            category=st.just("ops"),
            role=TEXT,
            skills=one_or_list(TEXT),
            people=one_or_list(SOMEONE),
        ),
        min_size=1,
        max_size=1,
    ),
    people=st.lists(keys({"github": st.just("ada")}, **IDS), min_size=1, max_size=1),
    teams=st.dictionaries(st.sampled_from(("web", "org/web")), LOGINS, min_size=1),
    statuses=st.dictionaries(
        st.sampled_from(("doing", "QA check", "prüfen")), st.sampled_from(("todo", "in-review")), min_size=1
    ),
    analysis=keys({}, learned=st.sampled_from((".github/learned.json", "a b", "x/..y"))),
    card=keys(
        {},
        comment=FLAG,
        labels=st.one_of(st.just(False), one_or_list(st.sampled_from(("priority", "agent")))),
        label_prefix=st.just("crm/"),
    ),
)

# --- what people get wrong --------------------------------------------------------------------------------------------

Path = tuple[str | int, ...]
ODD: tuple[Any, ...] = (None, True, False, 0, 2, 1.5, "", [], {}, {"x": 1}, [1], [None], [[]], [""], "y" * 1_001)
KEYS = (
    "unknown",
    "title",
    "title_template",
    "agent_hint",
    "with",
    "use",
    "name",
    "trigger",
    "channel",
    "",
    "a\nb",
    " x",
)


def paths(node: Any, here: Path = ()) -> Iterator[Path]:
    """The way to everything in a document."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, child in inside:
        yield (*here, step)
        yield from paths(child, (*here, step))


@st.composite
def mistaken(draw: st.DrawFn) -> Any:
    """A right document, but in one or two places something else stands, is missing, or is too much."""
    document = draw(FILES)
    for _ in range(draw(st.integers(1, 2))):
        *way, last = draw(st.sampled_from(tuple(paths(document)) or (("version",),)))
        document = copy.deepcopy(document)
        parent: Any = document
        for step in way:
            parent = parent[step]
        match draw(st.sampled_from(("other", "other", "missing", "more"))):
            case "missing" if last in (parent if isinstance(parent, dict) else range(len(parent))):
                del parent[last]
            case "more" if isinstance(parent, dict):
                parent[draw(st.sampled_from(KEYS))] = draw(st.sampled_from(ODD))
            case _:
                parent[last] = draw(st.sampled_from(ODD))
    return document


@given(FILES)
@settings(max_examples=80, deadline=None)
def test_parser_and_schema_accept_right_files(document: object) -> None:
    assert is_read(document)
    assert VALIDATOR.is_valid(document)


@given(mistaken())
@settings(max_examples=250, deadline=None)
def test_parser_and_schema_agree_about_mistakes(document: object) -> None:
    assert is_read(document) == VALIDATOR.is_valid(document)


# --- what only the parser can know ------------------------------------------------------------------------------------

RULE = {"trigger": "issue_opened", "task": {}}
STRICTER: dict[str, dict[str, Any]] = {
    "an agent that neither the catalogue nor the file has": {"trigger": "push", "task": {"agent": "nobody"}},
    "a name in a text that stands for nothing": {"trigger": "push", "task": {"title": "{push.nothing}"}},
    "a task that is spoken of before it is made": {
        "trigger": "push",
        "actions": [{"action": "create_issue", "params": {"title": "{task.id}"}}, {"action": "create_ai_crm_task"}],
    },
    "a channel that a stranger would choose": {
        "trigger": "push",
        "actions": [{"action": "slack_notification", "params": {"channel": "{push.message}", "message": "x"}}],
    },
    "a webhook inside of our own network": {
        "trigger": "push",
        "actions": [{"action": "webhook", "params": {"url": "https://169.254.169.254/latest"}}],
    },
    "a webhook's body that strangers could break out of": {
        "trigger": "push",
        "actions": [{"action": "webhook", "params": {"url": "https://x.example", "body": '{{"a": {push.message}}}'}}],
    },
    "an action for items that cannot have it": {
        "trigger": "push",
        "actions": [{"action": "github_comment", "params": {"message": "x"}}],
    },
    "a condition about other items": {"trigger": "push", "conditions": {"labels": "bug"}, "task": {}},
    "a pattern that is none": {"trigger": "issue_opened", "conditions": {"title_matches": "("}, "task": {}},
    "a team that nobody declared": {"trigger": "issue_opened", "conditions": {"author_team": "x"}, "task": {}},
    "a second task of one rule": {"trigger": "push", "task": {}, "actions": [{"action": "create_ai_crm_task"}]},
    "a rule that updates the task that it makes": {
        "trigger": "push",
        "task": {},
        "actions": [{"action": "update_task", "params": {"status": "done"}}],
    },
    "a rule that is not there": {
        "trigger": "push",
        "actions": [{"action": "update_task", "params": {"of": "y", "status": "done"}}],
    },
    "a status that neither we nor the file have": {
        "trigger": "push",
        "actions": [{"action": "update_task", "params": {"status": "doing"}}],
    },
    "a template's value that its rule cannot use": {"use": "stale-escalation", "with": {"after": "soon"}},
    "a time at which nothing comes": {"trigger": "report", "cron": "0 0 30 2 *", "task": {}},
    "a place with no time of its own": {"trigger": "report", "cron": "0 9 * * *", "time_zone": "Mars", "task": {}},
    "a time for what happens when it happens": {"trigger": "push", "cron": "0 9 * * *", "task": {}},
    "a report at no time": {"trigger": "report", "task": {}},
    "a place without a time": {"trigger": "schedule", "time_zone": "UTC", "task": {}},
    "a credential": {"trigger": "push", "task": {"title": "gh" + "p_" + "a1b2c3d4" * 5}},
}


@pytest.mark.parametrize("stricter", STRICTER)
def test_only_the_parser_knows(stricter: str) -> None:
    document = {"workflows": {"x": STRICTER[stricter]}}
    assert VALIDATOR.is_valid(document)
    assert not is_read(document)


@pytest.mark.parametrize(
    "document",
    [
        {"auto_task_creation": {"rules": [{**RULE, "name": "a"}, {**RULE, "name": "a"}]}},
        {"agents": [{"name": "a"}, {"name": "a"}]},
        {"people": [{"github": "a"}, {"github": "A"}]},
        {"statuses": {"qa check": "in-review", "QA_Check": "in-review"}},
        {"statuses": {"In Progress": "in-progress"}},
        {"auto_task_creation": {"rules": [RULE] * 150}, "workflows": {str(number): RULE for number in range(51)}},
    ],
)
def test_only_the_parser_compares_parts_of_a_file(document: dict[str, Any]) -> None:
    assert VALIDATOR.is_valid(document)
    assert not is_read(document)
