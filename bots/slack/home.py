"""The app's home tab: what is mine, what I watch, whether everything works, and what I am told when."""

from __future__ import annotations

from slack_sdk.web.async_client import AsyncWebClient

from ai_crm.flow.commands import answer
from ai_crm.flow.commands.reply import Asker, CommandDesk
from bots.slack.speak import blocks_of

# https://docs.slack.dev/reference/views/home-tab-views (read 2026-11)
_MOST_BLOCKS = 100
_OPEN = "--status todo,in-progress,in-review,blocked"
_SHOWN = (f"my tasks {_OPEN}", f"my watched {_OPEN}", "doctor", "whoami")


async def show(client: AsyncWebClient, asker: Asker, desk: CommandDesk) -> None:
    """Publishes the tab for who opened it. What they may not see is said there; nothing is changed by looking."""
    replies = [await answer(command, asker, desk, "") for command in _SHOWN]
    cards = tuple(card for reply in replies for card in reply.cards)
    await client.views_publish(user_id=asker.id, view={"type": "home", "blocks": blocks_of(cards, _MOST_BLOCKS)})
