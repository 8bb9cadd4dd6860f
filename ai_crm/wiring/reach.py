"""How the worker reaches the platforms: accounts kept for each connection, the rules that hold, who carries out what."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from ai_crm import wiring
from ai_crm.config.agents import load_agents
from ai_crm.config.hub_rules import HubRules
from ai_crm.config.hub_settings import HubSettings
from ai_crm.config.policy import load_policy
from ai_crm.errors import CredentialsRefused
from ai_crm.flow.deliver import platform_of
from ai_crm.flow.sweep import sweep
from ai_crm.flow.work import Source
from ai_crm.model.event import Event
from ai_crm.model.item import PlatformName
from ai_crm.platforms.github.access import Access, graphql_of
from ai_crm.platforms.github.account import GitHubAccount
from ai_crm.platforms.github.credentials import AppCredentials, TokenCredentials, parse_hooks
from ai_crm.platforms.hub import OwnPlatform
from ai_crm.platforms.hub.decode import decode as decode_own
from ai_crm.ports import Applier, Offload, RawRequest, RulesText
from ai_crm.ports.queue import HeldChange
from ai_crm.ports.receiver import Connection, Connections
from ai_crm.rules.merge import merged
from ai_crm.rules.rule import Defaults, Policy
from ai_crm.wiring.chat import Chats


class HubReach:
    """Implements flow.work.Reach with the platforms that there are."""

    def __init__(self, settings: HubSettings, connections: Connections, offload: Offload) -> None:
        self._connections = connections
        self._offload = offload
        self._settings = settings
        self._rules = HubRules(settings.rules_folder)
        self._catalogue = load_agents()
        self._policies: dict[bytes, Policy] = {}
        self._accounts: dict[str, tuple[Connection, GitHubAccount]] = {}
        self._chats = Chats(settings, connections, offload)

    def close(self) -> None:
        for _connection, account in self._accounts.values():
            account.close()
        self._chats.close()

    def decode(self, platform: PlatformName, request: RawRequest) -> tuple[Event, ...]:
        if platform is PlatformName.HUB:
            return decode_own(request)
        return wiring.decoder(platform)(request)

    def policy(self, workspace: str, text: RulesText | None) -> Policy:
        own = None if text is None else self._parsed(text)
        return merged(own, self._rules.of(workspace), self._catalogue)

    @asynccontextmanager
    async def source(self, connection: str, event: Event) -> AsyncIterator[Source]:
        if event.platform is PlatformName.HUB:
            own = OwnPlatform()
            yield Source(own, own)
            return
        account = await self._account(connection)
        github = account.open(event.project.name, default_branch=event.project.default_branch)
        try:
            yield Source(github, github)
        finally:
            github.close()

    async def connection(self, held: HeldChange) -> str:
        return await self._chats.connection(held)

    @asynccontextmanager
    async def applier(self, held: HeldChange) -> AsyncIterator[Applier]:
        if platform_of(held.change) is not PlatformName.GITHUB:
            yield await self._chats.applier(held)
            return
        account = await self._account(held.connection)
        github = account.open(held.change.item.project)
        try:
            yield github
        finally:
            github.close()

    async def own_rules(self, connection: str, project: str) -> Policy | None:
        """What the project's own file says; None where it has none."""
        github = (await self._account(connection)).open(project)
        try:
            text = await github.rules(project)
        finally:
            github.close()
        return None if text is None else self._parsed(text)

    def workspaces(self) -> tuple[str, ...]:
        """Those that have rules of their own."""
        return self._rules.workspaces()

    async def sweep(self, connection: Connection, knows: Callable[[str, str], Awaitable[bool]], now: datetime) -> int:
        """How many deliveries of one connection were asked for again."""
        if not connection.active or connection.platform is not PlatformName.GITHUB:
            return 0
        account = await self._account(connection.id)
        return await sweep(account, lambda guid: knows(connection.id, guid), now)

    async def _account(self, connection: str) -> GitHubAccount:
        """Kept as long as the connection stays what it was."""
        found = await self._connections.find(connection)
        if found is None:
            raise CredentialsRefused(
                f"there is no connection {connection!r} that is switched on",
                hint="`ai-crm connections list` shows them",
            )
        known = self._accounts.get(connection)
        if known is None or known[0] != found:
            self._accounts[connection] = (found, _github_account(found, self._offload, self._settings))
            if known is not None:
                known[1].close()  # conversations that are open go on to their end
        return self._accounts[connection][1]

    def _parsed(self, text: RulesText) -> Policy:
        """Parsing costs more than deciding, and a file changes rarely."""
        if text.text not in self._policies:
            if len(self._policies) > 256:
                self._policies.clear()
            self._policies[text.text] = load_policy(text.text, text.path, Defaults())
        return self._policies[text.text]


def _github_account(connection: Connection, offload: Offload, settings: HubSettings) -> GitHubAccount:
    given = connection.settings
    if "private_key" in connection.secrets:
        credentials: AppCredentials | TokenCredentials = AppCredentials(
            app_id=given["app_id"], private_key=connection.secrets["private_key"]
        )
    elif "token" in connection.secrets:
        credentials = TokenCredentials(token=connection.secrets["token"], hooks=parse_hooks(given.get("hooks", "")))
    else:
        raise CredentialsRefused(
            "this connection has neither a token nor the private key of an app, so nothing can be read or written",
            where=connection.id,
            hint="Remove it and add it again with one of them",
        )
    api_url = given.get("api_url", "https://api.github.com")
    where = Access(
        api_url=api_url, graphql_url=given.get("graphql_url", graphql_of(api_url)), proxy=settings.proxy.reveal()
    )
    return GitHubAccount(credentials, offload, time.sleep, time.time, where)
