"""From an occasion of a schedule to the events that it is about: only its own rule is asked, about items or figures."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from ai_crm.model.delivery import Delivery
from ai_crm.model.event import Event
from ai_crm.model.item import ItemKind, PlatformName
from ai_crm.model.occasion import occasion_in
from ai_crm.model.trigger import SCHEDULE
from ai_crm.ports import Platform
from ai_crm.rules.rule import Policy

# As in the Action: a page of those that were silent for longest.
_SILENT_FOR = timedelta(hours=1)
_MOST_SILENT = 100


def asked(policy: Policy, delivery: Delivery) -> Policy:
    """Of the hub's own deliveries each is for one rule, whose turn it is; every other delivery is for all of them."""
    if delivery.platform is not PlatformName.HUB:
        return policy
    due = occasion_in(delivery.body).rule
    return msgspec.structs.replace(policy, rules=tuple(rule for rule in policy.rules if rule.id == due))


async def spread(event: Event, policy: Policy, platform: Platform, now: datetime) -> tuple[Event, ...]:
    """A schedule's event about a whole project as one for each open item of it that nobody touched.

    They all have the id of the one, as in the Action; () when the rule is gone meanwhile. Raises UpstreamError.
    """
    if event.name != SCHEDULE or event.item.ref.kind is not ItemKind.REPOSITORY:
        return (event,)
    if not policy.enabled or not policy.rules:
        return ()
    items = await platform.untouched(event.project.name, now - _SILENT_FOR, _MOST_SILENT)
    return tuple(msgspec.structs.replace(event, item=item) for item in items)
