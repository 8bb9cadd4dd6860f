"""The window in which tasks are made: what stands in it, what helps while somebody types, and that nothing typed is lost."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import Any

import pytest

from tests.bots.slack.conftest import Pair, words
from tests.doubles.slack_workspace import ANN, DEV, ELSEWHERE, GUEST, SlackWorkspace


def field(view: dict[str, Any], name: str) -> dict[str, Any]:
    element: dict[str, Any] = next(each for each in view["blocks"] if each["block_id"] == name)["element"]
    return element


def opened(slack: SlackWorkspace, text: str = "task create", user: str = ANN, channel: str = DEV) -> dict[str, Any]:
    before = set(slack.views)
    assert slack.command(text, user, channel).status == 200
    return slack.views[slack.until(lambda: [each for each in slack.views if each not in before], "a window")[0]]


def filled(slack: SlackWorkspace, view: dict[str, Any], sentence: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        now = slack.views[view["id"]]
        return now if sentence in words(now) else None

    return slack.until(look, f"a window with {sentence!r}")


def told(slack: SlackWorkspace, before: int) -> str:
    return words(slack.until(lambda: slack.whispers[before:], "a word to who made the task")[0])


def test_a_task_without_a_title_opens_a_window_with_what_was_said_already(everywhere: SlackWorkspace) -> None:
    view = opened(everywhere, "task create --agent security-auditor --priority high --due 2026-12-31 --label a,b")
    assert field(view, "agent")["initial_option"]["value"] == "security-auditor"
    assert field(view, "priority")["initial_option"]["value"] == "HIGH"
    assert field(view, "due")["initial_date"] == "2026-12-31"
    assert field(view, "labels")["initial_value"] == "a, b"


def test_enter_in_the_title_brings_the_analysis_and_leaves_what_was_typed(everywhere: SlackWorkspace) -> None:
    view = opened(everywhere)
    assert "Press Enter" in words(view)
    everywhere.enter(view, title="Login crashes for everybody in production", description="since noon", share="yes")
    now = filled(everywhere, view, "Analysis: bug")
    assert "hours" in words(now)
    assert json.loads(now["private_metadata"]) == json.loads(view["private_metadata"])
    everywhere.enter(now, title="")
    assert "Press Enter" in words(filled(everywhere, view, "Press Enter"))
    assert json.loads(everywhere.views[view["id"]]["private_metadata"])["channel"] == DEV


def test_agents_are_searched_and_those_of_the_analysis_come_first_with_the_reason(everywhere: SlackWorkspace) -> None:
    view = opened(everywhere)
    everyone = everywhere.choices(view, "")
    assert len(everyone) == 59
    assert all(each["description"]["text"] for each in everyone)
    fitting = everywhere.choices(view, "", title="Audit the authentication for vulnerabilities and threat models")
    assert fitting[0]["value"] == "security-auditor"
    assert "% sure" in fitting[0]["text"]["text"]
    assert fitting[0]["description"]["text"].startswith("Recommended for “")
    assert [each["value"] for each in everywhere.choices(view, "mobile dev")] == ["mobile-developer"]
    assert everywhere.choices(view, "nobody is called this") == []


def test_who_may_not_write_is_not_shown_a_window_that_leads_nowhere(slack: SlackWorkspace) -> None:
    before = len(slack.asked("views.open"))
    assert "may not make or change tasks" in words(slack.asks("task create", GUEST))
    answers = len(slack.answers)
    slack.shortcut(slack.says("Please"), GUEST)
    assert "may not make or change tasks" in words(slack.until(lambda: slack.answers[answers:], "an answer")[0])
    assert len(slack.asked("views.open")) == before


@pytest.mark.parametrize(
    ("impact", "urgency", "chosen", "expected"),
    [("high", "high", None, "URGENT"), ("low", "high", None, "MEDIUM"), ("high", "high", "LOW", "LOW")],
)
def test_impact_and_urgency_make_the_priority_unless_it_is_chosen(
    slack: SlackWorkspace, impact: str, urgency: str, chosen: str | None, expected: str
) -> None:
    view, before = opened(slack), len(slack.whispers)
    assert "high impact: MEDIUM, HIGH, URGENT" in words(view)
    ack = slack.submit(view, title="Matrix", impact=impact, urgency=urgency, **({"priority": chosen} if chosen else {}))
    assert (ack.status, ack.body) == (200, b"")
    assert expected in told(slack, before)


def test_what_is_wrong_is_said_beside_its_field_and_the_text_stays(everywhere: SlackWorkspace) -> None:
    view = opened(everywhere)
    typed = {"title": "Kept", "description": "A long text\nthat must not be lost", "assignees": "@me"}
    nobody = everywhere.submit(view, **{**typed, "title": "  "}).json()
    assert nobody["response_action"] == "errors"
    assert set(nobody["errors"]) == {"title", "assignees"}
    unknown = everywhere.submit(view, **{**typed, "assignees": "", "agent": "no-such-agent"}).json()
    assert "no-such-agent" in " ".join(unknown["errors"].values())
    before = len(everywhere.whispers)
    assert everywhere.submit(view, **{**typed, "assignees": "octocat"}).body == b""
    shown = told(everywhere, before)
    assert "Kept" in shown
    assert "octocat" in shown


def test_the_same_window_sent_twice_makes_one_task(slack: SlackWorkspace) -> None:
    view, before = opened(slack), len(slack.whispers)
    slack.together(lambda: slack.submit(view, title="Only once"), lambda: slack.submit(view, title="Only once"))
    slack.until(lambda: len(slack.whispers) == before + 2, "both answers")
    assert slack.whispers[before]["text"] == slack.whispers[before + 1]["text"]


def test_a_shared_task_is_shown_where_the_window_was_opened(everywhere: SlackWorkspace) -> None:
    view, before = opened(everywhere), len(everywhere.messages)
    everywhere.submit(view, title="For the channel", share="yes")
    message = everywhere.until(lambda: everywhere.messages[before:], "a message")[0]
    assert message["channel"] == DEV
    assert "For the channel" in words(message)


def test_a_channel_that_cannot_be_told_does_not_swallow_the_answer(slack: SlackWorkspace) -> None:
    view, before = opened(slack, channel=ELSEWHERE), len(slack.messages)
    slack.submit(view, title="Where to", share="yes")
    message = slack.until(lambda: slack.messages[before:], "a message")[0]
    assert message["channel"] == f"D{ANN[1:]}"


def test_a_window_that_came_too_late_is_said_to_who_waits_for_it(everywhere: SlackWorkspace) -> None:
    everywhere.refuses("views.open", "expired_trigger_id")
    assert "three seconds were over" in words(everywhere.asks("task create"))


def test_a_message_becomes_a_task_that_leads_back_to_it_and_is_told_in_its_thread(everywhere: SlackWorkspace) -> None:
    slack = everywhere
    message = slack.says("The export fails with <https://x.example|this> &amp; that\nsince Monday")
    before = set(slack.views)
    assert slack.shortcut(message).status == 200
    name = slack.until(lambda: [each for each in slack.views if each not in before], "a window")[0]
    view = filled(slack, slack.views[name], "Analysis")
    link = f"https://acme.slack.com/archives/{DEV}/p{message['ts'].replace('.', '')}"
    assert link in words(view)
    assert field(view, "title")["initial_value"] == "The export fails with <https://x.example|this> & that"
    known = len(slack.messages)
    slack.submit(view, title="The export fails", share="yes")
    told = slack.until(lambda: slack.messages[known:], "the task in the thread")[0]
    assert (told["channel"], told["thread_ts"]) == (DEV, message["ts"])
    assert "The export fails" in words(told)


def test_the_analysis_survives_a_window_that_was_closed_meanwhile(slack: SlackWorkspace) -> None:
    view = opened(slack)
    slack.refuses("views.update", "not_found")
    assert slack.enter(view, title="Gone").status == 200
    assert "What you can ask for" in words(slack.asks("help"))


def test_a_window_does_not_wait_longer_than_slack_does_for_a_store_that_is_slow(over_http: Pair) -> None:
    slack = over_http.slack
    view, before = opened(slack), len(slack.whispers)
    with contextlib.closing(sqlite3.connect(over_http.hub.data / "hub.db", timeout=10, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ack = slack.submit(view, title="Worth the wait")
        assert ack.seconds < 3
        assert ack.json()["response_action"] == "update"
        assert "The task is being made" in words(ack.json()["view"])
        slack.views[view["id"]] = {**ack.json()["view"], "id": view["id"], "hash": "w"}
        other.execute("ROLLBACK")
    assert "Worth the wait" in told(slack, before)
    assert "is there" in words(filled(slack, view, "is there"))
