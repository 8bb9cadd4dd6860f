"""What a notification looks like as the body of Slack's methods: a first message, a reply below it, its card renewed."""

from __future__ import annotations

import re
from typing import Any

from ai_crm.cards.blockkit import MOST_BLOCKS, Block, render
from ai_crm.cards.task_card import cards_of
from ai_crm.model.change import Notify
from ai_crm.platforms.slack.client import Address

# In Slack's characters, which are UTF-16 units: https://docs.slack.dev/reference/methods/chat.postMessage and
# https://docs.slack.dev/reference/block-kit/blocks/section-block (read 2026-11)
MOST_TEXT = 40_000
_MOST_SECTION = 3_000
_UNESCAPED = re.compile("&(?!(amp|lt|gt);)")
_HALF = re.compile("(<[!@#a-z][^<>]*|&[a-z]{0,4})$")
# Not what stands in <…> already, nor the sign that ends the sentence and not the address.
_ADDRESS = re.compile(r"(?<![<|\w])https?://[^\s<>|]*[^\s<>|.,;:!?)\]}'\"*_~`]")


EVENT_TYPE = "ai_crm_notification"

# Slack is told to look for nothing by itself: no names, no addresses, no previews.
_AS_WRITTEN = {"parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}


def text_of(change: Notify) -> str:
    """What people are told, as mrkdwn; empty for a change that only renews a card.

    The text's values are inert already, so that an address which is still whole was written by the rule's author or
    is the item's or the task's own: these, and no others, become links.
    """
    return _linked(_encodable(change.text.filled(change.tasks[0] if change.tasks else None)))


def message(change: Notify, *, answered: bool = False) -> dict[str, Any]:
    """The body of chat.postMessage for a first message. `answered`: somebody hears it when its buttons are pressed."""
    text = text_of(change)
    cards = tuple(render(card) for card in cards_of(change.tasks, answered=answered))
    blocks = _blocks(text, tuple(block for card in cards for block in card.blocks))
    return {
        "channel": change.target,
        "text": _cut("\n".join((text, *(card.text for card in cards))), MOST_TEXT),
        **({"blocks": blocks} if cards else {}),
        **_AS_WRITTEN,
        "metadata": _mark(change),
    }


def reply(change: Notify, address: Address) -> dict[str, Any]:
    """The body of chat.postMessage for what is told below an item's live message."""
    return {
        "channel": address.channel,
        "thread_ts": address.ts,
        "reply_broadcast": change.surface,
        "text": _cut(text_of(change), MOST_TEXT),
        **_AS_WRITTEN,
        "metadata": _mark(change),
    }


def renewal(change: Notify, address: Address, *, answered: bool = False) -> dict[str, Any]:
    """The body of chat.update: the live message becomes the card of the tasks as they are now."""
    cards = tuple(render(card) for card in cards_of(change.tasks, answered=answered))
    return {
        "channel": address.channel,
        "ts": address.ts,
        "text": _cut("\n".join(card.text for card in cards), MOST_TEXT),
        "blocks": tuple(block for card in cards for block in card.blocks)[:MOST_BLOCKS],
        "parse": "none",
        "link_names": False,
    }


def _mark(change: Notify) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"key": change.key}}


def _blocks(text: str, card: tuple[Block, ...]) -> tuple[Block, ...]:
    if not text.strip():
        return card[:MOST_BLOCKS]
    section = {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, _MOST_SECTION), "verbatim": True}}
    return (section, *card)[:MOST_BLOCKS]


def _linked(text: str) -> str:
    return _ADDRESS.sub(lambda found: f"<{_UNESCAPED.sub('&amp;', found[0])}>", text)


def _encodable(text: str) -> str:
    """Without lone surrogates, which a rules file can spell and no encoder takes."""
    return text.encode(errors="replace").decode()


def _cut(text: str, limit: int) -> str:
    """At most `limit` characters, not cut inside a link, a mention or an escaped sign."""
    units = text.encode("utf-16-le")
    if len(units) <= 2 * limit:
        return text
    piece = units[: 2 * limit - 2].decode("utf-16-le", "ignore")
    return _HALF.sub("", piece) + "…"
