"""How the timetable is put together: whose rules come by the clock, where each project is, and how its own are read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ai_crm.model.item import PlatformName
from ai_crm.platforms.github import Access
from ai_crm.ports.receiver import Connections
from ai_crm.ports.schedules import Place
from ai_crm.rules.rule import Policy
from ai_crm.store.schedules import SqlSchedules


class HubGrounds:
    """Implements flow.timetable.Grounds.

    `shared` are a workspace's rules, `own` those of a project over a connection, `folders` the workspaces with rules.
    """

    def __init__(
        self,
        schedules: SqlSchedules,
        connections: Connections,
        shared: Callable[[str], Policy],
        own: Callable[[str, str], Awaitable[Policy | None]],
        folders: Callable[[], tuple[str, ...]],
    ) -> None:
        self._schedules = schedules
        self._connections = connections
        self._shared = shared
        self._own = own
        self._folders = folders

    async def workspaces(self) -> tuple[str, ...]:
        connected = [each.workspace for each in await self._connections.all()]
        return tuple(dict.fromkeys((*connected, *self._folders())))

    def shared(self, workspace: str) -> Policy:
        return self._shared(workspace)

    async def places(self, workspace: str) -> tuple[Place, ...]:
        connections = await self._connections.of(workspace)
        github = tuple(each.id for each in connections if each.platform is PlatformName.GITHUB)
        return await self._schedules.places(workspace, github)

    async def own(self, place: Place) -> Policy | None:
        return await self._own(place.connection, place.project)

    async def url(self, place: Place) -> str:
        found = await self._connections.find(place.connection)
        given = {} if found is None else found.settings
        access = Access(api_url=given["api_url"]) if "api_url" in given else Access()
        return f"{access.site}/{place.project}"
