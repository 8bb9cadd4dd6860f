"""A Slack workspace and the hub that carries the bot, over HTTP and over a socket; what the bot shows is checked behind each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.hub import Hub
from tests.doubles.slack_schema import made, problems
from tests.doubles.slack_workspace import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, SlackWorkspace, buttons

BASE_URL = "https://hub.example.com"


def environ(slack: SlackWorkspace, *, socket: bool = False) -> dict[str, str]:
    """What an operator sets for one workspace."""
    ear = {"AI_CRM_SLACK_APP_TOKEN": APP_TOKEN} if socket else {"AI_CRM_SLACK_SIGNING_SECRET": SIGNING_SECRET}
    return {
        "AI_CRM_SLACK_BOT_TOKEN": BOT_TOKEN,
        "AI_CRM_SLACK_API_URL": slack.url,
        "AI_CRM_BASE_URL": BASE_URL,
        **ear,
    }


class Pair:
    """A workspace and the hub behind it."""

    def __init__(self, slack: SlackWorkspace, hub: Hub) -> None:
        self.slack = slack
        self.hub = hub


def pair(folder: Path, *, socket: bool) -> Iterator[Pair]:
    with SlackWorkspace() as slack, Hub(folder, environ(slack, socket=socket)) as hub:
        if socket:
            slack.heard_on_a_socket()
        else:
            slack.heard_by(hub.url)
        yield Pair(slack, hub)
        assert [problem for each in made(slack) for problem in problems(each)] == []
        assert [word for word in ("canary", "Traceback", '"fault"') if word in hub.log()] == []


@pytest.fixture(scope="module")
def over_http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    yield from pair(tmp_path_factory.mktemp("http"), socket=False)


@pytest.fixture(scope="module")
def over_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    yield from pair(tmp_path_factory.mktemp("socket"), socket=True)


@pytest.fixture(scope="module")
def key(over_http: Pair) -> str:
    """Of an operator of the hub behind HTTP."""
    return over_http.hub.key()


@pytest.fixture
def slack(over_http: Pair) -> SlackWorkspace:
    return over_http.slack


@pytest.fixture
def hub(over_http: Pair) -> Hub:
    return over_http.hub


@pytest.fixture(params=["http", "socket"])
def everywhere(request: pytest.FixtureRequest, over_http: Pair, over_socket: Pair) -> SlackWorkspace:
    """The same over both ways."""
    return over_http.slack if request.param == "http" else over_socket.slack


def words(shown: object) -> str:
    """All that a person reads of a message, a window or a tab."""
    if isinstance(shown, dict):
        own = [value for name, value in shown.items() if name in ("text", "url") and isinstance(value, str)]
        return "\n".join((*own, *(words(value) for value in shown.values())))
    return "\n".join(map(words, shown)) if isinstance(shown, list) else ""


def titles(message: dict[str, object]) -> list[str]:
    """What its buttons say."""
    return [str(each["text"]["text"]) for each in buttons(message)]


def images(message: dict[str, Any]) -> list[dict[str, str]]:
    return [each for each in message["blocks"] if each["type"] == "image"]


def at_hub(address: str, hub: Hub) -> str:
    """Where a picture is here that Slack would fetch from outside."""
    assert address.startswith(f"{BASE_URL}/pictures/")
    return address.replace(BASE_URL, hub.url)


def typed(text: str) -> str:
    """As Slack sends what somebody typed."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").encode(errors="replace").decode()
