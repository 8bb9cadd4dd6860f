"""A Slack workspace on loopback: its people, channels, windows and sockets, and the hands that type and press there.

It is what Slack's documentation says of each method (read 2026-11), as far as a bot can tell: scopes, tickets that open
one window within their time, messages that only their author changes, answers at a `response_url`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, TypeVar

from aiohttp import WSMsgType, web
from msgspec import Struct

from tests.doubles.slack_hands import Ack, Http, Way

T = TypeVar("T")
Document = dict[str, Any]

TEAM, APP, BOT = "T0ACME", "A0AICRM", "U0AICRM"
SIGNING_SECRET = "8f742231b10e8888-canary-99yyyzzz85a5"
BOT_TOKEN = "xoxb-1234567890-canary-AbCdEfGhIj"
APP_TOKEN = "xapp-1-A0AICRM-canary-0123456789"
ANN, BOB, GUEST, ROBOT, GONE, PARTNER = "U0ANN", "U0BOB", "U0GUEST", "U0ROBOT", "U0GONE", "U0PARTNER"
DEV, ELSEWHERE, OLD = "C0DEV", "C0ELSEWHERE", "C0OLD"

_USERS: Mapping[str, Document] = {
    ANN: {"name": "ann", "profile": {"display_name": "Ann"}},
    BOB: {"name": "bob", "profile": {"display_name": "Bob"}},
    GUEST: {"name": "gus", "is_restricted": True, "profile": {"display_name": "Gus"}},
    ROBOT: {"name": "robot", "is_bot": True},
    GONE: {"name": "gone", "deleted": True},
    # Somebody of another company in a shared channel. Slack calls only those `is_stranger` who are in no such channel:
    # https://docs.slack.dev/reference/objects/user-object
    PARTNER: {"name": "pat", "team_id": "T0OTHER", "is_stranger": False, "profile": {"display_name": "Pat"}},
}

# Which scope each method needs: https://docs.slack.dev/reference/methods. Empty for none.
SCOPES: Mapping[str, str] = {
    "auth.test": "",
    "users.info": "users:read",
    "views.open": "",
    "views.update": "",
    "views.publish": "",
    "chat.postMessage": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.update": "chat:write",
    "chat.unfurl": "links:write",
    "chat.getPermalink": "",
    "conversations.open": "im:write",
    "conversations.info": "channels:read",
    "conversations.list": "channels:read",
    "conversations.history": "channels:history",
    "conversations.replies": "channels:history",
}
EVERYTHING = (
    "app_mentions:read", "channels:history", "channels:read", "chat:write", "commands", "groups:history", "groups:read",
    "im:history", "im:write", "links:read", "links:write", "users:read",
)  # fmt: skip

_NO_CHANNEL = {"ok": False, "error": "channel_not_found"}
_PATIENCE = 20.0


class Call(Struct, frozen=True):
    """What a method was asked, and what it said."""

    method: str
    token: str
    asked: Document
    answer: Document


class SlackWorkspace:
    """Between `with` and its end: `url` is its API. Whoever shall hear it is named by `heard_by`, or listens on a socket.

    `messages` are all that are there, in order; those for one person's eyes are `whispers`. What stands in `scripted`
    is answered first to calls of that method: a document, or a number of seconds for a 429.
    """

    def __init__(self, scopes: tuple[str, ...] = EVERYTHING) -> None:
        self.scopes = scopes
        self.way: Way | None = None
        self.calls: list[Call] = []
        self.messages: list[Document] = []
        self.whispers: list[Document] = []
        self.answers: list[Document] = []
        self.unfurls: list[Document] = []
        self.offered: list[list[Document]] = []
        self.views: dict[str, Document] = {}
        self.homes: dict[str, Document] = {}
        self.scripted: dict[str, deque[Document | int]] = {}
        self.tokens = {BOT_TOKEN: TEAM}
        self.codes: dict[str, Document] = {}
        self.sockets: list[web.WebSocketResponse] = []
        self.open_tickets: set[str] = set()
        self._numbers = itertools.count(1)
        self._answering: dict[str, Document] = {}
        self._acks: dict[str, Document] = {}
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._runner: web.AppRunner | None = None
        self._root = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._root = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(10)
        return self

    def __exit__(self, *exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        return f"{self._root}/api"

    def heard_by(self, hub: str) -> None:
        """Calls go to this hub from now on, signed."""
        self.way = Http(f"{hub}/slack/events", SIGNING_SECRET)

    def heard_on_a_socket(self) -> None:
        """Waits until somebody listens; calls go there from now on."""
        self.until(lambda: [each for each in self.sockets if not each.closed], "a socket that somebody listens on")
        self.way = self._over_socket

    def refuses(self, method: str, error: str, **more: object) -> None:
        """The next call of this method is refused."""
        self.scripted.setdefault(method, deque()).append({"ok": False, "error": error, **more})

    def slows(self, method: str, seconds: int) -> None:
        """The next call of this method comes too soon."""
        self.scripted.setdefault(method, deque()).append(seconds)

    def drop_sockets(self) -> None:
        """Slack closes them from time to time."""
        for each in self.sockets:
            asyncio.run_coroutine_threadsafe(each.close(), self._loop).result(10)

    def until(self, look: Callable[[], T | None], what: str) -> T:
        """What `look` finds once it finds something."""
        end = time.monotonic() + _PATIENCE
        with self._changed:
            while not (found := look()):
                if time.monotonic() > end:
                    raise AssertionError(f"there never was {what}; the calls: {[each.method for each in self.calls]}")
                self._changed.wait(0.1)
            return found

    def asked(self, method: str) -> list[Document]:
        return [each.asked for each in self.calls if each.method == method]

    # What people do. Each gives what the bot said at once; what it does then is looked for with `until`.

    def send(self, kind: str, body: Document, headers: Mapping[str, str] | None = None) -> Ack:
        assert self.way, "nobody listens"
        return self.way(kind, body, headers or {})

    def together(self, *does: Callable[[], Ack]) -> list[Ack]:
        """What several people do in the same moment."""
        with ThreadPoolExecutor(len(does)) as hands:
            return [each.result() for each in [hands.submit(each) for each in does]]

    def ticket(self) -> str:
        """A trigger id: it opens one window."""
        ticket = f"{next(self._numbers)}.{TEAM}.ticket"
        self.open_tickets.add(ticket)
        return ticket

    def response_url(self, about: Document | None = None) -> str:
        name = f"r{next(self._numbers)}"
        self._answering[name] = {"about": about, "left": 5}
        return f"{self._root}/respond/{name}"

    def command(self, text: str, user: str = ANN, channel: str = DEV, team: str = TEAM, **more: str) -> Ack:
        body = {
            "token": "x", "team_id": team, "team_domain": "acme", "channel_id": channel, "channel_name": "dev",
            "user_id": user, "user_name": user.lower(), "command": "/ai-crm", "text": text, "api_app_id": APP,
            "is_enterprise_install": "false", "response_url": self.response_url({"channel": channel, "user": user}),
            "trigger_id": self.ticket(), **more,
        }  # fmt: skip
        return self.send("slash_commands", body)

    def asks(self, text: str, user: str = ANN, channel: str = DEV, **more: str) -> Document:
        """A command and its answer, which is a message."""
        before = len(self.answers)
        assert self.command(text, user, channel, **more).status == 200
        return self.until(lambda: self.answers[before:], f"an answer to {text!r}")[0]

    def event(
        self,
        event: Document,
        team: str = TEAM,
        event_id: str = "",
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Ack:
        body = {
            "token": "x", "team_id": team, "api_app_id": APP, "event": event, "type": "event_callback",
            "event_id": event_id or f"Ev{next(self._numbers):08}", "event_time": 1795514400,
            "authorizations": [{"enterprise_id": None, "team_id": team, "user_id": BOT, "is_bot": True}],
            "is_ext_shared_channel": False, **more,
        }  # fmt: skip
        return self.send("events_api", body, headers)

    def says(self, text: str, user: str = ANN, channel: str = DEV, thread: str = "") -> Document:
        """Somebody writes, and Slack tells nobody."""
        message = {"type": "message", "user": user, "text": text, "ts": self._ts(), "channel": channel}
        message |= {"thread_ts": thread} if thread else {}
        self.messages.append(message)
        return message

    def mentions(
        self, text: str, user: str = ANN, channel: str = DEV, thread: str = "", event_id: str = ""
    ) -> Document:
        message = self.says(f"<@{BOT}> {text}", user, channel, thread)
        assert self.event({**message, "type": "app_mention"}, event_id=event_id).status == 200
        return message

    def tells_bot(self, text: str, user: str = ANN, event_id: str = "") -> Document:
        """In a direct message."""
        message = self.says(text, user, f"D{user[1:]}")
        assert self.event({**message, "channel_type": "im"}, event_id=event_id).status == 200
        return message

    def press(self, message: Document, title: str, user: str = ANN, **more: Any) -> Ack:
        """Presses the button with this title. `message` is one that is there, an answer, or a home tab."""
        button = next(each for each in buttons(message) if each["text"]["text"].endswith(title))
        home = message.get("type") == "home"
        place: Document = {"view": message} if home else {"message": message, "channel": {"id": message["channel"]}}
        if not home:
            place["response_url"] = self.response_url(message)
            only_theirs = self._found(message["channel"], message["ts"]) is None
            place["container"] = {"type": "message", "message_ts": message["ts"], "is_ephemeral": only_theirs}
        action = {"type": "button", "action_ts": self._ts(), **button}
        return self.interact("block_actions", user, actions=[action], **{**place, **more})

    def shortcut(self, message: Document, user: str = ANN) -> Ack:
        place = {"message": message, "channel": {"id": message["channel"], "name": "dev"}}
        url = self.response_url({"channel": message["channel"], "user": user})
        return self.interact(
            "message_action",
            user,
            callback_id="create_task_from_message",
            response_url=url,
            message_ts=message["ts"],
            **place,
        )

    def interact(self, kind: str, user: str = ANN, **more: Any) -> Ack:
        body = {
            "type": kind, "team": {"id": TEAM, "domain": "acme"}, "user": {"id": user, "team_id": TEAM},
            "api_app_id": APP, "token": "x", "trigger_id": self.ticket(), "enterprise": None,
            "is_enterprise_install": False, **more,
        }  # fmt: skip
        return self.send("interactive", body)

    def window(self) -> Document:
        """The window that was opened last."""
        return self.until(lambda: list(self.views.values()), "a window")[-1]

    def submit(self, view: Document, user: str = ANN, **typed: Any) -> Ack:
        """Sends a window with what stands in it and what was typed instead."""
        return self.interact("view_submission", user, view={**view, "state": {"values": values_of(view, typed)}})

    def enter(self, view: Document, user: str = ANN, **typed: Any) -> Ack:
        """Presses Enter in the window's title."""
        values = values_of(view, typed)
        action = {"type": "plain_text_input", "block_id": "title", "action_id": "title", "action_ts": self._ts(),
                  "value": typed.get("title", "")}  # fmt: skip
        container = {"type": "view", "view_id": view["id"]}
        return self.interact(
            "block_actions", user, actions=[action], container=container, view={**view, "state": {"values": values}}
        )

    def choices(self, view: Document, written: str, user: str = ANN, **typed: Any) -> list[Document]:
        """What the menu of agents offers."""
        shown = {**view, "state": {"values": values_of(view, typed)}}
        ack = self.interact("block_suggestion", user, action_id="agent", block_id="agent", value=written, view=shown)
        options: list[Document] = json.loads(ack.body)["options"]
        self.offered.append(options)
        return options

    def opens_home(self, user: str = ANN) -> Document:
        self.homes.pop(user, None)
        self.event(
            {"type": "app_home_opened", "user": user, "channel": f"D{user[1:]}", "tab": "home", "event_ts": self._ts()}
        )
        return self.until(lambda: self.homes.get(user), "a home tab")

    # The other side: what the bot asks of Slack

    async def _serve(self) -> str:
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_route("*", "/api/{method}", self._method)
        app.router.add_post("/respond/{name}", self._respond)
        app.router.add_get("/link", self._link)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def _end(self) -> None:
        for each in self.sockets:
            await each.close()
        assert self._runner
        await self._runner.cleanup()

    async def _method(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        asked = await _asked(request)
        scripted = self.scripted.get(method)
        answer = scripted.popleft() if scripted else self._answer(method, token or str(asked.get("token", "")), asked)
        if isinstance(answer, int):
            with self._changed:
                self.calls.append(Call(method, token, asked, {"ok": False, "error": "ratelimited"}))
                self._changed.notify_all()
            return web.json_response(
                {"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": str(answer)}
            )
        with self._changed:
            self.calls.append(Call(method, token, asked, answer))
            self._changed.notify_all()
        return web.json_response(answer, headers={"x-oauth-scopes": ",".join(self.scopes)})

    def _answer(self, method: str, token: str, asked: Document) -> Document:
        if method == "oauth.v2.access":
            return self.codes.pop(asked.get("code", ""), {"ok": False, "error": "invalid_code"})
        if method == "apps.connections.open":
            good = {"ok": True, "url": f"{self._root.replace('http', 'ws', 1)}/link"}
            return good if token == APP_TOKEN else {"ok": False, "error": "invalid_auth"}
        if method not in SCOPES:
            return {"ok": False, "error": "unknown_method"}
        if token not in self.tokens:
            return {"ok": False, "error": "invalid_auth"}
        needed = SCOPES[method]
        if needed and needed not in self.scopes:
            return {"ok": False, "error": "missing_scope", "needed": needed, "provided": ",".join(self.scopes)}
        if method == "auth.test":
            team = self.tokens[token]
            return {"ok": True, "team_id": team, "team": "Acme", "user": "ai-crm", "user_id": BOT, "bot_id": "B0AICRM"}
        found: Document = getattr(self, f"_{method.replace('.', '_')}")(asked)
        return found

    def _users_info(self, asked: Document) -> Document:
        known = _USERS.get(asked["user"])
        if known is None:
            return {"ok": False, "error": "user_not_found"}
        return {"ok": True, "user": {"id": asked["user"], "team_id": TEAM, **known}}

    def _views_open(self, asked: Document) -> Document:
        if asked.get("trigger_id") not in self.open_tickets:
            return {"ok": False, "error": "expired_trigger_id"}
        self.open_tickets.discard(asked["trigger_id"])
        return self._kept(f"V{next(self._numbers)}", asked["view"])

    def _views_update(self, asked: Document) -> Document:
        known = self.views.get(asked["view_id"])
        if known is None:
            return {"ok": False, "error": "not_found"}
        if asked.get("hash", known["hash"]) != known["hash"]:
            return {"ok": False, "error": "hash_conflict"}
        view = json.loads(asked["view"]) if isinstance(asked["view"], str) else asked["view"]
        return self._kept(known["id"], {**view, "blocks": [_unmoved(each, known["blocks"]) for each in view["blocks"]]})

    def _kept(self, name: str, view: Document | str) -> Document:
        shown: Document = json.loads(view) if isinstance(view, str) else view
        self.views[name] = {**shown, "id": name, "hash": f"h{next(self._numbers)}", "team_id": TEAM}
        return {"ok": True, "view": self.views[name]}

    def _views_publish(self, asked: Document) -> Document:
        view = json.loads(asked["view"]) if isinstance(asked["view"], str) else asked["view"]
        self.homes[asked["user_id"]] = view
        return {"ok": True, "view": {**view, "id": "VHOME"}}

    def _chat_postMessage(self, asked: Document) -> Document:  # noqa: N802 - Slack's name
        channel = f"D{asked['channel'][1:]}" if asked["channel"][0] == "U" else asked["channel"]
        channel = {"#dev": DEV, "#old": OLD}.get(channel, channel)
        if error := _objection(channel, asked):
            return {"ok": False, "error": error}
        message = {"type": "message", "bot_id": "B0AICRM", "user": BOT, **asked, "ts": self._ts(), "channel": channel}
        self.messages.append(message)
        return {"ok": True, "channel": channel, "ts": message["ts"], "message": message}

    def _chat_postEphemeral(self, asked: Document) -> Document:  # noqa: N802 - Slack's name
        if error := _objection(asked["channel"], asked):
            return {"ok": False, "error": error}
        self.whispers.append({**asked, "ts": self._ts()})
        return {"ok": True, "message_ts": self.whispers[-1]["ts"]}

    def _chat_update(self, asked: Document) -> Document:
        known = self._found(asked["channel"], asked["ts"])
        if known is None:
            return {"ok": False, "error": "message_not_found"}
        if known.get("user") != BOT:
            return {"ok": False, "error": "cant_update_message"}
        known.update({"text": asked.get("text", ""), "blocks": asked.get("blocks", []), "edited": True})
        return {"ok": True, "channel": asked["channel"], "ts": asked["ts"]}

    def _chat_unfurl(self, asked: Document) -> Document:
        unfurls = asked["unfurls"]
        self.unfurls.append({**asked, "unfurls": json.loads(unfurls) if isinstance(unfurls, str) else unfurls})
        return {"ok": True}

    def _chat_getPermalink(self, asked: Document) -> Document:  # noqa: N802 - Slack's name
        where = f"https://acme.slack.com/archives/{asked['channel']}/p{asked['message_ts'].replace('.', '')}"
        return {"ok": True, "channel": asked["channel"], "permalink": where}

    def _conversations_open(self, asked: Document) -> Document:
        return {"ok": True, "channel": {"id": f"D{asked['users'][1:]}"}}

    def _conversations_info(self, asked: Document) -> Document:
        known = {DEV: "dev", ELSEWHERE: "elsewhere", OLD: "old"}.get(asked["channel"])
        return {"ok": True, "channel": {"id": asked["channel"], "name": known}} if known else _NO_CHANNEL

    def _conversations_list(self, _asked: Document) -> Document:
        return {"ok": True, "channels": [{"id": DEV, "name": "dev"}, {"id": OLD, "name": "old"}]}

    def _conversations_history(self, asked: Document) -> Document:
        return {"ok": True, "messages": [each for each in self.messages if each["channel"] == asked["channel"]]}

    def _conversations_replies(self, asked: Document) -> Document:
        return {
            "ok": True,
            "messages": [each for each in self.messages if asked["ts"] in (each["ts"], each.get("thread_ts"))],
        }

    async def _respond(self, request: web.Request) -> web.Response:
        known = self._answering.get(request.match_info["name"])
        said: Document = await request.json()
        if known is None or not known["left"]:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        known["left"] -= 1
        if scripted := self.scripted.get("respond"):
            return web.json_response(scripted.popleft(), status=400)
        about: Document = known["about"] or {}
        with self._changed:
            message = {**said, "ts": about.get("ts") or self._ts(), "channel": about.get("channel", ""), "user": BOT}
            self.answers.append(message)
            found = self._found(about.get("channel", ""), about.get("ts", "")) if said.get("replace_original") else None
            if found is not None:
                found.update({"text": said.get("text", ""), "blocks": said.get("blocks", []), "edited": True})
            elif said.get("response_type") == "in_channel":
                self.messages.append(message)
            self._changed.notify_all()
        return web.Response(text="ok")

    async def _link(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1, "connection_info": {"app_id": APP}})
        with self._changed:
            self.sockets.append(socket)
            self._changed.notify_all()
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                told = json.loads(message.data)
                with self._changed:
                    self._acks[told["envelope_id"]] = told
                    self._changed.notify_all()
        return socket

    def _over_socket(self, kind: str, body: Document, headers: Mapping[str, str]) -> Ack:
        """As https://docs.slack.dev/apis/events-api/using-socket-mode has it; nothing is signed."""
        name = f"envelope-{next(self._numbers)}"
        envelope = {"envelope_id": name, "type": kind, "payload": body, "accepts_response_payload": True}
        if "x-slack-retry-num" in headers:
            envelope |= {"retry_attempt": int(headers["x-slack-retry-num"]), "retry_reason": "timeout"}
        socket = [each for each in self.sockets if not each.closed][-1]
        began = time.monotonic()
        asyncio.run_coroutine_threadsafe(socket.send_json(envelope), self._loop).result(10)
        told = self.until(lambda: self._acks.get(name), f"an acknowledgement of {kind}")
        payload = told.get("payload")
        return Ack(200, json.dumps(payload).encode() if payload else b"", time.monotonic() - began)

    def _found(self, channel: str, ts: str) -> Document | None:
        return next((each for each in self.messages if (each["channel"], each["ts"]) == (channel, ts)), None)

    def _ts(self) -> str:
        return f"1795514400.{next(self._numbers):06}"


