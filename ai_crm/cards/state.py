"""How a card remembers what it is about: hidden marks that name an item or a change, and a hidden block of tasks.

All of it is HTML comments on lines of their own, which GitHub keeps and does not show. A reader who trusts a block has
to know first who wrote the text: a stranger can paste one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import Struct

from ai_crm.cards.inert import HIDDEN
from ai_crm.model.change import ChangeKey
from ai_crm.model.item import ItemRef
from ai_crm.model.task import Task


class State(Struct, frozen=True):
    """`applied` are the keys of changes that were carried out and left no other trace."""

    tasks: tuple[Task, ...]
    applied: tuple[ChangeKey, ...]


def card_mark(item: ItemRef) -> str:
    """The line that a card begins with. It names the item, so that a card quoted elsewhere is not that item's card."""
    return f"<!-- ai-crm:card {_quoted(str(item))} -->"


def key_mark(key: ChangeKey) -> str:
    """The line that says which change a comment or an item was made by."""
    return f"<!-- ai-crm:key {_quoted(key)} -->"


def is_card(text: str) -> bool:
    """Whether the text begins as a card does, whichever item it is for."""
    return text.startswith("<!-- ai-crm:card ")


def has_mark(text: str) -> bool:
    """Whether a line of the text is one of our marks or our block, by itself: not inside a quotation."""
    return "<!-- ai-crm:" in text and re.search(_MARK, text) is not None


def write_state(tasks: tuple[Task, ...], applied: tuple[ChangeKey, ...]) -> str:
    """One line that `read_state` reads back. Nothing in it can end the comment, mention anyone or link to anything."""
    return f"{_OPENING}{_VERSION} {_harmless(_encoded(State(tasks, applied)))} -->"


def read_state(body: str) -> State | None:
    """What the last block of a text says; None where there is none, or where it is damaged or of another version."""
    _, opening, rest = body.rpartition(_OPENING)
    block = re.match(_BLOCK, rest)
    if not opening or not block:
        return None
    try:
        state = _STATE.decode(block[1])
    except (msgspec.DecodeError, RecursionError):
        return None
    return state if all(moment is None or moment.tzinfo for moment in _moments(state)) else None


# Made here and not at first use: see the end of elements.py.
_STATE = msgspec.json.Decoder(State)
_OPENING = "<!-- ai-crm:state "
_VERSION = "v1"
_BLOCK = rf"{_VERSION} (\{{.*\}}) -->[ \t\r]*(?:\n|$)"
_MARK = r"(?m)^<!-- ai-crm:(?:card|key|state) \S.* -->[ \t\r]*$"
_UNQUOTED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/-")


def _quoted(text: str) -> str:
    """Percent-encoded, so that nothing of it ends an HTML comment, which two dashes may do."""
    encoded = text.encode("utf-8", "surrogatepass")
    return "".join(chr(byte) if chr(byte) in _UNQUOTED else f"%{byte:02X}" for byte in encoded).replace("--", "-%2D")


def _encoded(state: State) -> str:
    try:
        return msgspec.json.encode(state).decode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can bring in and no encoder lets out
        return msgspec.json.encode(_encodable(msgspec.to_builtins(state))).decode()


def _encodable(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {name: _encodable(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_encodable(inner) for inner in value]
        case _:
            return value


# All of these stand inside JSON strings only, where an escape is the same character. A mention or a reference in a
# comment that nobody sees is not documented to be without effect.
_ESCAPES = (
    ("<", "\\u003c"),
    (">", "\\u003e"),
    ("&", "\\u0026"),
    ("@", "\\u0040"),
    ("#", "\\u0023"),
    ("--", "-\\u002d"),
)


def _harmless(encoded: str) -> str:
    for sign, escape in _ESCAPES:
        encoded = encoded.replace(sign, escape)
    return re.sub(HIDDEN, _escape, re.sub("(?<=/)/", r"\\/", encoded))  # however many follow each other


def _escape(hidden: re.Match[str]) -> str:
    units = hidden[0].encode("utf-16-be")
    return "".join(f"\\u{int.from_bytes(units[at : at + 2]):04x}" for at in range(0, len(units), 2))


def _moments(state: State) -> Iterator[datetime | None]:
    for task in state.tasks:
        yield task.seen_at
        yield from (entry.at for entry in task.history)
