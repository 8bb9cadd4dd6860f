"""What people and channels are told by themselves: once, in one place for each item, when they want it, whatever Slack says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bots.slack.conftest import Pair, environ, titles, words
from tests.doubles.github_server import FakeGitHub
from tests.doubles.hub import Hub
from tests.doubles.slack_workspace import ANN, BOB, DEV, GUEST, SlackWorkspace
from tests.hub_end_to_end.conftest import opened

RULES = """
auto_task_creation:
  rules:
    - name: triage
      trigger: issue_opened
      task: {title_template: "Triage: {issue.title}"}
      actions:
        - action: slack_notification
          params: {channel: "#dev", message: "*Issue* {issue.title}"}
workflows:
  news:
    trigger: {platform: github, event: issues.closed}
    actions:
      - action: slack_notification
        params: {channel: "#dev", message: "Closed: {issue.title}", channel_on: [closed]}
"""


@pytest.fixture(scope="module", autouse=True)
def _introduced(over_http: Pair) -> None:
    over_http.slack.asks("link ann-gh", ANN)
    over_http.slack.asks("link bob-gh", BOB)


def direct(slack: SlackWorkspace, user: str, sentence: str) -> dict[str, Any]:
    place = f"D{user[1:]}"
    return slack.until(
        lambda: [each for each in slack.messages if each["channel"] == place and sentence in each["text"]], sentence
    )[-1]


def test_whoever_is_given_a_task_is_told_once_and_what_follows_stands_in_the_thread(slack: SlackWorkspace) -> None:
    slack.asks('task create "Write the <!channel> guide" --assign bob-gh')
    first = direct(slack, BOB, "You've been assigned a new task")
    assert "<!channel>" not in first["text"]
    task = re.findall(r"AICRM-\d+", slack.asks('task list "guide"')["text"] + words(slack.answers[-1]))[0]
    slack.asks(f"task start {task}")
    second = direct(slack, BOB, "Moved to In progress by Ann")
    assert second["thread_ts"] == first["ts"]


def test_nobody_is_told_what_they_did_themselves(slack: SlackWorkspace) -> None:
    slack.asks('task create "My own" --assign @me', ANN)
    slack.asks('task create "Not my own" --assign ann-gh', BOB)
    direct(slack, ANN, "Not my own")
    assert not [each for each in slack.messages if "My own" in each["text"] and each["channel"] == "D0ANN"]


def test_what_somebody_does_not_want_to_hear_is_not_sent(slack: SlackWorkspace) -> None:
    assert "assigned" in words(slack.asks("settings --off assigned", BOB))
    slack.asks('task create "Silent" --assign bob-gh')
    slack.asks("settings --on assigned", BOB)
    slack.asks('task create "Loud" --assign bob-gh')
    direct(slack, BOB, "Loud")
    assert not [each for each in slack.messages if "Silent" in each["text"] and each["channel"] == "D0BOB"]


def test_the_night_is_quiet(slack: SlackWorkspace) -> None:
    slack.asks("settings --quiet 00:00-23:59 --time-zone UTC", BOB)
    slack.asks('task create "At night" --assign bob-gh')
    slack.asks("settings --quiet never", BOB)
    slack.asks('task create "In the morning" --assign bob-gh')
    direct(slack, BOB, "In the morning")
    assert not [each for each in slack.messages if "At night" in each["text"] and each["channel"] == "D0BOB"]


def test_who_watches_and_whose_task_it_is_hear_what_is_written_and_where_the_task_is(slack: SlackWorkspace) -> None:
    made = slack.asks('task create "Seen by many" --assign bob-gh')
    task = re.findall(r"AICRM-\d+", made["text"])[0]
    slack.asks(f"watch {task}", GUEST)
    slack.asks(f'task comment {task} "Ask <!channel> *first*"', ANN)
    theirs, watched = (direct(slack, each, "wrote about") for each in (BOB, GUEST))
    for told in (theirs, watched):
        assert "Ann (Slack) wrote about" in told["text"]
        assert "first" in told["text"]
        assert "<!channel>" not in told["text"]
    slack.asks(f"task done {task}", BOB)
    moved = direct(slack, GUEST, "was moved to Done by Bob")
    assert moved["thread_ts"] == watched["ts"]
    assert not [each for each in slack.messages if each["channel"] == "D0BOB" and "moved to Done" in each["text"]]


def test_what_comes_too_fast_for_slack_comes_later(slack: SlackWorkspace) -> None:
    slack.slows("chat.postMessage", 1)
    slack.asks('task create "After a pause" --assign bob-gh')
    assert direct(slack, BOB, "After a pause")["channel"] == "D0BOB"


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        ("channel_not_found", "Check the name"),
        ("not_in_channel", "/invite"),
        ("is_archived", "The channel is archived"),
        ("token_revoked", "Install the app again"),
    ],
)
def test_what_cannot_be_sent_is_given_up_with_what_to_do_and_can_be_sent_on(
    over_http: Pair, key: str, error: str, hint: str
) -> None:
    slack, hub = over_http.slack, over_http.hub
    slack.refuses("chat.postMessage", error)
    slack.asks(f'task create "Lost by {error}" --assign bob-gh')
    letter = slack.until(lambda: _letters(hub, key, error), "a dead letter")[0]
    assert hint in str(letter)
    assert hub.ask(f"/api/v1/dead-letters/{letter['id']}/replay", key, "POST").status == 202
    assert direct(slack, BOB, f"Lost by {error}")


def _letters(hub: Hub, key: str, error: str) -> list[dict[str, Any]]:
    return [each for each in hub.ask("/api/v1/dead-letters", key).json()["letters"] if error in each["detail"]]


@pytest.fixture
def beside_github(tmp_path: Path) -> Iterator[tuple[SlackWorkspace, Hub, FakeGitHub]]:
    with FakeGitHub() as github, SlackWorkspace() as slack:
        github.put_file(".github/ai-crm.yml", RULES)
        hub = Hub(tmp_path, environ(slack))
        hub.connect(github.url)
        with hub:
            slack.heard_by(hub.url)
            yield slack, hub, github


def test_an_issue_has_one_live_message_whose_buttons_work_and_its_news_in_the_thread(
    beside_github: tuple[SlackWorkspace, Hub, FakeGitHub], root: Path
) -> None:
    slack, hub, github = beside_github
    key, body = hub.key(), opened(github, root, "The <!here> export fails")
    hub.settled(hub.send("issues", body).json()["event_id"], key)
    live = slack.until(lambda: slack.messages[:], "a live message")[0]
    assert (live["channel"], titles(live)) == (DEV, ["Open", "Start", "Done"])
    assert "<!here>" not in live["text"]

    slack.press(live, "Start")
    slack.until(lambda: slack.asked("chat.update"), "the renewal from the outbox")
    assert "In progress" in words(live)
    assert titles(live)[1:] == ["To review", "Done"]

    closed = body.replace(b'"action":"opened"', b'"action":"closed"').replace(b'"state":"open"', b'"state":"closed"')
    hub.settled(hub.send("issues", closed).json()["event_id"], key)
    news = slack.until(lambda: slack.messages[1:], "the news in the thread")[0]
    assert (news["thread_ts"], news["reply_broadcast"]) == (live["ts"], True)
    assert len(slack.messages) == 2
