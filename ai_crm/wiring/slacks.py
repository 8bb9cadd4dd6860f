"""Which installation of the Slack app a message goes through: the one whose Slack workspace has whom it is for."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic

from msgspec import Struct

from ai_crm.cards.inert import plain
from ai_crm.config.hub_settings import HubSettings
from ai_crm.errors import (
    ChangeRefused,
    CredentialsRefused,
    ItemMissing,
    RateLimited,
    UpstreamError,
    UpstreamUnavailable,
)
from ai_crm.model.access import HOME
from ai_crm.model.change import Notify
from ai_crm.model.item import PlatformName
from ai_crm.model.secret import Secret
from ai_crm.model.space import connection_in, is_id, parted
from ai_crm.platforms.slack import Repeating, Slack
from ai_crm.platforms.slack.client import parse_address
from ai_crm.platforms.slack.places import Sight
from ai_crm.ports import Applier, Offload
from ai_crm.ports.queue import HeldChange
from ai_crm.ports.receiver import Connection, Connections

# Seconds that an answer is good for: whoever renames a channel because a letter said so sends it on soon after.
_GOOD_FOR = 60.0
_MOST_SEEN = 10_000


class _Kept(Struct, frozen=True):
    """A client, and the token that it was made for."""

    token: Secret
    slack: Slack


class _Place(Struct, frozen=True, kw_only=True):
    """A Slack workspace that a message may go to. `connection` is empty for the one that the settings name."""

    connection: str
    space: str
    name: str
    slack: Slack


class Slacks:
    """Keeps one client for each installation, as long as its token stays what it was."""

    def __init__(self, settings: HubSettings, connections: Connections, offload: Offload) -> None:
        self._settings = settings
        self._connections = connections
        self._offload = offload
        self._kept: dict[str, _Kept] = {}
        self._seen: dict[tuple[str, str], tuple[float, Sight]] = {}

    async def connection(self, held: HeldChange, change: Notify) -> str:
        """The connection that a message must go through; what it was planned for where nothing else would be better.

        Raises UpstreamError; ChangeRefused for a name that several Slack workspaces may have.
        """
        space, target = parted(PlatformName.SLACK, change.target)
        workspace = held.lease.workspace
        own = workspace == HOME and bool(self._settings.slack_bot_token)
        if space:
            found = await self._connections.find(connection_in(PlatformName.SLACK, space))
            if found and found.workspace == workspace:
                return found.id
            return "" if own and space in (await self._client(None).who()).spaces else held.connection
        installed = await self._installed(workspace)
        known = {each.id for each in installed} | ({""} if own else set())
        if held.connection and held.connection not in known and not is_id(PlatformName.SLACK, target):
            return held.connection  # it is gone, and of its channels others may have one of the same name
        if len(known) > 1:
            return await self._found(await self._places(installed, own=own), _sought(change, target))
        return next(iter(known), held.connection)

    async def applier(self, held: HeldChange) -> Applier | None:
        """None where neither the workspace nor the settings have a token: then the reason is told.

        What was meant for an installation that is gone goes nowhere else: the settings' token writes to other people.
        Raises CredentialsRefused for one that is gone.
        """
        found = await self._connections.find(held.connection) if held.connection else None
        if held.connection and found is None:
            raise _gone(held.connection)
        if found is None and not (held.lease.workspace == HOME and self._settings.slack_bot_token):
            return None
        slack = self._client(found)
        return slack if held.attempts == 1 else Repeating(slack, held.planned_at)

    def close(self) -> None:
        for kept in self._kept.values():
            kept.slack.close()

    async def _installed(self, workspace: str) -> tuple[Connection, ...]:
        connections = await self._connections.of(workspace)
        return tuple(each for each in connections if each.platform is PlatformName.SLACK)

    async def _places(self, installed: tuple[Connection, ...], *, own: bool) -> tuple[_Place, ...]:
        """The oldest first. Of a Slack workspace that is connected both ways the connection counts."""
        places = tuple(
            _Place(connection=each.id, space=_space(each), name=each.settings.get("name", ""), slack=self._client(each))
            for each in installed
            if "token" in each.secrets  # nothing can be written there, and the others go on
        )
        if not own:
            return places
        slack = self._client(None)
        try:
            who = await slack.who()
        except CredentialsRefused:  # the same
            return places
        if any(each.space in who.spaces for each in places):
            return places
        return (_Place(connection="", space=who.team_id, name=who.team, slack=slack), *places)

    async def _found(self, places: tuple[_Place, ...], target: str) -> str:
        """An id that several have is of a channel that they share: the oldest of them tells it, once for all.

        Those after it are not asked: an id needs no other to be down or up.
        """
        maybe = []
        for place in places:
            sight = await self._look(place, target)
            if sight is Sight.HERE and is_id(PlatformName.SLACK, target):
                return place.connection
            if sight is not Sight.ABSENT:
                maybe.append(place)
        if len(maybe) == 1:
            return maybe[0].connection
        raise _refusal(target, maybe, places)

    async def _look(self, place: _Place, target: str) -> Sight:
        key = (place.space, target)
        at, sight = self._seen.get(key, (0.0, Sight.HIDDEN))
        if key in self._seen and monotonic() - at < _GOOD_FOR:
            return sight
        try:
            sight = await place.slack.look(target, place.space)
        except RateLimited as error:  # that one is asked too much, and not the one that this was planned for
            hint = "It is asked again later"
            raise UpstreamUnavailable("Slack wants fewer questions", where=place.space, hint=hint) from error
        if len(self._seen) >= _MOST_SEEN:
            self._seen.clear()
        self._seen[key] = (monotonic(), sight)
        return sight

    def _client(self, connection: Connection | None) -> Slack:
        """For the settings' own token where there is no connection. Raises CredentialsRefused."""
        name = connection.id if connection else ""
        token = _token(connection) if connection else self._settings.slack_bot_token
        known = self._kept.get(name)
        if known is None or known.token.reveal() != token.reveal():
            self._kept[name] = _Kept(token, self._opened(token, _space(connection) if connection else ""))
            if known is not None:
                known.slack.close()  # what is under way goes on to its end
        return self._kept[name].slack

    def _opened(self, token: Secret, space: str) -> Slack:
        listens = bool(self._settings.slack_signing_secret or self._settings.slack_app_token)
        return Slack(
            token.reveal(),
            self._offload,
            base_url=self._settings.slack_api_url,
            proxy=self._settings.proxy.reveal(),
            answered=listens,
            space=space,
        )


def _sought(change: Notify, target: str) -> str:
    """A conversation that began goes on where it is, whoever has a channel of the same name by now."""
    known = change.where and not is_id(PlatformName.SLACK, target)
    return parse_address(change.where).channel if known else target


def _space(connection: Connection) -> str:
    return connection.settings.get("team", "") or connection.id.removeprefix(connection_in(PlatformName.SLACK, ""))


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


def _refusal(target: str, maybe: list[_Place], places: Iterable[_Place]) -> UpstreamError:
    shown = plain(target)[:80]
    if not maybe:
        where = ", ".join(map(_called, places))
        hint = f"Looked for in {where}. A private channel is only found by its id, and the app must be in it"
        return ItemMissing(f"no connected Slack workspace has {shown}", where="Slack", hint=hint)
    choices = " or ".join(f"{each.space}/{shown} for {_called(each)}" for each in maybe)
    return ChangeRefused(
        f"several Slack workspaces may have {shown}, and nothing says which is meant",
        where="Slack",
        hint=f"Write {choices}, or the channel's id",
    )


def _called(place: _Place) -> str:
    return f"{plain(place.name)[:80]} ({place.space})" if place.name else place.space
