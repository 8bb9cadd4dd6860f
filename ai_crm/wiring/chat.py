"""Who writes to chat platforms: the workspace's own installation where it has one, else what the settings name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ai_crm import wiring
from ai_crm.config.hub_settings import HubSettings
from ai_crm.errors import Problem, SettingsInvalid
from ai_crm.flow.deliver import platform_of
from ai_crm.model.access import HOME
from ai_crm.model.change import Notify
from ai_crm.model.item import PlatformName
from ai_crm.model.secret import Secret
from ai_crm.platforms.teams import Audience, Teams, Within
from ai_crm.platforms.teams.certificate import read_certificate
from ai_crm.platforms.unconnected import Unconnected
from ai_crm.platforms.webhook.encode import keys_of
from ai_crm.ports import Applier, Offload
from ai_crm.ports.queue import HeldChange
from ai_crm.ports.receiver import Connections
from ai_crm.wiring.slacks import Slacks

# What a workspace without an installation hears: the settings' own tokens are for the workspace HOME.
_UNCONNECTED: Mapping[PlatformName, Applier] = MappingProxyType(
    {
        PlatformName.SLACK: Unconnected(
            PlatformName.SLACK,
            "Connect one (`ai-crm slack invite`), or set AI_CRM_SLACK_BOT_TOKEN for the workspace default",
        ),
        PlatformName.TEAMS: Unconnected(
            PlatformName.TEAMS,
            "Let its tenant in (`ai-crm teams allow`), or set AI_CRM_TEAMS_APP_ID, _PASSWORD and _TENANT_ID for the workspace "
            "default",
        ),
    }
)


class Chats:
    """Slack by the installations of the app, Teams by the tenants that were let in, webhooks by their address."""

    def __init__(self, settings: HubSettings, connections: Connections, offload: Offload) -> None:
        self._settings = settings
        self._connections = connections
        self._slacks = Slacks(settings, connections, offload)
        self._others = wiring.appliers(None, _access(settings), offload, _webhook_access(settings))

    async def connection(self, held: HeldChange) -> str:
        """What a change must go through. Raises UpstreamError."""
        change = held.change
        if not isinstance(change, Notify):
            return held.connection
        return await self._slacks.connection(held, change) if change.platform is PlatformName.SLACK else held.connection

    async def applier(self, held: HeldChange) -> Applier:
        """Who carries out a change that goes to no item's platform. Raises CredentialsRefused without an installation."""
        name = platform_of(held.change)
        if name is PlatformName.WEBHOOK:
            return self._others[name]
        if name is PlatformName.SLACK:
            return await self._slacks.applier(held) or _UNCONNECTED[name]
        return await self._teams(held.lease.workspace)

    async def _teams(self, workspace: str) -> Applier:
        """What the settings name is the operator's: it writes for the workspace that the operator's own bots serve, and for
        those whose tenants were let in.
        """
        teams, home = self._others[PlatformName.TEAMS], self._settings.teams_tenant_id.lower()
        if not isinstance(teams, Teams):
            return _UNCONNECTED[PlatformName.TEAMS]
        if not self._settings.teams_multi_tenant:
            return teams if workspace == HOME else _UNCONNECTED[PlatformName.TEAMS]
        connections = await self._connections.of(workspace)
        let_in = {each.settings.get("tenant", "") for each in connections if each.platform is PlatformName.TEAMS} - {""}
        if workspace == HOME:
            return Within(teams, Audience(frozenset({*let_in, home}), home))
        sole = next(iter(let_in), "") if len(let_in) == 1 else ""
        return Within(teams, Audience(frozenset(let_in), sole)) if let_in else _UNCONNECTED[PlatformName.TEAMS]

    def close(self) -> None:
        self._slacks.close()
        for applier in self._others.values():
            applier.close()


def _webhook_access(settings: HubSettings) -> wiring.WebhookAccess:
    """Raises SettingsInvalid for a secret that nothing can be signed with: now, not at the first call."""
    given = settings.webhook_signing_secret.reveal().replace(",", " ")
    try:
        keys_of(given)
    except SettingsInvalid as error:
        found = error.problems[0]
        raise SettingsInvalid((Problem("AI_CRM_WEBHOOK_SIGNING_SECRET", 0, 0, found.what, found.hint),)) from None
    return wiring.WebhookAccess(signing_secret=Secret(given), allowed=settings.webhook_networks)


def _access(settings: HubSettings) -> wiring.ChatAccess:
    return wiring.ChatAccess(
        slack_bot_token=settings.slack_bot_token,
        teams_app_id=settings.teams_app_id,
        teams_app_password=settings.teams_app_password,
        teams_tenant_id=settings.teams_tenant_id,
        teams_service_url=settings.teams_service_url,
        proxy=settings.proxy,
        teams_listens=bool(settings.teams_app_id),
        teams_several=settings.teams_multi_tenant,
        teams_certificate=Secret(read_certificate(settings.teams_certificate) if settings.teams_certificate else ""),
    )
