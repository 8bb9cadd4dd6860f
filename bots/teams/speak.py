"""How an answer looks in Teams: the same cards as attachments, renewed for those who look at them again."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from ai_crm.cards.adaptive import MOST_BYTES, render
from ai_crm.cards.elements import Card, Execute
from ai_crm.cards.form import MOST_DESCRIPTION, MOST_TITLE, Choice
from ai_crm.cards.inert import one_line, teams
from ai_crm.cards.task_card import task_card
from ai_crm.commands.command import NewTask
from ai_crm.commands.presses import OWN, Verb
from ai_crm.flow.commands.reply import Asker, Reply
from ai_crm.model.access import MAY, Permission
from ai_crm.model.task import Task
from bots.teams.adapter import Message

ADAPTIVE = "application/vnd.microsoft.card.adaptive"
_TEXT = "application/vnd.microsoft.activity.message"
_MOST_TEXT, _MOST_LINE = 1_000, 500

Json = dict[str, Any]


def message_of(reply: Reply, watching: tuple[str, ...] = ()) -> Message:
    """The activity of an answer. `watching` are Teams ids of people whose card is renewed when they look at it again."""
    contents = _fitting(contents_of(reply, watching))
    if not contents:
        return {"type": "message", "text": teams(reply.text[:_MOST_TEXT]) or "Done", "textFormat": "markdown"}
    summary = reply.text[:_MOST_TEXT]
    return {"type": "message", "summary": summary, "attachments": [attachment(each) for each in contents]}


def contents_of(reply: Reply, watching: tuple[str, ...] = ()) -> list[Json]:
    """The cards as JSON; a task's own card comes first."""
    contents = [render(card) for card in reply.cards]
    if contents and watching and reply.is_of_a_task:
        task = reply.tasks[0].id
        again = {"type": "Action.Execute", "verb": Verb.SHOW_TASK.value, "data": {"task": task}}
        contents[0] = {**contents[0], "refresh": {"action": again, "userIds": list(watching[:_MOST_WATCHING])}}
    return contents


# https://learn.microsoft.com/en-us/microsoftteams/platform/task-modules-and-cards/cards/universal-actions-for-adaptive-cards/work-with-universal-actions-for-adaptive-cards
# (read 2026-11)
_MOST_WATCHING = 60


def own_view(reply: Reply, who: Asker, watching: tuple[str, ...]) -> Json:
    """The first card as one person sees it: without buttons for what they may not do. Who may look may watch."""
    if Permission.TASKS_WRITE not in MAY[who.principal.role]:
        reply = replace(reply, cards=tuple(map(_without_buttons, reply.cards)))
    return contents_of(reply, watching)[0]


def attachment(content: Json) -> Json:
    return {"contentType": ADAPTIVE, "content": content}


def card_answer(content: Json) -> Json:
    """What an `adaptiveCard/action` is answered with: the card in the place of the one that was pressed."""
    return {"statusCode": 200, "type": ADAPTIVE, "value": content}


def text_answer(text: str) -> Json:
    """The same, as words below the card."""
    return {"statusCode": 200, "type": _TEXT, "value": teams(text[:_MOST_TEXT])}


def found_answer(choices: tuple[Choice, ...]) -> Json:
    """What `application/search` is answered with."""
    value = {"results": [{"title": each.title, "value": each.value} for each in choices]}
    return {"statusCode": 200, "type": "application/vnd.microsoft.search.searchResponse", "value": value}


def found_nothing(text: str) -> Json:
    """What a search extension is answered with where there is nothing to choose from."""
    return {"composeExtension": {"type": "message", "text": text[:_MOST_TEXT]}}


def tasks_answer(tasks: tuple[Task, ...]) -> Json:
    """The same with tasks, each to be put into a message as its card."""
    found = [
        {
            **attachment(render(task_card(task, answered=True))),
            "preview": {
                "contentType": "application/vnd.microsoft.card.thumbnail",
                "content": {"title": one_line(f"{task.id} {task.title}", 200), "text": _told(task)},
            },
        }
        for task in tasks
    ]
    return {"composeExtension": {"type": "result", "attachmentLayout": "list", "attachments": found}}


# What an address is answered with that shows nothing to who writes it.
NOTHING_SHOWN: Json = tasks_answer(())


def opener(draft: NewTask, link: str = "") -> Message:
    """A message with a button that opens the form, filled in with what is known; `link` is where it began."""
    origin = {"link": link} if 0 < len(link) <= _MOST_LINE else {}
    data = {"msteams": {"type": "task/fetch"}, "form": "create_task", **_known(draft), **origin}
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.5",
        "fallbackText": "A form for a new task",
        "body": [{"type": "TextBlock", "text": "A new task", "weight": "bolder", "size": "medium", "wrap": True}],
        "actions": [{"type": "Action.Submit", "title": "Fill in the form", "data": data}],
    }
    return {"type": "message", "summary": "A form for a new task", "attachments": [attachment(content)]}


def _known(draft: NewTask) -> Json:
    """What fits into a button."""
    known = {
        "title": draft.title[:MOST_TITLE],
        "description": draft.description[:MOST_DESCRIPTION],
        "agent": draft.agent[:_MOST_LINE],
        "priority": draft.priority or "",
        "assignees": ", ".join(draft.assignees)[:_MOST_LINE],
        "labels": ", ".join(draft.labels)[:_MOST_LINE],
        "due": draft.due.isoformat() if draft.due else "",
    }
    return {name: value for name, value in known.items() if value}


def _fitting(contents: list[Json]) -> list[Json]:
    """As many whole cards as a message holds; the first one always fits."""
    kept: list[Json] = []
    room = MOST_BYTES
    for content in contents:
        room -= len(msgspec.json.encode(content).decode().encode("utf-16-le"))
        if kept and room < 0:
            break
        kept.append(content)
    return kept


def _without_buttons(card: Card) -> Card:
    return replace(
        card, actions=tuple(each for each in card.actions if not isinstance(each, Execute) or each.verb in OWN)
    )


def _told(task: Task) -> str:
    """Our own words alone: this text of a preview may hold markup."""
    return f"{task.priority}, {task.status.replace('-', ' ')}"
