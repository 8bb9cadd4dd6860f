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
    try:
        return _found(transport, change, since - _MARGIN)
    except (CredentialsRefused, ItemMissing):
        return None


def _found(transport: Transport, change: Notify, oldest: datetime) -> Address | None:
    live = parse_address(change.where) if change.where else None
    channel = live.channel if live else _channel(transport, change.target)
    method = "conversations.replies" if live else "conversations.history"
    thread = {"ts": live.ts} if live else {}
    given = {
        "channel": channel,
        "oldest": f"{oldest.timestamp():.6f}",
        "include_all_metadata": "true",
        "limit": "200",
        **thread,
    }
    for message in _messages(transport, method, given):
        mark = message.metadata
        if mark is not None and mark.event_type == EVENT_TYPE and mark.key == change.key:
            return live or Address(channel, message.ts)
    return None


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
    if target.startswith("U"):
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
