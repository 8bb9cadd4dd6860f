"""Who somebody in Slack is to us: a member, a guest who may only look, or nobody."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime

import msgspec
from aiohttp import ClientError
from msgspec import Struct
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from ai_crm.cards.inert import one_line
from ai_crm.errors import CommandRefused, UpstreamUnavailable
from ai_crm.flow.commands.reply import Asker
from ai_crm.model.access import Principal, Role
from ai_crm.model.item import PlatformName
from ai_crm.ports.members import Member, Members
from bots.memory import Recent
from bots.slack.installations import Installation
from bots.slack.speak import trouble

_LONGEST_NAME = 80


class _Profile(Struct, frozen=True):
    display_name: str = ""
    real_name: str = ""


class _EnterpriseUser(Struct, frozen=True):
    """Where somebody belongs in an organisation of several workspaces."""

    enterprise_id: str = ""
    teams: tuple[str, ...] = ()


class _User(Struct, frozen=True, kw_only=True):
    """What users.info says: https://docs.slack.dev/reference/objects/user-object (read 2026-11)."""

    id: str
    team_id: str = ""
    name: str = ""
    deleted: bool = False
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    enterprise_user: _EnterpriseUser = _EnterpriseUser()
    profile: _Profile = _Profile()

    @property
    def called(self) -> str:
        return one_line(self.profile.display_name or self.profile.real_name or self.name or self.id, _LONGEST_NAME)

    def is_of(self, team: str) -> bool:
        """Whether this is one of that workspace's own people.

        `is_stranger` alone does not tell: people of another company in a shared channel are none to Slack.
        """
        organisation = self.enterprise_user
        return not self.is_stranger and team in {self.team_id, organisation.enterprise_id, *organisation.teams}


class People:
    """Asks Slack who somebody is, and keeps the answer for ten minutes."""

    def __init__(self, members: Members, now: Callable[[], datetime]) -> None:
        self._members = members
        self._known = Recent[_User](now)

    async def asker(self, installation: Installation, user: str, client: AsyncWebClient) -> Asker:
        """Raises CommandRefused for bots, for who has left, and for people of another company in a shared channel."""
        found = await self._user(installation.team, user, client)
        if found.deleted or found.is_bot or not found.is_of(installation.team):
            raise CommandRefused(
                "only people of this Slack workspace can ask me", hint="Ask somebody who is one of them"
            )
        guest = found.is_restricted or found.is_ultra_restricted
        principal = Principal(
            name=f"{found.called} (Slack)", workspace=installation.workspace, role=Role.VIEWER if guest else Role.MEMBER
        )
        await self._remember(installation, found)
        return Asker(principal=principal, platform=PlatformName.SLACK, id=user, name=found.called)

    async def login(self, asker: Asker) -> str:
        """The login on GitHub that they said is theirs, or empty."""
        member = await self._members.find(asker.principal.workspace, PlatformName.SLACK, asker.id)
        return member.login if member else ""

    async def _user(self, team: str, user: str, client: AsyncWebClient) -> _User:
        known = self._known.get((team, user))
        if known is not None:
            return known
        try:
            answer = await client.users_info(user=user)
            found = msgspec.convert(answer.get("user"), _User)
        except SlackApiError as error:
            raise trouble(error) from error
        except (msgspec.ValidationError, ClientError, OSError, TimeoutError) as error:
            raise UpstreamUnavailable("Slack cannot be reached", where="Slack", hint="Try again in a minute") from error
        return self._known.keep((team, user), found)

    async def _remember(self, installation: Installation, found: _User) -> None:
        """So that others can name this person, and be told who it is; and that what they are told comes where they are.

        Somebody in several Slack workspaces of one organisation has one id there, and hears where they spoke last.
        """
        workspace = installation.workspace
        member = await self._members.find(workspace, PlatformName.SLACK, found.id)
        before = member or Member(platform=PlatformName.SLACK, id=found.id, name=found.called)
        after = msgspec.structs.replace(before, name=found.called, space=installation.team)
        if after != member:
            await self._members.keep(workspace, after)


def request_id(*parts: str) -> str:
    """32 hexadecimal digits that are the same when Slack sends the same thing again."""
    return hashlib.sha256("\x1f".join(("slack", *parts)).encode()).hexdigest()[:32]
