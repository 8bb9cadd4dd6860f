"""What platforms can do that only take what we tell them: one kind of change, and why each other kind is absent."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ai_crm.model.change import (
    AddLabels,
    Assign,
    Change,
    Comment,
    CreateItem,
    RemoveLabels,
    RequestReview,
)
from ai_crm.ports import Capabilities

_OF_ITEMS: tuple[type[Change], ...] = (Comment, AddLabels, RemoveLabels, Assign, RequestReview, CreateItem)


def outward(takes: type[Change], absent: Mapping[type[Change], str], *, no_items: str, text_limit: int) -> Capabilities:
    """The capabilities of a platform that takes one kind of change and tells us nothing.

    `no_items` is the reason for everything that is done to items; `absent` gives those for the other kinds.
    """
    return Capabilities(
        changes=(takes,),
        absent=MappingProxyType({**dict.fromkeys(_OF_ITEMS, no_items), **absent}),
        ignored_events=MappingProxyType({}),
        signature="none: nothing comes in this way",
        text_limit=text_limit,
    )
