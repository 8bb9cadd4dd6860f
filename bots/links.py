"""Which task an address of ours shows, and its card for somebody who may see it."""

from __future__ import annotations

from urllib.parse import urlsplit

from ai_crm.commands.command import Asked, ShowTask
from ai_crm.flow.commands import obey
from ai_crm.flow.commands.reply import Asker, CommandDesk, Reply
from ai_crm.model.task import TaskId

_PATH = "/tasks/"


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

    async def shown(self, url: str, asker: Asker, desk: CommandDesk) -> Reply | None:
        """The card of the task behind an address, as others see it; None where there is no task, or none for this person."""
        task = self.task_of(url)
        reply = await obey(Asked(ShowTask(task), share=True), asker, desk, "") if task else None
        return reply if reply and reply.ok else None
