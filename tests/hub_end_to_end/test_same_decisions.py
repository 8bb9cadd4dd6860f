"""The Action and the hub decide the same: for every recorded event and every example of rules, to the byte."""

# ruff: noqa: ARG002 - a platform that has nothing to add is asked more than it looks at

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.event import listen
from starlette.types import ASGIApp

from ai_crm.analysis import offline_analyst
from ai_crm.config.agents import load_agents
from ai_crm.config.policy import load_policy
from ai_crm.errors import DeliveryRejected, ItemMissing
from ai_crm.flow.consider import consider
from ai_crm.flow.decide import decide
from ai_crm.flow.deliver import deliver
from ai_crm.flow.event_file import event_file_delivery
from ai_crm.flow.work import Desk, Source, decide_delivery
from ai_crm.hub.action_routes import ActionApi, action_routes
from ai_crm.model.access import Principal, Role
from ai_crm.model.change import Applied, OutboundChange, Outcome
from ai_crm.model.delivery import Delivery, event_id
from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemRef, Needs, PlatformName
from ai_crm.platforms.github import GitHub
from ai_crm.platforms.github.decode import decode
from ai_crm.platforms.github.receive import GitHubReceiver
from ai_crm.ports import Capabilities, RawRequest, RulesText
from ai_crm.ports.queue import HeldChange
from ai_crm.rules.merge import merged
from ai_crm.rules.rule import Defaults, Policy
from ai_crm.store import tables
from ai_crm.store.database import engine_for
from ai_crm.store.dispatch import SqlOutbox
from ai_crm.store.inbox import SqlInbox
from ai_crm.store.members import SqlMembers
from ai_crm.store.remote import RemoteStore, Reply
from ai_crm.store.shared import SqlShared
from ai_crm.store.sql import SqlStore
from ai_crm.store.transactions import Grouped
from tests.doubles.hub_parts import Hub, MemoryKeys, bearer, call

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "templates" / "examples").glob("*.yml"))


def in_the_action(name: str, body: bytes) -> tuple[Event, ...]:
    return decode(event_file_delivery(name, body))


def in_the_hub(name: str, body: bytes) -> tuple[Event, ...]:
    """What the worker reads of what the receiver kept: see flow/work.py."""
    headers = {"x-github-event": name, "x-github-delivery": "8f2f0c70-0000-11ef-8d2d-0242ac120002"}
    envelope = GitHubReceiver().envelope(RawRequest(headers=headers, body=body))
    return decode(
        RawRequest(headers={**envelope.headers, "x-ai-crm-event-id": event_id(envelope.name, body)}, body=body)
    )


def recorded(packages: Path) -> Iterator[tuple[str, bytes]]:
    """All 329 examples of @octokit/webhooks-examples."""
    index = packages / "@octokit" / "webhooks-examples" / "api.github.com" / "index.json"
    for entry in msgspec.json.decode(index.read_bytes()):
        for example in entry["examples"]:
            yield entry["name"], msgspec.json.encode(example)


@pytest.mark.node
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_recorded_event_is_decided_to_the_same_bytes(example: Path, node_modules: Path) -> None:
    own = load_policy(example.read_bytes(), ".github/ai-crm.yml", Defaults())
    shared = merged(load_policy(example.read_bytes(), ".github/ai-crm.yml", Defaults()), (), load_agents())
    compared = 0
    for name, body in recorded(node_modules):
        try:
            here, there = in_the_action(name, body), in_the_hub(name, body)
        except DeliveryRejected:
            continue
        assert here == there
        for ours, theirs in zip(here, there, strict=True):
            action = decide(ours, ours.item, (), own, offline_analyst(), NOON).to_json()
            hub = decide(theirs, theirs.item, (), shared, offline_analyst(), NOON).to_json()
            assert action == hub
            compared += 1
    assert compared > 150


class Silent:
    """A GitHub that has nothing to add to what an event says: what rules look up besides is empty."""

    name: ClassVar[PlatformName] = PlatformName.GITHUB
    capabilities: ClassVar[Capabilities] = GitHub.capabilities

    def verify(self, request: RawRequest) -> None:
        """Nothing is verified here."""

    def decode(self, request: RawRequest) -> tuple[Event, ...]:
        return decode(request)

    async def fetch(self, ref: ItemRef) -> Item:
        raise ItemMissing("nothing is fetched here", where=str(ref))

    async def complete(self, item: Item, needs: Needs) -> Item:
        return msgspec.structs.replace(item, files=(), author_teams=())

    async def untouched(self, project: str, since: datetime, limit: int) -> tuple[Item, ...]:
        return ()

    async def apply(self, change: OutboundChange) -> Applied:
        return Applied(key=change.key, outcome=Outcome.DONE, where="1", url="https://github.com/octo/hello/issues/1#1")

    def close(self) -> None:
        """There is nothing to let go of."""


