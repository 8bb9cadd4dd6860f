"""What Slack gets: the card as Block Kit blocks in which no text is parsed, and one line of mrkdwn as the fallback.

Words go into rich text elements and `plain_text` objects, which have no markup that could come alive; that is why the
blocks need no escaping. What a workspace can fold away, Slack cannot: a folded part becomes small print.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar, assert_never

import msgspec
from msgspec import Struct

from ai_crm.cards.elements import (
    Action,
    Card,
    Container,
    Element,
    Execute,
    Fact,
    FactSet,
    Image,
    OpenUrl,
    Paragraph,
    RichTextBlock,
    TextBlock,
    TextRun,
    ToggleVisibility,
)
from ai_crm.cards.inert import address, clean, mrkdwn, one_line

Block = dict[str, Any]

# https://docs.slack.dev/reference/block-kit/blocks (read 2026-11). Slack counts as JavaScript does, in UTF-16.
MOST_BLOCKS = 50
_MOST_BUTTONS, _MOST_CONTEXT = 25, 10
_HEADER_TEXT, _BUTTON_TEXT, _BUTTON_VALUE, _ACTION_ID, _ALT_TEXT = 150, 75, 2000, 255, 2000
# Slack documents no limit for these three; so much is enough for people.
_CONTEXT_TEXT, _RUN_TEXT, _FALLBACK = 600, 1000, 500
_NOTHING = "–"  # noqa: RUF001 - a dash for people: Slack refuses empty texts

T = TypeVar("T")


class Message(Struct, frozen=True):
    """`text` is mrkdwn and stands for the blocks in notifications."""

    text: str
    blocks: tuple[Block, ...]


def render(card: Card) -> Message:
    """A message for chat.postMessage. Action ids are unique over the cards of different tasks, too.

    Raises ValueError for a card with more elements than a message has room for.
    """
    blocks = tuple(block for element in card.body for block in _blocks(element)) + tuple(_buttons(card.actions))
    if len(blocks) > MOST_BLOCKS:
        raise ValueError(f"a card of {len(blocks)} blocks, and Slack takes {MOST_BLOCKS}")
    return Message(text=mrkdwn(_cut(card.fallback_text, _FALLBACK)), blocks=blocks)


def _blocks(element: Element) -> Iterator[Block]:
    if not isinstance(element, Container):
        yield from _paragraph(element)
    elif element.is_visible:
        yield from (block for item in element.items for block in _paragraph(item))
    else:
        yield from _small_print(element)


def _paragraph(paragraph: Paragraph) -> Iterator[Block]:
    match paragraph:
        case TextBlock():
            yield _runs((paragraph,))
        case RichTextBlock():
            yield _runs(paragraph.inlines)
        case FactSet(facts=()):
            pass  # Slack takes no empty section
        case FactSet():
            yield _rich([part for fact in paragraph.facts for part in _fact(fact)][:-1])
        case Image():
            yield _picture(paragraph)
        case _:
            assert_never(paragraph)


def _picture(image: Image) -> Block:
    """What Slack cannot be sent to stands there in words."""
    words, url = _cut(one_line(image.alt_text), _ALT_TEXT) or _NOTHING, address(image.url)
    return {"type": "image", "image_url": url, "alt_text": words} if url else _rich([_words(words, bold=False)])


def _runs(runs: tuple[TextRun, ...] | tuple[TextBlock]) -> Block:
    if all(run.weight == "bolder" and run.size in ("medium", "large") for run in runs):
        title = one_line("".join(run.text for run in runs))
        return {"type": "header", "text": _plain(title, _HEADER_TEXT)}
    return _rich([_words(_cut(clean(run.text), _RUN_TEXT), bold=run.weight == "bolder") for run in runs])


def _plain(text: str, limit: int) -> Block:
    return {"type": "plain_text", "text": _cut(text, limit) or _NOTHING, "emoji": False}


def _rich(parts: list[Block]) -> Block:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": parts}]}


def _words(text: str, *, bold: bool) -> Block:
    return {"type": "text", "text": text or _NOTHING, **({"style": {"bold": True}} if bold else {})}


def _fact(fact: Fact) -> tuple[Block, ...]:
    title, value = (_cut(one_line(words), _RUN_TEXT) for words in (fact.title, fact.value))
    return _words(f"{title} ", bold=True), _words(value, bold=False), _words("\n", bold=False)


def _small_print(folded: Container) -> Iterator[Block]:
    lines = [line for item in folded.items for line in _lines(item)]
    for some in _chunks(lines, _MOST_CONTEXT):
        yield {"type": "context", "elements": [_plain(line, _CONTEXT_TEXT) for line in some]}


def _lines(paragraph: Paragraph) -> Iterator[str]:
    match paragraph:
        case TextBlock():
            yield one_line(paragraph.text)
        case RichTextBlock():
            yield one_line("".join(run.text for run in paragraph.inlines))
        case FactSet():
            yield from (one_line(f"{fact.title}: {fact.value}") for fact in paragraph.facts)
        case Image():
            yield one_line(paragraph.alt_text)
        case _:
            assert_never(paragraph)


def _buttons(actions: tuple[Action, ...]) -> Iterator[Block]:
    buttons = [button for action in actions if (button := _button(action))]
    for some in _chunks(buttons, _MOST_BUTTONS):
        yield {"type": "actions", "elements": some}


def _button(action: Action) -> Block | None:
    match action:
        case OpenUrl():
            url = address(action.url)
            return {**_pressable(action.title, f"open:{url}"), "url": url} if url else None
        case Execute():
            return _sending(action)
        case ToggleVisibility():
            return None  # nothing is folded here
        case _:
            assert_never(action)


def _sending(action: Execute) -> Block:
    value = msgspec.json.encode(action.data, order="deterministic").decode()
    if len(value) > _BUTTON_VALUE:
        raise ValueError(f"the data of the button {action.title!r} is longer than {_BUTTON_VALUE} characters")
    return {**_pressable(action.title, ":".join((action.verb, *action.data.values()))), "value": value}


def _pressable(title: str, action_id: str) -> Block:
    return {"type": "button", "action_id": action_id[:_ACTION_ID], "text": _plain(one_line(title), _BUTTON_TEXT)}


def _chunks(whole: list[T], size: int) -> Iterator[list[T]]:
    return (whole[start : start + size] for start in range(0, len(whole), size))


def _cut(text: str, limit: int) -> str:
    units = text.encode("utf-16-le")
    return text if len(units) <= 2 * limit else units[: 2 * limit - 2].decode("utf-16-le", "ignore") + "…"
