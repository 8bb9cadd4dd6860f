"""People of chats who are known in memory alone."""

from __future__ import annotations

from ai_crm.model.item import PlatformName
from ai_crm.ports.members import Member


class People:
    """Implements ports.members.Members for one workspace, whatever it is called."""

    def __init__(self, *members: Member) -> None:
        self._members = {(each.platform, each.id): each for each in members}

    async def find(self, _workspace: str, platform: PlatformName, member: str) -> Member | None:
        return self._members.get((platform, member))

    async def keep(self, _workspace: str, member: Member) -> None:
        self._members[member.platform, member.id] = member

    async def of_logins(self, _workspace: str, logins: tuple[str, ...]) -> tuple[Member, ...]:
        wanted = {login.lower() for login in logins}
        return tuple(each for each in self._members.values() if each.login and each.login.lower() in wanted)

    async def with_digest(self, _workspace: str) -> tuple[Member, ...]:
        return tuple(each for each in self._members.values() if each.preferences.digest_at is not None)
