"""Slack, as far as telling goes: one live message for each item in a channel, with its card, and what is told below it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import structs

from ai_crm.cards.inert import plain
from ai_crm.errors import ChangeRefused, ItemMissing, Unsupported
from ai_crm.model.change import Applied, CallWebhook, Notify, OutboundChange, Outcome, ShowCard
from ai_crm.model.item import PlatformName
from ai_crm.model.space import parted
from ai_crm.platforms.outward import outward
from ai_crm.platforms.slack.client import parse_address, post_message, update_message
from ai_crm.platforms.slack.encode import MOST_TEXT, message, renewal, reply
from ai_crm.platforms.slack.places import Sight, Who, look, who
from ai_crm.platforms.slack.search import find_told
from ai_crm.platforms.transport import Transport
from ai_crm.ports import Capabilities, Offload

_NO_ITEMS = "Slack has messages and no items of its own"


class Slack:
    """Implements ports.Applier. `token` is a bot token (xoxb-…) with the scope chat:write.

    Raises SettingsInvalid for a base URL that no token may be sent to.
    """

    name: ClassVar[PlatformName] = PlatformName.SLACK
    capabilities: ClassVar[Capabilities] = outward(
        Notify,
        {
            ShowCard: "A task's card is kept where its item lives; in Slack it goes along with a notification",
            CallWebhook: "A webhook goes to the address that its rule names, not through Slack",
        },
        no_items=_NO_ITEMS,
        text_limit=MOST_TEXT,
    )

    def __init__(
        self,
        token: str,
        offload: Offload,
        *,
        base_url: str = "https://slack.com/api",
        proxy: str = "",
        answered: bool = False,
        space: str = "",
    ) -> None:
        """`answered`: a bot of ours hears it when somebody presses a button. `space` is the Slack workspace that the token is
        for, empty where Slack has to be asked.
        """
        self._transport = Transport(base_url, headers={"Authorization": f"Bearer {token}"}, proxy=proxy)
        self._offload = offload
        self._answered = answered
        self._who = Who(team_id=space) if space else None

    async def apply(self, change: OutboundChange) -> Applied:
        """Tells people. Once, where the app may read what is in the channel: see README.md."""
        if not isinstance(change, Notify):
            raise Unsupported(self.capabilities.absent[type(change)], where=f"Slack {type(change).__name__}")
        space, target = parted(self.name, change.target)
        _check_target(target)
        if space:
            await self._check_space(space)
        return await self._offload(lambda: self._told(structs.replace(change, target=target)))

    async def find(self, change: Notify, since: datetime) -> Applied | None:
        """What an earlier attempt at the same change, begun after `since`, left; None where there is nothing to see."""
        told = structs.replace(change, target=parted(self.name, change.target)[1])
        found = await self._offload(lambda: find_told(self._transport, told, since))
        return Applied(key=change.key, outcome=Outcome.ALREADY, where=str(found)) if found else None

    async def who(self) -> Who:
        """The Slack workspace that the token is for; asked once. Raises UpstreamError."""
        if self._who is None:
            self._who = await self._offload(lambda: who(self._transport))
        return self._who

    async def look(self, target: str, space: str) -> Sight:
        """Whether the Slack workspace `space`, which the token is for, has this channel or person. Raises UpstreamError."""
        return await self._offload(lambda: look(self._transport, space, target))

    def close(self) -> None:
        self._transport.close()

    async def _check_space(self, space: str) -> None:
        own = await self.who()
        if space not in own.spaces:
            raise ChangeRefused(
                f"{space} is another Slack workspace than the one that is connected",
                where=f"Slack {own.team_id}",
                hint=f"Connect {space} as well, or write another one before the channel",
            )

    def _told(self, change: Notify) -> Applied:
        if change.is_silent:
            return self._renewed(change)
        if change.where and self._is_told_below(change):
            return Applied(key=change.key, outcome=Outcome.DONE, where=change.where)
        posted = post_message(self._transport, message(change, answered=self._answered))
        return Applied(key=change.key, outcome=Outcome.DONE, where=str(posted))

    def _is_told_below(self, change: Notify) -> bool:
        """Renews the live message and replies to it; False where it is gone, so that there must be a new one."""
        if not self._is_renewed(change):
            return False
        try:
            post_message(self._transport, reply(change, parse_address(change.where)))
        except (ItemMissing, ChangeRefused):  # without a card nobody saw until now that it is gone
            return False
        return True

    def _renewed(self, change: Notify) -> Applied:
        """Nobody misses the renewal of a message that is gone."""
        there = bool(change.where) and self._is_renewed(change)
        return Applied(key=change.key, outcome=Outcome.DONE, detail="" if there else "the message is gone")

    def _is_renewed(self, change: Notify) -> bool:
        """Shows the tasks as they are now in the live message; False where that can be changed no more."""
        if not change.tasks:
            return True
        try:
            body = renewal(change, parse_address(change.where), answered=self._answered)
            update_message(self._transport, body)
        except (ItemMissing, ChangeRefused):
            return False
        return True


class Repeating:
    """Slack for a change that somebody began before, after `since`: it looks first for what they left."""

    name: ClassVar[PlatformName] = PlatformName.SLACK
    capabilities: ClassVar[Capabilities] = Slack.capabilities

    def __init__(self, slack: Slack, since: datetime) -> None:
        self._slack = slack
        self._since = since

    async def apply(self, change: OutboundChange) -> Applied:
        found = (
            await self._slack.find(change, self._since) if isinstance(change, Notify) and not change.is_silent else None
        )
        return found or await self._slack.apply(change)

    def close(self) -> None:
        """Slack is somebody else's to close."""


def _check_target(target: str) -> None:
    """Slack would take what these name for a channel of that name, and say only that there is none."""
    if target.startswith("@") or not target.strip("#") or any(sign in target for sign in "{} \n"):
        raise ChangeRefused(
            f"{plain(target)[:80] or 'nothing'} is no channel, and no person as Slack addresses one",
            where="Slack",
            hint="Write #channel, a channel's id (C012AB3CD) or a person's member id (U012AB3CD)",
        )
