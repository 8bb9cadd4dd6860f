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
from ai_crm.flow.consider import Analysts, consider
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
from ai_crm.store.watches import SqlWatches
from tests.doubles.hub_parts import Hub, MemoryKeys, bearer, call
from tests.doubles.taught import taught_file

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "templates" / "examples").glob("*.yml"))
PATH = ".github/ai-crm-analysis.json"


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
    """Implements flow.work.Reach with one file of rules for all projects, and what a history taught."""

    def __init__(self, example: bytes, learned: bytes | None) -> None:
        self._learned = learned
        self._rules = RulesText(path=".github/ai-crm.yml", text=example, origin="main")
        self._policy = merged(load_policy(example, ".github/ai-crm.yml", Defaults()), (), load_agents())

    async def rules(self, project: str) -> RulesText:
        return self._rules

    async def learned(self, project: str, path: str) -> RulesText | None:
        assert path == PATH
        return None if self._learned is None else RulesText(path=path, text=self._learned, origin="main")

    def decode(self, platform: PlatformName, request: RawRequest) -> tuple[Event, ...]:
        return decode(request)

    def policy(self, workspace: str, text: RulesText | None) -> Policy:
        return self._policy

    @asynccontextmanager
    async def source(self, connection: str, event: Event) -> AsyncIterator[Source]:
        yield Source(Silent(), self)

    async def connection(self, held: HeldChange) -> str:
        return held.connection

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

    def __init__(self, folder: Path, example: bytes, learned: bytes | None = None) -> None:
        engine = engine_for(f"sqlite:///{folder}/hub.db")
        listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))  # for speed
        self._transactions = Grouped(engine)
        self._example = example
        self._own = load_policy(example, ".github/ai-crm.yml", Defaults())
        self._files = Reach(example, learned)
        self.inbox = SqlInbox(self._transactions)
        self._desk = Desk(
            inbox=self.inbox,
            outbox=SqlOutbox(self._transactions, {}),
            reach=self._files,
            store=lambda workspace: SqlStore(self._transactions, None, workspace, carrier="hub"),
            members=SqlMembers(self._transactions),
            watches=SqlWatches(self._transactions),
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
            analysts = Analysts(offline_analyst(), self._files)
            considered = await consider(event, github, store, self._own, analysts, NOON)
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
    stored = _stored_by_both(Sides(tmp_path, example.read_bytes()), node_modules)
    assert len(stored) > 150


@pytest.mark.node
@pytest.mark.parametrize(
    ("learned", "said"),
    [(taught_file(), '"analyst":"learned-1-40-'), (b"{}", "it is no learned analysis"), (None, "no such file")],
    ids=["learned", "broken", "missing"],
)
def test_what_a_history_taught_is_used_or_said_by_both_to_the_same_bytes(
    learned: bytes | None, said: str, node_modules: Path, tmp_path: Path
) -> None:
    example = (
        ROOT / "templates" / "examples" / "ai-crm.yml"
    ).read_bytes() + f"\nanalysis: {{learned: {PATH}}}\n".encode()
    stored = _stored_by_both(Sides(tmp_path, example, learned), node_modules)
    assert any(said in payload for payload in stored.values())


def _stored_by_both(sides: Sides, node_modules: Path) -> dict[tuple[str, str], str]:
    """The decisions about every recorded event, which are the same to the byte."""

    async def work() -> dict[tuple[str, str], str]:
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
        return hub

    try:
        return asyncio.run(work())
    finally:
        sides.close()
