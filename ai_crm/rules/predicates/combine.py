"""How conditions are put together: all of them, any of them, none of them.

What was not looked up makes neither a condition nor its opposite true, so that `not:` never acts on ignorance.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from msgspec import Struct

from ai_crm.model.decision import Finding
from ai_crm.model.event import Event
from ai_crm.model.item import Item, Needs
from ai_crm.rules.rule import Condition, Policy


class AllOf(Struct, frozen=True):
    """Holds when every part holds, and when there is none."""

    parts: tuple[Condition, ...]

    @property
    def late(self) -> tuple[str, ...]:
        return _late(self.parts)

    def needs(self) -> Needs:
        return _needs(self.parts)

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        within = tuple(part.check(event, item, policy, now) for part in self.parts)
        return Finding(
            condition="all",
            satisfied=all(finding.satisfied for finding in within),
            wanted=f"all of {len(within)} conditions" if within else "no condition",
            seen=_held(within),
            within=within,
            known=all(finding.known for finding in within) or any(map(_refuted, within)),
        )


class AnyOf(Struct, frozen=True):
    """Holds when at least one part holds."""

    parts: tuple[Condition, ...]

    @property
    def late(self) -> tuple[str, ...]:
        return _late(self.parts)

    def needs(self) -> Needs:
        return _needs(self.parts)

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        within = tuple(part.check(event, item, policy, now) for part in self.parts)
        satisfied = any(finding.satisfied for finding in within)
        return Finding(
            condition="any",
            satisfied=satisfied,
            wanted=f"one of {len(within)} conditions",
            seen=_held(within),
            within=within,
            known=satisfied or all(finding.known for finding in within),
        )


class NoneOf(Struct, frozen=True):
    """Holds when every part is known not to hold."""

    parts: tuple[Condition, ...]

    @property
    def late(self) -> tuple[str, ...]:
        return _late(self.parts)

    def needs(self) -> Needs:
        return _needs(self.parts)

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        within = tuple(part.check(event, item, policy, now) for part in self.parts)
        return Finding(
            condition="not",
            satisfied=all(map(_refuted, within)),
            wanted=f"none of {len(within)} conditions",
            seen=_held(within),
            within=within,
            known=all(finding.known for finding in within) or any(finding.satisfied for finding in within),
        )


def leaves(condition: Condition) -> Iterator[Condition]:
    """The predicates that a tree is made of, in the order of the file."""
    match condition:
        case AllOf(parts) | AnyOf(parts) | NoneOf(parts):
            for part in parts:
                yield from leaves(part)
        case _:
            yield condition


def _late(parts: tuple[Condition, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(part.late for part in parts)))


def _needs(parts: tuple[Condition, ...]) -> Needs:
    needs = tuple(part.needs() for part in parts)
    teams = dict.fromkeys(chain.from_iterable(need.teams for need in needs))
    return Needs(files=any(need.files for need in needs), teams=tuple(teams))


def _refuted(finding: Finding) -> bool:
    return finding.known and not finding.satisfied


def _held(findings: tuple[Finding, ...]) -> str:
    unknown = sum(not finding.known for finding in findings)
    held = sum(finding.satisfied for finding in findings)
    return f"{held} of {len(findings)} hold" + (f", {unknown} not known" if unknown else "")
