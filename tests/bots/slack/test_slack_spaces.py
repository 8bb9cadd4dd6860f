"""Several Slack workspaces on one of ours: everybody hears in their own, a channel where it is, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from tests.bots.slack.conftest import words
from tests.bots.slack.test_slack_install import installed
from tests.doubles.github_server import FakeGitHub
from tests.doubles.hub import Hub
from tests.doubles.slack_pair import GINA, GLOBEX, GLOBEX_DEV, GLOBEX_TOKEN, SALES, SlackPair
from tests.doubles.slack_workspace import ANN, BOB, BOT_TOKEN, DEV, SIGNING_SECRET, TEAM
from tests.hub_end_to_end.conftest import opened

RULES = """
auto_task_creation:
  rules:
    - name: triage
      trigger: issue_opened
      task: {title_template: "Triage: {issue.title}"}
      actions:
        - action: slack_notification
          params: {channel: CHANNEL, message: "*Issue* {issue.title}"}
workflows:
  news:
    trigger: {platform: github, event: issues.closed}
    actions:
      - action: slack_notification
        params: {channel: CHANNEL, message: "Closed: {issue.title}"}
"""


class Both(Struct, frozen=True):
    slack: SlackPair
    hub: Hub
    github: FakeGitHub
    key: str

    def happens(self, root: Path, channel: str, title: str) -> bytes:
        """An issue is opened in a project whose rule tells this channel; the event's body."""
        self.github.put_file(".github/ai-crm.yml", RULES.replace("CHANNEL", f'"{channel}"'))
        body = opened(self.github, root, title)
        assert self.hub.send("issues", body).status == 202
        return body

    def letter(self, wanted: str) -> str:
        found = self.slack.until(
            lambda: [
                each
                for each in self.hub.ask("/api/v1/dead-letters", self.key).json()["letters"]
                if wanted in each["detail"]
            ],
            f"a dead letter about {wanted}",
        )
        return str(found[0]["detail"])


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """Two Slack workspaces that were invited to the same workspace of a hub, the one after the other."""
    with SlackPair() as slack, FakeGitHub() as github:
        environ = {
            "AI_CRM_SLACK_CLIENT_ID": "1.2",
            "AI_CRM_SLACK_CLIENT_SECRET": "client-secret-canary",
            "AI_CRM_SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "AI_CRM_SLACK_API_URL": slack.url,
            "AI_CRM_BASE_URL": "https://hub.example.com",
        }
        hub = Hub(tmp_path_factory.mktemp("both"), environ)
        hub.connect(github.url)
        with hub:
            slack.heard_by(hub.url)
            assert installed(slack, hub, TEAM, BOT_TOKEN) == 200
            assert installed(slack, hub, GLOBEX, GLOBEX_TOKEN) == 200
            slack.asks("link ann-gh", ANN)
            slack.asks("link gina-gh", GINA, "C0SALES", team=GLOBEX)
            yield Both(slack, hub, github, hub.key())
        assert "Traceback" not in hub.log()


def told(messages: list[dict[str, Any]], sentence: str) -> list[dict[str, Any]]:
    return [each for each in messages if sentence in each["text"]]


def test_everybody_hears_in_the_slack_workspace_that_they_are_in(both: Both) -> None:
    slack = both.slack
    slack.asks('task create "For Gina" --assign gina-gh', ANN)
    slack.asks('task create "For Ann" --assign ann-gh', GINA, SALES, team=GLOBEX)
    there = slack.until(lambda: told(slack.over_there, "For Gina"), "a message to Gina")
    here = slack.until(lambda: told(slack.messages, "For Ann"), "a message to Ann")
    assert [each["channel"] for each in (*there, *here)] == ["D0GINA", "D0ANN"]


def test_what_follows_stands_in_the_same_thread(both: Both) -> None:
    slack = both.slack
    slack.asks('task create "Goes on" --assign gina-gh', ANN)
    (first,) = slack.until(lambda: told(slack.over_there, "Goes on"), "a message to Gina")
    answer = words(slack.asks('task list "Goes on"', ANN))
    task = next(word for word in answer.split() if word.startswith("AICRM-"))
    slack.asks(f"task start {task}", ANN)
    (second,) = slack.until(lambda: told(slack.over_there, "Moved to In progress"), "what follows")
    assert (second["channel"], second["thread_ts"]) == ("D0GINA", first["ts"])


