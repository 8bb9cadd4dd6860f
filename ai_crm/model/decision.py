"""What was decided about an event and why, for matches and non-matches alike."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec import Struct

from ai_crm.model.change import AnyChange
from ai_crm.model.item import ItemRef, PlatformName
from ai_crm.model.task import RuleId


class Finding(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One condition's verdict: what it wanted, what it saw. `within` holds the findings that it rests on.

    `known` is false when what it asks about was not looked up: then neither it nor its opposite is satisfied.
    """

    condition: str
    satisfied: bool
    wanted: str
    seen: str
    within: tuple[Finding, ...] = ()
    known: bool = True


class Verdict(Struct, frozen=True, kw_only=True):
    """What one rule said. `line` is the rule's first line in its file, 0 where it has none."""

    rule: RuleId
    matched: bool
    findings: tuple[Finding, ...]
    line: int = 0
    note: str = ""

    @property
    def missed(self) -> int:
        """How many findings stand between this rule and a match; the smallest is the nearest miss."""
        return sum(not finding.satisfied for finding in self.findings)


class Skip(Struct, frozen=True, kw_only=True):
    """Something that a matching rule asked for and that cannot be done, with the reason and what to do about it."""

    rule: RuleId
    action: str
    because: str


class Answer(StrEnum):
    ACT = "act"
    NOTHING = "nothing"  # no rule matched, or all that they want is there already
    ECHO = "echo"  # we caused this event ourselves
    OFF = "off"  # automation is switched off in the file


class Decision(Struct, frozen=True, kw_only=True):
    """Same event + same rules + same tasks = the same bytes, whoever asks. `rules` is the rules' fingerprint."""

    event: str
    platform: PlatformName
    names: tuple[str, ...]
    actor: str
    item: ItemRef
    answer: Answer
    rules: str
    verdicts: tuple[Verdict, ...]
    changes: tuple[AnyChange, ...]
    skips: tuple[Skip, ...]

    def to_json(self) -> bytes:
        """The form that `schemas/decision.schema.json` describes; byte-equal for equal decisions."""
        return msgspec.json.encode(self)

    @property
    def matched(self) -> tuple[RuleId, ...]:
        return tuple(verdict.rule for verdict in self.verdicts if verdict.matched)
