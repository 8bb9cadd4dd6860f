"""What a rule says about an event: whether it waits for it, whether everything holds, and what it needs to know."""

from __future__ import annotations

from datetime import datetime

from ai_crm.model.decision import Finding, Verdict
from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemKind, Needs
from ai_crm.model.trigger import Trigger
from ai_crm.rules.rule import Policy, Rule


def triggered(rule: Rule, event: Event, *, has_task: bool) -> bool:
    """Whether the rule is asked about this event: it waits for it, or the event came late for what it waited for.

    A label that comes a day after the issue counts as part of its beginning, as long as the issue is open and the rule
    has made no task of it. `has_task` says whether it has.
    """
    return rule.enabled and (_waits_for(rule, event) or (not has_task and _is_late(rule, event)))


def judge(rule: Rule, event: Event, item: Item, policy: Policy, now: datetime, *, has_task: bool = False) -> Verdict:
    """The rule's verdict: a finding about the trigger first, then one for each condition.

    Conditions are looked at even when the trigger is another, as long as the rule is about such items: that is what
    shows the nearest miss. Otherwise `note` says why they were not.
    """
    trigger = _trigger_finding(rule, event, has_task=has_task)
    if not trigger.satisfied and item.ref.kind not in _kinds(rule):
        note = f"its conditions were not looked at: it is about {_spoken(_kinds(rule))}, this is {_spoken((item.ref.kind,))}"
        return Verdict(rule=rule.id, matched=False, findings=(trigger,), line=rule.at.line, note=note)
    conditions = rule.condition.check(event, item, policy, now)
    return Verdict(
        rule=rule.id,
        matched=trigger.satisfied and conditions.satisfied,
        findings=(trigger, *conditions.within),
        line=rule.at.line,
    )


def needs_of(policy: Policy, event: Event, now: datetime) -> Needs:
    """What must be looked up about the item before the rules can be judged.

    Nothing for a rule that is not asked about this event, and nothing for one of which it is known without that it
    does not match.
    """
    needs = tuple(_needs(rule, policy, event, now) for rule in policy.rules if triggered(rule, event, has_task=False))
    teams = dict.fromkeys(team for need in needs for team in need.teams)
    return Needs(files=any(need.files for need in needs), teams=tuple(teams))


def _needs(rule: Rule, policy: Policy, event: Event, now: datetime) -> Needs:
    needs = rule.condition.needs()
    if not needs:
        return needs
    without = rule.condition.check(event, event.item, policy, now)
    return Needs() if without.known and not without.satisfied else needs


def _waits_for(rule: Rule, event: Event) -> bool:
    return any(trigger.platform is event.platform and trigger.name in event.names for trigger in rule.triggers)


def _is_late(rule: Rule, event: Event) -> bool:
    """Only a rule that makes a task can be late: nothing else would remember that it had its turn."""
    if not rule.creates or not event.item.is_open:
        return False
    return any(
        _late_name(trigger, word) in event.names
        for trigger in rule.triggers
        if trigger.opens
        for word in rule.condition.late
    )


def _late_name(trigger: Trigger, word: str) -> str:
    family = trigger.name.rpartition(".")[0]
    return f"{family}.{word}"


def _trigger_finding(rule: Rule, event: Event, *, has_task: bool) -> Finding:
    seen = ", ".join(event.names)
    if not rule.enabled:
        seen = f"{seen}, but the rule is switched off (enabled: false)"
    elif not _waits_for(rule, event) and _is_late(rule, event):
        seen = f"{seen}, too late: the rule has made its task" if has_task else f"{seen}, late but in time"
    return Finding(
        condition="trigger",
        satisfied=triggered(rule, event, has_task=has_task),
        wanted=" or ".join(trigger.word for trigger in rule.triggers),
        seen=seen,
    )


def _kinds(rule: Rule) -> tuple[ItemKind, ...]:
    """The items that the rule is about. A schedule asks about every open item, be it an issue or a pull request."""
    asked = (
        (ItemKind.ISSUE, ItemKind.PULL_REQUEST) if trigger.name == "schedule" else (trigger.kind,)
        for trigger in rule.triggers
    )
    return tuple(dict.fromkeys(kind for kinds in asked for kind in kinds))


def _spoken(kinds: tuple[ItemKind, ...]) -> str:
    return " or ".join(f"{'an' if kind[0] in 'aeiou' else 'a'} {kind.replace('_', ' ')}" for kind in kinds)
