"""The way from Slack into the dashboard: a link for who asked, that nobody else ever sees."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bots.slack.conftest import BASE_URL, Pair, titles, words
from tests.doubles.browser import enter
from tests.doubles.slack_workspace import ANN, BOB, GUEST, PARTNER, SlackWorkspace, buttons


def link(message: dict[str, Any]) -> str:
    """Where the one button leads."""
    [button] = buttons(message)
    assert button["url"].startswith(f"{BASE_URL}/sign-in/")
    return str(button["url"])


@pytest.mark.parametrize("spelling", ["sign-in", "login", "open dashboard", "Sign in!"])
def test_who_asks_gets_a_link_and_nobody_else_sees_it(everywhere: SlackWorkspace, spelling: str) -> None:
    known = len(everywhere.messages)
    answer = everywhere.asks(spelling)
    assert answer["response_type"] == "ephemeral"
    assert titles(answer) == ["Open the dashboard"]
    assert link(answer).rpartition("/")[2] not in answer["text"]
    assert len(everywhere.messages) == known


def test_the_link_makes_a_browser_the_person_who_asked_and_works_once(over_http: Pair) -> None:
    ann, bob = (link(over_http.slack.asks("sign-in", user)) for user in (ANN, BOB))
    status, page = enter(ann, over_http.hub.url)
    assert status == 200
    assert "member of default" in page
    assert "Hello, Ann" in page
    assert "Hello, Bob" in enter(bob, over_http.hub.url)[1]
    status, page = enter(ann, over_http.hub.url)
    assert status == 404
    assert "This link is over" in page
    assert not [each for each in (ann, bob) if each.rpartition("/")[2] in over_http.hub.log()]


def test_a_guest_comes_in_as_a_guest(over_http: Pair) -> None:
    assert "viewer of default" in enter(link(over_http.slack.asks("sign-in", GUEST)), over_http.hub.url)[1]


def test_somebody_of_another_company_gets_no_link(slack: SlackWorkspace) -> None:
    answer = slack.asks("sign-in", PARTNER)
    assert titles(answer) == []
    assert "/sign-in/" not in words(answer)


def test_in_a_channel_the_link_is_whispered(slack: SlackWorkspace) -> None:
    before, known = len(slack.whispers), len(slack.messages)
    slack.mentions("sign-in")
    told = slack.until(lambda: slack.whispers[before:], "a whisper")[0]
    assert link(told)
    assert told["user"] == ANN
    assert not [each for each in slack.messages[known:] if each.get("bot_id")]


def test_in_a_chat_with_the_bot_it_is_said(slack: SlackWorkspace) -> None:
    before = len(slack.messages)
    slack.tells_bot("sign-in")
    replies = slack.until(lambda: [each for each in slack.messages[before:] if each.get("bot_id")], "a reply")
    assert link(replies[0])


def test_it_is_never_shared(slack: SlackWorkspace) -> None:
    known = len(slack.messages)
    refused = slack.asks("sign-in --share")
    assert refused["response_type"] == "ephemeral"
    assert "is not shared" in words(refused)
    assert titles(refused) == []
    before = len(slack.whispers)
    slack.mentions("sign-in --share")
    assert "is not shared" in words(slack.until(lambda: slack.whispers[before:], "a whisper")[0])
    assert not [each for each in slack.messages[known:] if each.get("bot_id")]
