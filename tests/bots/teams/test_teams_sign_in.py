"""The way from Teams into the dashboard: a link for who asked, that nobody else ever sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ai_crm.model.access import Role
from ai_crm.model.item import PlatformName
from ai_crm.ports.sessions import Visitor
from tests.doubles.teams_room import Room, buttons, titles, words
from tests.doubles.teams_server import (
    ANN,
    APP,
    BOB,
    CHANNEL,
    CHAT,
    GROUP,
    GUEST,
    PARTNER,
    PASSWORD,
    PEOPLE,
    TENANT,
    TeamsServer,
)

BASE = "https://hub.example.com"


@pytest.fixture
def room(tmp_path: Path, teams: TeamsServer) -> Iterator[Room]:
    """A team whose hub knows its address."""
    environ = {
        "AI_CRM_TEAMS_APP_ID": APP,
        "AI_CRM_TEAMS_APP_PASSWORD": PASSWORD,
        "AI_CRM_TEAMS_TENANT_ID": TENANT,
        "AI_CRM_BASE_URL": BASE,
    }
    with Room(tmp_path, teams, environ) as made:
        yield made


def let_in(room: Room, message: Mapping[str, Any]) -> Visitor | None:
    """Whom the button of a message lets in."""
    [button] = buttons(message)
    assert button["type"] == "Action.OpenUrl"
    assert button["url"].startswith(f"{BASE}/sign-in/")
    now = datetime.now(UTC)
    token = room.run(room.hub.sessions.accept(button["url"].rpartition("/")[2], now))
    return room.run(room.hub.sessions.find(token, now)) if token else None


@pytest.mark.parametrize("spelling", ["sign-in", "login", "open dashboard"])
def test_who_asks_gets_a_link_that_makes_a_browser_them_once(room: Room, spelling: str) -> None:
    message = room.say(spelling)
    assert titles(message) == ["Open the dashboard"]
    found = let_in(room, message)
    assert found
    assert (found.platform, found.id) == (PlatformName.TEAMS, PEOPLE[ANN]["aadObjectId"])
    assert found.principal.role is Role.MEMBER
    assert let_in(room, message) is None


def test_a_guest_comes_in_as_a_guest(room: Room) -> None:
    found = let_in(room, room.say("sign-in", sender=GUEST))
    assert found
    assert found.principal.role is Role.VIEWER


@pytest.mark.parametrize("place", [CHANNEL, GROUP, f"{CHANNEL};messageid=1700"])
def test_where_others_read_the_link_goes_to_the_persons_own_chat(room: Room, place: str) -> None:
    told = room.mention("sign-in", place)
    assert words(told) == "That is for you alone: the answer is in our own chat"
    assert buttons(told) == []
    where, answer = room.teams.activities[-2]
    assert where == CHAT
    assert let_in(room, answer)


def test_who_has_no_chat_with_the_bot_gets_no_link(room: Room) -> None:
    told = room.mention("sign-in", CHANNEL, BOB)
    assert "Ask me in our own chat" in words(told)
    assert [each for _, each in room.teams.activities if buttons(each)] == []


def test_somebody_of_another_company_gets_no_link(room: Room) -> None:
    assert "only people of this organisation" in words(room.mention("sign-in", GROUP, PARTNER))
    assert [each for _, each in room.teams.activities if buttons(each)] == []


@pytest.mark.parametrize("place", [CHANNEL, GROUP])
def test_it_is_never_shared(room: Room, place: str) -> None:
    assert "is not shared" in words(room.mention("sign-in --share", place))
    assert [each for _, each in room.teams.activities if buttons(each)] == []
