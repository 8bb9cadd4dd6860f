"""What comes in with forms and extensions: what was entered, which message it is about, what is looked for."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import date
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from ai_crm.cards.form import MOST_TITLE
from ai_crm.commands.command import NewTask
from ai_crm.errors import PayloadInvalid
from ai_crm.model.analysis import Priority
from bots.teams.speak import Json, attachment

T = TypeVar("T")


class Entered(Struct, frozen=True, kw_only=True):
    """What a form held; with errors, what has to be mended first. `link` is where it began."""

    task: NewTask
    share: bool
    link: str
    errors: tuple[str, ...] = ()


class _Data(Struct, frozen=True, kw_only=True):
    title: str = ""
    description: str = ""
    agent: str = ""
    priority: str = ""
    assignees: str = ""
    labels: str = ""
    due: str = ""
    share: str = ""
    link: str = ""


class _Submitted(Struct, frozen=True):
    data: _Data = _Data()


def entered(value: Any, me: str) -> Entered:
    """What stands in `value.data` of a form or of the button that opens one. `me` is the login behind @me, or empty.

    Raises PayloadInvalid.
    """
    data = read(value, _Submitted).data
    assignees = tuple(_split(data.assignees))
    errors = []
    if not data.title.strip():
        errors.append("A task needs a title")
    if "@me" in assignees and not me:
        errors.append("Say once who you are on GitHub, in a message to me: link your-login")
    due = _day(data.due)
    if data.due and due is None:
        errors.append("The day must be written 2026-12-31")
    task = NewTask(
        title=data.title.strip(),
        description=data.description,
        agent=data.agent,
        priority=Priority(data.priority) if data.priority in set(Priority) else None,
        assignees=tuple(me if me and name == "@me" else name for name in assignees),
        labels=tuple(_split(data.labels)),
        due=due,
    )
    return Entered(task=task, share=data.share == "true", link=data.link, errors=tuple(errors))


class _Body(Struct, frozen=True, rename="camel"):
    content: str = ""
    content_type: str = "html"


class _Payload(Struct, frozen=True, rename="camel"):
    """https://learn.microsoft.com/en-us/microsoftteams/platform/messaging-extensions/how-to/action-commands/create-task-module (2026-11)."""

    body: _Body = _Body()
    link_to_message: str = ""


class _About(Struct, frozen=True, rename="camel"):
    message_payload: _Payload = _Payload()


def draft_of(value: Any) -> tuple[NewTask, str]:
    """A task about a message that somebody wrote, and the link to it; both empty without one. Raises PayloadInvalid."""
    payload = read(value, _About).message_payload
    text = plain_text(payload.body.content) if payload.body.content_type == "html" else payload.body.content
    title = text.strip().partition("\n")[0][:MOST_TITLE]
    # One spelling of a conversation's id, by which a meeting finds its tasks.
    link = re.sub("%3a", ":", re.sub("%40", "@", payload.link_to_message), flags=re.IGNORECASE)
    return NewTask(title=title, description=text.strip()), link


class _Parameter(Struct, frozen=True):
    name: str = ""
    value: str = ""


class _Search(Struct, frozen=True):
    parameters: tuple[_Parameter, ...] = ()


def searched(value: Any) -> str:
    """What is looked for by a search extension, empty where nothing was typed yet. Raises PayloadInvalid."""
    return next((each.value for each in read(value, _Search).parameters if each.name == "query"), "")


class Link(Struct, frozen=True):
    """An address that somebody writes into a message."""

    url: str = ""


class _Options(Struct, frozen=True):
    top: int = 15


class Lookup(Struct, frozen=True, rename="camel"):
    """What somebody typed into a field that searches while they type."""

    dataset: str = ""
    query_text: str = ""
    query_options: _Options = _Options()


class Press(Struct, frozen=True):
    verb: str = ""
    data: dict[str, Any] = {}


class Pressed(Struct, frozen=True):
    """`trigger` is `automatic` where a client renews a card of itself."""

    action: Press = Press()
    trigger: str = "manual"


def read(value: Any, kind: type[T]) -> T:
    """Raises PayloadInvalid."""
    try:
        return msgspec.convert({} if value is None else value, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise PayloadInvalid("this is not what Teams sends", where="Teams") from error


def form_answer(form: Json) -> Json:
    """What `task/fetch` and its like are answered with: the dialog."""
    shown = {"title": "New task", "height": "large", "width": "medium", "card": attachment(form)}
    return {"task": {"type": "continue", "value": shown}}


def told_answer(text: str) -> Json:
    """The same, with a sentence in the dialog's place."""
    return {"task": {"type": "message", "value": text}}


def plain_text(markup: str) -> str:
    """What a message says, without its HTML. In one pass: a parser's time may grow with the square of the length."""
    broken = re.sub(_BREAK, "\n", markup, flags=re.IGNORECASE)
    text = html.unescape(re.sub(_TAG, "", broken)).replace("\xa0", " ")
    return re.sub(r"\n{3,}", "\n\n", text).strip()


_BREAK = r"</?(?:br|p|div|li|tr|blockquote|pre)(?=[\s/>])[^<>]*>"
_TAG = r"<[A-Za-z/!][^<>]*>"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _split(text: str) -> Iterator[str]:
    return (part.strip() for part in text.split(",") if part.strip())
