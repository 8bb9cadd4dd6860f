"""Which concrete platforms and stores there are, and how they are put together: the only importer of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from ai_crm.errors import Problem, SettingsInvalid
from ai_crm.model.event import Event
from ai_crm.model.item import PlatformName
from ai_crm.model.secret import Secret
from ai_crm.platforms.github import Access, GitHub, Setup
from ai_crm.platforms.github.decode import IGNORED
from ai_crm.platforms.github.decode import decode as decode_github
from ai_crm.platforms.printed import Printed
from ai_crm.platforms.unconnected import Unconnected
from ai_crm.ports import Applier, CardReader, Offload, RawRequest, Store
from ai_crm.store.card import CardStore
from ai_crm.store.memory import MemoryStore

__all__ = [
    "Access",
    "ChatAccess",
    "HubAccess",
    "Setup",
    "SystemClock",
    "WebhookAccess",
    "appliers",
    "decoder",
    "finish",
    "github",
    "hub",
    "inline",
    "store",
    "why_ignored",
]

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network  # cold start

T = TypeVar("T")

# Bytes. A hub answers with all tasks of an item, and each may hold a long text.
_LONGEST_ANSWER = 20_000_000


async def inline(work: Callable[[], T], /) -> T:
    """The Offload of a process without an event loop: there is nothing else to do meanwhile."""
    return work()


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine that never waits to its end, without an event loop: asyncio costs 43 ms of import.

    Everything that blocks goes through `inline` here, so the coroutine has nothing to wait for.
    """
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise RuntimeError("a coroutine waited although there is no event loop")


class SystemClock:
    """The real time. Implements ports.Clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ChatAccess(Struct, frozen=True, kw_only=True):
    """What the chat platforms ask for; one whose secrets are empty is not connected. `proxy` is for both.

    `teams_listens`: somebody hears it when a button in Teams is pressed.
    """

    slack_bot_token: Secret
    teams_app_id: str
    teams_app_password: Secret
    teams_tenant_id: str
    teams_service_url: str
    proxy: Secret
    teams_listens: bool = False
    teams_several: bool = False
    teams_certificate: Secret = Secret("")


class HubAccess(Struct, frozen=True):
    """Where a hub is, a key of one of its workspaces, and the way there."""

    url: str
    key: Secret
    proxy: Secret = Secret("")


class WebhookAccess(Struct, frozen=True, kw_only=True):
    """How webhooks are signed, and the networks that may be called although they are not public (`10.1.0.0/16`)."""

    signing_secret: Secret = Secret("")
    allowed: tuple[str, ...] = ()


def decoder(platform: PlatformName) -> Callable[[RawRequest], tuple[Event, ...]]:
    """How a platform's deliveries are read. Pure, so that it needs no connection. Raises KeyError for chat platforms."""
    return {PlatformName.GITHUB: decode_github}[platform]


def why_ignored(platform: PlatformName, event: str) -> str:
    """Why nothing is made of a platform's event, as a sentence without its subject; empty when something is."""
    return {PlatformName.GITHUB: IGNORED}[platform].get(event, "")


def github(access: Access, setup: Setup) -> GitHub:
    """GitHub for the length of one delivery, without an event loop."""
    return GitHub(access, inline, time.sleep, setup)


def store(database_url: Secret, workspace: str, cards: CardReader | None) -> Store:
    """Tasks in the database that the URL names, else in the item's own card, else nowhere but here and now."""
    if not database_url:
        return CardStore(cards) if cards else MemoryStore()
    from ai_crm.store.sql import SqlStore  # noqa: PLC0415 - cold start

    return SqlStore(database_url.reveal(), inline, workspace)


def hub_store(access: HubAccess, holder: str, cards: CardReader | None) -> Store:
    """Tasks in a hub. `holder` names whoever carries changes out, the same when it is run again."""
    from ai_crm.platforms.transport import Transport  # noqa: PLC0415 - cold start
    from ai_crm.store.remote import RemoteStore  # noqa: PLC0415 - cold start

    headers = {"authorization": f"Bearer {access.key.reveal()}", "content-type": "application/json"}
    line = Transport(access.url, headers=headers, limit=_LONGEST_ANSWER, proxy=access.proxy.reveal())
    return RemoteStore(line, inline, time.sleep, holder=holder, cards=cards)


def appliers(
    platform: GitHub | None, chat: ChatAccess, offload: Offload = inline, webhooks: WebhookAccess | None = None
) -> dict[PlatformName, Applier]:
    """Who carries out changes; `offload` is how they block. Without GitHub what it would get is printed; a chat without secrets says what it needs."""
    return {
        PlatformName.GITHUB: platform or Printed(),
        PlatformName.SLACK: _slack(chat, offload),
        PlatformName.TEAMS: _teams(chat, offload),
        PlatformName.WEBHOOK: _webhooks(webhooks or WebhookAccess(), offload),
    }


def _slack(chat: ChatAccess, offload: Offload) -> Applier:
    if not chat.slack_bot_token:
        return Unconnected(PlatformName.SLACK, "Give the step slack_bot_token")
    from ai_crm.platforms.slack import Slack  # noqa: PLC0415 - cold start

    return Slack(chat.slack_bot_token.reveal(), offload, proxy=chat.proxy.reveal())


def _teams(chat: ChatAccess, offload: Offload) -> Applier:
    if not chat.teams_app_id or not (chat.teams_app_password or chat.teams_certificate):
        return Unconnected(PlatformName.TEAMS, "Give the step teams_app_id, teams_app_password and teams_tenant_id")
    from ai_crm.platforms.teams import BotAccount, Teams  # noqa: PLC0415 - cold start

    account = BotAccount(
        app_id=chat.teams_app_id,
        password=chat.teams_app_password.reveal(),
        tenant=chat.teams_tenant_id,
        certificate=chat.teams_certificate.reveal(),
        several=chat.teams_several,
        listens=chat.teams_listens,
    )
    return Teams(account, offload, service_url=chat.teams_service_url, proxy=chat.proxy.reveal())


def _webhooks(access: WebhookAccess, offload: Offload) -> Applier:
    from ai_crm.platforms.webhook import Webhooks  # noqa: PLC0415 - cold start

    return Webhooks(
        offload, SystemClock().now, signing_secret=access.signing_secret.reveal(), allowed=_networks(access.allowed)
    )


def _networks(written: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    if not written:
        return ()
    from ipaddress import ip_network  # noqa: PLC0415 - cold start

    try:
        return tuple(map(ip_network, written))
    except ValueError as error:
        what = "a network that webhooks may call must be written 10.1.0.0/16 or fd00::/8"
        raise SettingsInvalid((Problem("the webhooks' networks", 0, 0, what),)) from error
