"""The one module that knows botbuilder: its activities and turns above, our own connections to the Bot Connector below.

botbuilder-core has had its last release. Whatever takes its place takes the place of this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from botbuilder.core import BotAdapter, TurnContext
from botbuilder.schema import Activity, ConversationReference, ResourceResponse
from msrest.exceptions import ClientException as MsRestException

from ai_crm.errors import CredentialsRefused, ItemMissing, PayloadInvalid, Unsupported
from ai_crm.platforms.teams.client import Connector, Person
from ai_crm.platforms.teams.encode import Conversation, opening
from ai_crm.platforms.teams.encode import Person as Receiver
from bots.teams.activity import Heard, Scope
from bots.teams.lines import Lines

Message = Mapping[str, Any]


class Voice:
    """How one activity is answered: where it came from, as whom it was sent to."""

    def __init__(self, context: TurnContext, lines: Lines, heard: Heard) -> None:
        self._context = context
        self._lines = lines
        self._heard = heard

    async def say(self, message: Message) -> str:
        """Sends an activity to the conversation; its id there, or empty. Raises UpstreamError."""
        sent = await self._context.send_activity(Activity().deserialize(message))
        return (sent.id if sent else "") or ""

    async def renew(self, activity: str, message: Message) -> None:
        """Shows something else in the place of a message of ours. Raises UpstreamError."""
        renewed = Activity().deserialize(message)
        renewed.id = activity
        await self._context.update_activity(renewed)

    async def whisper(self, message: Message) -> None:
        """Tells who is heard alone, in their own chat with the bot. Raises UpstreamError."""
        heard = self._heard
        if heard.scope is Scope.PERSONAL:
            await self.say(message)
            return

        def tell(connector: Connector) -> str:
            chat = Conversation(self._own_chat(connector, heard.sender.id))
            return connector.send(chat.path, message, "Teams")

        await self._lines.ask(heard.origin.service_url, tell)

    async def member(self, person: str) -> Person:
        """Who somebody is who is in this conversation, or has the bot. Raises UpstreamError.

        An extension is used in chats where the bot is not: there it may ask nothing, and its own chat with them knows.
        """
        heard = self._heard

        def look_up(connector: Connector) -> Person:
            try:
                return connector.member(heard.conversation, person, "Teams")
            except (ItemMissing, CredentialsRefused):
                return connector.member(self._own_chat(connector, person), person, "Teams")

        return await self._lines.ask(heard.origin.service_url, look_up)

    def _own_chat(self, connector: Connector, person: str) -> str:
        heard = self._heard
        tenant = next(iter(heard.origin.tenants), "")
        return connector.open_chat(opening(Receiver(person), heard.bot.removeprefix("28:"), tenant), "Teams")


def voice_of(heard: Heard, lines: Lines) -> Voice:
    """Raises PayloadInvalid for an activity that botbuilder cannot read."""
    try:
        activity = Activity().deserialize(heard.raw)
    except (MsRestException, AttributeError, TypeError, ValueError, KeyError) as error:
        raise PayloadInvalid("this is not what Teams sends", where="Teams") from error
    return Voice(TurnContext(_Adapter(lines), activity), lines, heard)


class _Adapter(BotAdapter):  # type: ignore[misc]  # botbuilder has no types
    """Sends what a turn sends. The token goes nowhere but where `Lines` lets it."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines

    async def send_activities(self, _context: TurnContext, activities: list[Activity]) -> list[ResourceResponse]:
        return [ResourceResponse(id=await self._sent(each)) for each in activities]

    async def update_activity(self, _context: TurnContext, activity: Activity) -> None:
        path = f"{_path(activity)}/{quote(activity.id, safe='')}"
        body = activity.serialize()
        await self._lines.ask(activity.service_url, lambda connector: connector.replace(path, body, "Teams"))

    async def delete_activity(self, _context: TurnContext, reference: ConversationReference) -> None:
        raise Unsupported("nothing is taken back in Teams", where=f"Teams {reference.activity_id}")

    async def _sent(self, activity: Activity) -> str:
        path, body = _path(activity), activity.serialize()
        return await self._lines.ask(activity.service_url, lambda connector: connector.send(path, body, "Teams"))


def _path(activity: Activity) -> str:
    return f"/v3/conversations/{quote(activity.conversation.id, safe='')}/activities"
