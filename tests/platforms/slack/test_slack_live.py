"""One live message for each item: what comes first, what goes below it, and what is not said twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest

from ai_crm.errors import UpstreamUnavailable
from ai_crm.model.change import Notify, Outcome, Text
from ai_crm.model.item import PlatformName
from ai_crm.platforms.slack import Repeating, Slack
from tests.conftest import Finish
from tests.doubles.notices import inline, notice, task
from tests.doubles.slack_server import TOKEN, SlackServer, shown

NOW = datetime(2026, 11, 24, tzinfo=UTC)
READING = ("chat:write", "channels:history", "channels:read", "im:write")


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with SlackServer(scopes=READING) as running:
        yield running


@pytest.fixture
def slack(server: SlackServer) -> Iterator[Slack]:
    client = Slack(TOKEN, inline, base_url=server.url, answered=True)
    yield client
    client.close()


def told(text: str, *, where: str = "", surface: bool = False) -> Notify:
    change = notice(PlatformName.SLACK, "#dev-team", text, tasks=(task(),))
    return msgspec.structs.replace(change, where=where, surface=surface)


def test_what_comes_later_goes_below_and_the_card_shows_the_task_as_it_is_now(
    slack: Slack, server: SlackServer, finish: Finish
) -> None:
    first = finish(slack.apply(told("New task")))
    second = finish(slack.apply(told("Closed", where=first.where)))

    assert second.where == first.where == "C0DEV:1700000000.000001"
    assert [message.get("thread_ts") for message in server.messages] == [None, "1700000000.000001"]
    assert server.messages[1]["text"] == "Closed"
    assert server.messages[1]["reply_broadcast"] is False
    assert [update["ts"] for update in server.updates] == ["1700000000.000001"]
    assert "Spelling error in the README file" in shown(server.updates[0])


def test_the_channel_sees_what_the_rule_surfaces(slack: Slack, server: SlackServer, finish: Finish) -> None:
    first = finish(slack.apply(told("New task")))
    finish(slack.apply(told("Closed", where=first.where, surface=True)))
    assert server.messages[1]["reply_broadcast"] is True


@pytest.mark.parametrize("parts", [(), ("",)])
def test_without_a_text_only_the_card_is_renewed(
    slack: Slack, server: SlackServer, finish: Finish, parts: tuple[str, ...]
) -> None:
    """A text that was filled in has one part, also where there is nothing to say."""
    first = finish(slack.apply(told("New task")))
    silent = msgspec.structs.replace(told("", where=first.where), text=Text(parts))

    assert finish(slack.apply(silent)).outcome is Outcome.DONE
    assert len(server.messages) == 1
    assert len(server.updates) == 1


def test_a_message_that_somebody_deleted_is_replaced_by_the_next_word_and_not_by_a_renewal(
    slack: Slack, server: SlackServer, finish: Finish
) -> None:
    first = finish(slack.apply(told("New task")))
    server.gone.add("1700000000.000001")
    silent = msgspec.structs.replace(told("", where=first.where), text=Text(()))

    assert finish(slack.apply(silent)).detail == "the message is gone"
    assert len(server.messages) == 1
    assert finish(slack.apply(told("Closed", where=first.where))).where == "C0DEV:1700000000.000002"
    assert "thread_ts" not in server.messages[1]


def test_the_buttons_are_there_where_somebody_answers(slack: Slack, server: SlackServer, finish: Finish) -> None:
    finish(slack.apply(told("New task")))
    silent = Slack(TOKEN, inline, base_url=server.url)
    finish(silent.apply(told("New task")))
    silent.close()

    buttons = [
        [
            element["text"]["text"]
            for block in message["blocks"]
            if block["type"] == "actions"
            for element in block["elements"]
        ]
        for message in server.messages
    ]
    assert "Done" in buttons[0]
    assert "Done" not in buttons[1]


@pytest.mark.parametrize("where", ["", "C0DEV:1700000000.000001"])
def test_a_repeated_attempt_finds_what_the_first_one_left(
    slack: Slack, server: SlackServer, finish: Finish, where: str
) -> None:
    finish(slack.apply(notice(PlatformName.SLACK, "#dev-team", "Something else", generation="other")))
    server.deaf = True
    with pytest.raises(UpstreamUnavailable):
        finish(slack.apply(told("New task", where=where)))
    server.deaf = False

    again = finish(Repeating(slack, NOW).apply(told("New task", where=where)))

    assert again.outcome is Outcome.ALREADY
    assert again.where == (where or "C0DEV:1700000000.000002")
    assert len(server.messages) == 2


def test_a_repeated_attempt_that_finds_nothing_tells_it(slack: Slack, server: SlackServer, finish: Finish) -> None:
    assert finish(Repeating(slack, NOW).apply(told("New task"))).outcome is Outcome.DONE
    assert len(server.messages) == 1


def test_without_the_scopes_to_look_it_is_told_rather_than_lost(
    slack: Slack, server: SlackServer, finish: Finish
) -> None:
    server.scopes = ("chat:write",)
    assert finish(Repeating(slack, NOW).apply(told("New task"))).outcome is Outcome.DONE
    assert len(server.messages) == 1


def test_what_is_told_below_a_message_without_a_card_that_is_gone_becomes_a_new_one(
    slack: Slack, server: SlackServer, finish: Finish
) -> None:
    plain = notice(PlatformName.SLACK, "#dev-team", "Something is wrong")
    first = finish(slack.apply(plain))
    server.refuses("thread_not_found")
    again = finish(slack.apply(msgspec.structs.replace(plain, where=first.where)))
    assert again.where == "C0DEV:1700000000.000002"
    assert "thread_ts" not in server.messages[1]


def test_a_repeated_attempt_finds_the_new_message_that_the_first_one_began(
    slack: Slack, server: SlackServer, finish: Finish
) -> None:
    first = finish(slack.apply(notice(PlatformName.SLACK, "#dev-team", "Something else", generation="other")))
    server.gone.add("1700000000.000001")
    server.deaf = True
    with pytest.raises(UpstreamUnavailable):
        finish(slack.apply(told("New task", where=first.where)))
    server.deaf = False
    again = finish(Repeating(slack, NOW).apply(told("New task", where=first.where)))
    assert (again.outcome, again.where) == (Outcome.ALREADY, "C0DEV:1700000000.000002")
    assert len(server.messages) == 2
