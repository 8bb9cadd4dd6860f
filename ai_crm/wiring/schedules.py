"""How the timetable is put together: whose rules come by the clock, where each project is, and how its own are read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from ai_crm.flow.timetable import Timetable
from ai_crm.model.item import PlatformName
from ai_crm.platforms.github import Access
from ai_crm.ports import Clock, RulesText
from ai_crm.ports.receiver import Connections
from ai_crm.ports.records import Records
from ai_crm.ports.schedules import Place
from ai_crm.rules.rule import Policy
from ai_crm.store.schedules import SqlSchedules
from ai_crm.store.transactions import Transactions


class Rules(Protocol):
    """Where the hub finds rules."""

    def policy(self, workspace: str, text: RulesText | None) -> Policy: ...

    async def own_rules(self, connection: str, project: str) -> Policy | None: ...

    def workspaces(self) -> tuple[str, ...]:
        """Those that have rules of their own."""
        ...


def turns(
    transactions: Transactions, records: Records, connections: Connections, rules: Rules, clock: Clock, url: str
) -> Callable[[], Awaitable[int]]:
    """What takes the turns of rules that are due, and says how many. `url` is where people look at reports."""
    schedules = SqlSchedules(transactions)
    return Timetable(schedules, records, _Grounds(schedules, connections, rules), clock, url).tick


class _Grounds:
    """Implements flow.timetable.Grounds."""

    def __init__(self, schedules: SqlSchedules, connections: Connections, rules: Rules) -> None:
        self._schedules = schedules
        self._connections = connections
        self._rules = rules

    async def workspaces(self) -> tuple[str, ...]:
        connected = [each.workspace for each in await self._connections.all()]
        return tuple(dict.fromkeys((*connected, *self._rules.workspaces())))

    def shared(self, workspace: str) -> Policy:
        return self._rules.policy(workspace, None)

    async def places(self, workspace: str) -> tuple[Place, ...]:
        connections = await self._connections.of(workspace)
        github = tuple(each.id for each in connections if each.platform is PlatformName.GITHUB)
        return await self._schedules.places(workspace, github)

    async def own(self, place: Place) -> Policy | None:
        return await self._rules.own_rules(place.connection, place.project)

    async def url(self, place: Place) -> str:
        found = await self._connections.find(place.connection)
        given = {} if found is None else found.settings
        access = Access(api_url=given["api_url"]) if "api_url" in given else Access()
        return f"{access.site}/{place.project}"
