"""A small Slack: who may post where, what it says to everyone else, and what in a posted message would come alive."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from tests.doubles.loopback import Loopback, Reply, Request, json_reply

TOKEN = "xoxb-1234567890-canary-AbCdEfGhIj"

# https://docs.slack.dev/messaging/formatting-message-text
_SPECIAL = re.compile(r"<([!@#][^>]*|[a-z][a-z0-9+.-]*:[^>]*)>")
_BARE = re.compile(r"(?<![<|\w])(?:https?://|www\.)\S+")
_NAMES = re.compile(r"(?<!\w)[@#]\w")


# What each method needs: https://docs.slack.dev/reference/methods
_SCOPES = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "conversations.history": "channels:history",
    "conversations.replies": "channels:history",
    "conversations.list": "channels:read",
    "conversations.open": "im:write",
}


class Channel(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    joined: bool = True
    archived: bool = False


CHANNELS = (
    Channel(id="C0DEV", name="dev-team"),
    Channel(id="C0OUT", name="outside", joined=False),
    Channel(id="C0OLD", name="old", archived=True),
    Channel(id="U0ANN", name="ann"),
)


class SlackServer:
    """Answers as Slack does: posting, changing and reading messages. `messages` are those posted, as they came.

    What stands in `scripted` is answered first, one reply a request; after what `deaf` names Slack acts and its answer
    gets lost.
    """

    def __init__(self, *, scopes: tuple[str, ...] = ("chat:write",)) -> None:
        self.scopes = scopes
        self.messages: list[dict[str, Any]] = []
        self.scripted: deque[Reply] = deque()
        self.updates: list[dict[str, Any]] = []
        self.gone: set[str] = set()
        self.deaf = False
        self._loopback = Loopback(self._answer)

    def __enter__(self) -> Self:
        self._loopback.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._loopback.__exit__()

    @property
    def url(self) -> str:
        return f"{self._loopback.url}/api"

    @property
    def requests(self) -> list[Request]:
        return self._loopback.requests

    def refuses(self, error: str, **more: object) -> None:
        """The next request is answered as Slack answers: 200, and not ok."""
        self.scripted.append(json_reply({"ok": False, "error": error, **more}))

    def _answer(self, request: Request) -> Reply:
        if self.scripted:
            return self.scripted.popleft()
        method = request.path.partition("?")[0].removeprefix("/api/")
        if method not in _SCOPES:
            return json_reply({"ok": False, "error": "unknown_method"})
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return json_reply({"ok": False, "error": "invalid_auth"})
        needed = _SCOPES[method]
        if needed not in self.scopes:
            provided = ",".join(self.scopes)
            return json_reply({"ok": False, "error": "missing_scope", "needed": needed, "provided": provided})
        if method == "chat.postMessage":
            posted = self._post(request.json())
            return Reply(503) if self.deaf else posted
        if method == "chat.update":
            return self._update(request.json())
        return self._read(method, dict(parse_qsl(urlsplit(request.path).query)))

    def _update(self, body: dict[str, Any]) -> Reply:
        if body["ts"] in self.gone or int(body["ts"].partition(".")[2]) > len(self.messages):
            return json_reply({"ok": False, "error": "message_not_found"})
        self.updates.append(body)
        return json_reply({"ok": True, "channel": body["channel"], "ts": body["ts"]})

    def _read(self, method: str, asked: Mapping[str, str]) -> Reply:
        if method == "conversations.open":
            return json_reply({"ok": True, "channel": {"id": asked["users"]}})
        if method == "conversations.list":
            return json_reply({"ok": True, "channels": [{"id": each.id, "name": each.name} for each in CHANNELS]})
        posted = [
            {"ts": f"1700000000.{number:06}", "text": message["text"], "metadata": message["metadata"]}
            for number, message in enumerate(self.messages, 1)
            if message.get("thread_ts") == asked.get("ts")
        ]
        first, rest = posted[:1], posted[1:]  # two pages, whatever `limit` says
        if asked.get("cursor") == "more":
            return json_reply({"ok": True, "messages": rest})
        return json_reply({"ok": True, "messages": first, "response_metadata": {"next_cursor": "more" if rest else ""}})

    def _post(self, message: dict[str, Any]) -> Reply:
        wanted = message["channel"]
        channel = next((known for known in CHANNELS if wanted in (known.id, f"#{known.name}")), None)
        error = _objection(message, channel)
        if channel is None or error:
            return json_reply({"ok": False, "error": error})
        self.messages.append(message)
        ts = f"1700000000.{len(self.messages):06}"
        return json_reply({"ok": True, "channel": channel.id, "ts": ts, "message": {"type": "message", "ts": ts}})


def _objection(message: Mapping[str, Any], channel: Channel | None) -> str:
    if channel is None:
        return "channel_not_found"
    if channel.archived:
        return "is_archived"
    if not channel.joined:
        return "not_in_channel"
    if not message.get("text", "").strip() and not message.get("blocks"):
        return "no_text"
    if len(message.get("blocks", ())) > 50 or any(_units(text) > 3000 for _, text in _texts(message.get("blocks", ()))):
        return "invalid_blocks"
    return ""


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def alive(message: Mapping[str, Any]) -> list[str]:
    """What Slack would ping, link or look up when it shows this message, as the reader of its documentation expects."""
    found = list(_live(message["text"], parsed=message.get("parse") != "none", names=message.get("link_names", False)))
    for block, text in _texts(message.get("blocks", ())):
        if block["type"] == "mrkdwn":
            found += _live(text, parsed=not block.get("verbatim"), names=not block.get("verbatim"))
    return found


def shown(message: Mapping[str, Any]) -> str:
    """All words that a reader can see, with Slack's escapes undone."""
    texts = [message["text"], *(text for _, text in _texts(message.get("blocks", ())))]
    return "\n".join(texts).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _live(text: str, *, parsed: bool, names: bool) -> Iterator[str]:
    yield from (special[1] for special in _SPECIAL.finditer(text))
    if parsed:
        yield from _BARE.findall(text)
    if names:
        yield from _NAMES.findall(text)


def _texts(part: Any) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Every text with the object that it stands in, however deep."""
    if isinstance(part, list | tuple):
        for item in part:
            yield from _texts(item)
    elif isinstance(part, dict):
        if isinstance(part.get("text"), str):
            yield part, part["text"]
        for value in part.values():
            yield from _texts(value)
