"""Shows instead of sending: the twin of a platform that is not connected, so that a run without a token still tells."""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar

from ai_crm.cards.sticky import sticky_body
from ai_crm.model.change import (
    AddLabels,
    Applied,
    Assign,
    Comment,
    CreateItem,
    OutboundChange,
    Outcome,
    RemoveLabels,
    RequestReview,
    ShowCard,
)
from ai_crm.model.item import PlatformName
from ai_crm.ports import Capabilities


class Printed:
    """Answers every change with the text that would have been sent. Implements ports.Applier for GitHub."""

    name: ClassVar[PlatformName] = PlatformName.GITHUB
    capabilities: ClassVar[Capabilities] = Capabilities(
        changes=(ShowCard, Comment, AddLabels, RemoveLabels, Assign, RequestReview, CreateItem),
        absent=MappingProxyType({}),
        ignored_events=MappingProxyType({}),
        signature="none: nothing comes in this way",
        text_limit=65_536,
    )

    async def apply(self, change: OutboundChange) -> Applied:
        return Applied(key=change.key, outcome=Outcome.SHOWN, detail=_body(change))

    def close(self) -> None:
        """There is nothing to let go of."""


def _body(change: OutboundChange) -> str:
    match change:
        case ShowCard():
            return sticky_body(change.item, change.tasks, change.applied)
        case Comment():
            return change.text.filled(None)
        case _:
            return ""
