"""The body of a message to Slack, as long as Slack takes one and never cut in the middle of a sign."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.cards.inert import mrkdwn
from ai_crm.model.item import PlatformName
from ai_crm.platforms.slack.encode import MOST_TEXT, message
from tests.doubles.notices import notice, task
from tests.doubles.slack_server import alive

SLACK = PlatformName.SLACK


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def test_a_message_of_any_length_is_cut_to_what_slack_takes_and_says_so() -> None:
    body = message(notice(SLACK, "#x", "word " * 20_000, tasks=(task(),)))
    section = body["blocks"][0]["text"]["text"]
    assert units(section) <= 3000
    assert section.endswith("…")
    assert units(body["text"]) == MOST_TEXT


def test_a_message_is_not_cut_inside_a_link_or_an_escaped_sign() -> None:
    linked = message(notice(SLACK, "#x", "x" * 2990 + " <https://wiki.example|the wiki>", tasks=(task(),)))
    escaped = message(notice(SLACK, "#x", "x" * 2996 + "&amp;&amp;", tasks=(task(),)))
    assert linked["blocks"][0]["text"]["text"] == "x" * 2990 + " …"
    assert escaped["blocks"][0]["text"]["text"] == "x" * 2996 + "…"


def test_a_sign_that_stands_alone_does_not_cost_the_rest_of_the_message() -> None:
    section = message(notice(SLACK, "#x", "R & D, 1 < 2: " + "x" * 4000, tasks=(task(),)))["blocks"][0]["text"]["text"]
    assert units(section) == 3000


def test_characters_are_counted_as_slack_counts_them() -> None:
    section = message(notice(SLACK, "#x", "🙂" * 2000, tasks=(task(),)))["blocks"][0]["text"]["text"]
    assert section == "🙂" * 1499 + "…"


def test_a_lone_surrogate_does_not_stop_a_message() -> None:
    assert msgspec.json.encode(message(notice(SLACK, "#x", "a\ud800b", tasks=(task(),))))


def test_a_message_without_words_is_the_card_alone() -> None:
    blocks = message(notice(SLACK, "#x", " ", tasks=(task(),)))["blocks"]
    assert all(block["type"] != "section" for block in blocks)


def test_more_cards_than_a_message_has_room_for_are_cut_to_fifty_blocks() -> None:
    assert len(message(notice(SLACK, "#x", "Many", tasks=(task(),) * 40))["blocks"]) == 50


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80), st.integers(2900, 3010))
def test_a_strangers_text_is_inert_wherever_the_message_is_cut(text: str, before: int) -> None:
    live = "<!channel> <https://evil.example|x> https://evil.example @ann &lt;!here&gt;"
    body = message(notice(SLACK, "#x", "x" * before + " ", mrkdwn(text + live), tasks=(task(text + live),)))
    assert alive(body) == []
    msgspec.json.encode(body)
