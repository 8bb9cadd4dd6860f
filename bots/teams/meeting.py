"""What a meeting is told: the open tasks of its chat when it begins, what came of it when it ends."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import quote

from ai_crm.cards.answers import Fact, Section, answer_card
from ai_crm.cards.elements import Card
from ai_crm.commands.query import OPEN, TaskQuery
from ai_crm.flow.commands.reply import CommandDesk, Reply
from ai_crm.model.task import Task, TaskStatus
from bots.teams.activity import Heard
from bots.teams.adapter import Voice
from bots.teams.speak import message_of
from bots.teams.tenants import Tenants

# Seconds that a meeting is looked back on when nobody here saw it begin.
_DAY = 86_400
_MOST_MEETINGS = 1_000
_MOST_TASKS = 20


class Meetings:
    """Remembers when each meeting began, as long as this process lives."""

    def __init__(self, desk: CommandDesk, tenants: Tenants) -> None:
        self._desk = desk
        self._tenants = tenants
        self._began: dict[str, datetime] = {}

    async def started(self, heard: Heard, voice: Voice) -> None:
        """Says nothing where there is nothing to say."""
        if len(self._began) >= _MOST_MEETINGS:
            del self._began[next(iter(self._began))]
        self._began[heard.conversation] = self._desk.clock.now()
        tasks = await self._tasks(heard, OPEN)
        if tasks:
            await _say(voice, answer_card("Agenda", "Open tasks of this chat", (_section("", tasks),)))

    async def ended(self, heard: Heard, voice: Voice) -> None:
        now = self._desk.clock.now()
        began = self._began.pop(heard.conversation, None)
        seconds = int((now - began).total_seconds()) + 1 if began else _DAY
        changed = await self._tasks(heard, (), seconds)
        closed = tuple(task for task in changed if task.status not in OPEN)
        made = tuple(task for task in changed if _age(task, now) <= seconds and task not in closed)
        sections = tuple(_section(title, tasks) for title, tasks in (("Created", made), ("Closed", closed)) if tasks)
        if sections:
            await _say(voice, answer_card("What came of the meeting", "", sections))

    async def _tasks(
        self, heard: Heard, statuses: tuple[TaskStatus, ...], within: int | None = None
    ) -> tuple[Task, ...]:
        """Those that were asked for in this chat: their description has a link to it. None for a tenant that is let in no more."""
        workspace = await self._tenants.workspace_of(heard.tenant)
        if workspace is None:
            return ()
        query = TaskQuery(words=(mark_of(heard.conversation),), statuses=statuses, updated_within=within)
        page = await self._desk.records.tasks(workspace, query, self._desk.clock.now(), "", _MOST_TASKS)
        return tuple(task for task in page.tasks if quote(heard.conversation, safe=":@") in task.description)


def link_to(heard: Heard) -> str:
    """The address of a message in a chat or channel: of the one that was written, or whose button was pressed."""
    conversation = heard.conversation.partition(";")[0]
    message = (heard.value is not None and heard.reply_to) or heard.id
    return f"https://teams.microsoft.com/l/message/{quote(conversation, safe=':@')}/{quote(message, safe='')}"


def mark_of(conversation: str) -> str:
    """The one word of a conversation's id that full text finds it by."""
    return max(re.findall(r"[A-Za-z0-9]+", conversation), key=len, default="")


async def _say(voice: Voice, card: Card) -> None:
    await voice.say(message_of(Reply(text=card.fallback_text, cards=(card,))))


def _section(title: str, tasks: tuple[Task, ...]) -> Section:
    return Section(title, tuple(Fact(f"{task.id} {task.priority}", f"{task.title} · {task.status}") for task in tasks))


def _age(task: Task, now: datetime) -> float:
    """Seconds since it was made; for ever for one of which nobody knows."""
    at = task.history[0].at if task.history else None
    return (now - at).total_seconds() if at else float("inf")
