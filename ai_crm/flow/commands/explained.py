"""How a decision is told in a chat: every rule with its conditions, the nearest miss first, as much as a card holds."""

from __future__ import annotations

from collections.abc import Iterator

from ai_crm.cards.answers import Fact, Section, answer_card
from ai_crm.cards.elements import Card
from ai_crm.model.decision import Decision, Finding, Verdict
from ai_crm.rules.explain import nearest_first, outcome, summary

_MOST_RULES = 8
_MOST_FINDINGS = 8


def decision_card(decision: Decision, times: int) -> Card:
    """The card of a decision; `times` is how often its event was decided about."""
    verdicts = nearest_first(decision)
    heading = f"{decision.names[0] if decision.names else 'event'} by {decision.actor or 'somebody'}"
    planned = tuple(Fact(f"→ {change.__struct_config__.tag}", change.because) for change in decision.changes)
    skipped = tuple(Fact(f"! {skip.action}", skip.because) for skip in decision.skips)
    more = len(verdicts) - _MOST_RULES
    sections = (
        *(_section(verdict) for verdict in verdicts[:_MOST_RULES]),
        *((Section("What follows", _some(planned)),) if planned else ()),
        *((Section("What cannot be done", _some(skipped)),) if skipped else ()),
    )
    foot = (f"{more} more rules did not come as near.", f"Decided {times} times; this is the last one.")
    said = " ".join(sentence for sentence, holds in zip(foot, (more > 0, times > 1), strict=True) if holds)
    return answer_card(heading, f"{decision.item}: {summary(decision)}", sections, said)


def _section(verdict: Verdict) -> Section:
    sign = "✓" if verdict.matched else "✗"
    place = f" (line {verdict.line})" if verdict.line else ""
    findings = tuple(fact for finding in verdict.findings for fact in _facts(finding, 0))
    note = (Fact("Note", verdict.note),) if verdict.note else ()
    return Section(f'{sign} rule "{verdict.rule}"{place} {outcome(verdict)}', (*note, *_some(findings)))


def _some(facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    more = len(facts) - _MOST_FINDINGS
    return (*facts[:_MOST_FINDINGS], Fact("…", f"and {more} more")) if more > 0 else facts


def _facts(finding: Finding, depth: int) -> Iterator[Fact]:
    sign = ("✓" if finding.satisfied else "✗") if finding.known else "?"
    yield Fact(f"{'· ' * depth}{sign} {finding.condition}", f"wants {finding.wanted}; saw {finding.seen}")
    for part in finding.within:
        yield from _facts(part, depth + 1)
