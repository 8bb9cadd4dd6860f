"""What of Slack's calls the bot looks at, as types: what does not fit them goes no further.

Slack's documentation of the payloads: https://docs.slack.dev/interactivity and https://docs.slack.dev/apis/events-api
(read 2026-11).
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

E = TypeVar("E")


class _Named(Struct, frozen=True):
    id: str = ""


class _Button(Struct, frozen=True, kw_only=True):
    action_id: str
    block_id: str = ""
    type: str = ""


class _Shown(Struct, frozen=True, kw_only=True):
    type: str
    callback_id: str | None = None
    team_id: str | None = None
    app_installed_team_id: str | None = None


class Outline(Struct, frozen=True, kw_only=True):
    """What Bolt itself reads of every call, without asking whether it is there (1.30, 2026-11)."""

    type: str | None = None
    challenge: str | None = None
    subtype: str | None = None
    command: str | None = None
    callback_id: str | None = None
    action_id: str | None = None
    block_id: str | None = None
    team: _Named | str | None = None
    user: _Named | str | None = None
    channel: _Named | str | None = None
    enterprise: _Named | str | None = None
    team_id: str | None = None
    user_id: str | None = None
    channel_id: str | None = None
    enterprise_id: str | None = None
    response_url: str | None = None
    bot_id: str | None = None
    thread_ts: str | None = None
    authorizations: tuple[Outline, ...] | None = None
    actions: Annotated[tuple[_Button, ...], Meta(min_length=1)] | UnsetType = UNSET
    event: Outline | UnsetType = UNSET
    view: _Shown | UnsetType = UNSET
    message: Outline | None = None
    item: Outline | None = None
    previous_message: Outline | None = None
    assistant_thread: Outline | None = None


class SlashCommand(Struct, frozen=True, kw_only=True):
    trigger_id: str
    response_url: str
    text: str = ""
    channel_id: str = ""


class _Message(Struct, frozen=True, kw_only=True):
    ts: str
    text: str | None = None
    thread_ts: str | None = None


class MessageShortcut(Struct, frozen=True, kw_only=True):
    trigger_id: str
    response_url: str
    channel: _Named
    message: _Message


class _Action(Struct, frozen=True, kw_only=True):
    action_id: str
    action_ts: str
    value: str = "{}"


class _Container(Struct, frozen=True):
    is_ephemeral: bool = False


class Pressed(Struct, frozen=True, kw_only=True):
    """`response_url` is empty for a button of the home tab, and so is `channel`."""

    trigger_id: str
    actions: Annotated[tuple[_Action, ...], Meta(min_length=1)]
    response_url: str = ""
    container: _Container = _Container()
    channel: _Named = _Named()

    @property
    def is_seen_by_others(self) -> bool:
        """Whether the message is in a channel; a direct message, whose id begins with D, is between two."""
        return bool(self.channel.id) and not self.container.is_ephemeral and not self.channel.id.startswith("D")


class View(Struct, frozen=True, kw_only=True):
    """A window, or a tab. `state` is read by `form`."""

    id: Annotated[str, Meta(min_length=1)]
    hash: str = ""
    private_metadata: str = ""
    state: Any = None


class InWindow(Struct, frozen=True, kw_only=True):
    """Something happened in a window; `value` is what somebody typed into a menu."""

    view: View
    value: str = ""


class Told(Struct, Generic[E], frozen=True, kw_only=True):
    """An event. People of another company are there in an `is_ext_shared_channel`."""

    event_id: str
    event: E
    is_ext_shared_channel: bool = False


class Said(Struct, frozen=True, kw_only=True):
    """A message. What an app or Slack itself wrote has a `bot_id` or a `subtype`."""

    channel: str
    ts: str
    text: str | None = None
    thread_ts: str | None = None
    subtype: str | None = None
    bot_id: str | None = None


class TabOpened(Struct, frozen=True):
    tab: str = ""


class _Link(Struct, frozen=True):
    url: str


class LinkShared(Struct, frozen=True, kw_only=True):
    channel: str
    message_ts: str
    links: tuple[_Link, ...]


class Removed(Struct, frozen=True):
    """The app was."""


class _Tokens(Struct, frozen=True):
    bot: tuple[str, ...] | None = None


class Revoked(Struct, frozen=True):
    tokens: _Tokens = _Tokens()


class _Written(Struct, frozen=True, kw_only=True):
    type: str = ""
    subtype: str | None = None
    bot_id: str | None = None


class _Opened(Struct, frozen=True, kw_only=True):
    id: str = ""
    type: str = ""


class _Timed(Struct, frozen=True, kw_only=True):
    action_ts: str = ""


class _Asking(Struct, frozen=True, kw_only=True):
    """As much of a call as says whether somebody waits for what becomes of it."""

    type: str = ""
    command: str = ""
    trigger_id: str = ""
    event_id: str = ""
    event: _Written = _Written()
    view: _Opened | None = None
    actions: tuple[_Timed, ...] = ()


def promised_as(body: dict[str, Any]) -> str:
    """The name of what is done after it was said to be heard; empty for what is answered at once or changes nothing."""
    try:
        asking = msgspec.convert(body, _Asking)
    except (msgspec.ValidationError, RecursionError):
        return ""
    match asking:
        case _Asking(command=command) if command:
            return asking.trigger_id
        case _Asking(type="event_callback", event=_Written(type="app_mention" | "message", bot_id=None, subtype=None)):
            return asking.event_id
        case _Asking(type="block_actions", view=None | _Opened(type="home"), actions=(_Timed(action_ts=at), *_)):
            return f"{asking.trigger_id} {at}" if asking.trigger_id else ""
        case _Asking(type="view_submission", view=_Opened(id=view)):
            return view
        case _:
            return ""


def fits(body: dict[str, Any]) -> bool:
    """Whether Bolt can read it."""
    try:
        outline = msgspec.convert(body, Outline)
    except (msgspec.ValidationError, RecursionError):
        return False
    return bool(outline.type or outline.command)
