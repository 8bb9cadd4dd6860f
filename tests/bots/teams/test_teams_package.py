"""The app package and what an operator is told: what Teams demands of a manifest, and the same bytes each time."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ai_crm.cli import cli
from ai_crm.commands.catalogue import COMMANDS
from ai_crm.config.hub_settings import read_hub_settings
from ai_crm.errors import SettingsInvalid
from ai_crm.platforms.teams.entra import CLIENTS, SCOPE
from bots.teams.bot import Bot
from bots.teams.doctor import examine
from bots.teams.ears import CREATE, EARS, SEARCH, Way
from bots.teams.package import CONSENTS, app_manifest, package
from tests.doubles.loopback import Reply
from tests.doubles.teams_server import APP, PASSWORD, TENANT, TeamsServer
from tests.doubles.teams_tab import Entra

BASE = "https://hub.example.com"


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return app_manifest(APP, BASE, "Acme")


def test_every_ear_is_a_method_of_the_bot() -> None:
    assert [ear.hears for ear in EARS if not callable(getattr(Bot, ear.hears, None))] == []
    assert [ear for ear in EARS if (ear.type == "invoke") != (ear.way is Way.NOW)] == []


def test_the_bot_is_there_for_people_groups_and_teams(manifest: dict[str, Any]) -> None:
    (bot,) = manifest["bots"]
    assert bot["botId"] == APP
    assert sorted(bot["scopes"]) == ["groupChat", "personal", "team"]
    assert "isNotificationOnly" not in bot


def test_every_menu_has_ten_commands_at_most_that_the_grammar_knows(manifest: dict[str, Any]) -> None:
    lists = manifest["bots"][0]["commandLists"]
    assert sorted(each["scopes"][0] for each in lists) == ["groupChat", "personal", "team"]
    for each in lists:
        assert 4 < len(each["commands"]) <= 10
        for command in each["commands"]:
            assert len(command["title"]) <= 32
            assert 0 < len(command["description"]) <= 128
            assert command["title"] in {spelling for one in COMMANDS for spelling in one.spellings}
    personal = next(each for each in lists if each["scopes"] == ["personal"])
    assert [each["title"] for each in personal["commands"]] == [each.menu for each in COMMANDS if each.menu][:10]


def test_the_commands_of_the_plan_are_in_every_menu(manifest: dict[str, Any]) -> None:
    for each in manifest["bots"][0]["commandLists"]:
        shown = {command["title"] for command in each["commands"]}
        assert shown >= {"create task", "list tasks", "pm analyze", "team status", "help"}


def test_the_extension_makes_tasks_of_messages_and_finds_them(manifest: dict[str, Any]) -> None:
    (extension,) = manifest["composeExtensions"]
    commands = {each["id"]: each for each in extension["commands"]}
    assert set(commands) == {CREATE, SEARCH}
    assert "message" in commands[CREATE]["context"]
    assert commands[CREATE]["fetchTask"]
    assert len(commands[SEARCH]["parameters"][0]["description"]) <= 128


def test_the_dashboard_is_a_tab_beside_the_chat_and_what_the_app_says_of_itself(manifest: dict[str, Any]) -> None:
    tabs = manifest["staticTabs"]
    assert [each["entityId"] for each in tabs] == ["dashboard", "conversations", "about"]
    assert tabs[0]["contentUrl"] == f"{BASE}/teams/tab"
    assert tabs[0]["websiteUrl"] == BASE
    assert [each["scopes"] for each in tabs] == [["personal"]] * 3
    assert [set(each) for each in tabs[1:]] == [{"entityId", "scopes"}] * 2
    assert manifest["validDomains"] == ["hub.example.com"]


def test_one_address_serves_single_sign_on_and_consents(manifest: dict[str, Any]) -> None:
    assert manifest["webApplicationInfo"] == {"id": APP, "resource": f"api://hub.example.com/botid-{APP}"}


def test_links_to_tasks_are_asked_about_and_never_without_a_name(manifest: dict[str, Any]) -> None:
    (extension,) = manifest["composeExtensions"]
    assert extension["messageHandlers"] == [{"type": "link", "value": {"domains": ["hub.example.com"]}}]


def test_every_consent_has_a_reason_that_the_guide_tells(manifest: dict[str, Any]) -> None:
    asked = manifest["authorization"]["permissions"]["resourceSpecific"]
    assert [each["name"] for each in asked] == [each.name for each in CONSENTS]
    guide = Path(__file__).parents[3].joinpath("docs/teams.md").read_text(encoding="utf-8")
    assert [each.name for each in CONSENTS if each.name not in guide or not each.why] == []


def test_texts_are_as_short_as_teams_wants_them(manifest: dict[str, Any]) -> None:
    assert len(manifest["name"]["short"]) <= 30
    assert len(manifest["name"]["full"]) <= 100
    assert len(manifest["description"]["short"]) <= 80
    assert len(manifest["description"]["full"]) <= 4000
    assert all(part.isdigit() for part in manifest["version"].split("."))


def test_the_command_line_needs_nothing_of_a_hub_to_know_the_bot() -> None:
    code = "import sys, bots.teams; print([name for name in ('starlette', 'sqlalchemy', 'botbuilder') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_the_same_app_makes_the_same_bytes(manifest: dict[str, Any]) -> None:
    made = package(manifest)
    assert made == package(app_manifest(APP, BASE, "Acme"))
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.namelist() == ["manifest.json", "color.png", "outline.png"]
        assert json.loads(archive.read("manifest.json")) == manifest
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize(("name", "side"), [("color.png", 192), ("outline.png", 32)])
def test_the_pictures_are_of_the_size_that_teams_wants(manifest: dict[str, Any], name: str, side: int) -> None:
    with zipfile.ZipFile(io.BytesIO(package(manifest))) as archive:
        picture = archive.read(name)
    width, height, depth, kind = struct.unpack(">IIBB", picture[16:26])
    assert (width, height, depth, kind) == (side, side, 8, 6)
    length = struct.unpack(">I", picture[33:37])[0]
    rows = zlib.decompress(picture[41 : 41 + length])
    pixels = [
        rows[at : at + 4]
        for row in range(side)
        for at in range(row * (4 * side + 1) + 1, (row + 1) * (4 * side + 1), 4)
    ]
    colours = {pixel[:3] for pixel in pixels}
    assert len(pixels) == side * side
    if name == "outline.png":
        assert colours == {b"\xff\xff\xff"}
        assert {pixel[3] for pixel in pixels} >= {0, 255}
    else:
        assert {pixel[3] for pixel in pixels} == {255}
        assert b"\xff\xff\xff" in colours


@pytest.mark.parametrize(
    ("app", "base", "problems"),
    [("", BASE, 1), ("not-an-id", BASE, 1), (APP, "", 1), (APP, "http://hub.example.com", 1), ("", "", 2)],
)
def test_without_an_app_or_an_address_there_is_no_package(app: str, base: str, problems: int) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        app_manifest(app, base, "Acme")
    assert len(refused.value.problems) == problems


def test_the_command_writes_the_package_and_says_what_it_asks_for(tmp_path: Path) -> None:
    environ = {**credentials(), "AI_CRM_BASE_URL": BASE}
    output = tmp_path / "app.zip"
    done = CliRunner().invoke(cli, ["teams", "package", "--output", str(output), "--organisation", "Acme"], env=environ)
    assert done.exit_code == 0, done.output
    assert output.read_bytes() == package(app_manifest(APP, BASE, "Acme"))
    assert "OnlineMeeting.ReadBasic.Chat" in done.output


def credentials() -> dict[str, str]:
    return {
        "AI_CRM_TEAMS_APP_ID": APP,
        "AI_CRM_TEAMS_APP_PASSWORD": PASSWORD,
        "AI_CRM_TEAMS_TENANT_ID": TENANT,
    }


def examined(teams: TeamsServer, environ: Mapping[str, str]) -> dict[bool, list[str]]:
    settings = read_hub_settings({"AI_CRM_TEAMS_SERVICE_URL": teams.url, **environ})
    found: dict[bool, list[str]] = {True: [], False: []}
    for each in examine(settings, teams.url):
        found[each.well].append(str(each))
    return found


def test_the_doctor_finds_an_app_in_order(teams: TeamsServer) -> None:
    assert Entra(teams)
    teams.resources.add(f"api://hub.example.com/botid-{APP}")
    found = examined(teams, {**credentials(), "AI_CRM_BASE_URL": BASE})
    assert found[False] == []
    assert len(found[True]) == 6
    assert f"{BASE}/teams/messages" in found[True][3]
    assert f"api://hub.example.com/botid-{APP}" in found[True][4]


def test_the_doctor_says_what_single_sign_on_still_needs(teams: TeamsServer) -> None:
    found = examined(teams, {**credentials(), "AI_CRM_BASE_URL": BASE})
    assert len(found[False]) == 2
    for said in ("AADSTS500011", f"api://hub.example.com/botid-{APP}", SCOPE, *CLIENTS):
        assert said in found[False][0]
    guide = Path(__file__).parents[3].joinpath("docs/teams.md").read_text(encoding="utf-8")
    assert [each for each in (SCOPE, *CLIENTS) if each not in guide] == []


def test_the_doctor_says_what_is_wrong_and_what_to_do(teams: TeamsServer) -> None:
    assert "Azure portal" in examined(teams, {})[False][0]
    teams.openid.append(Reply(404))
    found = examined(teams, {**credentials(), "AI_CRM_TEAMS_APP_PASSWORD": "wrong-canary"})
    assert len(found[False]) == 3
    assert "secret's value" in found[False][0]
    assert "wrong-canary" not in str(found)


def test_the_doctor_command_ends_badly_where_something_is_wrong() -> None:
    done = CliRunner().invoke(cli, ["teams", "doctor"], env={})
    assert done.exit_code == 1
    assert "no app is set" in done.output
