"""What Teams was told is heard is done, even when the process that heard it is gone; and it is done once."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar

import msgspec

from ai_crm.model.address import parse_address
from ai_crm.model.item import PlatformName
from ai_crm.platforms.teams.login import Login, cloud_of
from ai_crm.ports.promises import Promise
from ai_crm.store.promises import LEASE
from ai_crm.wiring.hub import command_desk
from bots.links import Links
from bots.teams.account import account_of
from bots.teams.activity import parse
from bots.teams.adapter import voice_of
from bots.teams.app import tenants_of
from bots.teams.bot import Bot
from bots.teams.lines import Lines
from bots.teams.meeting import Meetings
from bots.teams.people import People
from tests.doubles.teams_room import Room, buttons
from tests.doubles.teams_server import CHAT


def heard_by_the_dead(room: Room, activity: dict[str, Any]) -> None:
    """A process told Teams that it heard this, and is gone; another one looks for what nobody is at."""
    body = msgspec.json.encode(activity)
    promise = Promise(platform=PlatformName.TEAMS, id=parse(body).request, body=body)
    room.run(room.hub.promises.give(promise, room.clock.now()))
    look(room)


def look(room: Room) -> None:
    room.clock.ahead += LEASE + timedelta(seconds=1)

    async def once() -> None:
        stop = asyncio.Event()
        running = asyncio.ensure_future(room.parts.run(stop))
        await asyncio.sleep(0.2)
        stop.set()
        await running

    room.run(once())


def left(room: Room) -> tuple[Promise, ...]:
    return room.run(room.hub.promises.broken(PlatformName.TEAMS, room.clock.now() + 2 * LEASE))


def test_what_somebody_wrote_is_answered_by_the_next_process(room: Room) -> None:
    heard_by_the_dead(room, room.activity(text='task create "Survive the night"'))
    (said,) = room.teams.activities
    assert "Survive the night" in str(said)
    assert left(room) == ()


def test_what_comes_of_a_pressed_button_is_told_when_nobody_waits_any_more(room: Room) -> None:
    message = room.say('task create "Press me"')
    done = next(each for each in buttons(message) if each["title"] == "Done")
    value = {"action": {"type": "Action.Execute", "verb": done["verb"], "data": done["data"]}}
    pressed = room.activity(CHAT, type="invoke", name="adaptiveCard/action", value=value, replyToId=room.last_id)
    heard_by_the_dead(room, pressed)
    assert "AICRM-1 · done" in str(room.say("task show AICRM-1"))
    assert left(room) == ()


def test_what_is_done_is_promised_no_longer(room: Room) -> None:
    room.say('task create "Only once"')
    assert left(room) == ()
    look(room)
    assert len(room.teams.activities) == 1


def test_what_comes_again_while_somebody_is_at_it_is_left_to_them(room: Room) -> None:
    activity = room.activity(text='task create "Only once"')
    body = msgspec.json.encode(activity)
    room.run(
        room.hub.promises.give(
            Promise(platform=PlatformName.TEAMS, id=parse(body).request, body=body), room.clock.now()
        )
    )
    assert room.send(activity).status == 202
    assert room.teams.activities == []


class SlowlyGiven:
    """Implements Promising for what took long already: a promise is given when what was promised is done."""

    late: ClassVar[bool] = True

    def __init__(self) -> None:
        self.left: set[str] = set()
        self._done = asyncio.Event()

    async def give(self, name: str, body: bytes) -> bool:  # noqa: ARG002 - as the port has it
        with suppress(TimeoutError):
            await asyncio.wait_for(self._done.wait(), 0.5)
        self.left.add(name)
        return True

    async def keep(self, name: str) -> None:
        self.left.discard(name)
        self._done.set()


def test_what_is_done_before_its_promise_is_given_is_promised_no_longer(room: Room) -> None:
    promised = SlowlyGiven()
    settings, url = room.hub.settings, room.teams.url
    login = Login(account_of(settings), cloud_of(parse_address(url), url), time.monotonic, "")
    lines = Lines(lambda _url: True, login, "")
    desk, tenants = command_desk(room.hub, lambda: None), tenants_of(room.hub)
    people = People(room.hub.members, tenants, room.clock.now)
    bot = Bot(
        desk, people, lambda heard: voice_of(heard, lines), Meetings(desk, tenants), Links(settings.base_url), promised
    )
    message = room.say('task create "Press me"')
    done = next(each for each in buttons(message) if each["title"] == "Done")
    value = {"action": {"type": "Action.Execute", "verb": done["verb"], "data": done["data"]}}
    pressed = room.activity(CHAT, type="invoke", name="adaptiveCard/action", value=value, replyToId=room.last_id)

    async def late() -> None:
        await bot.receive(parse(msgspec.json.encode(pressed)))
        await bot.finish()

    room.run(late())
    lines.close()
    assert "AICRM-1 · done" in str(room.say("task show AICRM-1"))
    assert promised.left == set()
