"""What a terminal, a log and a notification get: the card as plain text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from ai_crm.cards.elements import (
    Action,
    Card,
    Container,
    Element,
    FactSet,
    Image,
    OpenUrl,
    RichTextBlock,
    TextBlock,
)
from ai_crm.cards.inert import address, plain


def render(card: Card) -> str:
    """The whole card, folded parts too, for a terminal: no colours, no trailing newline."""
    lines = [line for element in card.body for line in _lines(element)]
    return "\n".join((*lines, *_links(card.actions)))


def line(card: Card) -> str:
    """The card in one line, with the address where it continues."""
    return " ".join((plain(card.fallback_text), *(url for _, url in _addresses(card.actions))))


def _lines(element: Element) -> Iterator[str]:
    match element:
        case TextBlock():
            yield plain(element.text)
        case RichTextBlock():
            yield plain("".join(run.text for run in element.inlines))
        case FactSet():
            yield from _facts(element)
        case Image():
            yield plain(element.alt_text)
        case Container():
            yield from (f"  {line}" for item in element.items for line in _lines(item))
        case _:
            assert_never(element)


def _facts(facts: FactSet) -> Iterator[str]:
    titles = [plain(fact.title) for fact in facts.facts]
    width = min(_WIDEST, max(map(len, titles), default=0))
    for title, fact in zip(titles, facts.facts, strict=True):
        yield f"{title:<{width}}  {plain(fact.value)}"


_WIDEST = 24  # a longer title pushes only its own value aside


def _links(actions: tuple[Action, ...]) -> Iterator[str]:
    """Nobody can press a button on a terminal, but people can follow an address."""
    return (f"{plain(action.title)}: {url}" for action, url in _addresses(actions))


def _addresses(actions: tuple[Action, ...]) -> Iterator[tuple[OpenUrl, str]]:
    return ((action, url) for action in actions if isinstance(action, OpenUrl) and (url := address(action.url)))
