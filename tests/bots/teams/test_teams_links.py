"""An address of a task that somebody writes into a message: its card, for who may see the task, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.teams_room import Room, card_words
from tests.doubles.teams_server import ANN, BOB, CHANNEL, CHAT, GROUP, GUEST, PARTNER, PEOPLE, TENANT, TeamsServer
from tests.doubles.teams_tab import BASE, Entra, TabRoom

CARD = "application/vnd.microsoft.card.adaptive"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """A team with one task, whose hub has an address."""
    with TeamsServer() as teams, TabRoom(tmp_path_factory.mktemp("links"), teams) as made:
        assert Entra(teams)
        made.say('task create "Fix <b>the</b> login"')
        yield made


def unfurled(room: Room, url: object, conversation: str = GROUP, sender: str = ANN) -> list[dict[str, Any]]:
    answer = room.invoke("composeExtension/queryLink", {"url": url}, conversation, sender)["composeExtension"]
    assert (answer["type"], answer["attachmentLayout"]) == ("result", "list")
    found: list[dict[str, Any]] = answer["attachments"]
    return found


@pytest.mark.parametrize("conversation", [CHAT, GROUP, CHANNEL])
@pytest.mark.parametrize("url", [f"{BASE}/tasks/AICRM-1", f"{BASE}/tasks/AICRM-1?from=mail", f"{BASE}/tasks/AICRM-1#x"])
def test_the_address_of_a_task_shows_its_card(ours: Room, url: str, conversation: str) -> None:
    (shown,) = unfurled(ours, url, conversation)
    assert shown["contentType"] == CARD
    assert "Fix" in card_words(shown["content"])
    assert shown["preview"]["content"]["title"].startswith("AICRM-1 ")
    assert "<b>" not in shown["preview"]["content"]["text"]


def test_its_buttons_work_where_it_was_put(ours: Room) -> None:
    (shown,) = unfurled(ours, f"{BASE}/tasks/AICRM-1")
    ours.press({"attachments": [shown]}, "Start", GROUP, BOB)
    assert "In progress" in card_words(unfurled(ours, f"{BASE}/tasks/AICRM-1")[0]["content"])


@pytest.mark.parametrize(
    "url",
    [
        f"{BASE}/tasks/AICRM-99",
        f"{BASE}/tasks/AICRM-",
        f"{BASE}/tasks/AICRM-1/../../x",
        f"{BASE}/",
        f"{BASE}.evil.example/tasks/AICRM-1",
        "https://evil.example/tasks/AICRM-1",
        "http://hub.example.com/tasks/AICRM-1",
        "https://hub.example.com:8443/tasks/AICRM-1",
        f"https://evil.example@hub.example.com.evil.example/tasks/AICRM-1?{BASE}/tasks/AICRM-1",
        "https://[x",
        "",
        "x" * 5000,
    ],
)
def test_every_other_address_shows_nothing(ours: Room, url: str) -> None:
    assert unfurled(ours, url) == []


def test_who_is_none_of_us_sees_nothing(ours: Room) -> None:
    assert unfurled(ours, f"{BASE}/tasks/AICRM-1", CHANNEL, PARTNER) == []
    assert unfurled(ours, f"{BASE}/tasks/AICRM-1", GROUP, "29:1nobody") == []
    assert len(unfurled(ours, f"{BASE}/tasks/AICRM-1", GROUP, GUEST)) == 1


@pytest.mark.parametrize("value", [None, {}, {"url": f"{BASE}/tasks/AICRM-1"}, 5])
def test_whoever_is_not_named_sees_nothing(ours: Room, value: object) -> None:
    answer = ours.invoke("composeExtension/anonymousQueryLink", value, GROUP, "redacted")
    assert answer["composeExtension"]["attachments"] == []


@pytest.mark.parametrize("value", [5, "x", [], {"url": 5}, {"url": {"a": 1}}])
def test_what_teams_does_not_send_is_refused(ours: Room, value: object) -> None:
    activity = ours.activity(type="invoke", name="composeExtension/queryLink", value=value)
    assert ours.send(activity).status == 400


def test_a_hub_without_an_address_knows_no_links(room: Room) -> None:
    room.say('task create "Here"')
    assert unfurled(room, "/tasks/AICRM-1") == []


# Who is one of us


def heard(room: Room, said: dict[str, str], conversation: str) -> str:
    """What somebody of whom Teams says this is answered."""
    room.teams.people[BOB] = {"id": BOB, **said}
    return str(room.mention("whoami --share", conversation, BOB))


@pytest.mark.parametrize(
    ("more", "conversation", "known"),
    [
        ({"tenantId": TENANT, "userRole": "user"}, CHANNEL, True),
        ({"tenantId": TENANT.upper(), "userRole": "user"}, GROUP, True),
        ({"tenantId": TENANT, "userRole": "user"}, CHAT, True),
        ({"userRole": "user"}, CHAT, True),
        ({"userRole": "guest"}, CHAT, False),
        ({"userRole": "anonymous"}, CHAT, False),
        ({}, CHAT, False),
        ({"userRole": "user"}, GROUP, False),
        ({"userRole": "user"}, CHANNEL, False),
        ({"tenantId": PEOPLE[PARTNER]["tenantId"], "userRole": "user"}, CHAT, False),
        ({"tenantId": PEOPLE[PARTNER]["tenantId"], "userRole": "user"}, GROUP, False),
        ({"tenantId": PEOPLE[PARTNER]["tenantId"], "userRole": "user"}, CHANNEL, False),
    ],
)
def test_whose_tenant_is_not_told_is_known_alone_with_the_bot_and_nowhere_else(
    tmp_path: Path, teams: TeamsServer, more: dict[str, str], conversation: str, *, known: bool
) -> None:
    with Room(tmp_path, teams) as room:
        said = heard(room, {"name": "bob", "aadObjectId": PEOPLE[BOB]["aadObjectId"], **more}, conversation)
    assert ("only people of this organisation" not in said) is known
