"""The parser and the published schema accept and refuse the same files, but for the checks that are listed here."""

from __future__ import annotations

import json
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


def is_read(document: object) -> bool:
    """Whether the parser accepts the document. JSON is YAML, so that both look at the very same values."""
    try:
        load_policy(json.dumps(document).encode(), "rules.yml", Defaults())
    except RulesInvalid:
        return False
    return True


# --- a grammar of files, right and wrong ------------------------------------------------------------------------------

SHAPELESS: tuple[Any, ...] = (None, True, False, 0, 2, 1.5, "", [], {}, {"x": 1}, [1], [None], [[]], "y" * 1_001)
WORDS: tuple[Any, ...] = ("x", "a b", " x", "é", "a\nb", ["x"], ["x", "x"], "@x", "a/b", "HIGH", "high")
TEXT = st.sampled_from(("x", "two words", "über", "a\nb"))


def odd(*more: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from((*SHAPELESS, *more))


def usually(right: st.SearchStrategy[Any], *more: Any) -> st.SearchStrategy[Any]:
    """Mostly the right thing, now and then something else; `more` is what else is wrong or right here."""
    return st.one_of(right, right, right, right, right, right, odd(*more))


def keys(required: dict[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A mapping; now and then with a key that nobody knows, or without one that is needed."""
    right = st.fixed_dictionaries(required, optional=optional)
    lacking = st.fixed_dictionaries({}, optional={**required, **optional})
    unknown = st.fixed_dictionaries({**required, "unknown": st.just(1)}, optional=optional)
    return st.one_of(right, right, right, right, right, right, lacking, unknown)


def one_or_list(each: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(each, st.lists(each, min_size=1, max_size=3))


FLAG = usually(st.booleans(), *WORDS)
LABELS = usually(one_or_list(st.sampled_from(("bug", "good first issue"))), *WORDS)
LOGINS = usually(one_or_list(st.sampled_from(("ada", "octo-cat", "renovate[bot]"))), *WORDS)
PRIORITY = usually(st.sampled_from(("urgent", "HIGH", "Low", "mEdIuM")), *WORDS)
AGENT = usually(st.sampled_from(("debugger", "code-reviewer")))
MESSAGE = usually(TEXT, *WORDS)
TASK = usually(
    keys(
        {},
        title=MESSAGE,
        title_template=MESSAGE,
        description=MESSAGE,
        pm_analysis=FLAG,
        auto_assign=FLAG,
        agent=AGENT,
        agent_hint=AGENT,
        priority=PRIORITY,
        labels=LABELS,
        assignees=LOGINS,
    )
)
STATUS = usually(st.sampled_from(("todo", "in-progress", "done")), *WORDS, "in_progress")


def action(name: str, params: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return keys({"action": st.just(name)}, params=usually(params))


ACTIONS = usually(
    st.lists(
        usually(
            st.one_of(
                action("github_comment", keys({"message": MESSAGE})),
                action("github_label", keys({}, add=LABELS, remove=LABELS)),
                action("assign", keys({}, people=LOGINS, agent=AGENT)),
                action("slack_notification", keys({"channel": MESSAGE, "message": MESSAGE})),
                action("teams_notification", keys({"message": MESSAGE}, chat_id=MESSAGE, channel=MESSAGE)),
                action("create_issue", keys({"title": MESSAGE}, body=MESSAGE, labels=LABELS)),
                action("nothing_of_ours", st.just({})),
            )
        ),
        min_size=1,
        max_size=3,
    ),
    *WORDS,
)
UPDATES = st.lists(
    action("update_task", keys({"status": STATUS}, priority=PRIORITY, agent=AGENT, labels=LABELS, assignees=LOGINS)),
    min_size=1,
    max_size=2,
)
CONDITION = keys({}, labels=LABELS, state=usually(st.just("open"), *WORDS), author=LOGINS, author_is_bot=FLAG)
CONDITIONS = usually(
    st.one_of(CONDITION, st.lists(CONDITION, max_size=2), st.lists(keys({}, any=CONDITION), max_size=1))
)
EVENT = usually(st.sampled_from(("issue_opened", "issues.closed", "issue_labeled")), *WORDS)
EVENTS = usually(one_or_list(EVENT), *WORDS)
TRIGGER = st.one_of(
    EVENTS, usually(keys({"event": EVENTS}, platform=usually(st.just("github"), "jira"), conditions=CONDITIONS))
)
NOTE = usually(TEXT, *WORDS)
BODY = {"description": NOTE, "enabled": FLAG, "conditions": CONDITIONS}
WITH = usually(
    st.fixed_dictionaries(
        {},
        optional={
            "labels": st.sampled_from(("bug", ["bug", "crash"], [], 1)),
            "agent": st.sampled_from(("debugger", 1, ["debugger"])),
            "priority": st.sampled_from(("LOW", "lowest", 3)),
            "auto_assign": st.sampled_from((True, "true")),
            "lables": st.just("bug"),
        },
    )
)


def rule(**more: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A rule with a task, one with actions, one that updates tasks, one with a template; or a mixture that is wrong."""
    return usually(
        st.one_of(
            keys({"trigger": TRIGGER, "task": TASK}, actions=ACTIONS, **BODY, **more),
            keys({"trigger": TRIGGER, "actions": ACTIONS}, **BODY, **more),
            keys({"trigger": TRIGGER, "actions": UPDATES}, **BODY, **more),
            keys({"use": usually(st.just("bug-triage"), "x")}, task=TASK, **{**BODY, "with": WITH}, **more),
            keys({"trigger": TRIGGER, "task": TASK, "with": WITH}, **BODY, **more),
        )
    )


@st.composite
def rules(draw: st.DrawFn) -> Any:
    """Rules in a list, each with a name of its own if it has one."""
    found = draw(st.lists(rule(), max_size=3))
    named = draw(st.lists(usually(st.just("name"), *WORDS), min_size=3, max_size=3))
    for number, (one, name) in enumerate(zip(found, named, strict=False)):
        if isinstance(one, dict) and draw(st.booleans()):
            one["name"] = f"{name}-{number}" if isinstance(name, str) and name else name
    return found


PERSON_ID = usually(st.just("U012"), *WORDS)
SOMEONE = st.one_of(
    usually(st.sampled_from(("ada", "octo-org/team")), "x y"),
    keys({}, github=usually(st.just("ada"), "a/b"), slack=PERSON_ID, teams=PERSON_ID),
)
AGENTS = usually(
    st.lists(
        keys(
            {"name": usually(st.just("one-agent"))},
            category=NOTE,
            role=NOTE,
            skills=usually(one_or_list(TEXT), *WORDS),
            people=usually(one_or_list(SOMEONE)),
        ),
        min_size=1,
        max_size=1,
    )
)
PEOPLE = usually(
    st.lists(
        keys({"github": usually(st.just("ada"), *WORDS)}, slack=PERSON_ID, teams=PERSON_ID), min_size=1, max_size=1
    )
)
TEAMS = usually(st.dictionaries(st.sampled_from(("web", "org/web", "a b", "", "x\n")), LOGINS, max_size=2))
CARD = usually(
    keys(
        {},
        comment=FLAG,
        labels=usually(one_or_list(st.sampled_from(("priority", "agent", "size")))),
        label_prefix=usually(st.just("crm/"), "x" * 31),
    )
)
FILES = keys(
    {},
    version=usually(st.just(1), 1.0),
    auto_task_creation=usually(keys({}, enabled=FLAG, rules=usually(rules()))),
    workflows=usually(
        st.dictionaries(st.sampled_from(("first", "second", "", " x", "a\nb", "y" * 101)), rule(), max_size=2)
    ),
    agents=AGENTS,
    people=PEOPLE,
    teams=TEAMS,
    card=CARD,
)


@given(FILES)
@settings(max_examples=400, deadline=None)
def test_parser_and_schema_accept_the_same_files(document: object) -> None:
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
    "a template's value that its rule cannot use": {"use": "stale-escalation", "with": {"after": "soon"}},
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
        {"auto_task_creation": {"rules": [RULE] * 150}, "workflows": {str(number): RULE for number in range(51)}},
    ],
)
def test_only_the_parser_compares_parts_of_a_file(document: dict[str, Any]) -> None:
    assert VALIDATOR.is_valid(document)
    assert not is_read(document)
