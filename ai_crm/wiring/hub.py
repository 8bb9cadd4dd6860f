"""How the hub's parts are put together: one database, one group of transactions, the platforms of every connection."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from sqlalchemy import Engine

from ai_crm.config.hub_settings import HubSettings
from ai_crm.errors import Problem, RulesInvalid, SettingsInvalid
from ai_crm.flow.commands.reply import CommandDesk, WayIn
from ai_crm.flow.comments import add_comment
from ai_crm.flow.notices import Listeners, Telling, TellingShared
from ai_crm.flow.rounds import Rounds
from ai_crm.flow.work import Desk
from ai_crm.model.agent import Agent
from ai_crm.model.item import PlatformName
from ai_crm.model.record import TaskComment
from ai_crm.model.status_name import StatusName
from ai_crm.platforms.github.credentials import parse_hooks
from ai_crm.platforms.github.receive import GitHubReceiver
from ai_crm.ports import Clock, Offload, Store
from ai_crm.ports.queue import Backlog, Inbox, Pace, Paces
from ai_crm.ports.receiver import Connections, Receiver
from ai_crm.ports.shared import SharedStore
from ai_crm.store.connections import SqlConnections
from ai_crm.store.database import engine_for
from ai_crm.store.dispatch import SqlOutbox
from ai_crm.store.idempotency import SqlAnswers
from ai_crm.store.inbox import SqlInbox
from ai_crm.store.keys import SqlKeys
from ai_crm.store.listener import Listener
from ai_crm.store.members import SqlMembers
from ai_crm.store.migrations import migrate
from ai_crm.store.pictures import Pictures
from ai_crm.store.promises import LEASE as PROMISE_LEASE
from ai_crm.store.promises import SqlPromises
from ai_crm.store.queue_rows import backlog
from ai_crm.store.records import SqlRecords
from ai_crm.store.retention import apply_retention
from ai_crm.store.sessions import SqlSessions
from ai_crm.store.shared import SqlShared
from ai_crm.store.sql import SqlStore
from ai_crm.store.transactions import Grouped
from ai_crm.store.vault import Vault, vault_key
from ai_crm.store.watches import SqlWatches
from ai_crm.wiring.analysis import analyst_with
from ai_crm.wiring.queue import Front, NewMover, front_of
from ai_crm.wiring.reach import HubReach
from ai_crm.wiring.schedules import turns
from ai_crm.wiring.way_in import links_of

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
    `digests` plans people's daily summaries, and `alerts` tells of connections that something is wrong with.
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
    watches: SqlWatches
    sessions: SqlSessions
    agents: Callable[[str], tuple[Agent, ...]]
    statuses: Callable[[str], tuple[StatusName, ...]]
    vault: Vault
    answers: SqlAnswers
    promises: SqlPromises
    inbox: Inbox
    redis: RedisInbox | None
    store: Callable[[str], Store]
    comment: Callable[[str, TaskComment], Awaitable[None]]
    shared: Callable[[str], SharedStore]
    desk: Desk
    holder: str
    sweep: Callable[[], Awaitable[int]]
    tidy: Callable[[], Awaitable[int]]
    turns: Callable[[], Awaitable[int]]
    digests: Callable[[], Awaitable[int]]
    alerts: Callable[[], Awaitable[int]]
    backlog: Callable[[], Awaitable[tuple[Backlog, ...]]]
    listener: Callable[[Callable[[], None], Callable[[str], None]], Listener | None]
    mover: NewMover
    close: Callable[[], None]


def database(settings: HubSettings) -> Engine:
    """The database with all its tables; the data folder is made where it is missing. Raises StoreError and SettingsInvalid."""
    try:
        os.makedirs(settings.data, mode=0o700, exist_ok=True)
    except OSError as error:
        what = f"the folder {settings.data} cannot be made: {error.strerror}"
        raise SettingsInvalid((Problem("AI_CRM_DATA", 0, 0, what, "name a folder to write in"),)) from error
    engine = engine_for(settings.database_url.reveal())
    migrate(engine)
    return engine


class _Base(Struct, frozen=True, kw_only=True):
    """What everything else stands on: one database, the ways into it, and the platforms."""

    engine: Engine
    transactions: Grouped
    threads: ThreadPoolExecutor
    offload: Offload
    vault: Vault
    connections: SqlConnections
    members: SqlMembers
    watches: SqlWatches
    inbox: SqlInbox
    front: Front | None
    records: SqlRecords
    reach: HubReach

    def agents(self, workspace: str) -> tuple[Agent, ...]:
        """Raises RulesInvalid."""
        return self.reach.policy(workspace, None).agents

    def statuses(self, workspace: str) -> tuple[StatusName, ...]:
        """The workspace's own names; none while its rules are broken, so that ours go on to work."""
        try:
            return self.reach.policy(workspace, None).statuses
        except RulesInvalid:
            return ()

    def store(self, workspace: str) -> Store:
        own = SqlStore(self.transactions, self.offload, workspace, carrier="hub")
        return Telling(own, self.listeners(workspace))

    def shared(self, workspace: str) -> SharedStore:
        return TellingShared(SqlShared(self.transactions, workspace), self.listeners(workspace))

    def listeners(self, workspace: str) -> Listeners:
        return Listeners(
            members=self.members,
            watches=self.watches,
            workspace=workspace,
            agents=lambda: self.known_agents(workspace),
        )

    async def comment(self, workspace: str, comment: TaskComment) -> None:
        await add_comment(comment, self.records, self.listeners(workspace))

    def known_agents(self, workspace: str) -> tuple[Agent, ...]:
        """None while the rules are broken: what somebody does all the same is not refused because of that."""
        try:
            return self.agents(workspace)
        except RulesInvalid:
            return ()

    def close(self) -> None:
        self.reach.close()
        self.threads.shutdown()
        self.transactions.close()
        self.engine.dispose()


