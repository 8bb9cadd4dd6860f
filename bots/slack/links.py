"""What Slack shows below a link to a task: its card, for somebody who may see it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from slack_sdk.web.async_client import AsyncWebClient

from ai_crm.commands.command import Asked, ShowTask
from ai_crm.flow.commands import obey
from ai_crm.flow.commands.reply import Asker, CommandDesk
from ai_crm.model.task import TaskId
from bots.slack.heard import LinkShared
from bots.slack.speak import blocks_of

_PATH = "/tasks/"
_MOST = 5


class Links:
    """`base_url` is the hub's address from outside; without one there are no links to know."""

    def __init__(self, base_url: str) -> None:
        self._base = urlsplit(base_url)

    def task_of(self, url: str) -> TaskId | None:
        """The task that an address of ours shows; None for anything else."""
        try:
            parts = urlsplit(url)
        except ValueError:  # such as https://[x
            return None
        ours = bool(self._base.netloc) and (parts.scheme, parts.netloc) == (self._base.scheme, self._base.netloc)
        path = parts.path.removeprefix(self._base.path.rstrip("/"))
        name = path.removeprefix(_PATH)
        return TaskId(name) if ours and path.startswith(_PATH) and name.startswith("AICRM-") else None

    async def unfurl(self, client: AsyncWebClient, shared: LinkShared, asker: Asker, desk: CommandDesk) -> None:
        """Everybody in the channel sees it, so it is shown when who wrote the link may see the task."""
        unfurls: dict[str, dict[str, Any]] = {}
        for link in shared.links[:_MOST]:
            task = self.task_of(link.url)
            reply = await obey(Asked(ShowTask(task)), asker, desk, "") if task else None
            if reply and reply.ok:
                unfurls[link.url] = {"blocks": blocks_of(reply.cards[:1])}
        if unfurls:
            await client.chat_unfurl(channel=shared.channel, ts=shared.message_ts, unfurls=unfurls)
