"""A notification to somebody else's emulation of Slack, read back through its own API."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_crm.errors import CredentialsRefused, ItemMissing
from ai_crm.model.change import Applied
from ai_crm.model.item import PlatformName
from ai_crm.platforms.slack import Slack
from tests.conftest import Finish
from tests.doubles.notices import inline, notice, task

pytestmark = pytest.mark.node

_SEED = """
slack:
  team: {name: Octo, domain: octo}
  users: [{name: developer, real_name: Dev, email: dev@example.com, is_admin: true}]
  channels: [{name: general, topic: General}]
  bots: [{name: ai-crm}]
  tokens:
    - {token: xoxb-local-test, user: developer, scopes: ["chat:write", "channels:read", "channels:history"]}
    - {token: xoxb-local-reader, user: developer, scopes: ["channels:read"]}
  strict_scopes: true
"""


@pytest.fixture(scope="module")
def emulate(node: str, node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running emulator."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    seed = tmp_path_factory.mktemp("emulate") / "seed.yaml"
    seed.write_text(_SEED)
    program = node_modules / "emulate" / "dist" / "index.js"
    command = [node, str(program), "start", "--service", "slack", "--port", str(port), "--seed", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if "Ready" in line:
                    break
            else:
                pytest.fail("the emulator did not start")
            yield f"http://localhost:{port}/api"
        finally:
            process.terminate()


def send(address: str, token: str, target: str, finish: Finish) -> Applied:
    slack = Slack(token, inline, base_url=address)
    try:
        return finish(slack.apply(notice(PlatformName.SLACK, target, "New task", tasks=(task(),))))
    finally:
        slack.close()


def test_a_message_is_there_when_the_channel_is_read(emulate: str, finish: Finish) -> None:
    from slack_sdk import WebClient

    reader = WebClient("xoxb-local-test", base_url=emulate)
    general = next(one["id"] for one in reader.conversations_list()["channels"] if one["name"] == "general")
    channel, _, ts = send(emulate, "xoxb-local-test", general, finish).where.partition(":")
    history = reader.conversations_history(channel=channel, limit=1)["messages"]
    assert [(message["ts"], message["text"].split("\n")[0]) for message in history] == [(ts, "New task")]


def test_a_channel_that_is_not_there_is_missing(emulate: str, finish: Finish) -> None:
    with pytest.raises(ItemMissing):
        send(emulate, "xoxb-local-test", "#nowhere", finish)


def test_a_scope_that_is_missing_is_named(emulate: str, finish: Finish) -> None:
    with pytest.raises(CredentialsRefused) as caught:
        send(emulate, "xoxb-local-reader", "C000000001", finish)
    assert caught.value.missing == "chat:write"
