"""Whom a bot of many tenants may tell something: the people and conversations of the tenants that were let in, no others."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from ai_crm.errors import ChangeRefused
from ai_crm.model.item import PlatformName
from ai_crm.platforms.teams import Audience, Teams, Within
from tests.conftest import Finish
from tests.doubles.notices import inline, notice
from tests.doubles.teams_server import ACCOUNT, ANN, BOB, CHANNEL, CHAT, GROUP, TENANT, TeamsServer

TEAMS = PlatformName.TEAMS
OTHER = "bbbbbbbb-9999-4999-8999-999999999999"
OTTO, OTTOS_CHAT = "29:1otto", "a:chat-between-the-bot-and-otto"
HOME, GLOBEX = Audience(frozenset({TENANT}), TENANT), Audience(frozenset({OTHER}), OTHER)
SEVERAL = msgspec.structs.replace(ACCOUNT, several=True)


@pytest.fixture
def server() -> Iterator[TeamsServer]:
    with TeamsServer() as running:
        running.authority = "botframework.com"
        running.people[OTTO] = {"id": OTTO, "name": "Otto", "tenantId": OTHER.upper()}
        running.chats[OTHER, OTTO] = OTTOS_CHAT
        running.rosters[OTTOS_CHAT] = (OTTO,)
        running.rosters[GROUP] = (ANN, BOB, OTTO)
        yield running


@pytest.fixture
def teams(server: TeamsServer) -> Iterator[Teams]:
    client = Teams(SEVERAL, inline, service_url=server.url, login_url=server.url)
    yield client
    client.close()


def tells(finish: Finish, teams: Teams, audience: Audience, target: str) -> str:
    return finish(Within(teams, audience).apply(notice(TEAMS, target, "News"))).where


@pytest.mark.parametrize(
    ("audience", "target", "where"),
    [
        (HOME, ANN, CHAT),
        (HOME, f"{TENANT}/{ANN}", CHAT),
        (HOME, CHANNEL, CHANNEL),
        (HOME, f"{TENANT.upper()}/{CHANNEL}", CHANNEL),
        (GLOBEX, OTTO, OTTOS_CHAT),
        (GLOBEX, f"{OTHER}/{OTTO}", OTTOS_CHAT),
        (GLOBEX, OTTOS_CHAT, OTTOS_CHAT),
        (GLOBEX, GROUP, GROUP),  # both are in it
        (HOME, GROUP, GROUP),
        (Audience(HOME.tenants | GLOBEX.tenants, ""), f"{OTHER}/{OTTO}", OTTOS_CHAT),
    ],
)
def test_who_is_of_the_audience_is_told(
    teams: Teams, server: TeamsServer, finish: Finish, audience: Audience, target: str, where: str
) -> None:
    assert tells(finish, teams, audience, target).startswith(f"{where}|")
    assert [place for place, _ in server.activities] == [where]


@pytest.mark.parametrize(
    ("audience", "target"),
    [
        (GLOBEX, CHANNEL),
        (GLOBEX, f"{TENANT}/{CHANNEL}"),
        (GLOBEX, f"{TENANT}/{ANN}"),
        (GLOBEX, f"{OTHER}/{CHANNEL}"),
        (GLOBEX, CHAT),
        (HOME, OTTOS_CHAT),
        (HOME, f"{OTHER}/{OTTO}"),
        (Audience(HOME.tenants | GLOBEX.tenants, ""), OTTO),  # of which of both, nothing says
    ],
)
def test_nobody_else_is_told_although_the_bot_could(
    teams: Teams, server: TeamsServer, finish: Finish, audience: Audience, target: str
) -> None:
    with pytest.raises(ChangeRefused) as refused:
        tells(finish, teams, audience, target)
    assert refused.value.hint
    assert server.activities == []
    assert not [request for request in server.sent if request.method != "GET"]


def test_a_live_message_elsewhere_is_not_renewed_either(teams: Teams, server: TeamsServer, finish: Finish) -> None:
    told = msgspec.structs.replace(notice(TEAMS, CHANNEL, "News"), where=f"{CHANNEL}|1700000000001")
    with pytest.raises(ChangeRefused):
        finish(Within(teams, GLOBEX).apply(told))
    assert (server.activities, server.updates) == ([], [])


def test_where_a_conversation_is_is_asked_once_for_each_audience(
    teams: Teams, server: TeamsServer, finish: Finish
) -> None:
    for audience in (HOME, HOME, GLOBEX, GLOBEX):
        tells(finish, teams, audience, GROUP)
    # Ann is on the first page; Otto is on the third.
    assert len([request for request in server.sent if "pagedmembers" in request.path]) == 4


def test_a_bot_of_one_tenant_asks_nobody_and_takes_its_own_tenants_name(server: TeamsServer, finish: Finish) -> None:
    server.authority = TENANT
    teams = Teams(ACCOUNT, inline, service_url=server.url, login_url=server.url)
    for target in (CHANNEL, f"{TENANT}/{CHANNEL}", f"{TENANT}/{ANN}"):
        finish(teams.apply(notice(TEAMS, target, "News")))
    with pytest.raises(ChangeRefused, match=OTHER):
        finish(teams.apply(notice(TEAMS, f"{OTHER}/{OTTO}", "News")))
    teams.close()
    assert not [request for request in server.sent if request.method == "GET"]
    assert len(server.activities) == 3
