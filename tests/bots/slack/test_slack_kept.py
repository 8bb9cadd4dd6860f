"""What Slack was told is heard is done, even when the hub is killed before it has begun; and it is done once."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bots.slack.conftest import Pair, environ, words
from tests.doubles.hub import Hub
from tests.doubles.slack_hands import Ack
from tests.doubles.slack_workspace import BOB, SlackWorkspace

# Longer than the test: the first thing that the bot does about a call is to ask who it is from.
_SLOW = 60


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with SlackWorkspace() as slack, Hub(tmp_path, {**environ(slack), "AI_CRM_LEASE_SECONDS": "2"}) as hub:
        slack.heard_by(hub.url)
        yield Pair(slack, hub)


def killed_in_the_middle(pair: Pair, does: Callable[[], Ack]) -> None:
    """The hub dies after it said that it heard, and another one begins."""
    asked = len(pair.slack.asked("users.info"))
    pair.slack.slows("users.info", _SLOW)
    assert does().status == 200
    pair.slack.until(lambda: len(pair.slack.asked("users.info")) > asked, "a question who it is")
    pair.hub.kill()
    pair.hub.start()
    pair.slack.heard_by(pair.hub.url)


def test_a_command_is_carried_out_by_the_next_process(pair: Pair) -> None:
    killed_in_the_middle(pair, lambda: pair.slack.command('task create "Survive the night"'))
    answer = pair.slack.until(lambda: pair.slack.answers, "an answer")[0]
    assert re.search(r"AICRM-1\b", words(answer))
    assert len(pair.hub.ask("/api/v1/tasks", pair.hub.key()).json()["tasks"]) == 1


def test_a_button_is_pressed_once(pair: Pair) -> None:
    shown = pair.slack.asks('task create "Press me"')
    killed_in_the_middle(pair, lambda: pair.slack.press(shown, "Done", BOB))
    key = pair.hub.key()
    pair.slack.until(
        lambda: pair.hub.ask("/api/v1/tasks/AICRM-1", key).json()["status"] == "done", "a task that is done"
    )
    history = pair.hub.ask("/api/v1/tasks/AICRM-1/history", key).json()["history"]
    assert len([entry for entry in history if "done" in str(entry)]) == 1


def test_what_somebody_wrote_to_the_bot_is_answered_once(pair: Pair) -> None:
    before = len(pair.slack.asked("chat.postMessage"))
    said = pair.slack.says("help", channel="D0ANN")
    killed_in_the_middle(pair, lambda: pair.slack.event({**said, "channel_type": "im"}))
    pair.slack.until(lambda: len(pair.slack.asked("chat.postMessage")) > before, "an answer")


def test_what_is_done_is_not_done_again_after_a_restart(pair: Pair) -> None:
    pair.slack.asks('task create "Only once"')
    pair.hub.stop()
    pair.hub.start()
    time.sleep(3)  # longer than a promise belongs to whoever gave it
    assert len(pair.slack.answers) == 1
