"""What strangers and broken senders do at the bot's door: nothing of theirs is read before it is genuine, nothing is a fault."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from ai_crm.model.item import PlatformName
from ai_crm.model.secret import Secret
from ai_crm.ports.promises import Promise
from bots.promised import Promised
from bots.slack.door import PATH, Door, Hearing, door_route
from tests.bots.slack.conftest import Pair, words
from tests.doubles.hub_parts import NOW, Answer, Hub, call
from tests.doubles.slack_hands import signed
from tests.doubles.slack_workspace import ANN, BOT, DEV, SIGNING_SECRET, TEAM, SlackWorkspace

# The corpus of SECURITY's verifiers: the same grid as at the hub's other doors.
SIGNATURES = (
    "", " ", "v1", "v1,", "v1,,", "v1,a,b", "v1,!!!", "v1,Zg", "v1,\xe9\xff", "v1," + "A" * 100_000,
    "v0=" + "0" * 64, "v2,abc", ",", "v1,abc def", "\0", "v1,AAAA v1", "sha256=", "sha256=\xff\xfe", "sha256=zz",
    "sha1=abc", "v0=\xe9", "v0=", "t=1,v1=abc", "t=abc,v1=abc", "t=,v1=", "v1=abc", "t=1700000000,v1=\xff", "=,=,=",
    "t=1", "t=" + "9" * 5000,
)  # fmt: skip
TIMESTAMPS = (
    str(int(NOW.timestamp())), "", "abc", "nan", "inf", "-inf", "1e400", "9" * 400, "9" * 5000, "-1", "1_674_087_231",
    " 1700000000 ", ".9", "\u0661\u0662", "0x10", "1e9", "\0",
)  # fmt: skip
BODIES = (b'{"type":"event_callback"}', b"", b"\xff\xfe\0", b"\xed\xa0\x80", b"[" * 100_000, b"{")
TYPES = ("application/json", "application/x-www-form-urlencoded")


class Never:
    """A bot that nothing may get to."""

    def __init__(self) -> None:
        self.asked = 0
        app = AsyncApp(authorize=self._authorize, request_verification_enabled=False)
        promised = Promised(self, PlatformName.SLACK, lambda: NOW)
        self.hearing = Hearing(app, promised, lambda _request: None)
        self.promised: list[Promise] = []

    async def give(self, promise: Promise, now: datetime) -> bool:  # noqa: ARG002 - as the port has it
        self.promised.append(promise)
        return True

    async def keep(self, promise: Promise) -> None:
        """Nothing is done here."""

    async def broken(self, platform: PlatformName, now: datetime) -> tuple[Promise, ...]:  # noqa: ARG002 - as above
        return ()

    async def give_up(self, platform: PlatformName, now: datetime) -> int:  # noqa: ARG002 - as above
        return 0

    async def _authorize(self, enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        self.asked += 1
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)


@pytest.fixture
def never() -> Never:
    return Never()


@pytest.fixture
def door(never: Never) -> Hub:
    return Hub(api=(door_route(Door(never.hearing, Secret(SIGNING_SECRET), lambda: NOW)),))


def test_whatever_is_not_signed_is_refused_before_it_is_read(door: Hub, never: Never) -> None:
    grid = list(itertools.product(SIGNATURES, TIMESTAMPS, BODIES))

    async def attack() -> set[int]:
        statuses = set()
        for number, (signature, timestamp, body) in enumerate(grid):
            headers = (
                ("x-slack-signature", signature), ("x-slack-request-timestamp", timestamp),
                ("content-type", TYPES[number % 2]),
            )  # fmt: skip
            statuses.add((await call(door.app, "POST", PATH, headers, body)).status)
        return statuses

    assert len(grid) == 3060
    assert asyncio.run(attack()) <= {400, 401, 429}
    assert never.asked == 0
    assert never.promised == []


def knock(door: Hub, body: bytes, content_type: str = TYPES[0], at: int = 0, **headers: str) -> Answer:
    sent = {**signed(body, SIGNING_SECRET, at or int(NOW.timestamp())), "content-type": content_type, **headers}
    return asyncio.run(call(door.app, "POST", PATH, tuple(sent.items()), body))


@pytest.mark.parametrize(
    "body", [*BODIES[1:], b"null", b"1", b'"x"', b'{"a":' * 80 + b"1" + b"}" * 80, b"NaN", b"payload=%7B"]
)
@pytest.mark.parametrize("content_type", [*TYPES, "", "text/plain", "APPLICATION/JSON; charset=utf-7"])
def test_a_genuine_body_that_cannot_be_read_is_no_fault(door: Hub, body: bytes, content_type: str) -> None:
    assert knock(door, body, content_type).status in {400, 404}


@pytest.mark.parametrize(("late", "status"), [(-301, 401), (-300, 200), (300, 200), (301, 401)])
def test_a_call_is_good_for_five_minutes(door: Hub, late: int, status: int) -> None:
    body = b'{"type":"url_verification","challenge":"c"}'
    assert knock(door, body, at=int(NOW.timestamp()) + late).status == status


def test_slacks_greeting_is_answered_shortly_and_only_when_it_is_signed(door: Hub) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "<b>" + "c" * 500}).encode()
    answer = knock(door, body)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer.body.decode() == "<b>" + "c" * 197
    assert asyncio.run(call(door.app, "POST", PATH, (("content-type", TYPES[0]),), body)).status == 401


def test_two_signatures_are_none(door: Hub) -> None:
    body = b'{"type":"url_verification","challenge":"c"}'
    headers = signed(body, SIGNING_SECRET, int(NOW.timestamp()))
    twice = (*headers.items(), ("x-slack-signature", headers["x-slack-signature"]))
    assert asyncio.run(call(door.app, "POST", PATH, twice, body)).status == 401


# Genuine calls with something wrong in them, at a hub that runs

_VIEW = {"id": "V1", "type": "modal", "callback_id": "create_task", "hash": "h", "private_metadata": "{}", "blocks": [],
         "state": {"values": {"title": {"title": {"type": "plain_text_input", "value": "canary"}}}}}  # fmt: skip
_WHO = {"team": {"id": TEAM}, "user": {"id": ANN, "team_id": TEAM}, "trigger_id": "t", "api_app_id": "A"}
_BUTTON = {
    "type": "button",
    "action_id": "set_status:done",
    "block_id": "b",
    "action_ts": "1.1",
    "value": '{"task":"AICRM-1"}',
}
_SAID = {"user": ANN, "channel": DEV, "ts": "1.1", "text": f"<@{BOT}> help canary", "channel_type": "im"}
_EVENT = {
    "type": "event_callback",
    "team_id": TEAM,
    "event_id": "Ev",
    "authorizations": [{"team_id": TEAM, "user_id": BOT}],
}
SEEDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("slash_commands", {"command": "/ai-crm", "text": "help", "team_id": TEAM, "user_id": ANN, "channel_id": DEV, "trigger_id": "t", "response_url": "https://hooks.slack.com/x"}),
    ("interactive", {**_WHO, "type": "block_actions", "actions": [_BUTTON], "channel": {"id": DEV}, "message": {"ts": "1.1"}, "response_url": "https://evil.example/"}),
    ("interactive", {**_WHO, "type": "block_actions", "actions": [{**_BUTTON, "action_id": "title"}], "view": _VIEW}),
    ("interactive", {**_WHO, "type": "view_submission", "view": _VIEW}),
    ("interactive", {**_WHO, "type": "block_suggestion", "action_id": "agent", "block_id": "agent", "value": "x", "view": _VIEW}),
    ("interactive", {**_WHO, "type": "message_action", "callback_id": "create_task_from_message", "channel": {"id": DEV}, "message": {"ts": "1.1", "text": "canary"}, "response_url": "x"}),
    ("events_api", {**_EVENT, "event": {"type": "app_mention", **_SAID}}),
    ("events_api", {**_EVENT, "event": {"type": "message", **_SAID}}),
    ("events_api", {**_EVENT, "event": {"type": "app_home_opened", "user": ANN, "tab": "home"}}),
    ("events_api", {**_EVENT, "event": {"type": "link_shared", "user": ANN, "channel": DEV, "message_ts": "1", "links": [{"url": "https://hub.example.com/tasks/AICRM-1"}]}}),
    ("events_api", {**_EVENT, "event": {"type": "tokens_revoked", "tokens": {"bot": ["U"]}}}),
)  # fmt: skip
_WRONG: tuple[Any, ...] = (
    None,
    "",
    "x",
    0,
    -1,
    [],
    {},
    [[]],
    [None],
    {"id": None},
    "canary" * 400,
    "\ud800",
    {"type": 1},
    True,
)


def _paths(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return (
        [path, *(found for key, value in inner for found in _paths(value, (*path, key)))]
        if path
        else [found for key, value in inner for found in _paths(value, (key,))]
    )


def _mutant(seed: dict[str, Any], path: tuple[Any, ...], wrong: Any, *, gone: bool) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(seed))
    place: Any = copy
    for key in path[:-1]:
        place = place[key]
    if gone:
        del place[path[-1]]
    else:
        place[path[-1]] = wrong
    return copy


@st.composite
def broken(draw: Callable[[Any], Any]) -> tuple[str, dict[str, Any]]:
    kind, seed = draw(st.sampled_from(SEEDS))
    path = draw(st.sampled_from(_paths(seed)))
    return kind, _mutant(seed, path, draw(st.sampled_from(_WRONG)), gone=draw(st.booleans()))


@settings(
    max_examples=500, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sent=broken())
def test_a_genuine_call_with_anything_wrong_in_it_is_no_fault(
    over_http: Pair, sent: tuple[str, dict[str, Any]]
) -> None:
    kind, document = sent
    ack = over_http.slack.send(kind, document)
    assert ack.status in {200, 400, 404}


def test_the_bot_goes_on_after_all_that_and_its_log_says_nothing_of_it(over_http: Pair) -> None:
    assert "What you can ask for" in words(over_http.slack.asks("help"))
    log = over_http.hub.log()
    assert [word for word in ("canary", "evil.example", '"fault"', "Traceback") if word in log] == []


def test_an_answer_goes_nowhere_but_to_slack(slack: SlackWorkspace, over_http: Pair) -> None:
    """Whoever had the signing secret could otherwise make the hub call any address."""
    for url in ("http://169.254.169.254/latest", "https://evil.example/x", "file:///etc/passwd", "", "x"):
        assert slack.command("help", response_url=url).status == 200
    time.sleep(0.2)
    slack.asks("help")
    assert over_http.hub.log().count("the address to answer at is not Slack's") >= 4


def test_the_same_calls_on_a_socket_are_all_acknowledged(over_socket: Pair) -> None:
    """What is not acknowledged Slack sends again, and again."""
    for kind, seed in SEEDS:
        for wrong in ("actions", "event", "view", "team", "user"):
            if wrong in seed:
                assert over_socket.slack.send(kind, {**seed, wrong: 1}).status == 200
    assert over_socket.slack.send("interactive", {"type": "unheard of"}).status == 200
    assert '"fault"' not in over_socket.hub.log()