class Reach:
    """Implements flow.work.Reach with one file of rules for all projects."""

    def __init__(self, example: bytes) -> None:
        self._rules = RulesText(path=".github/ai-crm.yml", text=example, origin="main")
        self._policy = merged(load_policy(example, ".github/ai-crm.yml", Defaults()), (), load_agents())

    async def rules(self, project: str) -> RulesText:
        return self._rules

    def decode(self, platform: PlatformName, request: RawRequest) -> tuple[Event, ...]:
        return decode(request)

    def policy(self, workspace: str, text: RulesText | None) -> Policy:
        return self._policy

    @asynccontextmanager
    async def source(self, connection: str, event: Event) -> AsyncIterator[Source]:
        yield Source(Silent(), self)

    @asynccontextmanager
    async def applier(self, held: HeldChange) -> AsyncIterator[Silent]:
        yield Silent()


class Here:
    """A line to a hub in this process: the store that asks is in a thread, the hub in the loop."""

    def __init__(self, app: ASGIApp, loop: asyncio.AbstractEventLoop) -> None:
        self._app = app
        self._loop = loop

    def request(self, method: str, path: str, body: bytes | None = None) -> Reply:
        asked = call(self._app, method, path, bearer("action"), body or b"")
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result(30)

    def close(self) -> None:
        """There is nothing to let go of."""


class AtNoon:
    def now(self) -> datetime:
        return NOON


class Sides:
    """One database: in the workspace `hub` the hub decides about what it received, in `action` the Action hands it in."""

    def __init__(self, folder: Path, example: bytes) -> None:
        engine = engine_for(f"sqlite:///{folder}/hub.db")
        listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))  # for speed
        self._transactions = Grouped(engine)
        self._example = example
        self._own = load_policy(example, ".github/ai-crm.yml", Defaults())
        self.inbox = SqlInbox(self._transactions)
        self._desk = Desk(
            inbox=self.inbox,
            outbox=SqlOutbox(self._transactions, {}),
            reach=Reach(example),
            store=lambda workspace: SqlStore(self._transactions, None, workspace, carrier="hub"),
            members=SqlMembers(self._transactions),
            analyst=offline_analyst(),
            clock=AtNoon(),
            chance=lambda: 0.5,
        )

    def close(self) -> None:
        self._transactions.close()

    def remote(self) -> RemoteStore:
        """The Action's store, as `wiring.hub` makes it, but for the network."""
        shared = ActionApi(
            store=lambda workspace: SqlShared(self._transactions, workspace), clock=AtNoon(), wake=lambda: None
        )
        app = Hub(api=action_routes(shared)).app
        app.state.keys = MemoryKeys({"action": Principal(name="action", workspace="action", role=Role.ACTION)})
        line = Here(app, asyncio.get_running_loop())
        return RemoteStore(line, asyncio.to_thread, lambda _: None, holder="run 1", cards=None)

    async def in_the_action(self, name: str, body: bytes, store: RemoteStore) -> None:
        github = Silent()
        for event in in_the_action(name, body):
            considered = await consider(event, github, store, self._own, offline_analyst(), NOON)
            await deliver(considered.decision, store, {PlatformName.GITHUB: github}, NOON)

    async def in_the_hub(self, name: str, body: bytes) -> None:
        request = RawRequest({"x-github-event": name, "x-github-delivery": "8f2f0c70"}, body)
        envelope = GitHubReceiver().envelope(request)
        delivery = Delivery(
            id=event_id(envelope.name, body),
            workspace="hub",
            connection="main",
            platform=PlatformName.GITHUB,
            name=envelope.name,
            vendor_id="",
            lane=envelope.lane,
            headers=envelope.headers,
            body=body,
            received_at=NOON,
        )
        await self.inbox.accept(delivery)
        for held in await self.inbox.take("worker", NOON + timedelta(hours=1), 1):
            await decide_delivery(held, self._desk)

    async def stored(self, workspace: str) -> dict[tuple[str, str], str]:
        """The bytes of every decision, by event and item."""
        table = tables.decision.c
        asked = select(table.event, table.item, table.payload).where(table.workspace == workspace)
        rows = await self._transactions.read(lambda connection: connection.execute(asked).all())
        return {(row.event, row.item): row.payload for row in rows}


@pytest.mark.node
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_hub_and_action_store_the_same_bytes_whichever_way_an_event_went(
    example: Path, node_modules: Path, tmp_path: Path
) -> None:
    sides = Sides(tmp_path, example.read_bytes())

    async def work() -> None:
        store = sides.remote()
        for name, body in recorded(node_modules):
            try:
                in_the_action(name, body)
            except DeliveryRejected:
                continue
            await sides.in_the_action(name, body, store)
            await sides.in_the_hub(name, body)
        hub, action = await sides.stored("hub"), await sides.stored("action")
        assert hub == action
        assert len(hub) > 150

    try:
        asyncio.run(work())
    finally:
        sides.close()
