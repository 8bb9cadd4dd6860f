"""What Slack shows below a link to a task: its card, for somebody who may see it."""

from __future__ import annotations

from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from ai_crm.flow.commands.reply import Asker, CommandDesk
from bots.links import Links
from bots.slack.heard import LinkShared
from bots.slack.speak import blocks_of

_MOST = 5


async def unfurl(links: Links, client: AsyncWebClient, shared: LinkShared, asker: Asker, desk: CommandDesk) -> None:
    """Everybody in the channel sees it, so it is shown when who wrote the link may see the task."""
    unfurls: dict[str, dict[str, Any]] = {}
    for link in shared.links[:_MOST]:
        if reply := await links.shown(link.url, asker, desk):
            unfurls[link.url] = {"blocks": blocks_of(reply.cards[:1])}
    if unfurls:
        await client.chat_unfurl(channel=shared.channel, ts=shared.message_ts, unfurls=unfurls)