def test_a_channels_id_is_told_where_it_is_and_its_live_message_stays_there(both: Both, root: Path) -> None:
    slack = both.slack
    body = both.happens(root, SALES, "Export to CSV")
    (live,) = slack.until(lambda: told(slack.over_there, "Export to CSV"), "a message to #sales")
    closed = body.replace(b'"action":"opened"', b'"action":"closed"').replace(b'"state":"open"', b'"state":"closed"')
    both.hub.settled(both.hub.send("issues", closed).json()["event_id"], both.key)
    (news,) = slack.until(lambda: told(slack.over_there, "Closed: Export to CSV"), "the news")
    assert (news["channel"], news["thread_ts"]) == (SALES, live["ts"])
    assert not told(slack.messages, "Export to CSV")
    # Nobody looked for an earlier message: passing a message on is no attempt at sending it.
    assert "conversations.history" not in [each.method for each in slack.calls if each.token == GLOBEX_TOKEN]


def test_a_name_that_one_of_them_has_is_told_there(both: Both, root: Path) -> None:
    both.happens(root, "#sales", "Only in one")
    (there,) = both.slack.until(lambda: told(both.slack.over_there, "Only in one"), "a message to #sales")
    assert there["channel"] == SALES


def test_a_name_that_both_have_is_told_nowhere_and_the_letter_says_what_to_write(both: Both, root: Path) -> None:
    both.happens(root, "#dev", "Which one")
    letter = both.letter("several Slack workspaces may have")
    assert f"{TEAM}/#dev" in letter
    assert f"{GLOBEX}/#dev for New ({GLOBEX})" in letter
    assert not told([*both.slack.messages, *both.slack.over_there], "Which one")


@pytest.mark.parametrize(("space", "channel"), [(TEAM, DEV), (GLOBEX, GLOBEX_DEV)])
def test_a_name_behind_its_slack_workspace_is_told_there(both: Both, root: Path, space: str, channel: str) -> None:
    both.happens(root, f"{space}/#dev", f"The one of {space}")
    messages = both.slack.messages if space == TEAM else both.slack.over_there
    (message,) = both.slack.until(lambda: told(messages, f"The one of {space}"), "a message to #dev")
    assert message["channel"] == channel


def test_what_none_of_them_has_is_said_with_where_it_was_looked_for(both: Both, root: Path) -> None:
    both.happens(root, "C0NOWHERE", "Lost")
    assert f"New ({TEAM}), New ({GLOBEX})" in both.letter("no connected Slack workspace has C0NOWHERE")


def test_a_slack_workspace_that_is_not_connected_is_told_nothing(both: Both, root: Path) -> None:
    both.happens(root, "T0STRANGE/#dev", "Elsewhere")
    assert "no credentials" in both.letter("T0STRANGE/#dev on Slack was told nothing")


def test_the_doctor_looks_at_each_of_them(both: Both) -> None:
    told_ = both.hub.command("slack", "doctor", check=False).stdout
    assert f"✓ New ({TEAM}) works with the tasks of default" in told_
    both.slack.uninstalled = True
    told_ = both.hub.command("slack", "doctor", check=False).stdout
    both.slack.uninstalled = False
    assert f"✗ the token of New ({GLOBEX}) does not work: account_inactive" in told_
    assert "ai-crm slack invite --workspace default" in told_


def test_a_pause_that_one_of_them_wants_is_none_for_the_other(both: Both) -> None:
    slack = both.slack
    slack.asks("link bob-gh", BOB)
    before = len(slack.calls)
    slack.slows("chat.postMessage", 3)
    slack.asks('task create "Later there" --assign gina-gh', ANN)
    slack.until(
        lambda: [each for each in slack.calls[before:] if each.answer.get("error") == "ratelimited"], "a refusal"
    )
    slack.asks('task create "At once here" --assign bob-gh', ANN)
    slack.until(lambda: told(slack.messages, "At once here"), "a message to Bob")
    assert not told(slack.over_there, "Later there")
    slack.until(lambda: told(slack.over_there, "Later there"), "a message to Gina")


def test_whoever_removes_the_app_ends_their_own_connection_alone(both: Both, root: Path) -> None:
    slack = both.slack
    assert slack.event({"type": "app_uninstalled"}, team=GLOBEX).status == 200
    slack.until(lambda: "not connected" in words(slack.asks("whoami", GINA, SALES, team=GLOBEX)), "the end")
    slack.uninstalled = True
    slack.asks('task create "Not any more" --assign gina-gh', ANN)
    assert "the Slack app was removed there" in both.letter(f"slack-{GLOBEX}")
    slack.asks("link bob-gh", BOB)
    slack.asks('task create "Still here" --assign bob-gh', ANN)
    assert slack.until(lambda: told(slack.messages, "Still here"), "a message to Bob")
    both.happens(root, "#dev", "One is left")
    assert slack.until(lambda: told(slack.messages, "One is left"), "a message to #dev")
    assert not told(slack.over_there, "Not any more")
