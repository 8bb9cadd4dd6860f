"""A YAML document with the place of everything in it, so that each problem can point at its character."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from msgspec import Struct

from ai_crm.errors import Problem, RulesInvalid


class Mark(Struct, frozen=True):
    """Line and column, both counted from 1."""

    line: int
    column: int


class Scalar(Struct, frozen=True):
    """One value. `text` is what stands in the file, `value` what YAML 1.2's core schema makes of it."""

    value: str | int | float | bool | None
    text: str
    at: Mark


class Sequence(Struct, frozen=True):
    items: tuple[Node, ...]
    at: Mark


class Entry(Struct, frozen=True):
    key: Scalar
    value: Node


class Mapping(Struct, frozen=True):
    entries: tuple[Entry, ...]
    at: Mark

    def get(self, *names: str) -> Entry | None:
        """The entry under any of these spellings."""
        return next((entry for entry in self.entries if entry.key.text in names), None)


Node = Scalar | Sequence | Mapping


class Problems:
    """Collects what is wrong with one file, so that a person sees all of it in one run."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: list[Problem] = []

    def add(self, at: Mark | None, what: str, hint: str = "") -> None:
        line, column = (at.line, at.column) if at else (0, 0)
        self._found.append(Problem(self.file, line, column, what, hint))

    def __bool__(self) -> bool:
        return bool(self._found)

    def raise_if_any(self) -> None:
        """Raises RulesInvalid with every problem in the order of the file."""
        if self._found:
            raise RulesInvalid(tuple(sorted(self._found)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean "labels"?`, or nothing when no known word is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else ""
