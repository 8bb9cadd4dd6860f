"""Which tenants' people are let in, and to which of our workspaces each of them belongs: one by one, nobody unasked."""

from __future__ import annotations

from ai_crm.cards.inert import one_line
from ai_crm.config.hub_settings import HubSettings
from ai_crm.errors import Problem, SettingsInvalid
from ai_crm.model.access import HOME
from ai_crm.model.item import PlatformName
from ai_crm.model.space import connection_in
from ai_crm.platforms.teams.login import is_app_id
from ai_crm.ports.receiver import Connection, Connections
from ai_crm.store.connections import SqlConnections


class Tenants:
    """`home` is the tenant of the app's registration, empty in front of an emulator, where nobody has one.

    `several`: the registration is one for many tenants. Otherwise there is the home tenant alone, whatever was let in.
    """

    def __init__(self, connections: Connections, home: str, *, several: bool) -> None:
        self._connections = connections
        self._home = home.lower()
        self._several = several

    @property
    def are_told(self) -> bool:
        """Whether who asks has a tenant at all."""
        return bool(self._home)

    async def workspace_of(self, tenant_id: str) -> str | None:
        """None for a tenant that nobody let in. Raises StoreUnavailable."""
        tenant = tenant_id.lower()
        if tenant == self._home or not self._home:
            return HOME
        found = await self._connections.find(connection_in(PlatformName.TEAMS, tenant)) if self._several else None
        return found.workspace if found and found.platform is PlatformName.TEAMS else None

    def space_of(self, tenant_id: str) -> str:
        """What the address of somebody in a tenant says; nothing for the home tenant, which needs no connection."""
        tenant = tenant_id.lower()
        return "" if tenant == self._home else tenant

    def advice(self, tenant_id: str) -> str:
        """What an operator does to let a tenant in."""
        if self._several:
            return f"An operator of the hub lets it in: ai-crm teams allow {tenant_id} --workspace NAME"
        return "AI_CRM_TEAMS_TENANT_ID must be the id of the tenant that Teams is used in"


def check(tenant_id: str, settings: HubSettings) -> None:
    """Raises SettingsInvalid for what is no tenant's id, and for the home tenant."""
    if not is_app_id(tenant_id):
        hint = "the Directory (tenant) id: 00000000-0000-0000-0000-000000000000"
        raise _problem(one_line(tenant_id, 80), "is no tenant's id", hint)
    if tenant_id.lower() == settings.teams_tenant_id.lower():
        raise _problem(tenant_id, "is the app's own tenant", f"it works with the tasks of {HOME}, and needs no leave")


def check_several(settings: HubSettings) -> None:
    """Raises SettingsInvalid where the app has no other tenant than its own. Who is in may be sent away all the same."""
    if not settings.teams_multi_tenant:
        hint = "set it to 1 where the app's registration is one for many tenants; new ones are for one tenant"
        raise _problem("AI_CRM_TEAMS_MULTI_TENANT", "is not set, so that nobody else can be let in", hint)


async def allow(connections: SqlConnections, tenant_id: str, workspace: str) -> None:
    """Raises SettingsInvalid for a tenant that belongs to another workspace of ours."""
    connection = _connection(tenant_id, workspace)
    others = [each.workspace for each in await connections.all() if each.id == connection.id]
    if others and others[0] != workspace:
        raise _problem(tenant_id, f"works with the tasks of {others[0]}", f"let it in there: --workspace {others[0]}")
    if others:
        await connections.switch(workspace, connection.id, on=True)
    else:
        await connections.add(connection)


async def forbid(connections: SqlConnections, tenant_id: str) -> str:
    """The workspace that it worked with. Raises SettingsInvalid for a tenant that nobody let in."""
    connection = await connections.find(connection_in(PlatformName.TEAMS, tenant_id))
    if connection is None:
        raise _problem(tenant_id, "is not let in anyway", "`ai-crm teams tenants` shows those that are")
    await connections.switch(connection.workspace, connection.id, on=False)
    return connection.workspace


async def listed(connections: Connections, settings: HubSettings) -> list[tuple[str, str, str]]:
    """Tenant, workspace and state of each, the app's own one first."""
    home = settings.teams_tenant_id.lower()
    others = [each for each in await connections.all() if each.platform is PlatformName.TEAMS]
    state = {True: "on" if settings.teams_multi_tenant else "off: AI_CRM_TEAMS_MULTI_TENANT", False: "off"}
    return [
        *([(home, HOME, "on: the app's own")] if home else []),
        *((each.settings.get("tenant", ""), each.workspace, state[each.active]) for each in others),
    ]


def _connection(tenant_id: str, workspace: str) -> Connection:
    """What lets a tenant's people in. It has no secret: the app's own one speaks for all tenants."""
    tenant = tenant_id.lower()
    return Connection(
        workspace=workspace,
        id=connection_in(PlatformName.TEAMS, tenant),
        platform=PlatformName.TEAMS,
        settings={"tenant": tenant},
        secrets={},
    )


def _problem(where: str, what: str, hint: str) -> SettingsInvalid:
    return SettingsInvalid((Problem(where, 0, 0, what, hint),))
