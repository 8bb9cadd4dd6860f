"""When the keys of the Bot Connector are asked for: once a day, and once an hour at most for one that nobody knows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from ai_crm.errors import SignatureInvalid
from ai_crm.model.address import parse_address
from ai_crm.platforms.teams.login import cloud_of
from bots.teams.tokens import Keys
from tests.doubles.loopback import Reply
from tests.doubles.teams_server import Published, TeamsServer, key_pair


class Ticks:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def teams() -> Iterator[TeamsServer]:
    with TeamsServer() as server:
        yield server


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def keys(teams: TeamsServer, ticks: Ticks) -> Keys:
    return Keys(cloud_of(parse_address(teams.url), teams.url), ticks, "")


def find(keys: Keys, *names: str) -> None:
    async def found() -> None:
        await asyncio.gather(*(keys.find(name) for name in names))

    asyncio.run(found())


def test_nobody_waits_for_new_keys_who_shows_one_that_is_known(keys: Keys, ticks: Ticks) -> None:
    async def found() -> None:
        await keys.find("key-1")
        ticks.now += 86_400
        async with keys._turn:  # somebody else asks for the new ones, and gets no answer
            await asyncio.wait_for(keys.find("key-1"), 10)

    asyncio.run(found())


def test_a_key_that_the_connector_begins_to_use_is_found_within_the_hour(
    keys: Keys, teams: TeamsServer, ticks: Ticks
) -> None:
    find(keys, "key-1")
    teams.published["key-2"] = Published(key_pair("two"))
    with pytest.raises(SignatureInvalid):
        find(keys, "key-2")
    ticks.now += 3_600
    find(keys, "key-2")
    assert teams.looked_up == 2


def test_a_key_that_is_published_no_more_is_good_for_a_day(keys: Keys, teams: TeamsServer, ticks: Ticks) -> None:
    find(keys, "key-1")
    teams.published = {"key-2": Published(key_pair("two"))}
    ticks.now += 86_399
    find(keys, "key-1")
    ticks.now += 1
    with pytest.raises(SignatureInvalid):
        find(keys, "key-1")


def test_of_many_who_want_keys_at_once_one_asks(keys: Keys, teams: TeamsServer) -> None:
    find(keys, *["key-1"] * 20)
    assert teams.looked_up == 1


def test_an_outage_is_tried_again_after_a_moment_and_old_keys_stay_good(
    keys: Keys, teams: TeamsServer, ticks: Ticks
) -> None:
    teams.openid.append(Reply(503))
    with pytest.raises(SignatureInvalid):
        find(keys, "key-1")
    with pytest.raises(SignatureInvalid):
        find(keys, "key-1")
    ticks.now += 10
    find(keys, "key-1")
    ticks.now += 86_400
    teams.openid.append(Reply(503))
    find(keys, "key-1")
    assert teams.looked_up == 1
