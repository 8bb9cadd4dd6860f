"""What the core needs from the world: read this first. Fakes for tests implement these and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ClassVar, Protocol, TypeVar

from msgspec import Struct

from ai_crm.model.agent import Agent
from ai_crm.model.analysis import NO_SIGNALS, Analysis, Signals
from ai_crm.model.change import Applied, Change, ChangeKey, OutboundChange
from ai_crm.model.decision import Decision
from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemRef, Needs, PlatformName
from ai_crm.model.task import Task


class RawRequest(Struct, frozen=True):
    """One delivery as it came in: bytes and headers, before anyone read meaning into them.

    Header names are lower case. `path` is the part of the URL after the host, empty for an event file.
    """

    headers: Mapping[str, str]
    body: bytes
    path: str = ""


class Handshake(Struct, frozen=True):
    """A genuine request that only wants an answer, such as Slack's `url_verification`."""

    body: bytes
    content_type: str = "text/plain"


class Capabilities(Struct, frozen=True, kw_only=True):
    """What a platform can do. `absent` gives, for each kind of change it cannot make, the reason in one sentence."""

    changes: tuple[type[Change], ...]
    absent: Mapping[type[Change], str]
    ignored_events: Mapping[str, str]
    signature: str
    text_limit: int


class Applier(Protocol):
    """Carries out changes on one platform."""

    @property
    def name(self) -> PlatformName: ...

    capabilities: ClassVar[Capabilities]

    async def apply(self, change: OutboundChange) -> Applied:
        """Carries out one change. Twice with the same key equals once, or the platform's README says why not.

        Raises UpstreamError. Never called with a change that `capabilities` does not list.
        """
        ...

    def close(self) -> None:
        """Lets go of connections. Nothing is asked afterwards."""
        ...


class Platform(Applier, Protocol):
    """Everything that one platform can be asked for."""

    def verify(self, request: RawRequest) -> Handshake | None:
        """None when the request is genuine. Pure and in constant time. Raises SignatureInvalid, fails closed."""
        ...

    def decode(self, request: RawRequest) -> tuple[Event, ...]:
        """What happened; () for the kinds that `capabilities.ignored_events` names. Pure.

        Raises PayloadInvalid for what is not the platform's form, EventUnknown for a kind that nobody here knows.
        """
        ...

    async def fetch(self, ref: ItemRef) -> Item:
        """The item as it is now. Raises ItemMissing."""
        ...

    async def complete(self, item: Item, needs: Needs) -> Item:
        """The same item with what `needs` names looked up, and nothing else: every call counts against a limit."""
        ...

    async def untouched(self, project: str, since: datetime, limit: int) -> tuple[Item, ...]:
        """Open items that nobody touched since then, the oldest first, at most `limit`."""
        ...


class RulesText(Struct, frozen=True):
    """A file as found. `path` is what people call it, `origin` says where it was read (`default branch main`)."""

    path: str
    text: bytes
    origin: str


class RulesSource(Protocol):
    async def rules(self, project: str) -> RulesText | None:
        """The project's rules file; None where there is none.

        Missing, broken and unreachable are three states: raises UpstreamError when it cannot be told which.
        """
        ...

    async def learned(self, project: str, path: str) -> RulesText | None:
        """What the project's own history taught the analysis, from the same place and in the same three states.

        Asked only where the project's rules name it, and after them. Raises RulesInvalid for what is no plain file.
        """
        ...


class Analyst(Protocol):
    """Reads a text the way a project manager would. Pure and deterministic: same text, same bytes."""

    def analyse(
        self,
        title: str,
        body: str,
        labels: tuple[str, ...],
        agents: tuple[Agent, ...],
        signals: Signals = NO_SIGNALS,
    ) -> Analysis: ...


class Commit(Struct, frozen=True, kw_only=True):
    """What a store made of a decision: the tasks of the item as they are now, and what remains to be carried out.

    `claim` is the change that must succeed before anything else may be carried out: for a store that keeps its tasks
    in the card itself, showing the card is what stores them. None when they are stored already.
    """

    claim: ChangeKey | None = None
    tasks: tuple[Task, ...]
    created: tuple[Task, ...]
    updated: tuple[Task, ...]
    outbox: tuple[OutboundChange, ...]


class Store(Protocol):
    """Keeps tasks. One task per (rule, item) for ever.

    `remembers` says whether it knows of every change whether it was carried out; where it does not, an event that
    comes again is compared with the item as it is now.
    """

    remembers: ClassVar[bool]

    async def tasks_of(self, item: ItemRef) -> tuple[Task, ...]:
        """The item's tasks, oldest first; () when it has none."""
        ...

    async def commit(self, decision: Decision, at: datetime) -> Commit:
        """Stores tasks, decision and outbox together or not at all.

        A task that exists already for the same (rule, item) is not created again; changes that were carried out
        before are not in the outbox. Raises StoreError.
        """
        ...

    async def refresh(self, change: OutboundChange) -> OutboundChange | None:
        """The change with what is known only now: tasks, their ids and addresses in texts, where the card is.

        Asked right before each change is carried out, in the order of the outbox. None when nothing is left to do:
        another run carried it out meanwhile, or the card says already what it shall remember. Raises StoreError.
        """
        ...

    async def settle(self, change: OutboundChange, applied: Applied) -> tuple[Task, ...]:
        """Remembers what became of a change; returns the item's tasks as they are now."""
        ...

    def close(self) -> None:
        """Lets go of connections. Nothing is asked afterwards."""
        ...


class FoundCard(Struct, frozen=True, kw_only=True):
    """A card that we left on a platform: its address, and what its hidden block remembers."""

    where: str
    url: str
    tasks: tuple[Task, ...]
    applied: tuple[ChangeKey, ...]


class CardReader(Protocol):
    """Finds the card of an item again; what a store without a database remembers is in there."""

    async def read_card(self, item: ItemRef) -> FoundCard | None:
        """The card that we ourselves left, never one that a stranger imitates; None where there is none."""
        ...


T = TypeVar("T")


class Offload(Protocol):
    """Runs blocking work: in a thread where an event loop must stay free, at once where there is none."""

    async def __call__(self, work: Callable[[], T], /) -> T: ...


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, in UTC."""
        ...
