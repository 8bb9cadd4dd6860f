"""How a decision is told to people: every rule, every condition, what it wanted and saw; the nearest miss first."""

from __future__ import annotations

from collections.abc import Iterator

from ai_crm.cards.inert import clean, plain
from ai_crm.model.decision import Answer, Decision, Finding, Verdict
from ai_crm.model.item import PlatformName

_LINE = 300  # what a condition saw may be a whole list of files


def explain(decision: Decision) -> str:
    """Plain text of whole lines that are safe for a log and a terminal, whatever strangers wrote."""
    return "".join(f"{line}\n" for line in _lines(decision))


def nearest_first(decision: Decision) -> tuple[Verdict, ...]:
    """What each rule said: matches, then the nearest miss, last the rules that were not even asked."""
    return tuple(sorted(decision.verdicts, key=_nearness))


def summary(decision: Decision) -> str:
    """What came of it, in one sentence."""
    match decision.answer:
        case Answer.ECHO:
            return "Nothing to do: AI-CRM caused this event itself."
        case Answer.OFF:
            return "Nothing to do: automation is switched off in the rules file."
        case Answer.NOTHING | Answer.ACT if decision.platform is PlatformName.HUB and not decision.rules:
            return "Somebody asked for it directly: no rule was asked."
        case Answer.NOTHING | Answer.ACT:
            many = len(decision.verdicts)
            return f"{len(decision.matched)} of {many} {'rule' if many == 1 else 'rules'} matched."


def outcome(verdict: Verdict) -> str:
    """What became of a rule: `matched`, or how much was missing."""
    if verdict.matched:
        return "matched"
    if verdict.note:
        return "was not asked"
    unknown = sum(not finding.known for finding in verdict.findings)
    missed = f"did not match: {verdict.missed} of {len(verdict.findings)} did not hold"
    return f"{missed}, {unknown} of them not looked up" if unknown else missed


def _lines(decision: Decision) -> Iterator[str]:
    yield _said(f"{', '.join(decision.names)} by {decision.actor or 'somebody'} on {decision.item}")
    yield summary(decision)
    for verdict in nearest_first(decision):
        yield ""
        yield from _verdict(verdict)
    if decision.changes:
        yield ""
        yield "What follows:"
    for change in decision.changes:
        yield _said(f"  → {change.__struct_config__.tag}: {change.because}")
    if decision.skips:
        yield ""
        yield "What cannot be done:"
    for skip in decision.skips:
        yield _said(f'  ! {skip.action} (rule "{skip.rule}"): {skip.because}')


def _nearness(verdict: Verdict) -> tuple[bool, bool, int, bool]:
    """Matches first, then the nearest miss, last the rules whose conditions were not even looked at."""
    was_asked = all(finding.satisfied for finding in verdict.findings[:1])
    return not verdict.matched, bool(verdict.note), verdict.missed, not was_asked


def _verdict(verdict: Verdict) -> Iterator[str]:
    place = f" (line {verdict.line})" if verdict.line else ""
    yield _said(f'{_sign(verdict.matched)} rule "{verdict.rule}"{place} {outcome(verdict)}')
    if verdict.note:
        yield _said(f"    {verdict.note}")
    for finding in verdict.findings:
        yield from _finding(finding, depth=1)


def _finding(finding: Finding, depth: int) -> Iterator[str]:
    sign = _sign(finding.satisfied) if finding.known else "?"
    yield _said(f"{'    ' * depth}{sign} {finding.condition}: wants {finding.wanted}; saw {finding.seen}")
    for part in finding.within:
        yield from _finding(part, depth + 1)


def _sign(holds: bool) -> str:  # noqa: FBT001 - a verdict
    return "✓" if holds else "✗"


def _said(line: str) -> str:
    indent = len(line) - len(line.lstrip())
    return " " * indent + clean(plain(line), _LINE)
