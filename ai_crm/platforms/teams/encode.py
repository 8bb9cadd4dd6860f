"""What a notification looks like as an activity of the Bot Framework protocol, and how receivers and messages are spelled."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from ai_crm.cards.adaptive import render
from ai_crm.cards.inert import plain
from ai_crm.cards.task_card import cards_of
from ai_crm.errors import ChangeRefused
from ai_crm.model.change import Notify

# A message may have about 100 KB, and an attached card has 28 of them.
MOST_TEXT = 10_000


class Conversation(Struct, frozen=True):
    """A channel, a group chat or a chat that the bot already has with someone."""

    id: str

    @property
    def path(self) -> str:
        return f"/v3/conversations/{quote(self.id, safe='')}/activities"

    @property
    def has_threads(self) -> bool:
        """Channels have, chats have not: what belongs together there stands one below the other."""
        return self.id.endswith(("@thread.tacv2", "@thread.skype"))


class Sent(Struct, frozen=True):
    """A message of ours: where it is, and its id there, empty where the connector did not tell it."""

    conversation: Conversation
    id: str

    def __str__(self) -> str:
        return f"{self.conversation.id}|{self.id}"

    @property
    def path(self) -> str:
        return f"{self.conversation.path}/{quote(self.id, safe='')}"

    @property
    def thread(self) -> Conversation:
        """Where replies to it go."""
        if not self.conversation.has_threads:
            return self.conversation
        return Conversation(f"{self.conversation.id};messageid={self.id}")


def parse_sent(where: str) -> Sent:
    """The message that `str` made text of."""
    conversation, _, message = where.rpartition("|")
    return Sent(Conversation(conversation), message)


class Person(Struct, frozen=True):
    """Someone whose chat with the bot has to be opened first: a Teams id (`29:…`) or an Entra object id."""

    id: str


def receiver(target: str) -> Conversation | Person:
    """What a rule's target names. Raises ChangeRefused for what Teams cannot be asked for, such as an e-mail address."""
    if _CONVERSATION.fullmatch(target):
        return Conversation(target)
    if _PERSON.fullmatch(target):
        return Person(target)
    raise ChangeRefused(
        f"{plain(target)[:80] or 'nothing'} names no channel, chat or person as Teams knows them",
        where="Teams",
        hint="Write a conversation's id (19:…@thread.tacv2), a person's Teams id (29:…) or Entra object id; Teams finds "
        "nobody by a name or an e-mail address",
    )


def activity(change: Notify, *, answered: bool = False) -> dict[str, Any]:
    """A first message: the text, and the card below. `answered`: somebody hears it when its buttons are pressed.

    The text's values are inert already, and no mention entity is ever made of one.
    """
    return {**reply(change), **renewal(change, answered=answered)} if change.tasks else reply(change)


def reply(change: Notify) -> dict[str, Any]:
    """What is told below an item's live message: the text alone."""
    text = change.text.filled(change.tasks[0] if change.tasks else None).encode(errors="replace").decode()
    cut = text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"
    return {"type": "message", "text": cut, "textFormat": "markdown"}


def renewal(change: Notify, *, answered: bool = False) -> dict[str, Any]:
    """The live message as it is shown from now on: the card of the tasks as they are."""
    cards = cards_of(change.tasks, answered=answered)
    return {
        "type": "message",
        "attachments": [{"contentType": _ADAPTIVE, "content": render(card)} for card in cards],
    }


def opening(person: Person, app_id: str, tenant: str) -> dict[str, Any]:
    """The request for the chat between the bot and a person. Asked again it names the same chat again."""
    return {
        "isGroup": False,
        "bot": {"id": f"28:{app_id}"},
        "members": [{"id": person.id}],
        "tenantId": tenant,
        "channelData": {"tenant": {"id": tenant}},
    }


_ADAPTIVE = "application/vnd.microsoft.card.adaptive"
_CONVERSATION = re.compile(r"(19|a):[A-Za-z0-9:@._;=+/-]{1,300}")
_PERSON = re.compile(r"29:[A-Za-z0-9._=+/-]{1,200}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
