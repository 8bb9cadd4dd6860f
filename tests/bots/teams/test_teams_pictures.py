"""The figures in Teams have a picture with the same figures in words, where Teams can fetch one from the hub."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ai_crm.hub.pictures import picture_routes
from ai_crm.store.pictures import Pictures
from tests.doubles import hub_parts
from tests.doubles.pictures import look
from tests.doubles.teams_room import Room, contents
from tests.doubles.teams_server import APP, CHANNEL, PASSWORD, TENANT, TeamsServer

BASE = "https://hub.example.com"
TEAMS = {"AI_CRM_TEAMS_APP_ID": APP, "AI_CRM_TEAMS_APP_PASSWORD": PASSWORD, "AI_CRM_TEAMS_TENANT_ID": TENANT}


def test_the_figures_have_a_picture_that_can_be_fetched(tmp_path: Path, teams: TeamsServer) -> None:
    with Room(tmp_path, teams, {**TEAMS, "AI_CRM_BASE_URL": BASE}) as room:
        for message in (room.say("team status"), room.mention("team status", CHANNEL)):
            (card,) = contents(message)
            (picture,) = [each for each in card["body"] if each["type"] == "Image"]
            assert (picture["size"], picture["altText"].endswith("UTC: 0 events")) == ("stretch", True)
            app = hub_parts.Hub(api=picture_routes(Pictures(room.hub.vault, BASE, room.clock))).app
            fetched = asyncio.run(hub_parts.call(app, "GET", picture["url"].removeprefix(BASE)))
            assert (fetched.status, look(fetched.body).width) == (200, 640)


@pytest.mark.parametrize("base", [{}, {"AI_CRM_BASE_URL": "http://127.0.0.1:8080"}])
def test_where_teams_can_fetch_nothing_the_bars_are_of_letters_alone(
    tmp_path: Path, teams: TeamsServer, base: dict[str, str]
) -> None:
    with Room(tmp_path, teams, {**TEAMS, **base}) as room:
        (card,) = contents(room.say("team status"))
        assert "Image" not in {each["type"] for each in card["body"]}
        assert "Team status" in card["fallbackText"]
