"""Microsoft Teams, as far as telling goes: one live message for each item in a channel or chat, and what is told below."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from ai_crm.cards.inert import plain
from ai_crm.errors import ChangeRefused, ItemMissing, Unsupported
from ai_crm.model.change import Applied, CallWebhook, Notify, OutboundChange, Outcome, ShowCard
from ai_crm.model.item import PlatformName
from ai_crm.platforms.outward import outward
from ai_crm.platforms.teams.client import Connector
from ai_crm.platforms.teams.encode import (
    MOST_TEXT,
    Conversation,
    Person,
    Sent,
    activity,
    opening,
    parse_sent,
    receiver,
    renewal,
    reply,
)
from ai_crm.platforms.teams.login import BotAccount, Login, cloud_of
from ai_crm.platforms.transport import Transport
from ai_crm.ports import Capabilities, Offload

__all__ = ["BotAccount", "Teams"]

_NO_ITEMS = "Teams has messages and no items of its own"


class Teams:
    """Implements ports.Applier. `service_url` is the Bot Connector of the cloud that the bot is registered in.

    Raises SettingsInvalid for an account that cannot be one, and for a service that no token is sent to. `login_url`
    is for tests: it and the service must then be on this machine.
    """

    name: ClassVar[PlatformName] = PlatformName.TEAMS
    capabilities: ClassVar[Capabilities] = outward(
        Notify,
        {
            ShowCard: "A task's card is kept where its item lives; in Teams it goes along with a notification",
            CallWebhook: "A webhook goes to the address that its rule names, not through Teams",
        },
        no_items=_NO_ITEMS,
        text_limit=MOST_TEXT,
    )

    def __init__(
        self,
        account: BotAccount,
        offload: Offload,
        *,
        service_url: str = "https://smba.trafficmanager.net/teams",
        proxy: str = "",
        login_url: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        service = Transport(service_url, headers={}, proxy=proxy)
        login = Login(account, cloud_of(service.address, login_url), clock, proxy)
        self._account = account
        self._login = login
        self._connector = Connector(service, login)
        self._offload = offload

    async def apply(self, change: OutboundChange) -> Applied:
        """Tells people. At least once: see README.md for why a repeated run can tell it again."""
        if not isinstance(change, Notify):
            raise Unsupported(self.capabilities.absent[type(change)], where=f"Teams {type(change).__name__}")
        return await self._offload(lambda: self._told(change))

    def close(self) -> None:
        self._connector.close()
        self._login.close()

    def _told(self, change: Notify) -> Applied:
        where, to = f"Teams {plain(change.target)[:80]}", receiver(change.target)
        renewed = bool(change.where) and self._is_renewed(change, where)
        if change.is_silent:
            gone = "" if renewed else "the message is gone"
            return Applied(key=change.key, outcome=Outcome.DONE, detail=gone)
        if renewed and self._is_told_below(change, where):
            return Applied(key=change.key, outcome=Outcome.DONE, where=change.where)
        conversation = self._chat_with(to, where) if isinstance(to, Person) else to
        message = self._connector.send(conversation.path, activity(change, answered=self._account.listens), where)
        # Without its id it can be neither renewed nor replied to.
        return Applied(key=change.key, outcome=Outcome.DONE, where=str(Sent(conversation, message)) if message else "")

    def _is_told_below(self, change: Notify, where: str) -> bool:
        """False where the live message is gone, so that there must be a new one."""
        try:
            self._connector.send(parse_sent(change.where).thread.path, reply(change), where)
        except (ItemMissing, ChangeRefused):  # without a card nobody saw until now that it is gone
            return False
        return True

    def _is_renewed(self, change: Notify, where: str) -> bool:
        """Shows the tasks as they are now in the live message; False where that can be changed no more."""
        if not change.tasks:
            return True
        try:
            body = renewal(change, answered=self._account.listens)
            self._connector.replace(parse_sent(change.where).path, body, where)
        except (ItemMissing, ChangeRefused):
            return False
        return True

    def _chat_with(self, person: Person, where: str) -> Conversation:
        if not self._account.tenant:
            raise ChangeRefused("only a tenant's id finds a person", where=where, hint="Give the step teams_tenant_id")
        asked = opening(person, self._account.app_id, self._account.tenant)
        return Conversation(self._connector.open_chat(asked, where))
