"""From an event to its decision: looks up what the rules ask for and nothing that no rule needs."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from ai_crm.analysis import taught_analyst
from ai_crm.errors import CredentialsRefused, PayloadInvalid, RulesInvalid
from ai_crm.flow.decide import analysed, decide
from ai_crm.flow.follow import is_followed
from ai_crm.model.decision import Decision, Skip
from ai_crm.model.event import Event
from ai_crm.model.item import HAS_THREAD, Item, PlatformName
from ai_crm.model.task import Task
from ai_crm.ports import Analyst, Platform, RulesSource, Store
from ai_crm.rules.evaluate import needs_of
from ai_crm.rules.rule import Policy

# What is skipped when a project's rules name something learned that cannot be used.
LEARNED = "learned_analysis"


class Considered(Struct, frozen=True):
    """A decision, and what the token must not see of what the rules ask for: that stayed unknown to them."""

    decision: Decision
    unseen: CredentialsRefused | None = None


class Analysts(Struct, frozen=True):
    """The analyst that every project gets, and where the files are that make one of a project's own."""

    usual: Analyst
    files: RulesSource

    async def of(self, project: str, path: str) -> tuple[Analyst, str]:
        """The one with what the file at `path` learned, else the usual one and why. Raises UpstreamError."""
        try:
            found = await self.files.learned(project, path)
            if found is None:
                return self.usual, f"{path}: there is no such file. Make it with `ai-crm analysis learn`"
            return taught_analyst(found.text, path), ""
        except (RulesInvalid, PayloadInvalid) as error:
            return self.usual, str(error)


async def consider(
    event: Event, platform: Platform, store: Store, policy: Policy, analysts: Analysts, now: datetime
) -> Considered:
    """The decision about one event, with as few questions to platform and store as its rules allow.

    Raises UpstreamError and StoreError.
    """
    if event.echo or not policy.enabled:
        return Considered(decide(event, event.item, (), policy, analysts.usual, now))
    needs = needs_of(policy, event, now)
    unseen = None
    if needs:
        try:
            event = msgspec.structs.replace(event, item=await platform.complete(event.item, needs))
        except CredentialsRefused as error:  # one team that the token must not see does not stop all other rules
            unseen = error
    return Considered(await _decided(event, platform, store, policy, analysts, now), unseen)


async def _decided(
    event: Event, platform: Platform, store: Store, policy: Policy, analysts: Analysts, now: datetime
) -> Decision:
    first = decide(event, event.item, (), policy, analysts.usual, now)
    if not first.matched and not is_followed(event):  # then no task of the item can change
        return first
    item, tasks = event.item, await store.tasks_of(event.item.ref)
    again = any(task.born_of == event.id for task in tasks)
    if again and not store.remembers and item.ref.kind in HAS_THREAD:
        item = await _as_it_is_now(item, platform)
    if _has_learned(event, item, tasks, policy, now):
        return await _by_its_own(event, item, tasks, policy, analysts, now)
    return decide(event, item, tasks, policy, analysts.usual, now) if tasks else first


def _has_learned(event: Event, item: Item, tasks: tuple[Task, ...], policy: Policy, now: datetime) -> bool:
    """Whether something is analysed for which the project has an analyst of its own. The hub's reports have none."""
    if not policy.learned or event.platform is PlatformName.HUB:
        return False
    return bool(analysed(event, item, tasks, policy, now))


async def _by_its_own(
    event: Event, item: Item, tasks: tuple[Task, ...], policy: Policy, analysts: Analysts, now: datetime
) -> Decision:
    """The decision with what the project's history taught; where that cannot be used each rule says so."""
    analyst, trouble = await analysts.of(event.project.name, policy.learned)
    decision = decide(event, item, tasks, policy, analyst, now)
    if not trouble:
        return decision
    because = f"the analysis went without what was learned: {trouble}"
    skips = (Skip(rule=rule, action=LEARNED, because=because) for rule in analysed(event, item, tasks, policy, now))
    return msgspec.structs.replace(decision, skips=(*skips, *decision.skips))


async def _as_it_is_now(item: Item, platform: Platform) -> Item:
    """The item after what we may have done to it when this very event came before."""
    fresh = await platform.fetch(item.ref)
    return msgspec.structs.replace(
        item, labels=fresh.labels, assignees=fresh.assignees, reviewers=fresh.reviewers, state=fresh.state
    )
