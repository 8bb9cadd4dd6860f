"""What buttons carry, and that nothing else than a command of ours can be pressed."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.commands import presses
from ai_crm.commands.command import (
    AskAnalysis,
    Asked,
    ChangeTask,
    Help,
    ListTasks,
    NewTask,
    ShowTask,
    StartTask,
)
from ai_crm.commands.presses import MOST_DATA, Verb, parse_press
from ai_crm.commands.query import TaskQuery
from ai_crm.errors import Misunderstood
from ai_crm.model.analysis import Priority
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.task import AgentChoice, RuleId, Task, TaskId, TaskPatch, TaskStatus

BEFORE = Task(
    id=TaskId("AICRM-42"),
    rule=RuleId("request"),
    item=ItemRef(PlatformName.HUB, "default", ItemKind.REQUEST, "0" * 32),
    title="Fix the login",
    agent=AgentChoice(name="debugger", assigned=False, because="the analysis found it"),
    labels=("bug", "a, b"),
)


def test_the_buttons_of_a_task_card_set_its_status() -> None:
    data = {"task": "AICRM-42", "status": "in-review", "version": "3"}
    change = ChangeTask(task=TaskId("AICRM-42"), patch=TaskPatch(status=TaskStatus.IN_REVIEW), version=3)
    assert parse_press("set_status", data) == Asked(change)
    assert parse_press("", {"verb": "set_status", **data}) == Asked(change)


def test_undo_brings_back_exactly_what_was_there() -> None:
    after = msgspec.structs.replace(
        BEFORE,
        title="Other",
        status=TaskStatus.DONE,
        priority=Priority.URGENT,
        agent=AgentChoice(name="security-auditor", assigned=True, because="asked for by ann"),
        assignees=("octocat",),
        labels=(),
        due=date(2026, 12, 1),
        version=2,
    )
    press = presses.undo(BEFORE, after)
    assert press
    assert parse_press(press.verb, press.data).command == ChangeTask(
        task=BEFORE.id,
        patch=TaskPatch(
            title=BEFORE.title,
            status=BEFORE.status,
            priority=BEFORE.priority,
            agent=BEFORE.agent or msgspec.UNSET,
            assignees=(),
            labels=BEFORE.labels,
            due=None,
        ),
        version=2,
    )


def test_there_is_no_undo_where_nothing_changed_or_nothing_can_come_back() -> None:
    assert presses.undo(BEFORE, BEFORE) is None
    given_an_agent = msgspec.structs.replace(BEFORE, version=2)
    assert presses.undo(msgspec.structs.replace(BEFORE, agent=None), given_an_agent) is None
    many = msgspec.structs.replace(BEFORE, labels=tuple(f"label number {count}" for count in range(100)))
    assert presses.undo(many, BEFORE) is None


def test_the_next_page_is_of_the_same_search() -> None:
    asked = ListTasks(TaskQuery(statuses=(TaskStatus.TODO,), words=("crash",), updated_within=3600))
    press = presses.page(asked, "cursor")
    assert press
    assert parse_press(press.verb, press.data).command == ListTasks(asked.query, "cursor")


def test_the_buttons_of_an_analysis_remember_its_text() -> None:
    asked = AskAnalysis("Build it", "with ML")
    create = presses.about_analysis(Verb.CREATE_TASK, asked)
    more = presses.about_analysis(Verb.DETAILED_ANALYSIS, asked)
    assert create
    assert more
    assert create.data["action"] == "create_task"
    assert parse_press("", create.data).command == NewTask(title="Build it", description="with ML")
    assert parse_press("", more.data).command == AskAnalysis("Build it", "with ML", detailed=True)


@pytest.mark.parametrize(
    "query",
    [{"updated_within": 10**12}, {"updated_within": -60}, {"not_updated_within": 61}, {"words": ["x" * MOST_DATA * 2]}],
)
def test_a_search_that_nobody_could_have_typed_is_refused(query: dict[str, object]) -> None:
    with pytest.raises(Misunderstood):
        parse_press("page", {"query": msgspec.json.encode(query).decode(), "cursor": ""})


def test_a_text_that_is_too_long_for_a_button_has_none() -> None:
    assert presses.about_analysis(Verb.CREATE_TASK, AskAnalysis("x", "🙂" * (MOST_DATA // 2))) is None


def test_the_bare_button_of_the_first_plan_opens_a_form() -> None:
    assert parse_press("", {"action": "create_task"}).command == StartTask(NewTask(title=""))
    with pytest.raises(Misunderstood, match="does not know its text"):
        parse_press("", {"action": "detailed_analysis"})


def test_a_task_is_shown_and_help_is_given() -> None:
    press = presses.show_task(TaskId("AICRM-7"))
    assert parse_press(press.verb, press.data).command == ShowTask(TaskId("AICRM-7"))
    assert parse_press("help", {"about": "task"}).command == Help("task")


@pytest.mark.parametrize(
    ("verb", "data"),
    [
        ("", {}),
        ("delete_everything", {}),
        ("set_status", {"task": "AICRM-1", "status": "gone"}),
        ("set_status", {"status": "done"}),
        ("set_status", {"task": "AICRM-1", "status": 'done","x'}),
        ("set_status", {"task": "AICRM-1", "status": "done", "version": "-1"}),
        ("set_status", {"task": "AICRM-1", "status": "done", "version": "9" * 40}),
        ("set_status", {"task": "x" * 99, "status": "done"}),
        ("set_status", {"task": ["AICRM-1"], "status": "done"}),
        ("undo", {"task": "AICRM-1", "version": "1", "back": '{"status": 3}'}),
        ("undo", {"task": "AICRM-1", "version": "1", "back": "[" * 100_000}),
        ("page", {"query": "{", "cursor": ""}),
    ],
)
def test_what_is_not_ours_is_refused(verb: str, data: dict[str, object]) -> None:
    with pytest.raises(Misunderstood) as caught:
        parse_press(verb, data)
    assert caught.value.hint


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([*Verb, "", "x"]),
    st.dictionaries(
        st.sampled_from(["task", "status", "version", "back", "query", "cursor", "title", "body", "verb", "action"]),
        st.text(max_size=20) | st.sampled_from(["AICRM-1", "done", "1", "{}", "undo", "null"]) | st.integers(),
    ),
)
def test_anything_pressed_is_a_command_or_refused(verb: str, data: dict[str, object]) -> None:
    assert outcome(verb, data)


def outcome(verb: str, data: dict[str, object]) -> Asked | str:
    try:
        return parse_press(verb, data)
    except Misunderstood as error:
        return error.hint


def test_every_verb_of_a_template_is_one_that_is_understood(root: Path) -> None:
    templates = (root / "templates" / "cards").glob("*.json")
    named = {verb for file in templates for verb in re.findall(r'"verb": "([a-z_]+)"', file.read_text())}
    assert named
    assert named <= set(Verb)
