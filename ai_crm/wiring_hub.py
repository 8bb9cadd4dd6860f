"""How the hub's parts are put together: one database, one group of transactions, the platforms of every connection."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from sqlalchemy import Engine

from ai_crm import wiring
from ai_crm.analysis import offline_analyst
from ai_crm.config.agents import load_agents
from ai_crm.config.hub_rules import HubRules
from ai_crm.config.hub_settings import HubSettings
from ai_crm.config.policy import load_policy
from ai_crm.errors import CredentialsRefused
from ai_crm.flow.deliver import platform_of
from ai_crm.flow.notices import Listeners, Telling
from ai_crm.flow.reply import CommandDesk
from ai_crm.flow.rounds import Rounds
from ai_crm.flow.sweep import sweep
from ai_crm.flow.work import Desk, Source
from ai_crm.model.agent import Agent
from ai_crm.model.event import Event
from ai_crm.model.item import PlatformName
from ai_crm.platforms.github import Access
from ai_crm.platforms.github.account import GitHubAccount
from ai_crm.platforms.github.credentials import AppCredentials, TokenCredentials, parse_hooks
from ai_crm.platforms.github.receive import GitHubReceiver
from ai_crm.platforms.hub import OwnPlatform
from ai_crm.platforms.hub.decode import decode as decode_own
from ai_crm.ports import Applier, Clock, Offload, RawRequest, RulesText, Store
from ai_crm.ports.queue import Backlog, HeldChange, Inbox, Pace, Paces
from ai_crm.ports.receiver import Connection, Connections, Receiver
from ai_crm.ports.shared import SharedStore
from ai_crm.rules.merge import merged
from ai_crm.rules.rule import Defaults, Policy
from ai_crm.store.connections import SqlConnections
from ai_crm.store.database import engine_for
from ai_crm.store.dispatch import SqlOutbox
from ai_crm.store.idempotency import SqlAnswers
from ai_crm.store.inbox import SqlInbox
from ai_crm.store.keys import SqlKeys
from ai_crm.store.listener import Listener
from ai_crm.store.members import SqlMembers
from ai_crm.store.migrations import migrate
from ai_crm.store.queue_rows import backlog
from ai_crm.store.records import SqlRecords
from ai_crm.store.retention import apply_retention
from ai_crm.store.shared import SqlShared
from ai_crm.store.sql import SqlStore
from ai_crm.store.transactions import Grouped
from ai_crm.store.vault import Vault, vault_key
from ai_crm.wiring_chat import Chats
from ai_crm.wiring_queue import NewMover, front_of
from ai_crm.wiring_schedules import turns

if TYPE_CHECKING:
    from ai_crm.store.redis_inbox import RedisInbox

T = TypeVar("T")
Calling = Callable[[], AbstractContextManager[None]]

RECEIVERS: Mapping[PlatformName, Receiver] = MappingProxyType({PlatformName.GITHUB: GitHubReceiver()})

# Calls that block at the same time; each is mostly waiting for somebody else's answer.
_THREADS = 16


class Hub(Struct, frozen=True, kw_only=True):
    """The parts as the front ends use them. `holder` names this process in leases.

    `sweep` asks the platforms for deliveries that never arrived, `tidy` removes what is old, `turns` takes the turns of
    rules that come by the clock; each says how many.
    `backlog` tells what waits in the queues.
    `listener` hears of other processes' work and says how that goes; None where the database cannot tell. `redis` stands
    in front of the database where there is one, and `mover` brings in what it has; both as `listener` says.
    """

    settings: HubSettings
    clock: Clock
    connections: SqlConnections
    keys: SqlKeys
    records: SqlRecords
    members: SqlMembers
    agents: Callable[[str], tuple[Agent, ...]]
    vault: Vault
    answers: SqlAnswers
    inbox: Inbox
    redis: RedisInbox | None
    store: Callable[[str], Store]
    shared: Callable[[str], SharedStore]
    desk: Desk
    holder: str
    sweep: Callable[[], Awaitable[int]]
    tidy: Callable[[], Awaitable[int]]
    turns: Callable[[], Awaitable[int]]
    rounds: Callable[[], Awaitable[int]]
    backlog: Callable[[], Awaitable[tuple[Backlog, ...]]]
    listener: Callable[[Callable[[], None], Callable[[str], None]], Listener | None]
    mover: NewMover
    close: Callable[[], None]


def database(settings: HubSettings) -> Engine:
    """The database with all its tables; the data folder is made where it is missing. Raises StoreError."""
    os.makedirs(settings.data, mode=0o700, exist_ok=True)
    engine = engine_for(settings.database_url.reveal())
    migrate(engine)
    return engine


def assemble(settings: HubSettings, clock: Clock, calling: Calling = nullcontext) -> Hub:
    """`calling` is entered for the time of each call to a platform.

    Raises SettingsInvalid and StoreError: nothing is begun that could not go on.
    """
    engine = database(settings)
    transactions = Grouped(engine)
    vault = Vault(vault_key(settings.secret_key, settings.key_file))
    connections = SqlConnections(transactions, vault, clock)
    threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="call")
    offload = _in(threads, calling)
    members = SqlMembers(transactions)
    inbox = SqlInbox(transactions, settings.lease_seconds)
    outbox = SqlOutbox(transactions, _paces(settings), settings.lease_seconds)
    front = front_of(settings.redis_url.reveal(), inbox)
    reach = _Reach(settings, connections, offload)
    records = SqlRecords(transactions, front.inbox.waiting if front else None)

    def agents(workspace: str) -> tuple[Agent, ...]:
        return reach.policy(workspace, None).agents

    def told(workspace: str) -> Listeners:
        return Listeners(members=members, workspace=workspace, agents=lambda: agents(workspace))

    store = cache(lambda workspace: Telling(SqlStore(transactions, offload, workspace, carrier="hub"), told(workspace)))
    rounds = Rounds(records=records, members=members, store=store, clock=clock, alerts=settings.slack_alerts_channel)

    def close() -> None:
        reach.close()
        threads.shutdown()
        transactions.close()
        engine.dispose()

    return Hub(
        settings=settings,
        clock=clock,
        connections=connections,
        keys=SqlKeys(transactions, clock),
        records=records,
        members=members,
        agents=agents,
        vault=vault,
        answers=SqlAnswers(transactions),
        inbox=front.inbox if front else inbox,
        redis=front.inbox if front else None,
        store=store,
        shared=lambda workspace: SqlShared(transactions, workspace),
        desk=Desk(
            inbox=inbox,
            outbox=outbox,
            reach=reach,
            store=store,
            members=members,
            analyst=offline_analyst(),
            clock=clock,
            chance=random.random,
        ),
        holder=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
        sweep=lambda: _sweep(reach, connections, inbox, clock),
        backlog=lambda: transactions.read(backlog),
        tidy=lambda: _tidy(transactions, members, settings.keep, clock),
        rounds=lambda: _rounds(rounds, members),
        turns=turns(transactions, records, connections, reach, clock, settings.base_url),
        listener=lambda heard, state: Listener(engine, heard, state) if engine.dialect.name == "postgresql" else None,
        mover=front.mover if front else lambda _moved, _trouble: None,
        close=close,
    )


def command_desk(hub: Hub, wake: Callable[[], None]) -> CommandDesk:
    """What people's commands are carried out with. `wake` is called when there may be changes to carry out."""
    return CommandDesk(
        records=hub.records,
        members=hub.members,
        store=hub.store,
        analyst=hub.desk.analyst,
        agents=hub.agents,
        clock=hub.clock,
        wake=wake,
    )