def buttons(shown: Document) -> Iterator[Document]:
    """Every button of a message or a home tab."""
    for block in shown.get("blocks", ()):
        if block["type"] == "actions":
            yield from ({**each, "block_id": "b"} for each in block["elements"])


def values_of(view: Document, typed: Mapping[str, Any]) -> Document:
    """The state of a window's fields: what it was opened with, unless something else was typed or chosen."""
    values: Document = {}
    for block in view["blocks"]:
        if block["type"] != "input":
            continue
        element, name = block["element"], block["block_id"]
        values[name] = {element["action_id"]: _state(element, typed.get(name))}
    return values


def _state(element: Document, given: Any) -> Document:
    kind = element["type"]
    chosen = {"text": {"type": "plain_text", "text": str(given)}, "value": given} if given else None
    match kind:
        case "plain_text_input":
            return {"type": kind, "value": element.get("initial_value") if given is None else given}
        case "datepicker":
            return {"type": kind, "selected_date": given or element.get("initial_date")}
        case "checkboxes":
            return {"type": kind, "selected_options": [chosen] if chosen else []}
        case _:
            return {"type": kind, "selected_option": chosen or element.get("initial_option")}


def _unmoved(block: Document, before: list[Document]) -> Document:
    """A field that was there stays as it is: what an update would put into it goes unheard."""
    was = next((each for each in before if each["block_id"] == block.get("block_id")), None)
    if block["type"] != "input" or was is None or was["element"]["action_id"] != block["element"]["action_id"]:
        return block
    initial = {name: value for name, value in was["element"].items() if name.startswith("initial_")}
    element = {name: value for name, value in block["element"].items() if not name.startswith("initial_")}
    return {**block, "element": {**element, **initial}}


async def _asked(request: web.Request) -> Document:
    if request.content_type == "application/json":
        found: Document = await request.json()
        return found
    return {**request.query, **(await request.post())}


def _objection(channel: str, asked: Mapping[str, Any]) -> str:
    if channel == OLD:
        return "is_archived"
    if channel == ELSEWHERE:
        return "not_in_channel"
    if channel != DEV and channel[0] != "D":
        return "channel_not_found"
    return "" if asked.get("text", "").strip() else "no_text"
