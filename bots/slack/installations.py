"""Which Slack workspaces are connected, to which of ours each belongs, and the token that speaks there."""

from __future__ import annotations

from aiohttp import ClientError
from msgspec import Struct
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from ai_crm.errors import CredentialsRefused, UpstreamUnavailable
from ai_crm.model.access import HOME
from ai_crm.model.item import PlatformName
from ai_crm.model.secret import Secret
from ai_crm.model.space import connection_in
from ai_crm.ports.receiver import Connection, Connections
from ai_crm.store.connections import SqlConnections
from bots.slack.speak import trouble


class Installation(Struct, frozen=True, kw_only=True):
    """`team` is Slack's id of its workspace, or of a whole organisation, and `name` what people call it; `workspace` is ours."""

    team: str
    workspace: str
    token: Secret
    bot_user: str = ""
    name: str = ""


class Installations:
    """`token` is the app's own one where it is installed in one Slack workspace alone, else empty."""

    def __init__(self, connections: SqlConnections, client: AsyncWebClient, token: Secret) -> None:
        self._connections = connections
        self._client = client
        self._token = token
        self._own: Installation | None = None

    async def find(self, team: str, organisation: str = "") -> Installation | None:
        """Who is connected there; None for a Slack workspace that nobody connected. Raises UpstreamError, StoreError."""
        for name in filter(None, (team, organisation)):
            connection = await self._connections.find(connection_id(name))
            if connection is not None and connection.platform is PlatformName.SLACK:
                return installation_of(connection, name)
        own = await self._owned() if self._token else None
        return own if own and own.team in {team, organisation} else None

    async def keep(self, installation: Installation, scopes: str) -> None:
        """Connects a Slack workspace, or renews what is known of one that was connected before.

        Raises SettingsInvalid for one that belongs to another workspace of ours: that one has to let it go first.
        """
        secrets = {"token": installation.token}
        settings = {
            "team": installation.team,
            "name": installation.name,
            "bot_user": installation.bot_user,
            "scopes": scopes,
        }
        connection = Connection(
            workspace=installation.workspace,
            id=connection_id(installation.team),
            platform=PlatformName.SLACK,
            settings=settings,
            secrets=secrets,
        )
        if await self._connections.change(connection.workspace, connection.id, lambda _before: connection):
            await self._connections.switch(connection.workspace, connection.id, on=True)
        else:
            await self._connections.add(connection)

    async def forget(self, team: str) -> None:
        """The app was removed there: nothing more is sent or taken. Everything that was kept stays."""
        connection = await self._connections.find(connection_id(team))
        if connection is not None:
            await self._connections.switch(connection.workspace, connection.id, on=False)

    async def _owned(self) -> Installation:
        """The one that the app's own token speaks for, asked of Slack once: a stranger's workspace must not pass for it."""
        if self._own is None:
            self._own = await identify(self._client, self._token, HOME)
        return self._own


def connection_id(team: str) -> str:
    """The id of a connection is unique among all workspaces; a team belongs to one alone."""
    return connection_in(PlatformName.SLACK, team)


async def identify(client: AsyncWebClient, token: Secret, workspace: str) -> Installation:
    """Who a token speaks for. Raises UpstreamError."""
    try:
        answer = await client.auth_test(token=token.reveal())
    except SlackApiError as error:
        raise trouble(error) from error
    except (ClientError, OSError, TimeoutError) as error:
        raise UpstreamUnavailable("Slack cannot be reached", where="Slack", hint="Try again in a minute") from error
    return Installation(
        team=str(answer.get("team_id", "")),
        workspace=workspace,
        token=token,
        bot_user=str(answer.get("user_id", "")),
        name=str(answer.get("team", "")),
    )


def installation_of(connection: Connection, team: str) -> Installation:
    """Raises CredentialsRefused for one that has no token."""
    token = connection.secrets.get("token")
    if token is None:
        raise CredentialsRefused(
            "this installation of the Slack app has no token",
            where=connection.id,
            hint="Install the app again: `ai-crm slack invite` makes a link",
        )
    return Installation(
        team=team,
        workspace=connection.workspace,
        token=token,
        bot_user=connection.settings.get("bot_user", ""),
        name=connection.settings.get("name", ""),
    )


async def installed(connections: Connections) -> tuple[Connection, ...]:
    """The Slack workspaces that are connected, the oldest first."""
    return tuple(each for each in await connections.all() if each.platform is PlatformName.SLACK and each.active)