def hooks_setting(written: tuple[str, ...]) -> str:
    """Webhooks of repositories as the setting `hooks` of a connection. Raises SettingsInvalid for what is none."""
    hooks = parse_hooks(" ".join(written))
    return " ".join(f"{hook.project}={hook.id}" for hook in hooks)


async def _sweep(reach: _Reach, connections: Connections, inbox: SqlInbox, clock: Clock) -> int:
    sweeps = [reach.sweep(each, inbox.knows, clock.now()) for each in await connections.all()]
    asked = await asyncio.gather(*sweeps, return_exceptions=True)
    for failed in (each for each in asked if isinstance(each, BaseException)):
        raise failed  # after every connection had its turn
    return sum(each for each in asked if isinstance(each, int))


async def _rounds(rounds: Rounds, members: SqlMembers) -> int:
    return sum([await rounds.digests(each) + await rounds.health(each) for each in await members.workspaces()])


async def _tidy(transactions: Grouped, members: SqlMembers, keep: Mapping[str, int], clock: Clock) -> int:
    workspaces = await members.workspaces()
    gone = [await apply_retention(transactions, workspace, keep, clock.now()) for workspace in workspaces]
    return sum(sum(counts.values()) for counts in gone)


def _paces(settings: HubSettings) -> Paces:
    """Slack takes one message a second in a channel, Teams 1,800 operations an hour in a thread.

    What a webhook takes nobody knows: five at once and one a second hurt no host.
    """
    return {
        PlatformName.GITHUB: (
            Pace(name="minute", amount=settings.github_per_minute, seconds=60.0),
            Pace(name="hour", amount=settings.github_per_hour, seconds=3600.0),
        ),
        PlatformName.SLACK: (Pace(name="channel", amount=1, seconds=1.0, per_target=True),),
        PlatformName.TEAMS: (Pace(name="thread", amount=1, seconds=2.0, per_target=True),),
        PlatformName.WEBHOOK: (Pace(name="host", amount=5, seconds=5.0, per_target=True),),
    }


def _in(threads: ThreadPoolExecutor, calling: Calling) -> Offload:
    async def offload(work: Callable[[], T], /) -> T:
        with calling():
            return await asyncio.get_running_loop().run_in_executor(threads, work)

    return offload


class _Reach:
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
        if not connection.active:
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
        api_url=api_url, graphql_url=given.get("graphql_url", f"{api_url}/graphql"), proxy=settings.proxy.reveal()
    )
    return GitHubAccount(credentials, offload, time.sleep, time.time, where)
