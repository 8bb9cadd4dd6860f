"""Conditions about how far an item has come and where it is filed: state, draft, milestone, type, rest."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from msgspec import Struct

from ai_crm.model.decision import Finding
from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemKind, ItemState, Needs
from ai_crm.rules.predicates.values import NO_NEEDS, NOTHING, NamesOrNull, any_of, documented, folded, one_of
from ai_crm.rules.rule import Policy
from ai_crm.rules.shapes import FLAG, Schema, Text, Texts
from ai_crm.rules.source import Node, Problems

_TRACKED = frozenset({ItemKind.ISSUE, ItemKind.PULL_REQUEST})
_DISCUSSED = frozenset({ItemKind.ISSUE, ItemKind.PULL_REQUEST, ItemKind.DISCUSSION})

_STATES = one_of("open", "closed", "merged", "done", "dropped")
_NAMES_OR_NULL = NamesOrNull(Text(says="a name"))
_NAMES = Texts(each=Text(says="a name"))
_TIME = Text(says="a time, such as 36h, 14d or 2w", pattern="[1-9][0-9]{0,3}[hdw]")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class State(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("state",)
    kinds: ClassVar[frozenset[ItemKind] | None] = _DISCUSSED
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(
        _STATES.schema,
        "Is in one of these states. `closed` is all but open: `done` (completed, answered), `dropped` (not planned, "
        "closed without merging) and `merged`.",
        "open",
        ["done", "merged"],
    )

    states: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> State:
        return cls(_STATES.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        names = {item.state.value, "open" if item.state is ItemState.OPEN else "closed"}
        satisfied = not names.isdisjoint(self.states)
        return Finding(
            condition=self.keys[0], satisfied=satisfied, wanted=any_of(self.states), seen=f"state: {item.state}"
        )


class Draft(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("draft",)
    kinds: ClassVar[frozenset[ItemKind] | None] = frozenset({ItemKind.PULL_REQUEST})
    late: ClassVar[tuple[str, ...]] = ("ready_for_review", "converted_to_draft")
    schema: ClassVar[Schema] = documented(FLAG.schema, "Is a draft, or is ready for review.", False)

    expected: bool

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Draft:
        return cls(FLAG.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        seen, wanted = (("not a draft", "a draft")[is_draft] for is_draft in (item.draft, self.expected))
        return Finding(condition=self.keys[0], satisfied=item.draft is self.expected, wanted=wanted, seen=seen)


class Milestone(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("milestone",)
    kinds: ClassVar[frozenset[ItemKind] | None] = _TRACKED
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(
        _NAMES_OR_NULL.schema, "Belongs to one of these milestones; null for none.", None, "v2.0"
    )

    names: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Milestone:
        return cls(_NAMES_OR_NULL.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        return _named(self.keys[0], self.names, item.milestone or NOTHING)


class Type(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("type",)
    kinds: ClassVar[frozenset[ItemKind] | None] = frozenset({ItemKind.ISSUE})
    late: ClassVar[tuple[str, ...]] = ("typed", "untyped")
    schema: ClassVar[Schema] = documented(
        _NAMES_OR_NULL.schema, "Is an issue of one of these types; null for none.", "Bug", ["Task", None]
    )

    names: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Type:
        return cls(_NAMES_OR_NULL.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        return _named(self.keys[0], self.names, item.facts.get("type", NOTHING))


class Category(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("category",)
    kinds: ClassVar[frozenset[ItemKind] | None] = frozenset({ItemKind.DISCUSSION})
    late: ClassVar[tuple[str, ...]] = ("category_changed",)
    schema: ClassVar[Schema] = documented(_NAMES.schema, "Is a discussion of one of these categories.", "Q&A")

    names: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Category:
        return cls(_NAMES.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        return _named(self.keys[0], self.names, item.facts.get("category", NOTHING))


class InactiveFor(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("inactive_for",)
    kinds: ClassVar[frozenset[ItemKind] | None] = _DISCUSSED
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(
        _TIME.schema, "Was not touched for this time: hours, days or weeks.", "36h", "14d", "2w"
    )

    time: str

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> InactiveFor:
        return cls(_TIME.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        wanted = f"untouched for {self.time}"
        if item.updated_at is None:
            seen = "when it was touched is not known"
            return Finding(condition=self.keys[0], satisfied=False, wanted=wanted, seen=seen, known=False)
        rest = now - item.updated_at
        satisfied = rest >= int(self.time[:-1]) * _UNITS[self.time[-1]]
        seen = f"touched {max(0, rest.days)}d {rest.seconds // 3600}h ago"
        return Finding(condition=self.keys[0], satisfied=satisfied, wanted=wanted, seen=seen)


def _named(condition: str, names: tuple[str, ...], name: str) -> Finding:
    return Finding(
        condition=condition,
        satisfied=name.casefold() in folded(names),
        wanted=any_of(tuple(name or "none" for name in names)),
        seen=f"{condition}: {name or 'none'}",
    )
