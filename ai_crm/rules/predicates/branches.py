"""Conditions about branches and tags. `*` stops at a slash, `**` does not, and the whole name must fit."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from ai_crm.model.decision import Finding
from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemKind, Needs
from ai_crm.rules.patterns import branch_matcher
from ai_crm.rules.predicates.values import BRANCHES, NO_NEEDS, any_of, documented
from ai_crm.rules.rule import Policy
from ai_crm.rules.shapes import FLAG, Schema
from ai_crm.rules.source import Node, Problems

_PULL_REQUEST = frozenset({ItemKind.PULL_REQUEST})
_ON_A_BRANCH = frozenset({ItemKind.PUSH, ItemKind.REF, ItemKind.WORKFLOW_RUN, ItemKind.CHECK, ItemKind.DEPLOYMENT})
_TAG = "refs/tags/"


class Base(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("base",)
    kinds: ClassVar[frozenset[ItemKind] | None] = _PULL_REQUEST
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(
        BRANCHES.schema, "Is to be merged into one of these branches.", "main", ["main", "release/*"]
    )

    globs: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Base:
        return cls(BRANCHES.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        return _called(self.keys[0], self.globs, item.base, known=item.base is not None)


class Head(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("head",)
    kinds: ClassVar[frozenset[ItemKind] | None] = _PULL_REQUEST
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(BRANCHES.schema, "Comes from one of these branches.", "dependabot/**")

    globs: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Head:
        return cls(BRANCHES.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        return _called(self.keys[0], self.globs, item.head, known=item.head is not None)


class FromFork(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("from_fork",)
    kinds: ClassVar[frozenset[ItemKind] | None] = _PULL_REQUEST
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(FLAG.schema, "Comes from a fork, or from the repository itself.", True)

    expected: bool

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> FromFork:
        return cls(FLAG.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        origins = {"true": "from a fork", "false": "not from a fork"}
        wanted = origins["true" if self.expected else "false"]
        seen = origins.get(item.facts.get("fork", ""))
        if seen is None:
            unknown = "where it comes from is not known"
            return Finding(condition=self.keys[0], satisfied=False, wanted=wanted, seen=unknown, known=False)
        return Finding(condition=self.keys[0], satisfied=seen == wanted, wanted=wanted, seen=seen)


class Branch(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("branch",)
    kinds: ClassVar[frozenset[ItemKind] | None] = _ON_A_BRANCH
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(BRANCHES.schema, "Happened on one of these branches.", "main", ["release/**"])

    globs: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Branch:
        return cls(BRANCHES.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        return _called(self.keys[0], self.globs, _branch(item))


class OnDefaultBranch(Struct, frozen=True):
    """A run that a pull request started is never on the default branch: a fork can call its branch `main`, too."""

    keys: ClassVar[tuple[str, ...]] = ("on_default_branch",)
    kinds: ClassVar[frozenset[ItemKind] | None] = _ON_A_BRANCH
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(FLAG.schema, "Happened on the default branch, or on another one.", True)

    expected: bool

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> OnDefaultBranch:
        return cls(FLAG.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        default = event.project.default_branch
        wanted = f"{'on' if self.expected else 'not on'} {default or 'the default branch'}"
        if not default:
            seen = "the default branch is not known"
            return Finding(condition=self.keys[0], satisfied=False, wanted=wanted, seen=seen, known=False)
        of_pull_request = item.facts.get("event", "").startswith("pull_request")
        on_default = _branch(item) == default and not of_pull_request
        seen = f"branch: {_branch(item) or 'none'}{' of a pull request' if of_pull_request else ''}"
        return Finding(condition=self.keys[0], satisfied=on_default is self.expected, wanted=wanted, seen=seen)


class Tag(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("tag",)
    kinds: ClassVar[frozenset[ItemKind] | None] = frozenset({ItemKind.RELEASE, ItemKind.REF, ItemKind.PUSH})
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(BRANCHES.schema, "Is about one of these tags.", "v*", ["v2.*", "nightly"])

    globs: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Tag:
        return cls(BRANCHES.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        return _called(self.keys[0], self.globs, _tag(item))


def _branch(item: Item) -> str | None:
    match item.ref.kind:
        case ItemKind.REF:
            return item.facts["name"] if item.facts["ref_type"] == "branch" else None
        case ItemKind.DEPLOYMENT:
            return item.facts["ref"]
        case ItemKind.PUSH | ItemKind.WORKFLOW_RUN | ItemKind.CHECK:
            return item.facts["branch"] or None
        case _:
            return None


def _tag(item: Item) -> str | None:
    match item.ref.kind:
        case ItemKind.RELEASE:
            return item.facts["tag_name"]
        case ItemKind.REF:
            return item.facts["name"] if item.facts["ref_type"] == "tag" else None
        case ItemKind.PUSH if item.facts["ref"].startswith(_TAG):
            return item.facts["ref"].removeprefix(_TAG)
        case _:
            return None


def _called(condition: str, globs: tuple[str, ...], name: str | None, *, known: bool = True) -> Finding:
    fits = name is not None and any(branch_matcher(glob)(name) for glob in globs)
    seen = f"{condition}: {name or 'none'}" if known else f"{condition} is not known"
    return Finding(condition=condition, satisfied=fits, wanted=any_of(globs), seen=seen, known=known)