def _base(settings: HubSettings, clock: Clock, calling: Calling) -> _Base:
    engine = database(settings)
    transactions = Grouped(engine)
    vault = Vault(vault_key(settings.secret_key, settings.key_file))
    connections = SqlConnections(transactions, vault, clock)
    threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="call")
    offload = _in(threads, calling)
    threads.submit(_learn_to_write)
    inbox = SqlInbox(transactions, settings.lease_seconds)
    front = front_of(settings.redis_url.reveal(), inbox)
    return _Base(
        engine=engine,
        transactions=transactions,
        threads=threads,
        offload=offload,
        vault=vault,
        connections=connections,
        members=SqlMembers(transactions),
        watches=SqlWatches(transactions),
        inbox=inbox,
        front=front,
        records=SqlRecords(transactions, front.inbox.waiting if front else None),
        reach=HubReach(settings, connections, offload),
    )


def _learn_to_write() -> None:
    """Loads what the first write to GitHub needs, beside the start: it takes as long as the rest of it together."""
    import ai_crm.platforms.github.client  # noqa: F401, PLC0415 - loaded is all that it shall be


def assemble(settings: HubSettings, clock: Clock, calling: Calling = nullcontext) -> Hub:
    """`calling` is entered for the time of each call to a platform.

    Raises SettingsInvalid and StoreError: nothing is begun that could not go on.
    """
    base = _base(settings, clock, calling)
    transactions, front, store = base.transactions, base.front, cache(base.store)
    sessions = SqlSessions(transactions)
    digests, alerts = _rounds(base, store, clock, settings)
    return Hub(
        settings=settings,
        clock=clock,
        connections=base.connections,
        keys=SqlKeys(transactions, clock),
        records=base.records,
        members=base.members,
        watches=base.watches,
        sessions=sessions,
        agents=base.agents,
        statuses=base.statuses,
        vault=base.vault,
        answers=SqlAnswers(transactions),
        promises=SqlPromises(transactions, min(PROMISE_LEASE, timedelta(seconds=settings.lease_seconds))),
        inbox=front.inbox if front else base.inbox,
        redis=front.inbox if front else None,
        store=store,
        comment=base.comment,
        shared=base.shared,
        desk=_desk(base, store, clock, settings),
        holder=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
        sweep=lambda: _sweep(base.reach, base.connections, base.inbox, clock),
        backlog=lambda: transactions.read(lambda database: backlog(database, clock.now())),
        tidy=lambda: _tidy(transactions, base.members, sessions, settings.keep, clock),
        digests=digests,
        alerts=alerts,
        turns=turns(transactions, base.records, base.connections, base.reach, clock, settings.base_url),
        listener=lambda heard, state: _listener(base.engine, heard, state),
        mover=front.mover if front else lambda _moved, _trouble: None,
        close=base.close,
    )


