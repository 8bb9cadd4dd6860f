"""A team in front of the bot: calls as the Bot Connector makes them, on a hub's real web side, and what comes back."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec

from ai_crm.cards.elements import parse
from ai_crm.cards.text import render
from ai_crm.config.hub_settings import read_hub_settings
from ai_crm.model.address import parse_address
from ai_crm.platforms.teams.login import cloud_of
from ai_crm.wiring.hub import assemble
from bots.teams.app import build
from bots.teams.door import PATH
from tests.doubles import hub_parts
from tests.doubles.hub_parts import Answer, call
from tests.doubles.teams_server import ANN, APP, CHANNEL, CHAT, GROUP, PASSWORD, TENANT, TeamsServer

T = TypeVar("T")
BOT = f"28:{APP}"
_SCOPES = {CHANNEL: "channel", GROUP: "groupChat"}


class Clock:
    """Goes with the real one, and ahead of it by what a test wants."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Room:
    """`environ` is what an operator sets beside the app's own."""

    def __init__(self, data: Path, teams: TeamsServer, environ: Mapping[str, str] | None = None) -> None:
        app = {
            "AI_CRM_TEAMS_APP_ID": APP,
            "AI_CRM_TEAMS_APP_PASSWORD": PASSWORD,
            "AI_CRM_TEAMS_TENANT_ID": TENANT,
        }
        self.teams = teams
        self.clock = Clock()
        self.woken = 0
        settings = read_hub_settings({"AI_CRM_DATA": str(data), **(app if environ is None else environ)})
        self.hub = assemble(settings, self.clock)
        self.parts = build(self.hub, self._wake, cloud_of(parse_address(teams.url), teams.url))
        self.app = hub_parts.Hub(api=self.parts.routes).app
        self._numbers = itertools.count(1)
        self._loop = asyncio.new_event_loop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        stop = asyncio.Event()
        stop.set()
        self.run(self.parts.run(stop))
        self.hub.close()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def run(self, work: Awaitable[T]) -> T:
        async def done() -> T:
            return await work

        return self._loop.run_until_complete(done())

    def activity(self, conversation: str = CHAT, sender: str = ANN, **more: Any) -> dict[str, Any]:
        """What Teams sends about something; `type` is a message where `more` says nothing else."""
        return {
            "type": "message",
            "id": f"{1_700_000_000_000 + next(self._numbers)}",
            "channelId": "msteams",
            "serviceUrl": f"{self.teams.url}/",
            "from": {"id": sender, "name": "somebody", "aadObjectId": self._aad(sender)},
            "recipient": {"id": BOT, "name": "AI-CRM"},
            "conversation": {
                "id": conversation,
                "conversationType": _SCOPES.get(conversation.partition(";")[0], "personal"),
                "tenantId": TENANT,
            },
            "channelData": {"tenant": {"id": TENANT}},
            **more,
        }

    def send(self, activity: Mapping[str, Any], token: str | None = None) -> Answer:
        """One call; with a genuine token where none is given."""
        body = msgspec.json.encode(activity)
        return self.post(body, (("authorization", f"Bearer {token or self.teams.token()}"),))

    def post(self, body: bytes, headers: tuple[tuple[str, str], ...]) -> Answer:
        async def posted() -> Answer:
            answer = await call(self.app, "POST", PATH, (("content-type", "application/json"), *headers), body)
            await self.parts.bot.finish()
            return answer

        return self.run(posted())

    def together(self, *activities: Mapping[str, Any]) -> list[Answer]:
        """Several calls at the same time."""
        headers = (("content-type", "application/json"), ("authorization", f"Bearer {self.teams.token()}"))

        async def posted() -> list[Answer]:
            bodies = map(msgspec.json.encode, activities)
            answers = await asyncio.gather(*(call(self.app, "POST", PATH, headers, body) for body in bodies))
            await self.parts.bot.finish()
            return list(answers)

        return self.run(posted())

    def say(self, text: str, conversation: str = CHAT, sender: str = ANN, **more: Any) -> dict[str, Any]:
        """Somebody writes; what the bot writes then."""
        before = len(self.teams.activities)
        answer = self.send(self.activity(conversation, sender, text=text, **more))
        assert answer.status == 202, answer.body
        return self.teams.activities[-1][1] if len(self.teams.activities) > before else {}

    def mention(self, text: str, conversation: str = CHANNEL, sender: str = ANN) -> dict[str, Any]:
        """The same where the bot hears only what names it."""
        named = {"type": "mention", "text": "<at>AI-CRM</at>", "mentioned": {"id": BOT, "name": "AI-CRM"}}
        return self.say(f"<at>AI-CRM</at>&nbsp;{text}", conversation, sender, entities=[named])

    def invoke(
        self, name: str, value: Any, conversation: str = CHAT, sender: str = ANN, reply_to: str = ""
    ) -> dict[str, Any]:
        """Somebody waits for an answer; its body."""
        more = {"replyToId": reply_to} if reply_to else {}
        answer = self.send(self.activity(conversation, sender, type="invoke", name=name, value=value, **more))
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json()
        return found

    def press(
        self, message: Mapping[str, Any], title: str, conversation: str = CHAT, sender: str = ANN
    ) -> dict[str, Any]:
        """Somebody presses a button of the message that was sent last."""
        button = next(each for each in buttons(message) if each["title"] == title)
        value = {"action": {"type": "Action.Execute", "verb": button["verb"], "data": button["data"]}}
        return self.invoke("adaptiveCard/action", value, conversation, sender, self.last_id)

    @property
    def last_id(self) -> str:
        return f"17000000000{len(self.teams.activities):02}"

    def _wake(self) -> None:
        self.woken += 1

    def _aad(self, sender: str) -> str:
        return self.teams.people.get(sender, {}).get("aadObjectId", "")


def contents(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The cards of a message."""
    return [each["content"] for each in message.get("attachments", ())]


def buttons(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [action for card in contents(message) for action in card.get("actions", ())]


def titles(message: Mapping[str, Any]) -> list[str]:
    return [each["title"] for each in buttons(message)]


def words(message: Mapping[str, Any]) -> str:
    """All that a person reads of it."""
    shown = [_words(card) for card in contents(message)]
    return "\n".join((*shown, str(message.get("text", ""))))


def card_words(card: Mapping[str, Any]) -> str:
    return _words(dict(card))


def _words(card: dict[str, Any]) -> str:
    """Read by our own reader, which knows neither what renews a card nor the button that opens a form."""
    known = {name: value for name, value in card.items() if name != "refresh"}
    pressed = [each for each in card.get("actions", ()) if each["type"] != "Action.Submit"]
    return render(parse({**known, "actions": pressed}))
