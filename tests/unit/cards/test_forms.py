"""The form for a new task: what stands in it, whatever was typed, and which agents it offers."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ai_crm.analysis import offline_analyst
from ai_crm.cards.adaptive import MOST_BYTES
from ai_crm.cards.form import mended_form, offered, task_form
from ai_crm.cards.welcome import welcome_card
from ai_crm.commands.command import NewTask
from ai_crm.config.agents import load_agents
from ai_crm.model.analysis import Priority

AGENTS = load_agents()


def fields(form: dict[str, Any]) -> dict[str, Any]:
    return {each["id"]: each for each in form["body"] if "id" in each}


def test_a_form_holds_what_is_known() -> None:
    draft = NewTask(
        title="Fix it", description="now", agent="debugger", priority=Priority.HIGH, assignees=("ann", "bob"),
        labels=("ui",), due=date(2026, 12, 31),
    )  # fmt: skip
    found = {name: each["value"] for name, each in fields(task_form(draft, None, AGENTS, link="x")).items()}
    assert found == {
        "title": "Fix it", "description": "now", "agent": "debugger", "priority": "HIGH", "assignees": "ann, bob",
        "labels": "ui", "due": "2026-12-31",
    }  # fmt: skip


def test_the_analysis_says_what_it_would_choose_and_offers_its_agents_first() -> None:
    analysis = offline_analyst().analyse("Fix the login that leaks passwords", "", (), AGENTS)
    form = task_form(NewTask(title="x"), analysis, AGENTS)
    assert "Analysis: " in str(form["body"])
    choices = fields(form)["agent"]["choices"]
    assert choices[0]["value"] == analysis.agents[0].name
    assert "recommended" in choices[0]["title"]


def test_only_where_there_are_others_a_task_can_be_shared() -> None:
    assert "share" not in fields(task_form(NewTask(title=""), None, AGENTS))
    assert "share" in fields(task_form(NewTask(title=""), None, AGENTS, shareable=True))


def test_what_has_to_be_mended_stands_on_top() -> None:
    form = mended_form(NewTask(title="typed", agent="who-is-that"), ("a", "b"), AGENTS)
    assert [each["inlines"][0]["text"] for each in form["body"][:2]] == ["a", "b"]
    assert fields(form)["agent"]["choices"][0]["value"] == "who-is-that"


def test_agents_are_found_by_name_role_and_skill() -> None:
    assert [each.value for each in offered(AGENTS, "security aud", None, 5)] == ["security-auditor"]
    assert len(offered(AGENTS, "", None, 5)) == 5
    assert offered(AGENTS, "nobody has this skill", None, 5) == ()


@given(text=st.text(max_size=4000), more=st.lists(st.text(max_size=300), max_size=20))
def test_no_form_is_larger_than_teams_takes(text: str, more: list[str]) -> None:
    draft = NewTask(title=text, description=text * 2, agent=text, assignees=tuple(more), labels=tuple(more))
    form = mended_form(draft, (text, text), AGENTS, link=text, shareable=True)
    assert len(msgspec.json.encode(form).decode().encode("utf-16-le")) <= MOST_BYTES


def test_a_welcome_says_how_to_call_the_bot() -> None:
    assert "@AI-CRM task create" in str(welcome_card("@AI-CRM"))
    assert "@AI-CRM" not in str(welcome_card(""))