def _desk(base: _Base, store: Callable[[str], Store], clock: Clock, settings: HubSettings) -> Desk:
    return Desk(
        inbox=base.inbox,
        outbox=SqlOutbox(base.transactions, _paces(settings), settings.lease_seconds),
        reach=base.reach,
        store=store,
        members=base.members,
        watches=base.watches,
        analyst=analyst_with(settings.learned_analysis),
        clock=clock,
        chance=random.random,
    )


def _listener(engine: Engine, heard: Callable[[], None], state: Callable[[str], None]) -> Listener | None:
    """None where the database cannot tell of other processes' work."""
    return Listener(engine, heard, state) if engine.dialect.name == "postgresql" else None


def _rounds(
    base: _Base, store: Callable[[str], Store], clock: Clock, settings: HubSettings
) -> tuple[Callable[[], Awaitable[int]], Callable[[], Awaitable[int]]]:
    """What makes the round of all workspaces for their people's summaries, and the one for what is wrong."""
    rounds = Rounds(
        records=base.records, members=base.members, store=store, clock=clock, alerts=settings.slack_alerts_channel
    )

    async def each(of: Callable[[str], Awaitable[int]]) -> int:
        return sum([await of(workspace) for workspace in await base.members.workspaces()])

    return lambda: each(rounds.digests), lambda: each(rounds.health)


def command_desk(hub: Hub, wake: Callable[[], None], way_in: WayIn | None = None) -> CommandDesk:
    """What people's commands are carried out with. `wake` is called when there may be changes to carry out.

    `way_in` is what leads into the dashboard where that is not a link to the address that the settings say.
    """
    return CommandDesk(
        records=hub.records,
        members=hub.members,
        watches=hub.watches,
        store=hub.store,
        comment=hub.comment,
        analyst=hub.desk.analyst,
        agents=hub.agents,
        statuses=hub.statuses,
        clock=hub.clock,
        wake=wake,
        picture=Pictures(hub.vault, hub.settings.base_url, hub.clock).address,
        way_in=way_in or links_of(hub.sessions, hub.clock, hub.settings.base_url),
    )


def hooks_setting(written: tuple[str, ...]) -> str:
    """Webhooks of repositories as the setting `hooks` of a connection. Raises SettingsInvalid for what is none."""
    hooks = parse_hooks(" ".join(written))
    return " ".join(f"{hook.project}={hook.id}" for hook in hooks)


async def _sweep(reach: HubReach, connections: Connections, inbox: SqlInbox, clock: Clock) -> int:
    sweeps = [reach.sweep(each, inbox.knows, clock.now()) for each in await connections.all()]
    asked = await asyncio.gather(*sweeps, return_exceptions=True)
    for failed in (each for each in asked if isinstance(each, BaseException)):
        raise failed  # after every connection had its turn
    return sum(each for each in asked if isinstance(each, int))


async def _tidy(
    transactions: Grouped, members: SqlMembers, sessions: SqlSessions, keep: Mapping[str, int], clock: Clock
) -> int:
    workspaces = await members.workspaces()
    gone = [await apply_retention(transactions, workspace, keep, clock.now()) for workspace in workspaces]
    promises = SqlPromises(transactions)  # those of a bot that was switched off have nobody else who gives them up
    given_up = [await promises.give_up(platform, clock.now()) for platform in (PlatformName.SLACK, PlatformName.TEAMS)]
    return sum(sum(counts.values()) for counts in gone) + await sessions.forget(clock.now()) + sum(given_up)


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
