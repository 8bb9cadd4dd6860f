"""The one decision: same event, item, tasks and rules give the same answer, whoever asks. No I/O, clock or chance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import Struct

from ai_crm.flow.follow import follow
from ai_crm.model.analysis import Analysis, Signals
from ai_crm.model.change import AddLabels, AnyChange, CreateTask, ShowCard, UpdateTask, change_key
from ai_crm.model.decision import Answer, Decision, Skip, Verdict
from ai_crm.model.event import Event
from ai_crm.model.item import HAS_THREAD, Item, ItemKind, PlatformName
from ai_crm.model.task import RuleId, Task
from ai_crm.ports import Analyst
from ai_crm.rules.evaluate import judge
from ai_crm.rules.rule import CardSettings, Policy, Rule, Scene


class _Moment(Struct, frozen=True):
    """What all rules are asked about: the arguments of `decide`, but for who analyses."""

    event: Event
    item: Item
    tasks: tuple[Task, ...]
    policy: Policy
    now: datetime


class _Plan(Struct, frozen=True):
    verdict: Verdict
    steps: tuple[AnyChange | Skip, ...] = ()


def decide(
    event: Event, item: Item, tasks: tuple[Task, ...], policy: Policy, analyst: Analyst, now: datetime
) -> Decision:
    """What the policy's rules make of an event.

    `event.item` is the item as the event saw it and `item` as it is now, both with everything looked up that the rules
    need; they differ only when an event comes again. `tasks` are the tasks that it has already.
    """
    if event.echo:
        return _silence(event, item, policy, Answer.ECHO)
    if not policy.enabled:
        return _silence(event, item, policy, Answer.OFF)
    moment = _Moment(event, item, tasks, policy, now)
    plans = tuple(_plan(rule, moment, analyst) for rule in policy.rules)
    updates = (follow(event, item, task, own_labels=policy.card.label_prefix) for task in tasks)
    return _decision(event, item, policy, plans, tuple(update for update in updates if update is not None))


def analysed(event: Event, item: Item, tasks: tuple[Task, ...], policy: Policy, now: datetime) -> tuple[RuleId, ...]:
    """The rules for which `decide` has the item analysed."""
    if event.echo or not policy.enabled:
        return ()
    moment = _Moment(event, item, tasks, policy, now)
    return tuple(rule.id for rule in policy.rules if _wants_analysis(rule) and _judged(rule, moment).acts)


def _silence(event: Event, item: Item, policy: Policy, answer: Answer) -> Decision:
    return msgspec.structs.replace(_decision(event, item, policy, (), ()), answer=answer)


class _Judged(Struct, frozen=True):
    """A rule's verdict, the task that it has, and whether anything follows."""

    verdict: Verdict
    task: Task | None
    acts: bool


def _plan(rule: Rule, moment: _Moment, analyst: Analyst) -> _Plan:
    judged = _judged(rule, moment)
    if not judged.acts:
        return _Plan(judged.verdict)
    return _Plan(judged.verdict, tuple(_steps(rule, judged.task, moment, analyst)))


def _judged(rule: Rule, moment: _Moment) -> _Judged:
    task = next((task for task in moment.tasks if task.rule == rule.id), None)
    unfinished = task is not None and task.born_of == moment.event.id
    has_task = task is not None and not unfinished
    # What was begun is judged as it was then: what we did ourselves meanwhile must not speak against finishing it.
    item = moment.event.item if unfinished else moment.item
    verdict = judge(rule, moment.event, item, moment.policy, moment.now, has_task=has_task)
    if verdict.matched and task is not None and has_task and rule.creates:
        known = f"{task.id} exists already: one task per rule and item"
        return _Judged(msgspec.structs.replace(verdict, note=known), task, acts=False)
    return _Judged(verdict, task, acts=verdict.matched)


