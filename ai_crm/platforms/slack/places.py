"""Whether a Slack workspace has what a message's target names: asked of each where several of them might."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from ai_crm.errors import CredentialsRefused, ItemMissing
from ai_crm.platforms.slack.client import ask
from ai_crm.platforms.transport import Transport

_PEOPLE = re.compile("[UW][A-Z0-9]+")
_CHANNELS = re.compile("[CDG][A-Z0-9]+")
# Of a thousand channels each: https://docs.slack.dev/reference/methods/conversations.list (read 2026-11)
_MOST_PAGES = 20


class Sight(StrEnum):
    HERE = "here"
    ABSENT = "absent"
    HIDDEN = "hidden"  # the app may not look, or there are too many channels


class Who(Struct, frozen=True, kw_only=True):
    """Whom a token speaks for: https://docs.slack.dev/reference/methods/auth.test (read 2026-11)."""

    team_id: str
    enterprise_id: str = ""
    team: str = ""

    @property
    def spaces(self) -> frozenset[str]:
        """Where it is installed is told by either of both."""
        return frozenset({self.team_id, self.enterprise_id} - {""})


def who(transport: Transport) -> Who:
    """Raises UpstreamError."""
    return ask(transport, "auth.test", {}, Who)


def look(transport: Transport, space: str, target: str) -> Sight:
    """Whether the workspace `space` has this channel or person. Raises UpstreamError for what may pass."""
    try:
        if _PEOPLE.fullmatch(target):
            return _sight(_is_of(ask(transport, "users.info", {"user": target}, _Found).user, space))
        if _CHANNELS.fullmatch(target):
            ask(transport, "conversations.info", {"channel": target}, _Known)
            return Sight.HERE
        return _listed(transport, target.removeprefix("#"))
    except ItemMissing:
        return Sight.ABSENT
    except CredentialsRefused as error:
        # Where the token is not taken at all nothing can be written either.
        return Sight.HIDDEN if error.missing else Sight.ABSENT


class _Known(Struct, frozen=True):
    pass


class _Organisation(Struct, frozen=True):
    enterprise_id: str = ""
    teams: tuple[str, ...] = ()


class _User(Struct, frozen=True, kw_only=True):
    """Slack also tells of people of other companies who are in a shared channel."""

    team_id: str = ""
    enterprise_user: _Organisation = _Organisation()


class _Found(Struct, frozen=True):
    user: _User


class _Channel(Struct, frozen=True):
    name: str = ""


class _More(Struct, frozen=True):
    next_cursor: str = ""


class _Channels(Struct, frozen=True):
    channels: tuple[_Channel, ...]
    response_metadata: _More | None = None


def _is_of(user: _User, space: str) -> bool:
    return space in {user.team_id, user.enterprise_user.enterprise_id, *user.enterprise_user.teams}


def _listed(transport: Transport, name: str) -> Sight:
    for page in _pages(transport):
        if page is None:
            return Sight.HIDDEN
        if any(channel.name == name for channel in page.channels):
            return Sight.HERE
    return Sight.ABSENT


def _pages(transport: Transport) -> Iterator[_Channels | None]:
    """Pages of channels; None at last where there are more than anybody looks through."""
    given = {"types": "public_channel,private_channel", "limit": "1000", "exclude_archived": "true"}
    cursor = ""
    for _ in range(_MOST_PAGES):
        page = ask(transport, "conversations.list", {**given, **({"cursor": cursor} if cursor else {})}, _Channels)
        yield page
        cursor = page.response_metadata.next_cursor if page.response_metadata else ""
        if not cursor:
            return
    yield None


def _sight(is_here: bool) -> Sight:  # noqa: FBT001 - what was seen
    return Sight.HERE if is_here else Sight.ABSENT
