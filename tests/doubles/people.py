"""People of chats who are known in memory alone, and what they watch."""

from __future__ import annotations

from ai_crm.model.item import PlatformName
from ai_crm.model.task import TaskId
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


class Watching:
    """Implements ports.watches.Watches for one workspace, whatever it is called, and for tasks that may not exist."""

    def __init__(self, *watches: tuple[str, Member]) -> None:
        self._watches = {(TaskId(task), member.platform, member.id): member for task, member in watches}

    async def watch(self, _workspace: str, task: TaskId, member: Member) -> bool:
        new = (task, member.platform, member.id) not in self._watches
        self._watches[task, member.platform, member.id] = member
        return new

    async def unwatch(self, _workspace: str, task: TaskId, member: Member) -> bool:
        return self._watches.pop((task, member.platform, member.id), None) is not None

    async def watched_by(self, _workspace: str, platform: PlatformName, member: str) -> tuple[TaskId, ...]:
        return tuple(task for task, *who in self._watches if who == [platform, member])

    async def watchers(self, _workspace: str, tasks: tuple[TaskId, ...]) -> tuple[tuple[TaskId, Member], ...]:
        return tuple((task, member) for (task, *_who), member in self._watches.items() if task in tasks)
