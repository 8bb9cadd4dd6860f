"""From an event to its decision: looks up what the rules ask for and nothing that no rule needs."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from ai_crm.errors import CredentialsRefused
from ai_crm.flow.decide import decide
from ai_crm.flow.follow import is_followed
from ai_crm.model.decision import Decision
from ai_crm.model.event import Event
from ai_crm.model.item import HAS_THREAD, Item
from ai_crm.ports import Analyst, Platform, Store
from ai_crm.rules.evaluate import needs_of
from ai_crm.rules.rule import Policy


class Considered(Struct, frozen=True):
    """A decision, and what the token must not see of what the rules ask for: that stayed unknown to them."""

    decision: Decision
    unseen: CredentialsRefused | None = None


async def consider(
    event: Event, platform: Platform, store: Store, policy: Policy, analyst: Analyst, now: datetime
) -> Considered:
    """The decision about one event, with as few questions to platform and store as its rules allow.

    Raises UpstreamError and StoreError.
    """
    if event.echo or not policy.enabled:
        return Considered(decide(event, event.item, (), policy, analyst, now))
    needs = needs_of(policy, event, now)
    unseen = None
    if needs:
        try:
            event = msgspec.structs.replace(event, item=await platform.complete(event.item, needs))
        except CredentialsRefused as error:  # one team that the token must not see does not stop all other rules
            unseen = error
    return Considered(await _decided(event, platform, store, policy, analyst, now), unseen)


async def _decided(
    event: Event, platform: Platform, store: Store, policy: Policy, analyst: Analyst, now: datetime
) -> Decision:
    first = decide(event, event.item, (), policy, analyst, now)
    if not first.matched and not is_followed(event):  # then no task of the item can change
        return first
    tasks = await store.tasks_of(event.item.ref)
    if not tasks:
        return first
    again = any(task.born_of == event.id for task in tasks)
    if again and not store.remembers and event.item.ref.kind in HAS_THREAD:
        return decide(event, await _as_it_is_now(event.item, platform), tasks, policy, analyst, now)
    return decide(event, event.item, tasks, policy, analyst, now)


async def _as_it_is_now(item: Item, platform: Platform) -> Item:
    """The item after what we may have done to it when this very event came before."""
    fresh = await platform.fetch(item.ref)
    return msgspec.structs.replace(
        item, labels=fresh.labels, assignees=fresh.assignees, reviewers=fresh.reviewers, state=fresh.state
    )
