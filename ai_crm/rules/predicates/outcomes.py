"""Conditions about what machines and people said of an item: runs, deployments, releases, alerts, reviews."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from ai_crm.model.decision import Finding
from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemKind, Needs
from ai_crm.rules.predicates.values import NO_NEEDS, any_of, documented, folded, one_of
from ai_crm.rules.rule import Policy
from ai_crm.rules.shapes import FLAG, Schema, Text, Texts
from ai_crm.rules.source import Node, Problems

_RUN = frozenset({ItemKind.WORKFLOW_RUN, ItemKind.CHECK})
_DEPLOYMENT = frozenset({ItemKind.DEPLOYMENT})

# The words that GitHub sends: https://docs.github.com/en/webhooks/webhook-events-and-payloads (2026-11).
_CONCLUSIONS = one_of(
    "success",
    "failure",
    "cancelled",
    "timed_out",
    "action_required",
    "neutral",
    "skipped",
    "stale",
    "startup_failure",
)
_STATUSES = one_of("success", "failure", "error", "inactive", "in_progress", "queued", "pending", "waiting")
_SEVERITIES = one_of("critical", "high", "medium", "low", "error", "warning", "note")
_VERDICTS = one_of("approved", "changes_requested", "commented", "dismissed")
_NAMES = Texts(each=Text(says="a name"))


class Workflow(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("workflow",)
    kinds: ClassVar[frozenset[ItemKind] | None] = frozenset({ItemKind.WORKFLOW_RUN})
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(_NAMES.schema, "Is a run of one of these workflows, by name.", "CI")

    names: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Workflow:
        return cls(_NAMES.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        return _said(self.keys[0], self.names, item.facts.get("name", ""))


class Conclusion(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("conclusion",)
    kinds: ClassVar[frozenset[ItemKind] | None] = _RUN
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(
        _CONCLUSIONS.schema, "The run or check ended in one of these ways.", "failure", ["failure", "timed_out"]
    )

    words: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Conclusion:
        return cls(_CONCLUSIONS.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        return _said(self.keys[0], self.words, item.facts.get("conclusion", ""))


class Environment(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("environment",)
    kinds: ClassVar[frozenset[ItemKind] | None] = _DEPLOYMENT
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(_NAMES.schema, "Is deployed to one of these environments.", "production")

    names: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Environment:
        return cls(_NAMES.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        return _said(self.keys[0], self.names, item.facts.get("environment", ""))


class DeploymentStatus(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("deployment_status",)
    kinds: ClassVar[frozenset[ItemKind] | None] = _DEPLOYMENT
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(
        _STATUSES.schema, "The deployment has one of these statuses.", ["failure", "error"]
    )

    words: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> DeploymentStatus:
        return cls(_STATUSES.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        return _said(self.keys[0], self.words, item.facts.get("status", ""))


class Prerelease(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("prerelease",)
    kinds: ClassVar[frozenset[ItemKind] | None] = frozenset({ItemKind.RELEASE})
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(FLAG.schema, "Is a pre-release, or a full release.", False)

    expected: bool

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Prerelease:
        return cls(FLAG.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        return _said(self.keys[0], ("true" if self.expected else "false",), item.facts.get("prerelease", ""))


class Severity(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("severity",)
    kinds: ClassVar[frozenset[ItemKind] | None] = frozenset({ItemKind.ALERT})
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(
        _SEVERITIES.schema, "The alert is of one of these severities.", ["critical", "high"]
    )

    words: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Severity:
        return cls(_SEVERITIES.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        return _said(self.keys[0], self.words, item.facts.get("severity", ""))


class Review(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("review",)
    kinds: ClassVar[frozenset[ItemKind] | None] = frozenset({ItemKind.PULL_REQUEST})
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(
        _VERDICTS.schema, "The review of this event says one of these.", "changes_requested"
    )

    words: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Review:
        return cls(_VERDICTS.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        return _said(self.keys[0], self.words, event.remark.verdict if event.remark else "")


def _said(condition: str, words: tuple[str, ...], word: str) -> Finding:
    return Finding(
        condition=condition,
        satisfied=word.casefold() in folded(words),
        wanted=any_of(words),
        seen=f"{condition}: {word or 'none'}",
    )
