"""Who is in a browser: how somebody is let in, known again, and let go."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from ai_crm.model.access import Principal
from ai_crm.model.item import PlatformName


class Visitor(Struct, frozen=True, kw_only=True):
    """Somebody in a browser: what they may, and who they are on the platform that vouches for them.

    `id` is the platform's own id of a member; `name` is what people call them.
    """

    principal: Principal
    platform: PlatformName
    id: str
    name: str


def of_key(principal: Principal) -> Visitor:
    """Who comes with an API key: the key, under its name."""
    return Visitor(principal=principal, platform=PlatformName.HUB, id=principal.name, name=principal.name)


class Sessions(Protocol):
    """Secrets are told once and kept as hashes. All raise StoreUnavailable."""

    async def invite(self, visitor: Visitor, now: datetime) -> str:
        """What lets its bearer in as this visitor, once and for a quarter of an hour."""
        ...

    async def invited(self, invitation: str, now: datetime) -> Visitor | None:
        """Whom an invitation lets in; None where it is good for nothing. Looking does not use it up."""
        ...

    async def accept(self, invitation: str, now: datetime) -> str | None:
        """The token of a session for an invitation that is good; it is good for nothing after that. None for any other."""
        ...

    async def begin(self, visitor: Visitor, now: datetime) -> str:
        """The token of a new session. It ends after twelve hours, or half an hour without a request."""
        ...

    async def find(self, token: str, now: datetime) -> Visitor | None:
        """Whose session it is; None for one that ended or never was. Being asked for is a sign of life."""
        ...

    async def end(self, token: str) -> None:
        """Nobody is known by this token any more."""
        ...

    async def end_all(self, visitor: Visitor) -> int:
        """Ends every session of a person, and says how many there were. Their invitations are good for nothing any more."""
        ...
