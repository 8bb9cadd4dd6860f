"""What the hub needs from a queue: deliveries that wait to be decided, changes that wait to be carried out.

Everything that was accepted is stored before `accept` returns. Whoever takes a row holds it by a lease; a write under a
lease that somebody else has taken over raises LeaseLost and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from ai_crm.model.change import Applied, OutboundChange
from ai_crm.model.decision import Decision
from ai_crm.model.delivery import Delivery, Lease, Setback
from ai_crm.model.item import PlatformName


class Accepted(Struct, frozen=True):
    """`id` is the event's; `duplicate` says that the same delivery, or the same body, was accepted before."""

    id: str
    duplicate: bool


class HeldDelivery(Struct, frozen=True, kw_only=True):
    """`attempts` counts this one: 1 when nobody tried before. `revived_at` is when a person sent it on after it was given up."""

    delivery: Delivery
    lease: Lease
    attempts: int
    revived_at: datetime | None = None

    @property
    def since(self) -> datetime:
        """From when its age is counted."""
        return self.revived_at or self.delivery.received_at


class HeldChange(Struct, frozen=True, kw_only=True):
    """A change with everything in it that is known by now. `connection` is empty when the workspace has none for it.

    `planned_at` is when it was decided, and `event` because of what; `revived_at` as above.
    `attempts` counts this one, and none that passed it on. More than one means that an earlier attempt may have been carried
    out without anybody having heard of it: its lease ran out, which takes longer than any call of ours may.
    """

    change: OutboundChange
    connection: str
    lease: Lease
    attempts: int
    planned_at: datetime
    revived_at: datetime | None = None
    event: str = ""

    @property
    def since(self) -> datetime:
        """From when its age is counted."""
        return self.revived_at or self.planned_at


class Backlog(Struct, frozen=True, kw_only=True):
    """How much of a queue waits or is in somebody's hands, and when the oldest of it came in; None where nothing does."""

    queue: str
    count: int
    oldest: datetime | None


class Pace(Struct, frozen=True, kw_only=True):
    """How fast one platform may be written to: `amount` changes each `seconds`, and as many at once.

    It holds for a whole connection, or for each target of it where `per_target` is true (a chat channel).
    """

    name: str
    amount: int
    seconds: float
    per_target: bool = False


Paces = Mapping[PlatformName, tuple[Pace, ...]]


class Inbox(Protocol):
    """Deliveries from their acceptance to their decision."""

    async def accept(self, delivery: Delivery) -> Accepted:
        """Stores the delivery once. Raises StoreUnavailable, and then nothing was stored or a repetition is a duplicate."""
        ...

    async def take(self, holder: str, now: datetime, most: int) -> tuple[HeldDelivery, ...]:
        """At most so many that are due, oldest first within a lane and every connection in its turn.

        None whose lane has an older one that is held by somebody else or waits for its time.
        """
        ...

    async def decide(self, lease: Lease, decisions: tuple[Decision, ...], now: datetime) -> None:
        """Tasks, decisions, outbox, audit and the end of the delivery in one transaction. No decision: it is ignored.

        Raises LeaseLost, VersionClash, StoreUnavailable.
        """
        ...

    async def postpone(self, lease: Lease, setback: Setback, until: datetime) -> None: ...

    async def bury(self, lease: Lease, setback: Setback, now: datetime) -> None:
        """Gives it up: a dead letter, which a person can send on."""
        ...


class Outbox(Protocol):
    """Changes from their decision to what became of them."""

    async def take(self, holder: str, now: datetime, most: int) -> tuple[HeldChange, ...]:
        """At most so many that are due, in order within an item, each within the pace of its connection.

        What the pace does not allow yet waits in the store, for as long as it takes.
        """
        ...

    async def settle(self, lease: Lease, change: OutboundChange, applied: Applied, now: datetime) -> None:
        """Remembers what became of it: task addresses, the card, history, audit."""
        ...

    async def postpone(self, lease: Lease, setback: Setback, until: datetime) -> None: ...

    async def pass_on(self, lease: Lease, connection: str) -> None:
        """Nothing was done: it goes through another connection, in that one's turn and pace. Raises LeaseLost."""
        ...

    async def hold_back(self, workspace: str, connection: str, until: datetime) -> None:
        """Nothing more is taken for this connection until then: the platform said so."""
        ...

    async def bury(self, lease: Lease, setback: Setback, now: datetime) -> None: ...
