"""What Teams gets: the card as Adaptive Card JSON whose texts are inert in Teams' Markdown and which fits a message."""

from __future__ import annotations

from typing import Any, assert_never

import msgspec
from msgspec.structs import replace

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
from ai_crm.cards.inert import address, clean, teams

# About 28 KB a message, counted in UTF-16:
# https://learn.microsoft.com/en-us/microsoftteams/platform/bots/how-to/format-your-bot-messages (read 2026-11)
MOST_BYTES = 28 * 1024
_CAPS = (1000, 250, 120, 60, 30, 15)


def render(card: Card) -> dict[str, Any]:
    """The content of an attachment of type `application/vnd.microsoft.card.adaptive`, at most MOST_BYTES long.

    A card that is too large has its longest texts cut, as little as is needed. Raises ValueError for a card that has
    too many elements for that to help.
    """
    for cap in _CAPS:
        encoded = msgspec.json.encode(_card(card, cap))
        if len(encoded.decode().encode("utf-16-le")) <= MOST_BYTES:
            rendered: dict[str, Any] = msgspec.json.decode(encoded)
            return rendered
    raise ValueError(f"a card that stays above the {MOST_BYTES} bytes which Teams takes, however short its texts")


def _card(card: Card, cap: int) -> Card:
    return replace(
        card,
        fallback_text=clean(card.fallback_text, cap),
        body=tuple(_element(element, cap) for element in card.body),
        actions=_actions(card.actions, cap),
    )


def _element(element: Element, cap: int) -> Element:
    if isinstance(element, Container):
        return replace(element, items=tuple(_paragraph(item, cap) for item in element.items))
    return _paragraph(element, cap)


def _paragraph(paragraph: Paragraph, cap: int) -> Paragraph:
    match paragraph:
        case TextBlock():
            return replace(paragraph, text=teams(clean(paragraph.text, cap)))
        case RichTextBlock():
            return replace(paragraph, inlines=tuple(_run(run, cap) for run in paragraph.inlines))
        case FactSet():
            return replace(paragraph, facts=tuple(_fact(fact, cap) for fact in paragraph.facts))
        case Image() if address(paragraph.url):
            return replace(paragraph, alt_text=clean(paragraph.alt_text, cap))
        case Image():
            return TextBlock(text=teams(clean(paragraph.alt_text, cap)), wrap=True)
        case _:
            assert_never(paragraph)


def _run(run: TextRun, cap: int) -> TextRun:
    # The one text of a card that is no Markdown, so that nothing has to be taken from it but what cannot be seen.
    return replace(run, text=clean(run.text, cap))


def _fact(fact: Fact, cap: int) -> Fact:
    return Fact(teams(clean(fact.title, cap)), teams(clean(fact.value, cap)))


def _actions(actions: tuple[Action, ...], cap: int) -> tuple[Action, ...]:
    return tuple(_action(action, cap) for action in actions if not isinstance(action, OpenUrl) or address(action.url))


def _action(action: Action, cap: int) -> Action:
    match action:
        case Execute():
            title = clean(action.title, cap)
            return replace(action, title=title, fallback=replace(action.fallback, title=title))
        case OpenUrl() | ToggleVisibility():
            return replace(action, title=clean(action.title, cap))
        case _:
            assert_never(action)
