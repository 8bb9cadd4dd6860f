"""What a delivery is: one inbound call as it was stored, and who is at work on it until when."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from ai_crm.model.item import PlatformName


class Delivery(Struct, frozen=True, kw_only=True):
    """An inbound call, genuine and not yet understood. `id` names the event that people ask about.

    `name` is the platform's word for the kind, `vendor_id` its id of this call, which its signature need not cover;
    `lane` is what must be handled in order (an item), and what has no item shares one with its project. `headers` are
    only those that decoding reads, in lower case; no signature and no credential is among them.
    """

    id: str
    workspace: str
    connection: str
    platform: PlatformName
    name: str
    vendor_id: str
    lane: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime

    @property
    def body_hash(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


def event_id(name: str, body: bytes, occasion: str = "") -> str:
    """The id of what a delivery tells: the same for the same name, bytes and occasion, whoever received them.

    `occasion` tells deliveries apart that say the same every time, as those of a schedule do. 32 hexadecimal digits.
    """
    return hashlib.sha256(f"{name}\x00{occasion}\x00".encode() + body).hexdigest()[:32]


class DeliveryState(StrEnum):
    QUEUED = "queued"  # stored, and nobody has decided about it
    WORKING = "working"  # a worker holds its lease
    DONE = "done"  # decided; what it wants carried out is in the outbox
    IGNORED = "ignored"  # nothing is made of its kind, and the platform's folder says why
    DEAD = "dead"  # given up, with a reason; a person can send it on


class ChangeState(StrEnum):
    PENDING = "pending"
    DONE = "done"
    DEAD = "dead"
    DROPPED = "dropped"  # the rules no longer want it


class Lease(Struct, frozen=True, kw_only=True):
    """Who may work on a row. `generation` grows with every lease, and a write of an older one is refused.

    `subject` is the id of a delivery or the key of a change.
    """

    workspace: str
    subject: str
    holder: str
    generation: int
    until: datetime


class Setback(Struct, frozen=True, kw_only=True):
    """Why an attempt came to nothing: `reason` is a word for counting, `detail` a sentence for people, never a secret."""

    reason: str
    detail: str
