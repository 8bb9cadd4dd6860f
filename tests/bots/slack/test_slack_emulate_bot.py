"""The bot before somebody else's emulation of Slack: what it posts and changes is read back from the emulator's own history.

The emulator has neither slash commands nor interactivity nor `response_url`: those calls are made by hand, and what is
said at a `response_url` is posted or changed as Slack would do it. A window cannot be opened there, because no trigger
is ever valid: that it is refused is seen here, the window itself with the double.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import pytest
from slack_sdk import WebClient

from bots.slack import form
from bots.slack.form import Draft, Origin, window
from tests.bots.slack.conftest import titles, words
from tests.doubles.http import ask
from tests.doubles.hub import Hub
from tests.doubles.loopback import Loopback, Reply, Request
from tests.doubles.slack_hands import Http
from tests.doubles.slack_workspace import SIGNING_SECRET, buttons, values_of

pytestmark = pytest.mark.node

TOKEN = "xoxb-local-test"
_SEED = f"""
slack:
  team: {{name: Octo, domain: octo}}
  users: [{{name: developer, real_name: Dev, email: dev@example.com, is_admin: true}}]
  channels: [{{name: general, topic: General}}]
  bots: [{{name: ai-crm}}]
  tokens:
    - {{token: {TOKEN}, user: developer, scopes: ["chat:write", "channels:read", "channels:history", "users:read", "im:write"]}}
"""


class Emulated:
    """The emulator, a hub with the bot, and a hand that does what Slack itself does for a `response_url`."""

    def __init__(self, api: str, folder: Path) -> None:
        self.slack = WebClient(TOKEN, base_url=f"{api}/")
        self._api = api
        self._sink = Loopback(self._respond)
        environ = {
            "AI_CRM_SLACK_BOT_TOKEN": TOKEN,
            "AI_CRM_SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "AI_CRM_SLACK_API_URL": f"{self._sink.url}/api",
        }
        self._hub = Hub(folder, environ)
        self.said: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self._sink.__enter__()
        self._hub.__enter__()
        who = self.slack.auth_test()
        self.team, self.user = who["team_id"], who["user_id"]
        self.channel = next(
            each["id"] for each in self.slack.conversations_list()["channels"] if each["name"] == "general"
        )
        self._send = Http(f"{self._hub.url}/slack/events", SIGNING_SECRET)
        return self

    def __exit__(self, *exc: object) -> None:
        self._hub.__exit__()
        self._sink.__exit__()

    def url(self, ts: str = "") -> str:
        return f"{self._sink.url}/respond?channel={self.channel}&ts={ts}"

    def command(self, text: str) -> None:
        body = {
            "command": "/ai-crm", "text": text, "team_id": self.team, "user_id": self.user, "channel_id": self.channel,
            "response_url": self.url(), "trigger_id": f"trigger {text}",
        }  # fmt: skip
        assert self._send("slash_commands", body, {}).status == 200

    def interact(self, **more: Any) -> bytes:
        body = {"team": {"id": self.team}, "user": {"id": self.user}, "trigger_id": f"t {len(self.said)}", **more}
        ack = self._send("interactive", body, {})
        assert ack.status == 200
        return ack.body

    def press(self, message: dict[str, Any], title: str) -> None:
        button = next(each for each in buttons(message) if each["text"]["text"] == title)
        action = {"type": "button", "action_ts": message["ts"], **button}
        place = {"channel": {"id": self.channel}, "message": message, "response_url": self.url(message["ts"])}
        self.interact(type="block_actions", actions=[action], **place)

    def mention(self, text: str, thread: str) -> None:
        event = {
            "type": "app_mention",
            "user": self.user,
            "text": text,
            "ts": "1.1",
            "thread_ts": thread,
            "channel": self.channel,
        }
        body = {"type": "event_callback", "team_id": self.team, "event_id": f"Ev {text}", "event": event}
        assert self._send("events_api", body, {}).status == 200

    def seen(self, sentence: str, thread: str = "") -> dict[str, Any]:
        """The newest message that says this, once it is in the emulator's history."""
        found: Any = {}
        for _ in range(200):
            asked = {"channel": self.channel, "limit": 100}
            found = (
                self.slack.conversations_replies(ts=thread, **asked)
                if thread
                else self.slack.conversations_history(**asked)
            )
            for message in found["messages"]:
                if sentence in words(message):
                    return dict(message)
            self._pause()
        raise AssertionError(f"{sentence!r} never stood in the channel: {found}")

    def told(self, sentence: str) -> dict[str, Any]:
        for _ in range(200):
            for each in self.said:
                if sentence in words(each):
                    return each
            self._pause()
        raise AssertionError(f"{sentence!r} was never answered: {self.said}")

    def _pause(self) -> None:
        time.sleep(0.05)

    def _respond(self, request: Request) -> Reply:
        if request.path.startswith("/api/"):
            return self._passed_on(request)
        asked, said = dict(parse_qsl(urlsplit(request.path).query)), request.json()
        self.said.append(said)
        shown = {"text": said["text"], "blocks": said.get("blocks", [])}
        if said.get("replace_original"):
            self.slack.chat_update(channel=asked["channel"], ts=asked["ts"], **shown)
        elif said.get("response_type") == "in_channel":
            self.slack.chat_postMessage(channel=asked["channel"], **shown)
        return Reply(200, b"ok")

    def _passed_on(self, request: Request) -> Reply:
        """To the emulator, which takes POST alone where Slack takes GET, too."""
        place, _, query = request.path.removeprefix("/api").partition("?")
        form_type = "application/x-www-form-urlencoded"
        kept = {name: request.headers[name] for name in ("authorization", "content-type") if name in request.headers}
        sent = {**kept, "content-type": form_type} if query else kept
        answer = ask("POST", f"{self._api}{place}", query.encode() or request.body, sent)
        return Reply(answer.status, answer.body, {"content-type": "application/json"})


