"""What the app's manifest asks for, what the bot hears, and what the doctor looks for are the same; nothing more is asked for."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ai_crm.commands.catalogue import COMMANDS
from ai_crm.config.hub_settings import read_hub_settings
from bots.slack.bot import Bot
from bots.slack.doctor import examine
from bots.slack.ears import COMMAND, EARS, Kind
from bots.slack.manifest import LOOKING_SCOPES, app_manifest, scopes
from tests.bots.slack.conftest import environ
from tests.doubles.hub import Hub
from tests.doubles.slack_workspace import EVERYTHING, SCOPES, SlackWorkspace

BASE = "https://hub.example.com"


def named(kind: Kind) -> list[str]:
    return sorted(ear.name for ear in EARS if ear.kind is kind)


@pytest.mark.parametrize("socket_mode", [True, False])
def test_the_manifest_asks_for_what_is_heard_and_for_no_more(*, socket_mode: bool) -> None:
    made = app_manifest(BASE, socket_mode=socket_mode)
    features, settings = made["features"], made["settings"]
    assert [each["command"] for each in features["slash_commands"]] == named(Kind.COMMAND) == [COMMAND]
    assert [each["callback_id"] for each in features["shortcuts"]] == named(Kind.MESSAGE_SHORTCUT)
    assert settings["event_subscriptions"]["bot_events"] == named(Kind.EVENT)
    assert features["unfurl_domains"] == ["hub.example.com"]
    assert settings["socket_mode_enabled"] is socket_mode
    urls = {settings["event_subscriptions"].get("request_url"), settings["interactivity"].get("request_url"),
            settings["interactivity"].get("message_menu_options_url"), features["slash_commands"][0].get("url")}  # fmt: skip
    assert urls == ({None} if socket_mode else {f"{BASE}/slack/events"})


def test_every_ear_has_its_handler_and_every_handler_its_ear() -> None:
    handlers = {name for name, _ in inspect.getmembers(Bot, inspect.iscoroutinefunction) if not name.startswith("_")}
    assert handlers == {ear.hears for ear in EARS}
    assert len({(ear.kind, ear.name) for ear in EARS}) == len(EARS)


def test_the_scopes_are_those_of_the_events_and_of_the_methods_that_are_called() -> None:
    """The double knows no method that the bot does not call, and refuses those that it does not know."""
    called = {scope for scope in SCOPES.values() if scope}
    heard = {scope for ear in EARS for scope in ear.scopes}
    private_channels = {"groups:history", "groups:read"}
    assert set(scopes()) == called | heard | private_channels == set(EVERYTHING)
    assert set(scopes()) - set(scopes(looking=False)) == set(LOOKING_SCOPES)


def test_the_guide_gives_a_reason_for_every_scope_and_for_no_other(root: Path) -> None:
    guide = (root / "docs" / "slack.md").read_text(encoding="utf-8")
    table = guide.partition("## What the app may do, and why")[2].partition("##")[0]
    assert sorted(re.findall(r"`([a-z_]+:?[a-z]*)`", table)) == sorted(scopes())


def test_slack_shows_the_beginning_of_the_commands_and_the_manifest_keeps_its_limits() -> None:
    made = app_manifest(BASE, socket_mode=True)
    command = made["features"]["slash_commands"][0]
    assert command["usage_hint"].startswith(f"{COMMANDS[0].words} | ")
    assert len(command["usage_hint"]) <= 100
    assert command["should_escape"] is True
    shown = made["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert all(len(each["name"]) <= 24 and len(each["description"]) <= 150 for each in made["features"]["shortcuts"])


@pytest.fixture
def slack() -> Iterator[SlackWorkspace]:
    with SlackWorkspace() as running:
        yield running


def examined(given: dict[str, str]) -> tuple[bool, str]:
    found = asyncio.run(examine(read_hub_settings(given)))
    return all(each.well for each in found), "\n".join(map(str, found))


def test_the_doctor_finds_nothing_where_nothing_is_wrong(slack: SlackWorkspace) -> None:
    well, told = examined(environ(slack, socket=True))
    assert (well, "✗" in told) == (True, False)
    assert "the bot is ai-crm in Acme" in told


@pytest.mark.parametrize("scope", scopes())
def test_the_doctor_names_the_scope_that_is_missing_and_what_to_click(slack: SlackWorkspace, scope: str) -> None:
    slack.scopes = tuple(each for each in EVERYTHING if each != scope)
    well, told = examined(environ(slack, socket=True))
    assert well is (scope in LOOKING_SCOPES)
    assert scope in told
    assert "Reinstall to Workspace" in told


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"AI_CRM_SLACK_BOT_TOKEN": "xoxb-wrong"}, "invalid_auth"),
        ({"AI_CRM_SLACK_APP_TOKEN": "xapp-wrong"}, "connections:write"),
        ({"AI_CRM_SLACK_API_URL": "http://127.0.0.1:1/api"}, "Slack cannot be reached"),
        ({"AI_CRM_SLACK_APP_TOKEN": "", "AI_CRM_SLACK_SIGNING_SECRET": ""}, "the bot hears nothing"),
        ({"AI_CRM_SLACK_BOT_TOKEN": "", "AI_CRM_SLACK_APP_TOKEN": ""}, "no bot token is set"),
        ({"AI_CRM_SLACK_APP_TOKEN": "", "AI_CRM_SLACK_SIGNING_SECRET": "s", "AI_CRM_BASE_URL": ""}, "https addresses only"),
    ],
)  # fmt: skip
def test_the_doctor_says_what_is_wrong(slack: SlackWorkspace, given: dict[str, str], expected: str) -> None:
    settings = {name: value for name, value in {**environ(slack, socket=True), **given}.items() if value}
    well, told = examined(settings)
    assert not well
    assert expected in told


def test_the_doctor_greets_the_hub_at_its_address_as_slack_does(slack: SlackWorkspace, tmp_path: Path) -> None:
    with Hub(tmp_path, environ(slack)) as hub:
        here = {**environ(slack), "AI_CRM_BASE_URL": hub.url}
        assert f"✓ the hub answers at {hub.url}/slack/events" in examined(here)[1]
        other = examined({**here, "AI_CRM_SLACK_SIGNING_SECRET": "another"})[1]
        assert "no hub with this signing secret: the answer was 401" in other
    assert "ClientConnectorError" in examined(here)[1]


def test_the_doctor_as_an_operator_starts_it(slack: SlackWorkspace, tmp_path: Path) -> None:
    well = Hub(tmp_path, environ(slack, socket=True)).command("slack", "doctor")
    assert "✓ the bot is ai-crm in Acme" in well.stdout
    slack.scopes = ("chat:write",)
    ill = Hub(tmp_path, environ(slack)).command("slack", "doctor", check=False)
    assert ill.returncode == 1
    assert "users:read" in ill.stdout
    assert "canary" not in well.stdout + ill.stdout


def test_the_manifest_as_an_operator_prints_it(tmp_path: Path) -> None:
    printed = Hub(tmp_path).command("slack", "manifest").stdout
    assert yaml.safe_load(printed) == app_manifest("", socket_mode=True)
    less = Hub(tmp_path, {"AI_CRM_BASE_URL": BASE}).command("slack", "manifest", "--http", "--no-reading").stdout
    assert yaml.safe_load(less) == app_manifest(BASE, socket_mode=False, looking=False)
    refused = Hub(tmp_path).command("slack", "manifest", "--http", check=False)
    assert refused.returncode == 2
    assert "AI_CRM_BASE_URL" in refused.stderr
