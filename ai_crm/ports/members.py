"""Who the people of chat platforms are to a workspace, and what each wants to be told when."""

from __future__ import annotations

from datetime import time
from typing import Protocol

from msgspec import Struct

from ai_crm.commands.command import NoticeKind
from ai_crm.model.item import PlatformName
from ai_crm.model.space import spelled


class Preferences(Struct, frozen=True, kw_only=True):
    """`quiet` is from and to in the person's own time zone, None for never; the same for `digest_at`, None for no digest.

    What comes in the quiet hours waits until they are over.
    """

    off: tuple[NoticeKind, ...] = ()
    quiet: tuple[time, time] | None = None
    time_zone: str = "UTC"
    digest_at: time | None = None


class Member(Struct, frozen=True, kw_only=True):
    """`id` is the platform's own (`U012AB3CD`), `login` the one on GitHub that they said is theirs, or empty.

    `away`: they removed the app, so that nothing can be told to them. `space` is the Slack workspace or the Teams tenant
    that they are in, empty where nobody asked for it when this was written.
    """

    platform: PlatformName
    id: str
    name: str
    login: str = ""
    preferences: Preferences = Preferences()
    away: bool = False
    space: str = ""

    @property
    def address(self) -> str:
        """The target of what is told to them."""
        return spelled(self.space, self.id)


class Members(Protocol):
    """Raises StoreUnavailable."""

    async def find(self, workspace: str, platform: PlatformName, member: str) -> Member | None: ...

    async def keep(self, workspace: str, member: Member) -> None: ...

    async def of_logins(self, workspace: str, logins: tuple[str, ...]) -> tuple[Member, ...]:
        """Everybody who said that one of these logins is theirs, whatever the case of its letters."""
        ...

    async def with_digest(self, workspace: str) -> tuple[Member, ...]:
        """Everybody who wants a summary once a day."""
        ...
