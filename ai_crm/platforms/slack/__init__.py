"""Slack, as far as a workflow step needs it: it posts notifications, with the task's card, and hears nothing."""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar

from ai_crm.cards.inert import plain
from ai_crm.errors import ChangeRefused, Unsupported
from ai_crm.model.change import (
    AddLabels,
    Applied,
    Assign,
    CallWebhook,
    Comment,
    CreateItem,
    Notify,
    OutboundChange,
    Outcome,
    RemoveLabels,
    RequestReview,
    ShowCard,
)
from ai_crm.model.item import PlatformName
from ai_crm.platforms.slack.client import Posted, post_message
from ai_crm.platforms.slack.encode import MOST_TEXT, message
from ai_crm.platforms.transport import Transport
from ai_crm.ports import Capabilities, Offload

_NO_ITEMS = "Slack has messages and no items of its own"


class Slack:
    """Implements ports.Applier. `token` is a bot token (xoxb-…) with the scope chat:write.

    Raises SettingsInvalid for a base URL that no token may be sent to.
    """

    name: ClassVar[PlatformName] = PlatformName.SLACK
    capabilities: ClassVar[Capabilities] = Capabilities(
        changes=(Notify,),
        absent=MappingProxyType(
            {
                ShowCard: "A task's card is kept where its item lives; in Slack it goes along with a notification",
                Comment: _NO_ITEMS,
                AddLabels: _NO_ITEMS,
                RemoveLabels: _NO_ITEMS,
                Assign: _NO_ITEMS,
                RequestReview: _NO_ITEMS,
                CreateItem: _NO_ITEMS,
                CallWebhook: "A webhook goes to the address that its rule names, not through Slack",
            }
        ),
        ignored_events=MappingProxyType({}),
        signature="none: nothing comes in this way",
        text_limit=MOST_TEXT,
    )

    def __init__(
        self, token: str, offload: Offload, *, base_url: str = "https://slack.com/api", proxy: str = ""
    ) -> None:
        self._transport = Transport(base_url, headers={"Authorization": f"Bearer {token}"}, proxy=proxy)
        self._offload = offload

    async def apply(self, change: OutboundChange) -> Applied:
        """Posts a notification. At least once: see README.md for why a repeated run can post it again."""
        if not isinstance(change, Notify):
            raise Unsupported(self.capabilities.absent[type(change)], where=f"Slack {type(change).__name__}")
        _check_target(change.target)
        body = message(change)
        posted: Posted = await self._offload(lambda: post_message(self._transport, body))
        return Applied(key=change.key, outcome=Outcome.DONE, where=f"{posted.channel}:{posted.ts}")

    def close(self) -> None:
        self._transport.close()


def _check_target(target: str) -> None:
    """Slack would take what these name for a channel of that name, and say only that there is none."""
    if target.startswith("@") or not target.strip("#") or any(sign in target for sign in "{} \n"):
        raise ChangeRefused(
            f"{plain(target)[:80] or 'nothing'} is no channel, and no person as Slack addresses one",
            where="Slack",
            hint="Write #channel, a channel's id (C012AB3CD) or a person's member id (U012AB3CD)",
        )
