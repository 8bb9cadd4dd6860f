"""Who writes to chat platforms: the workspace's own installation where it has one, else what the settings name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from ai_crm import wiring
from ai_crm.config.hub_settings import HubSettings
from ai_crm.errors import CredentialsRefused, Problem, SettingsInvalid
from ai_crm.flow.deliver import platform_of
from ai_crm.model.access import HOME
from ai_crm.model.item import PlatformName
from ai_crm.model.secret import Secret
from ai_crm.platforms.slack import Repeating, Slack
from ai_crm.platforms.teams.certificate import read_certificate
from ai_crm.platforms.unconnected import Unconnected
from ai_crm.platforms.webhook.encode import keys_of
from ai_crm.ports import Applier, Offload
from ai_crm.ports.queue import HeldChange
from ai_crm.ports.receiver import Connection, Connections

# What a workspace without an installation hears: the settings' own tokens are for the workspace HOME.
_UNCONNECTED: Mapping[PlatformName, Applier] = MappingProxyType(
    {
        PlatformName.SLACK: Unconnected(
            PlatformName.SLACK,
            "Connect one (`ai-crm slack invite`), or set AI_CRM_SLACK_BOT_TOKEN for the workspace default",
        ),
        PlatformName.TEAMS: Unconnected(
            PlatformName.TEAMS, "Set AI_CRM_TEAMS_APP_ID, _PASSWORD and _TENANT_ID, which are for the workspace default"
        ),
    }
)


class _Kept(Struct, frozen=True):
    """A client, and the token that it was made for."""

    token: Secret
    slack: Slack


class Chats:
    """Keeps one client for each installation, as long as its token stays what it was.

    `others` are the appliers that need no installation: Teams and webhooks.
    """

    def __init__(self, settings: HubSettings, connections: Connections, offload: Offload) -> None:
        self._settings = settings
        self._connections = connections
        self._offload = offload
        self._slacks: dict[str, _Kept] = {}
        self._others = wiring.appliers(None, _access(settings), offload, _webhook_access(settings))

    async def applier(self, held: HeldChange) -> Applier:
        """Who carries out a change that goes to no item's platform. Raises CredentialsRefused without an installation."""
        name = platform_of(held.change)
        if name is PlatformName.WEBHOOK:
            return self._others[name]
        # What the settings name is the operator's: it writes for the workspace that the operator's own bots serve.
        own = held.lease.workspace == HOME
        if name is PlatformName.TEAMS:
            return self._others[name] if own and self._settings.teams_app_id else _UNCONNECTED[name]
        slack = await self._slack(held.connection, own=own)
        if slack is None:
            return _UNCONNECTED[name]
        return slack if held.attempts == 1 else Repeating(slack, held.planned_at)

    def close(self) -> None:
        for kept in self._slacks.values():
            kept.slack.close()
        for applier in self._others.values():
            applier.close()

    async def _slack(self, connection: str, *, own: bool) -> Slack | None:
        """None where neither the workspace nor the settings have a token: then the reason is told.

        What was meant for an installation that is gone goes nowhere else: the settings' token writes to other people.
        """
        found = await self._connections.find(connection) if connection else None
        if connection and found is None:
            raise _gone(connection)
        token = _token(found) if found else self._settings.slack_bot_token
        if not token or not (found or own):
            return None
        known = self._slacks.get(connection)
        if known is None or known.token.reveal() != token.reveal():
            self._slacks[connection] = _Kept(token, self._opened(token))
            if known is not None:
                known.slack.close()  # what is under way goes on to its end
        return self._slacks[connection].slack

    def _opened(self, token: Secret) -> Slack:
        listens = bool(self._settings.slack_signing_secret or self._settings.slack_app_token)
        return Slack(
            token.reveal(),
            self._offload,
            base_url=self._settings.slack_api_url,
            proxy=self._settings.proxy.reveal(),
            answered=listens,
        )


def _webhook_access(settings: HubSettings) -> wiring.WebhookAccess:
    """Raises SettingsInvalid for a secret that nothing can be signed with: now, not at the first call."""
    given = settings.webhook_signing_secret.reveal().replace(",", " ")
    try:
        keys_of(given)
    except SettingsInvalid as error:
        found = error.problems[0]
        raise SettingsInvalid((Problem("AI_CRM_WEBHOOK_SIGNING_SECRET", 0, 0, found.what, found.hint),)) from None
    return wiring.WebhookAccess(signing_secret=Secret(given), allowed=settings.webhook_networks)


def _token(connection: Connection) -> Secret:
    token = connection.secrets.get("token")
    if token is None:
        raise CredentialsRefused(
            "this installation of the Slack app has no token",
            where=connection.id,
            hint="Install the app again: `ai-crm slack invite` makes a link",
        )
    return token


def _gone(connection: str) -> CredentialsRefused:
    return CredentialsRefused(
        "the Slack app was removed there, or this connection is switched off",
        where=connection,
        hint="Install the app again: `ai-crm slack invite` makes a link; a dead letter can be sent on then",
    )


def _access(settings: HubSettings) -> wiring.ChatAccess:
    return wiring.ChatAccess(
        slack_bot_token=settings.slack_bot_token,
        teams_app_id=settings.teams_app_id,
        teams_app_password=settings.teams_app_password,
        teams_tenant_id=settings.teams_tenant_id,
        teams_service_url=settings.teams_service_url,
        proxy=settings.proxy,
        teams_listens=bool(settings.teams_app_id),
        teams_certificate=Secret(read_certificate(settings.teams_certificate) if settings.teams_certificate else ""),
    )