def _steps(rule: Rule, task: Task | None, moment: _Moment, analyst: Analyst) -> Iterator[AnyChange | Skip]:
    planned: CreateTask | None = None
    analysis = _analysis(moment, analyst) if _wants_analysis(rule) else None
    for position, effect in enumerate(rule.effects):
        scene = Scene(
            rule=rule.id,
            event=moment.event,
            item=moment.item,
            task=task,
            policy=moment.policy,
            planned=planned,
            analysis=analysis if effect.wants_analysis else None,
            once=rule.creates,
            tasks=moment.tasks,
        )
        for step in effect.plan(scene, position):
            planned = step if isinstance(step, CreateTask) else planned
            yield step


def _wants_analysis(rule: Rule) -> bool:
    return any(effect.wants_analysis for effect in rule.effects)


def _analysis(moment: _Moment, analyst: Analyst) -> Analysis:
    item = moment.item
    member = item.author is not None and item.author.trusted and not item.author.is_bot
    signals = Signals(votes=item.votes, comments=item.comments, by_member=member)
    labels = tuple(_heard(item, moment.policy.card.label_prefix))
    return analyst.analyse(item.title, item.body, labels, moment.policy.agents, signals)


def _heard(item: Item, own: str) -> Iterator[str]:
    """The labels without ours, which are what an analysis said; the type that people gave an issue counts like one."""
    yield from (label for label in item.labels if not label.startswith(own))
    if item.ref.kind is ItemKind.ISSUE and item.facts["type"]:
        yield item.facts["type"]


def _decision(
    event: Event, item: Item, policy: Policy, plans: tuple[_Plan, ...], followed: tuple[UpdateTask | Skip, ...]
) -> Decision:
    steps = (*(step for plan in plans for step in plan.steps), *followed)
    about_tasks = tuple(step for step in steps if isinstance(step, CreateTask | UpdateTask))
    changes = (
        *about_tasks,
        *_shown(event, item, policy.card, about_tasks),
        *(step for step in steps if not isinstance(step, CreateTask | UpdateTask | Skip)),
    )
    return Decision(
        event=event.id,
        platform=event.platform,
        names=event.names,
        actor=event.actor.login,
        item=item.ref,
        answer=Answer.ACT if changes else Answer.NOTHING,
        rules=policy.fingerprint,
        verdicts=tuple(plan.verdict for plan in plans),
        changes=changes,
        skips=tuple(step for step in steps if isinstance(step, Skip)),
    )


def _shown(
    event: Event, item: Item, card: CardSettings, changes: tuple[CreateTask | UpdateTask, ...]
) -> Iterator[AnyChange]:
    """How the item shows what becomes of its tasks: one card for all of them, and labels. A report shows nothing."""
    if not changes or item.ref.platform is PlatformName.HUB:
        return
    labels = _labels(card, changes)
    threaded = item.ref.kind in HAS_THREAD
    if card.comment:
        yield ShowCard(
            key=change_key(changes[0].rule, item.ref, "card", event.id),
            rule=changes[0].rule,
            item=item.ref,
            because="shows the tasks of this item where people look",
            project=event.project,
            labels=() if threaded else labels,
        )
    missing = tuple(label for label in labels if label not in item.labels)
    if threaded and missing:
        yield AddLabels(
            key=change_key(changes[0].rule, item.ref, "card labels", event.id),
            rule=changes[0].rule,
            item=item.ref,
            because="makes tasks visible in lists of issues",
            labels=missing,
        )


def _labels(card: CardSettings, changes: tuple[CreateTask | UpdateTask, ...]) -> tuple[str, ...]:
    """The labels that new tasks stand under, such as `ai-crm/high` and `ai-crm/security-auditor`."""
    words = (word for change in changes if isinstance(change, CreateTask) for word in _words(card, change))
    return tuple(dict.fromkeys(card.label_prefix + word for word in words))


def _words(card: CardSettings, change: CreateTask) -> Iterator[str]:
    if "priority" in card.labels:
        yield change.priority.lower()
    if "agent" in card.labels and change.agent:
        yield change.agent.name