@pytest.fixture(scope="module")
def emulated(node: str, node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("emulated")
    seed = folder / "seed.yaml"
    seed.write_text(_SEED)
    program = node_modules / "emulate" / "dist" / "index.js"
    command = [node, str(program), "start", "--service", "slack", "--port", str(port), "--seed", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert any("Ready" in line for line in process.stdout), "the emulator did not start"
            with Emulated(f"http://127.0.0.1:{port}/api", folder) as running:
                yield running
        finally:
            process.terminate()


def test_a_command_becomes_a_message_whose_button_changes_it(emulated: Emulated) -> None:
    emulated.command('task create "Ship the emulated export" --share')
    message = emulated.seen("Ship the emulated export")
    assert titles(message) == ["Start", "Done"]
    emulated.press(message, "Start")
    now = emulated.seen("todo → in-progress")
    assert now["ts"] == message["ts"]
    assert titles(now) == ["To review", "Done", "Undo"]


def test_a_window_is_refused_by_the_emulators_own_rule_for_triggers_and_the_person_hears_it(emulated: Emulated) -> None:
    emulated.command("task create")
    emulated.told("three seconds were over")


def test_a_window_that_was_sent_becomes_a_message_in_the_thread_that_a_button_changes(emulated: Emulated) -> None:
    first = emulated.slack.chat_postMessage(channel=emulated.channel, text="We need it")
    view = window(Draft(origin=Origin(channel=emulated.channel, thread=str(first["ts"]))), None)
    state = {"values": values_of(view, {form.TITLE: "From the window", form.SHARE: "yes"})}
    sent = {
        "type": "modal",
        "callback_id": form.CALLBACK,
        "private_metadata": view["private_metadata"],
        "id": "V1",
        "hash": "h",
        "state": state,
    }
    assert emulated.interact(type="view_submission", view=sent) == b""
    message = emulated.seen("From the window", str(first["ts"]))
    assert message["thread_ts"] == first["ts"]
    emulated.press(message, "Done")
    assert titles(emulated.seen("todo → done", str(first["ts"]))) == ["Reopen", "Undo"]


def test_a_mention_is_answered_in_its_thread(emulated: Emulated) -> None:
    first = emulated.slack.chat_postMessage(channel=emulated.channel, text="How are we?")
    emulated.mention("<@U0BOT> status dashboard", str(first["ts"]))
    assert emulated.seen("Team status", str(first["ts"]))["thread_ts"] == first["ts"]
