"""Everything that the bot hears, once: handlers, manifest and scopes are made of this tuple, and a test compares them."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from bots.slack import heard
from bots.slack.form import AGENT, CALLBACK, TITLE

COMMAND = "/ai-crm"
SHORTCUT = "create_task_from_message"


class Kind(StrEnum):
    COMMAND = "command"
    EVENT = "event"
    MESSAGE_SHORTCUT = "message shortcut"
    BUTTONS = "buttons"
    ELEMENT = "element"
    OPTIONS = "options"
    WINDOW = "window"


class Ear(Struct, frozen=True, kw_only=True):
    """`name` is Slack's for it, `hears` the handler's, `reads` what of it is looked at.

    `scopes` are what Slack wants before it tells us. A handler that `answers` says itself what it heard.
    """

    kind: Kind
    name: str
    hears: str
    reads: object
    scopes: tuple[str, ...] = ()
    title: str = ""
    about: str = ""
    answers: bool = False


EARS: tuple[Ear, ...] = (
    Ear(kind=Kind.COMMAND, name=COMMAND, hears="slash_command", reads=heard.SlashCommand, scopes=("commands",)),
    Ear(
        kind=Kind.MESSAGE_SHORTCUT,
        name=SHORTCUT,
        hears="message_shortcut",
        reads=heard.MessageShortcut,
        scopes=("commands",),
        title="Create AI-CRM task",
        about="Make a task of what somebody wrote",
    ),
    Ear(
        kind=Kind.EVENT,
        name="app_mention",
        hears="mention",
        reads=heard.Told[heard.Said],
        scopes=("app_mentions:read",),
    ),
    Ear(
        kind=Kind.EVENT,
        name="message.im",
        hears="direct_message",
        reads=heard.Told[heard.Said],
        scopes=("im:history",),
    ),
    Ear(kind=Kind.EVENT, name="app_home_opened", hears="home_opened", reads=heard.Told[heard.TabOpened]),
    Ear(
        kind=Kind.EVENT,
        name="link_shared",
        hears="link_shared",
        reads=heard.Told[heard.LinkShared],
        scopes=("links:read", "links:write"),
    ),
    Ear(kind=Kind.EVENT, name="app_uninstalled", hears="uninstalled", reads=heard.Told[heard.Removed]),
    Ear(kind=Kind.EVENT, name="tokens_revoked", hears="tokens_revoked", reads=heard.Told[heard.Revoked]),
    Ear(kind=Kind.BUTTONS, name="", hears="pressed", reads=heard.Pressed),
    Ear(kind=Kind.ELEMENT, name=TITLE, hears="title_entered", reads=heard.InWindow),
    Ear(kind=Kind.OPTIONS, name=AGENT, hears="agents_wanted", reads=heard.InWindow, answers=True),
    Ear(kind=Kind.WINDOW, name=CALLBACK, hears="window_sent", reads=heard.InWindow, answers=True),
)
