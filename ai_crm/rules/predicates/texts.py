"""Conditions about words: a title, a body or a comment that contains a regular expression.

The expressions are RE2's, so that no text makes them slow; upper and lower case are the same unless an expression
starts with `(?-i)`. What a finding shows is the pattern and never the body: findings are kept and logged.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from ai_crm.model.decision import Finding
from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemKind, Needs
from ai_crm.rules.patterns import expression_matcher
from ai_crm.rules.predicates.values import EXPRESSIONS, NO_NEEDS, any_of, documented
from ai_crm.rules.rule import Policy
from ai_crm.rules.shapes import Schema
from ai_crm.rules.source import Node, Problems

_LIKE = (
    "These are regular expressions (RE2), found anywhere, with ^ and $ for the ends; case matters only after `(?-i)`."
)


class TitleMatches(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("title_matches",)
    kinds: ClassVar[frozenset[ItemKind] | None] = None
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(
        EXPRESSIONS.schema, f"The title contains one of these. {_LIKE}", "^fix", [r"\bcrash(es|ed)?\b", "panic"]
    )

    patterns: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> TitleMatches:
        return cls(EXPRESSIONS.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        return _finding(self.keys[0], self.patterns, item.title, "title")


class BodyMatches(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("body_matches",)
    kinds: ClassVar[frozenset[ItemKind] | None] = None
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(
        EXPRESSIONS.schema, f"The body contains one of these. {_LIKE}", "stack ?trace", [r"version \d+\.\d+"]
    )

    patterns: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> BodyMatches:
        return cls(EXPRESSIONS.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        return _finding(self.keys[0], self.patterns, item.body, "body")


class CommentMatches(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("comment_matches",)
    kinds: ClassVar[frozenset[ItemKind] | None] = frozenset(
        {ItemKind.ISSUE, ItemKind.PULL_REQUEST, ItemKind.DISCUSSION}
    )
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(
        EXPRESSIONS.schema, f"The comment or review of this event contains one of these. {_LIKE}", "^/triage"
    )

    patterns: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> CommentMatches:
        return cls(EXPRESSIONS.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        if event.remark is None:
            wanted = f"a comment with {any_of(self.patterns)}"
            return Finding(condition=self.keys[0], satisfied=False, wanted=wanted, seen="no comment")
        return _finding(self.keys[0], self.patterns, event.remark.body, "comment")


def _finding(condition: str, patterns: tuple[str, ...], text: str, noun: str) -> Finding:
    found = next((pattern for pattern in patterns if expression_matcher(pattern)(text)), None)
    seen = f"{found} is in the {noun}" if found is not None else f"a {noun} of {len(text):,} characters without it"
    return Finding(
        condition=condition, satisfied=found is not None, wanted=f"a {noun} with {any_of(patterns)}", seen=seen
    )
