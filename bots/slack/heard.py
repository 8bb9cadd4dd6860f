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


class Pressed(Struct, frozen=True, kw_only=True):
    """`response_url` is empty for a button of the home tab."""

    trigger_id: str
    actions: Annotated[tuple[_Action, ...], Meta(min_length=1)]
    response_url: str = ""


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


def fits(body: dict[str, Any]) -> bool:
    """Whether Bolt can read it."""
    try:
        outline = msgspec.convert(body, Outline)
    except (msgspec.ValidationError, RecursionError):
        return False
    return bool(outline.type or outline.command)
