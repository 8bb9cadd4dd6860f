"""A YAML document with the place of everything in it, so that each problem can point at its character."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from ai_crm.errors import Problem, RulesInvalid


class Mark(Struct, frozen=True):
    """Line and column, both counted from 1."""

    line: int
    column: int


class Scalar(Struct, frozen=True):
    """One value. `text` is what it says, `value` what YAML 1.2's core schema makes of it.

    `raw` is how it is written in the file, quotes and line breaks and all; empty for what no file says.
    """

    value: str | int | float | bool | None
    text: str
    at: Mark
    raw: str = ""

    def mark(self, offset: int) -> Mark:
        """Where the character at this offset of the text stands; where the scalar begins if that cannot be told."""
        character = self.text[offset]
        if self.raw.count(character) != self.text.count(character):
            return self.at  # written with escapes, so that counting does not find it
        before = character.join(self.raw.split(character)[: self.text.count(character, 0, offset) + 1])
        lines = before.split("\n")
        column = len(lines[-1]) + (self.at.column if len(lines) == 1 else 1)
        return Mark(self.at.line + len(lines) - 1, column)


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

    @property
    def found(self) -> tuple[Problem, ...]:
        """Every problem once, in the order of the file."""
        return tuple(sorted(set(self._found)))

    def raise_if_any(self) -> None:
        """Raises RulesInvalid with every problem in the order of the file."""
        if self._found:
            raise RulesInvalid(self.found)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean "labels"?`, or nothing when no known word is near."""
    near = nearest(word, known)
    return f'did you mean "{near}"?' if near else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant; "" when none is near."""
    import difflib  # noqa: PLC0415 - cold start

    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)), "")
