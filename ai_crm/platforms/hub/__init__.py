"""The hub as a platform of its own: what it tells itself by the clock. Nothing is asked and nothing is written there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar, NoReturn

from ai_crm.errors import ItemMissing, SignatureInvalid, Unsupported
from ai_crm.model.change import (
    AddLabels,
    Assign,
    CallWebhook,
    Change,
    Comment,
    CreateItem,
    Notify,
    OutboundChange,
    RemoveLabels,
    RequestReview,
    ShowCard,
)
from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemRef, Needs, PlatformName
from ai_crm.platforms.hub.decode import decode
from ai_crm.ports import Capabilities, RawRequest

_NO_PLACE = "A report has no place of its own where people look: a rule tells them in a chat, or makes a task"
_ABSENT: Mapping[type[Change], str] = MappingProxyType(
    {
        **dict.fromkeys(
            (ShowCard, Comment, AddLabels, RemoveLabels, Assign, RequestReview, CreateItem),
            _NO_PLACE,
        ),
        Notify: "A message goes to its chat platform, not through the hub",
        CallWebhook: "A webhook goes to the address that its rule names, not through the hub",
    }
)


class OwnPlatform:
    """Implements ports.Platform and ports.RulesSource without asking anybody: reports belong to no project."""

    name: ClassVar[PlatformName] = PlatformName.HUB
    capabilities: ClassVar[Capabilities] = Capabilities(
        changes=(),
        absent=_ABSENT,
        ignored_events=MappingProxyType({}),
        signature="none: nothing comes in this way",
        text_limit=0,
    )

    def verify(self, request: RawRequest) -> NoReturn:  # noqa: ARG002 - whatever it is
        raise SignatureInvalid("nobody but the hub itself tells of its occasions")

    def decode(self, request: RawRequest) -> tuple[Event, ...]:
        return decode(request)

    async def fetch(self, ref: ItemRef) -> NoReturn:
        raise ItemMissing("a report is what it was when it was made", where=str(ref))

    async def complete(self, item: Item, needs: Needs) -> Item:  # noqa: ARG002 - there is nothing to look up
        return item

    async def untouched(self, project: str, since: datetime, limit: int) -> tuple[Item, ...]:  # noqa: ARG002
        return ()

    async def rules(self, project: str) -> None:  # noqa: ARG002 - its rules are the workspace's
        return None

    async def learned(self, project: str, path: str) -> None:  # noqa: ARG002 - a report has no history
        return None

    async def apply(self, change: OutboundChange) -> NoReturn:
        raise Unsupported(_ABSENT[type(change)], where=str(change.item))

    def close(self) -> None:
        """There is nothing to let go of."""
