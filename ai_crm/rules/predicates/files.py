"""Conditions about what a pull request or a push changes: which files, how many lines."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from ai_crm.model.decision import Finding
from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemKind, Needs
from ai_crm.rules.patterns import path_matcher
from ai_crm.rules.predicates.values import COUNT, NO_NEEDS, PATHS, any_of, documented, listed
from ai_crm.rules.rule import Policy
from ai_crm.rules.shapes import Schema, given, object_of
from ai_crm.rules.source import Node, Problems

_CHANGING = frozenset({ItemKind.PULL_REQUEST, ItemKind.PUSH})
_LATE = ("synchronize",)
_LIKE = (
    "Patterns are those of .gitignore; the last one that fits a file wins, and one that starts with ! takes it away."
)


class FilesChanged(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("files_changed", "files_changed.includes", "files_changed.any")
    kinds: ClassVar[frozenset[ItemKind] | None] = _CHANGING
    late: ClassVar[tuple[str, ...]] = _LATE
    schema: ClassVar[Schema] = documented(
        PATHS.schema, f"Changes at least one of these files. {_LIKE}", ["*.py", "*.js"], ["src/**", "!src/vendor/**"]
    )

    globs: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> FilesChanged:
        return cls(PATHS.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return Needs(files=True)

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        wanted = f"a changed file like {any_of(self.globs)}"
        if not item.files:
            return _without_files(self.keys[0], wanted, item)
        fitting = _fitting(self.globs, item.files)
        if item.files_cut and not fitting:
            return _cut(self.keys[0], wanted, item.files)
        return Finding(
            condition=self.keys[0], satisfied=bool(fitting), wanted=wanted, seen=_changed(fitting or item.files)
        )


class FilesOnly(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("files_only", "files_changed.all")
    kinds: ClassVar[frozenset[ItemKind] | None] = _CHANGING
    late: ClassVar[tuple[str, ...]] = _LATE
    schema: ClassVar[Schema] = documented(
        PATHS.schema, f"Changes these files and no others. {_LIKE}", ["docs/", "*.md"]
    )

    globs: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> FilesOnly:
        return cls(PATHS.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return Needs(files=True)

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        wanted = f"only changed files like {any_of(self.globs)}"
        if not item.files:
            return _without_files(self.keys[0], wanted, item)
        fitting = frozenset(_fitting(self.globs, item.files))
        others = tuple(file for file in item.files if file not in fitting)
        if item.files_cut and not others:
            return _cut(self.keys[0], wanted, item.files)
        return Finding(condition=self.keys[0], satisfied=not others, wanted=wanted, seen=_changed(others or item.files))


class NotFilesChanged(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("not_files_changed", "files_changed.none")
    kinds: ClassVar[frozenset[ItemKind] | None] = _CHANGING
    late: ClassVar[tuple[str, ...]] = _LATE
    schema: ClassVar[Schema] = documented(PATHS.schema, f"Changes none of these files. {_LIKE}", ["*.lock"])

    globs: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> NotFilesChanged:
        return cls(PATHS.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return Needs(files=True)

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        wanted = f"no changed file like {any_of(self.globs)}"
        if not item.files:
            return _without_files(self.keys[0], wanted, item, satisfied=True)
        fitting = _fitting(self.globs, item.files)
        if item.files_cut and not fitting:
            return _cut(self.keys[0], wanted, item.files)
        return Finding(
            condition=self.keys[0], satisfied=not fitting, wanted=wanted, seen=_changed(fitting or item.files)
        )


class Size(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("size",)
    kinds: ClassVar[frozenset[ItemKind] | None] = frozenset({ItemKind.PULL_REQUEST})
    late: ClassVar[tuple[str, ...]] = _LATE
    schema: ClassVar[Schema] = documented(
        object_of({"min": COUNT.schema, "max": COUNT.schema}, one_of=("min", "max")),
        "How many lines it adds and deletes, both bounds included.",
        {"max": 10},
        {"min": 500},
    )

    low: int | None
    high: int | None

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Size:
        bounds = given(node, cls.schema, cls.keys[0], problems)
        low = bounds.read(COUNT, "min", absent=None)
        high = bounds.read(COUNT, "max", absent=None)
        if low is not None and high is not None and low > high:
            problems.add(node.at, f"size: no number is {low} or more and {high} or less", "exchange min and max")
        return cls(low, high)

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        bounds = (*_bound("at least", self.low), *_bound("at most", self.high))
        wanted = f"{' and '.join(bounds)} changed lines"
        lines = item.lines_changed
        if lines is None:
            seen = "the event does not say how many lines change"
            return Finding(condition=self.keys[0], satisfied=False, wanted=wanted, seen=seen, known=False)
        fits = (self.low is None or lines >= self.low) and (self.high is None or lines <= self.high)
        return Finding(condition=self.keys[0], satisfied=fits, wanted=wanted, seen=f"{lines} changed lines")


def _fitting(globs: tuple[str, ...], files: tuple[str, ...]) -> tuple[str, ...]:
    fits = path_matcher(globs)
    return tuple(file for file in files if fits(file))


def _changed(files: tuple[str, ...]) -> str:
    return f"changed: {listed(files, 3)}"


def _without_files(condition: str, wanted: str, item: Item, *, satisfied: bool = False) -> Finding:
    if item.files is None and item.ref.kind in _CHANGING:
        seen = "the changed files were not looked up"
        return Finding(condition=condition, satisfied=False, wanted=wanted, seen=seen, known=False)
    return Finding(condition=condition, satisfied=satisfied, wanted=wanted, seen="no changed files")


def _cut(condition: str, wanted: str, files: tuple[str, ...]) -> Finding:
    seen = f"more files than are listed; {len(files):,} of them do not decide it"
    return Finding(condition=condition, satisfied=False, wanted=wanted, seen=seen, known=False)


def _bound(word: str, bound: int | None) -> tuple[str, ...]:
    return () if bound is None else (f"{word} {bound}",)
