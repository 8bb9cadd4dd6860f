"""Microsoft Teams, as far as telling goes: one live message for each item in a channel or chat, and what is told below."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from msgspec import Struct, structs

from ai_crm.cards.inert import plain
from ai_crm.errors import ChangeRefused, ItemMissing, Unsupported
from ai_crm.model.change import Applied, CallWebhook, Notify, OutboundChange, Outcome, ShowCard
from ai_crm.model.item import PlatformName
from ai_crm.model.space import parted
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

__all__ = ["Audience", "BotAccount", "Teams", "Within"]

_NO_ITEMS = "Teams has messages and no items of its own"
_MOST_PLACED = 10_000


class Audience(Struct, frozen=True):
    """The tenants that may be told something, in lower case. Who is named without one is of the tenant `usual`, empty
    where that would be a guess.
    """

    tenants: frozenset[str]
    usual: str


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
        self._own = Audience(frozenset({account.tenant.lower()} - {""}), account.tenant)
        self._placed: set[tuple[str, str]] = set()

    async def apply(self, change: OutboundChange) -> Applied:
        """Tells people. At least once: see README.md for why a repeated run can tell it again."""
        return await self.tell(change, self._own)

    async def tell(self, change: OutboundChange, audience: Audience) -> Applied:
        """The same, for nobody outside of these tenants: the bot itself may write to all that have it."""
        if not isinstance(change, Notify):
            raise Unsupported(self.capabilities.absent[type(change)], where=f"Teams {type(change).__name__}")
        space, target = parted(self.name, change.target)
        if space and space not in audience.tenants:
            raise _outside(f"the tenant {space} is not one that this may be told to", space)
        told = structs.replace(change, target=target)
        return await self._offload(lambda: self._told(told, Audience(audience.tenants, space or audience.usual)))

    def close(self) -> None:
        self._connector.close()
        self._login.close()

    def _told(self, change: Notify, audience: Audience) -> Applied:
        where, to = f"Teams {plain(change.target)[:80]}", receiver(change.target)
        if self._account.several and isinstance(to, Conversation):
            self._check_place(to, audience, where)
        renewed = bool(change.where) and self._is_renewed(change, where)
        if change.is_silent:
            gone = "" if renewed else "the message is gone"
            return Applied(key=change.key, outcome=Outcome.DONE, detail=gone)
        if renewed and self._is_told_below(change, where):
            return Applied(key=change.key, outcome=Outcome.DONE, where=change.where)
        conversation = self._chat_with(to, audience.usual, where) if isinstance(to, Person) else to
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

    def _check_place(self, conversation: Conversation, audience: Audience, where: str) -> None:
        """A conversation's id names no tenant: its people do. Where it is does not change, and is asked once."""
        known = any((conversation.id, tenant) in self._placed for tenant in audience.tenants)
        for tenants in () if known else self._connector.tenants(conversation.id, where):
            if ours := tenants & audience.tenants:
                if len(self._placed) >= _MOST_PLACED:
                    self._placed.clear()
                self._placed.update((conversation.id, tenant) for tenant in ours)
                return
        if not known:
            raise _outside("nobody in this conversation is of a tenant that this may be told to", "TENANT_ID")

    def _chat_with(self, person: Person, tenant: str, where: str) -> Conversation:
        if not tenant:
            hint = "Write TENANT_ID/PERSON; the step needs teams_tenant_id instead"
            raise ChangeRefused("only a tenant's id finds a person", where=where, hint=hint)
        return Conversation(self._connector.open_chat(opening(person, self._account.app_id, tenant), where))


class Within:
    """Implements ports.Applier: Teams for one of several workspaces, which has an audience of its own."""

    name: ClassVar[PlatformName] = PlatformName.TEAMS
    capabilities: ClassVar[Capabilities] = Teams.capabilities

    def __init__(self, teams: Teams, audience: Audience) -> None:
        self._teams = teams
        self._audience = audience

    async def apply(self, change: OutboundChange) -> Applied:
        return await self._teams.tell(change, self._audience)

    def close(self) -> None:
        """Teams is somebody else's to close."""


def _outside(what: str, tenant: str) -> ChangeRefused:
    hint = f"A hub writes to tenants that are let in: ai-crm teams allow {tenant} --workspace NAME"
    return ChangeRefused(what, where="Teams", hint=hint)
