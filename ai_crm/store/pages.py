"""How long lists are read page by page, newest first: where a page ends, and that a cursor is only ever one of ours."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from msgspec import Struct
from sqlalchemy import ColumnElement, literal, tuple_

from ai_crm.errors import Misunderstood

MOST = 500

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)

R = TypeVar("R")


class Place(Struct, frozen=True):
    """The last row that a page showed: its time as it is stored, and what tells it from others of the same time."""

    at: str
    id: str


def time(stored: str) -> datetime | None:
    """What `stamp` wrote; None for the empty text of a time that does not apply."""
    return datetime.fromisoformat(stored) if stored else None


def cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(f"{place.at}|{place.id}".encode()).decode().rstrip("=")


def place(given: str) -> Place | None:
    """Where the page before ended; None for the empty cursor of a first page. Raises Misunderstood."""
    if not given:
        return None
    try:
        padded = given.encode("ascii") + b"=" * (-len(given) % 4)
        at, _, name = base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition("|")
    except (UnicodeError, binascii.Error, ValueError):
        at, name = "", ""
    if not _STAMP.fullmatch(at) or not name or not name.isprintable():
        raise _not_ours()
    return Place(at, name)


def numbered(given: str) -> tuple[str, int] | None:
    """The same where rows are told apart by a number."""
    found = place(given)
    if found and not _NUMBER.fullmatch(found.id):
        raise _not_ours()
    return (found.at, int(found.id)) if found else None


def older(at: ColumnElement[str], name: ColumnElement[Any], than: tuple[str, str | int]) -> ColumnElement[bool]:
    """The condition on rows that come after `than`, which are sorted by time and then by `name`, both descending."""
    return tuple_(at, name) < tuple_(literal(than[0]), literal(than[1]))


def clamped(most: int) -> int:
    return max(1, min(most, MOST))


def page(rows: Sequence[R], most: int, where: Callable[[R], Place]) -> tuple[Sequence[R], str]:
    """The rows to show and the cursor of the next page, from `rows` that were read with one too many."""
    shown = rows[:most]
    return shown, cursor(where(shown[-1])) if len(rows) > most else ""


def _not_ours() -> Misunderstood:
    return Misunderstood("the cursor is not one that was given", hint="Begin again without a cursor")
