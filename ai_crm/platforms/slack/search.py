"""Whether a notification is in Slack already: looks for the mark that each of our messages carries."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from ai_crm.errors import CredentialsRefused, ItemMissing
from ai_crm.model.change import Notify
from ai_crm.platforms.slack.client import Address, ask, parse_address
from ai_crm.platforms.slack.encode import EVENT_TYPE
from ai_crm.platforms.transport import Transport

# Slack's clock and ours may differ by so much.
_MARGIN = timedelta(minutes=2)
_MOST_PAGES = 10


def find_told(transport: Transport, change: Notify, since: datetime) -> Address | None:
    """The message that an earlier attempt left; None where there is none, or where the app may not look.

    Reading needs the scopes channels:history and channels:read (groups:… for private channels). Without them a message
    whose answer got lost is told twice rather than not at all. Raises UpstreamError.
    """
    oldest = since - _MARGIN
    live = parse_address(change.where) if change.where else None
    try:
        if live and _is_below(transport, change, live, oldest):
            return live
        # The live message may have been gone, so that the attempt began a new one.
        return _first(transport, change, live.channel if live else _channel(transport, change.target), oldest)
    except (CredentialsRefused, ItemMissing):
        return None


def _is_below(transport: Transport, change: Notify, live: Address, oldest: datetime) -> bool:
    given = {"channel": live.channel, "ts": live.ts, **_since(oldest)}
    try:
        return any(_is_it(message, change) for message in _messages(transport, "conversations.replies", given))
    except ItemMissing:  # the thread is gone
        return False


def _first(transport: Transport, change: Notify, channel: str, oldest: datetime) -> Address | None:
    given = {"channel": channel, **_since(oldest)}
    messages = _messages(transport, "conversations.history", given)
    return next((Address(channel, message.ts) for message in messages if _is_it(message, change)), None)


def _since(oldest: datetime) -> dict[str, str]:
    return {"oldest": f"{oldest.timestamp():.6f}", "include_all_metadata": "true", "limit": "200"}


def _is_it(message: _Message, change: Notify) -> bool:
    mark = message.metadata
    return mark is not None and mark.event_type == EVENT_TYPE and mark.key == change.key


class _Mark(Struct, frozen=True):
    event_type: str = ""
    event_payload: msgspec.Raw = msgspec.Raw(b"{}")

    @property
    def key(self) -> str:
        return msgspec.json.decode(self.event_payload, type=_Payload).key


class _Payload(Struct, frozen=True):
    key: str = ""


class _Message(Struct, frozen=True):
    ts: str
    metadata: _Mark | None = None


class _More(Struct, frozen=True):
    next_cursor: str = ""


class _Page(Struct, frozen=True):
    messages: tuple[_Message, ...]
    response_metadata: _More | None = None


class _Channel(Struct, frozen=True):
    id: str
    name: str = ""


class _Channels(Struct, frozen=True):
    channels: tuple[_Channel, ...]
    response_metadata: _More | None = None


class _Opened(Struct, frozen=True):
    channel: _Channel


def _messages(transport: Transport, method: str, given: dict[str, str]) -> Iterator[_Message]:
    cursor = ""
    for _ in range(_MOST_PAGES):
        page = ask(transport, method, {**given, **({"cursor": cursor} if cursor else {})}, _Page)
        yield from page.messages
        cursor = page.response_metadata.next_cursor if page.response_metadata else ""
        if not cursor:
            return


def _channel(transport: Transport, target: str) -> str:
    """The id of the channel that a target names. Raises ItemMissing."""
    if target.startswith(("U", "W")):  # people; W is one of a whole organisation
        return ask(transport, "conversations.open", {"users": target}, _Opened).channel.id
    if not target.startswith("#"):
        return target
    cursor = ""
    for _ in range(_MOST_PAGES):
        given = {"types": "public_channel,private_channel", "limit": "200", "exclude_archived": "true"}
        page = ask(transport, "conversations.list", {**given, **({"cursor": cursor} if cursor else {})}, _Channels)
        for channel in page.channels:
            if channel.name == target.removeprefix("#"):
                return channel.id
        cursor = page.response_metadata.next_cursor if page.response_metadata else ""
        if not cursor:
            break
    raise ItemMissing("there is no channel of that name among those that the app sees", where="Slack")
