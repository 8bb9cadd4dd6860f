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

from ai_crm.errors import PayloadInvalid, Unsupported
from ai_crm.platforms.teams.client import Person
from bots.teams.activity import Heard
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

    async def member(self, person: str) -> Person:
        """Who somebody in this conversation is. Raises UpstreamError."""
        conversation = self._heard.conversation
        return await self._lines.ask(
            self._heard.origin.service_url, lambda connector: connector.member(conversation, person, "Teams")
        )


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
