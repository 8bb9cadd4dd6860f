"""Everything that the bot hears, once: its methods and the app's manifest are made of this tuple, and a test compares them."""

from __future__ import annotations

from enum import StrEnum

import structlog
from msgspec import Struct

from bots.teams.activity import Heard
from bots.teams.door import Answer

CREATE, SEARCH = "createTask", "searchTasks"

log = structlog.get_logger()


class Way(StrEnum):
    """How an activity is answered."""

    LATER = "later"  # with a message, once it is done: the call itself is acknowledged at once
    NOW = "now"  # in the call itself, for which a person waits


class Ear(Struct, frozen=True, kw_only=True):
    """`type`, `name` and `action` are Teams' own, `hears` is the bot's method."""

    type: str
    hears: str
    name: str = ""
    action: str = ""
    way: Way = Way.LATER


EARS: tuple[Ear, ...] = (
    Ear(type="message", hears="message"),
    Ear(type="installationUpdate", action="add", hears="installed"),
    Ear(type="installationUpdate", action="remove", hears="removed"),
    Ear(type="event", name="application/vnd.microsoft.meetingStart", hears="meeting_started"),
    Ear(type="event", name="application/vnd.microsoft.meetingEnd", hears="meeting_ended"),
    Ear(type="invoke", name="adaptiveCard/action", hears="pressed", way=Way.NOW),
    Ear(type="invoke", name="application/search", hears="agents_wanted", way=Way.NOW),
    Ear(type="invoke", name="task/fetch", hears="form_wanted", way=Way.NOW),
    Ear(type="invoke", name="task/submit", hears="form_sent", way=Way.NOW),
    Ear(type="invoke", name="composeExtension/fetchTask", hears="form_about_message", way=Way.NOW),
    Ear(type="invoke", name="composeExtension/submitAction", hears="form_sent", way=Way.NOW),
    Ear(type="invoke", name="composeExtension/query", hears="tasks_wanted", way=Way.NOW),
    Ear(type="invoke", name="composeExtension/queryLink", hears="link_written", way=Way.NOW),
    Ear(type="invoke", name="composeExtension/anonymousQueryLink", hears="link_of_a_stranger", way=Way.NOW),
)

# What Teams sends as well, and why nothing is done about it.
IGNORED = {
    "conversationUpdate": "installationUpdate says who has the bot, once",
    "installationUpdate": "an upgrade changes nothing for people",
    "messageReaction": "a reaction asks for nothing",
    "messageUpdate": "what was asked is done already",
    "messageDelete": "what was asked is done already",
    "typing": "nobody has said anything yet",
    "event": "of a meeting only its beginning and its end matter",
}


def ear_of(heard: Heard) -> Ear | None:
    """Who hears this; None for nobody."""
    told = (heard.type, heard.name if heard.type in {"invoke", "event"} else "", _action(heard))
    return next((ear for ear in EARS if (ear.type, ear.name, ear.action) == told), None)


def unheard(heard: Heard) -> Answer:
    """What is answered to what nobody hears: of an invoke somebody waits for the answer."""
    invoked = heard.type == "invoke"
    log.info("unheard", action="unheard", ignored=not invoked and heard.type in IGNORED)
    return Answer(404, _NOT_DONE) if invoked else Answer(202)


_NOT_DONE = {"error": {"code": "NotSupported", "message": "This bot does not do that."}}


def _action(heard: Heard) -> str:
    return heard.action if heard.type == "installationUpdate" else ""
