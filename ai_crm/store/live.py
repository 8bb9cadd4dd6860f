"""What becomes of messages that show a task when the task changes: their cards are renewed, and nobody is told twice. Pure."""

from __future__ import annotations

from ai_crm.model.change import Notify, Text, change_key
from ai_crm.model.decision import Decision
from ai_crm.model.item import PlatformName
from ai_crm.store.tasks import Followed


def renewals(
    decision: Decision, followed: Followed, messages: tuple[tuple[PlatformName, str], ...]
) -> tuple[Notify, ...]:
    """A silent renewal for each live message of the item that the decision itself says nothing to.

    `messages` are platform and target of each.
    """
    told = {(change.platform, change.target) for change in followed.outbound if isinstance(change, Notify)}
    changed = followed.updated[0]
    return tuple(
        Notify(
            key=change_key(changed.rule, decision.item, f"renew {platform} {target}", decision.event),
            rule=changed.rule,
            item=decision.item,
            because="the message shows the task as it is now",
            platform=platform,
            target=target,
            text=Text(()),
            tasks=followed.tasks,
        )
        for platform, target in messages
        if (platform, target) not in told
    )
