"""Conditions about labels. As on GitHub, the case of letters does not matter."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from ai_crm.model.decision import Finding
from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemKind, Needs
from ai_crm.rules.predicates.values import NO_NEEDS, any_of, documented, folded, listed
from ai_crm.rules.rule import Policy
from ai_crm.rules.shapes import LABELS, Schema
from ai_crm.rules.source import Node, Problems

_LABELED = frozenset({ItemKind.ISSUE, ItemKind.PULL_REQUEST, ItemKind.DISCUSSION})
_LATE = ("labeled", "unlabeled")


class Labels(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("labels", "labels.contains", "labels.any")
    kinds: ClassVar[frozenset[ItemKind] | None] = _LABELED
    late: ClassVar[tuple[str, ...]] = _LATE
    schema: ClassVar[Schema] = documented(
        LABELS.schema, "Has at least one of these labels.", "bug", ["bug", "enhancement"]
    )

    names: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Labels:
        return cls(LABELS.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        satisfied = not folded(self.names).isdisjoint(folded(item.labels))
        return _finding(self.keys[0], satisfied, any_of(self.names), item)


class LabelsAll(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("labels_all", "labels.all")
    kinds: ClassVar[frozenset[ItemKind] | None] = _LABELED
    late: ClassVar[tuple[str, ...]] = _LATE
    schema: ClassVar[Schema] = documented(LABELS.schema, "Has every one of these labels.", ["bug", "regression"])

    names: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> LabelsAll:
        return cls(LABELS.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        satisfied = folded(self.names) <= folded(item.labels)
        return _finding(self.keys[0], satisfied, f"all of {listed(self.names)}", item)


class NotLabels(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("not_labels", "labels.none")
    kinds: ClassVar[frozenset[ItemKind] | None] = _LABELED
    late: ClassVar[tuple[str, ...]] = _LATE
    schema: ClassVar[Schema] = documented(LABELS.schema, "Has none of these labels.", ["wontfix", "duplicate"])

    names: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> NotLabels:
        return cls(LABELS.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        satisfied = folded(self.names).isdisjoint(folded(item.labels))
        return _finding(self.keys[0], satisfied, f"none of {listed(self.names)}", item)


class LabelAdded(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("label_added",)
    kinds: ClassVar[frozenset[ItemKind] | None] = _LABELED
    late: ClassVar[tuple[str, ...]] = ("labeled",)
    schema: ClassVar[Schema] = documented(LABELS.schema, "One of these labels was added by this very event.", "urgent")

    names: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> LabelAdded:
        return cls(LABELS.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        added = tuple(change.after for change in event.changed if change.field == "labels" and change.after)
        return Finding(
            condition=self.keys[0],
            satisfied=not folded(self.names).isdisjoint(folded(added)),
            wanted=any_of(self.names),
            seen=f"label added: {listed(added)}" if added else "no label was added",
        )


def _finding(condition: str, satisfied: bool, wanted: str, item: Item) -> Finding:  # noqa: FBT001 - a verdict
    seen = f"labels: {listed(item.labels)}" if item.labels else "no labels"
    return Finding(condition=condition, satisfied=satisfied, wanted=wanted, seen=seen)
