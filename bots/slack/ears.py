"""Everything that the bot hears, once: handlers, manifest and scopes are made of this tuple, and a test compares them."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

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
    """`name` is Slack's for it, `hears` the handler's; `scopes` are what Slack wants before it tells us."""

    kind: Kind
    name: str
    hears: str
    scopes: tuple[str, ...] = ()
    title: str = ""
    about: str = ""


EARS: tuple[Ear, ...] = (
    Ear(kind=Kind.COMMAND, name=COMMAND, hears="slash_command", scopes=("commands",)),
    Ear(
        kind=Kind.MESSAGE_SHORTCUT,
        name=SHORTCUT,
        hears="message_shortcut",
        scopes=("commands",),
        title="Create AI-CRM task",
        about="Make a task of what somebody wrote",
    ),
    Ear(kind=Kind.EVENT, name="app_mention", hears="mention", scopes=("app_mentions:read",)),
    Ear(kind=Kind.EVENT, name="message.im", hears="direct_message", scopes=("im:history",)),
    Ear(kind=Kind.EVENT, name="app_home_opened", hears="home_opened"),
    Ear(kind=Kind.EVENT, name="link_shared", hears="link_shared", scopes=("links:read", "links:write")),
    Ear(kind=Kind.EVENT, name="app_uninstalled", hears="uninstalled"),
    Ear(kind=Kind.EVENT, name="tokens_revoked", hears="tokens_revoked"),
    Ear(kind=Kind.BUTTONS, name="", hears="pressed"),
    Ear(kind=Kind.ELEMENT, name=TITLE, hears="title_entered"),
    Ear(kind=Kind.OPTIONS, name=AGENT, hears="agents_wanted"),
    Ear(kind=Kind.WINDOW, name=CALLBACK, hears="window_sent"),
)
