"""Who gets in: calls with a token that the Bot Connector signed for us, and nobody else, whatever they try."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_crm.config.hub_settings import read_hub_settings
from ai_crm.errors import SettingsInvalid
from ai_crm.wiring import SystemClock
from ai_crm.wiring.hub import assemble
from bots.teams import front
from tests.doubles.hub_parts import Answer
from tests.doubles.loopback import Reply, json_reply
from tests.doubles.teams_room import Room, words
from tests.doubles.teams_server import APP, CHAT, ISSUER, TENANT, Published, TeamsServer, key_pair

_OTHER = "99999999-9999-4999-8999-999999999999"


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def claims(teams: TeamsServer, **more: Any) -> dict[str, Any]:
    now = int(time.time())
    said = {"iss": ISSUER, "aud": APP, "nbf": now - 10, "exp": now + 3600, "serviceurl": f"{teams.url}/", **more}
    return {name: value for name, value in said.items() if value is not None}


def hostile(teams: TeamsServer) -> Iterator[str]:
    """Tokens that must not pass."""
    good = teams.token()
    header, payload, signature = good.split(".")
    said = claims(teams)
    # other claims, genuinely signed
    yield from (
        teams.token(iss=each) for each in ("", "https://api.botframework.com/", "https://sts.windows.net/x/", APP)
    )
    others: tuple[object, ...] = ("", _OTHER, f"api://{APP}", "*", [APP, _OTHER], {"a": APP}, APP[:-1])
    yield from (teams.token(aud=each) for each in others)
    wrong: tuple[object, ...] = (0, -1, int(time.time()) - 400, "soon", 1e308 * 10, True, [1])
    yield from (teams.token(exp=each) for each in wrong)
    early: tuple[object, ...] = (int(time.time()) + 600, "now", {}, 9e15)
    yield from (teams.token(nbf=each) for each in early)
    for missing in ("iss", "aud", "exp", "nbf", "serviceurl"):
        yield teams.token("key-1", **{missing: None})
    yield from (
        teams.token(serviceurl=each)
        for each in (
            "",
            "https://evil.example/",
            f"{teams.url}/x",
            f"{teams.url}//",
            teams.url + "@evil.example",
            7,
            None,
        )
    )
    yield teams.token(serviceUrl="https://evil.example/")
    # other algorithms and keys
    for algorithm in (
        "none",
        "None",
        "NONE",
        "nOnE",
        "HS256",
        "HS384",
        "RS384",
        "RS512",
        "PS256",
        "ES256",
        "EdDSA",
        "",
        7,
    ):
        for signed in ("", signature, "AAAA"):
            yield f"{part({'alg': algorithm, 'kid': 'key-1', 'typ': 'JWT'})}.{payload}.{signed}"
    public = key_pair("one").public_key()
    for form in (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1):
        secret = public.public_bytes(Encoding.PEM, form)
        begun = f"{part({'alg': 'HS256', 'kid': 'key-1'})}.{part(said)}"
        mac = hmac.new(secret, begun.encode(), hashlib.sha256).digest()
        yield f"{begun}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    for algorithm in ("RS384", "RS512", "PS256"):
        yield jwt.encode(said, key_pair("one"), algorithm, {"kid": "key-1"})
    for kid in ("key-1", "key-2", "../key-1", "", "key-1\x00", "a" * 5000, "http://127.0.0.1/keys"):
        yield jwt.encode(said, key_pair("stranger"), "RS256", {"kid": kid})
    yield jwt.encode(said, key_pair("stranger"), "RS256")
    stranger = Published(key_pair("stranger"))
    for more in ({"jwk": stranger.jwk("key-1")}, {"jku": "https://evil.example/keys"}, {"x5u": "https://evil.example"}):
        yield jwt.encode(said, key_pair("stranger"), "RS256", {"kid": "key-1", **more})
    yield jwt.encode(said, key_pair("one"), "RS256", {"kid": "key-1", "crit": ["b64"], "b64": True})
    # torn ones
    yield from (f"{header}.{payload}.{signature[:cut]}" for cut in range(0, len(signature), 31))
    yield from (good[:cut] for cut in range(0, len(good), 23))
    yield from (good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :] for at in range(0, len(header), 9))
    begin = len(header) + 1
    yield from (
        good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :] for at in range(begin, len(good) - 2, 17)
    )
    yield from (f"{header}.{payload}", f"{good}.{signature}", f"{good}.", f".{payload}.{signature}", "..", "a.b.c", "")
    yield f"{header}.{part([1])}.{signature}"
    yield f"{part('x')}.{payload}.{signature}"
    yield f"{part({'alg': 'RS256', 'kid': ['key-1']})}.{payload}.{signature}"
    yield f"{header}.{'A' * 100_000}.{signature}"
    deep = base64.urlsafe_b64encode(b"[" * 3000).rstrip(b"=").decode()
    yield f"{deep}.{payload}.{signature}"
    yield f"{header}.{deep}.{signature}"


def knock(room: Room, authorization: tuple[str, ...], **more: Any) -> Answer:
    body = msgspec.json.encode({**room.activity(text='task create "In"'), **more})
    return room.post(body, tuple(("authorization", each) for each in authorization))


def refused(answer: Answer) -> bool:
    """429 is what somebody gets who was refused too often of late."""
    return answer.status in {401, 403, 429}


def test_a_genuine_call_gets_in(room: Room) -> None:
    assert knock(room, (f"Bearer {room.teams.token()}",)).status == 202
    assert len(room.teams.activities) == 1


def test_no_token_that_is_not_genuine_gets_in(room: Room, capfd: pytest.CaptureFixture[str]) -> None:
    tokens = list(hostile(room.teams))
    assert len(tokens) > 150
    passed = [token[:80] for token in tokens if not refused(knock(room, (f"Bearer {token}",)))]
    assert passed == []
    assert room.teams.activities == []
    assert room.teams.sent == []  # and nobody was shown the bot's own token
    out, err = capfd.readouterr()
    assert [token for token in tokens if len(token) > 40 and token in out + err] == []


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("",),
        ("Bearer",),
        ("Bearer ",),
        ("Basic {}",),
        ("{}",),
        ("Bearer  {}",),
        ("Bearer {} ",),
        ("Bearer {},Bearer {}",),
        ("Bearer {}", "Bearer {}"),
        ("Bearer {}\x00",),
        ("HMAC {}",),
    ],
)
def test_no_other_way_to_show_a_token_gets_in(room: Room, headers: tuple[str, ...]) -> None:
    given_ = tuple(each.replace("{}", room.teams.token()) for each in headers)
    assert refused(knock(room, given_))
    assert room.teams.activities == []


@given(token=st.text(max_size=200))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_garbage_gets_in(shared: Room, token: str) -> None:
    assert refused(knock(shared, (f"Bearer {token}",)))


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"serviceUrl": "https://evil.example/"}, 401),
        ({"serviceUrl": "http://127.0.0.1:9/"}, 401),
        ({"serviceUrl": "https://smba.trafficmanager.net/teams/"}, 401),
        ({"channelId": "webchat"}, 403),
        ({"channelId": "MSTEAMS"}, 403),
        ({"channelData": {"tenant": {"id": _OTHER}}}, 403),
        ({"conversation": {"id": CHAT, "tenantId": _OTHER}}, 403),
        ({"channelData": {}, "conversation": {"id": CHAT}}, 403),
    ],
)
def test_a_genuine_token_opens_no_door_for_another_activity(room: Room, more: dict[str, Any], status: int) -> None:
    assert knock(room, (f"Bearer {room.teams.token()}",), **more).status == status
    assert room.teams.activities == []


def test_a_service_that_the_token_names_and_nobody_knows_gets_no_answer(room: Room) -> None:
    token = room.teams.token(serviceurl="https://evil.example/")
    assert knock(room, (f"Bearer {token}",), serviceUrl="https://evil.example/").status == 401


@pytest.mark.parametrize("endorsements", [(), ("webchat",), ("MSTEAMS",)])
def test_a_key_that_may_not_speak_for_teams_is_refused(room: Room, endorsements: tuple[str, ...]) -> None:
    room.teams.published["key-1"] = Published(key_pair("one"), endorsements)
    assert knock(room, (f"Bearer {room.teams.token()}",)).status == 403


def test_a_trailing_slash_and_the_spelling_of_the_claim_do_not_matter(room: Room) -> None:
    url = room.teams.url
    assert knock(room, (f"Bearer {room.teams.token(serviceurl=url)}",)).status == 202
    assert knock(room, (f"bearer {room.teams.token(serviceurl=None, serviceUrl=url)}",)).status == 202


def test_clocks_may_differ_by_five_minutes(room: Room) -> None:
    now = int(time.time())
    assert knock(room, (f"Bearer {room.teams.token(exp=now - 290)}",)).status == 202
    assert knock(room, (f"Bearer {room.teams.token(nbf=now + 290)}",)).status == 202


def test_keys_are_asked_for_once(room: Room) -> None:
    for _ in range(3):
        knock(room, (f"Bearer {room.teams.token()}",))
    assert room.teams.looked_up == 1


def test_strangers_cannot_make_us_ask_for_keys_again_and_again(room: Room) -> None:
    for number in range(20):
        room.teams.published["x"] = Published(key_pair("stranger"))
        token = jwt.encode(claims(room.teams), key_pair("stranger"), "RS256", {"kid": f"key-{number}"})
        assert refused(knock(room, (f"Bearer {token}",)))
    assert room.teams.looked_up == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500),
        Reply(200, b"not json"),
        Reply(200, b"[" * 5000),
        Reply(200, b"x" * 2_000_000),
        Reply(302, b"", {"Location": "https://evil.example"}),
        json_reply({"issuer": "https://evil.example", "jwks_uri": "https://evil.example/keys"}),
        json_reply({"issuer": ISSUER, "jwks_uri": "https://evil.example/keys"}),
        json_reply({"issuer": ISSUER, "jwks_uri": "http://127.0.0.1:9/keys"}),
        json_reply({"issuer": ISSUER}),
    ],
    ids=range(9),
)
def test_without_keys_nobody_gets_in_and_nothing_breaks(room: Room, reply: Reply) -> None:
    room.teams.openid.append(reply)
    assert knock(room, (f"Bearer {room.teams.token()}",)).status == 401
    assert len(room.teams.openid) == 0


def test_a_key_that_is_too_short_is_none(room: Room) -> None:
    room.teams.published["weak"] = Published(key_pair("weak", 1024))
    with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
        token = room.teams.token("weak")
    assert knock(room, (f"Bearer {token}",)).status == 401


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"x"',
        b"\xff\xfe",
        b"{" * 5000,
        b'{"type":' * 5000,
        b'{"type": 7}',
        msgspec.json.encode({"type": "message", "conversation": {"id": 5}}),
        msgspec.json.encode({"type": "message", "value": [[[[{}] * 10] * 10] * 10] * 10}),
    ],
    ids=range(11),
)
def test_what_no_one_can_read_is_refused_after_the_token(room: Room, body: bytes) -> None:
    assert room.post(body, ()).status == 401
    assert room.post(body, (("authorization", f"Bearer {room.teams.token()}"),)).status == 400


@pytest.mark.parametrize(
    "more",
    [
        {"timestamp": "never", "localTimestamp": 5},
        {"attachments": {"a": 1}},
        {"membersAdded": "x"},
        {"from": {"id": "29:1", "role": []}},
        {"entities": [{"type": "mention", "text": "x", "mentioned": {"id": "y"}}] * 500},
        {"channelData": {"tenant": {"id": TENANT}, "meeting": None}},
        {"value": {"a": [{}] * 100}},
        {"recipient": None},
    ],
    ids=range(8),
)
def test_an_odd_activity_breaks_nothing(shared: Room, more: dict[str, Any]) -> None:
    answer = shared.send(shared.activity(text="help", **more))
    assert answer.status in {202, 400}


@pytest.mark.parametrize(
    "activity",
    [
        {"type": "conversationUpdate", "membersAdded": [{"id": "28:x"}]},
        {"type": "messageReaction", "reactionsAdded": [{"type": "like"}]},
        {"type": "messageUpdate", "text": "task create x"},
        {"type": "typing"},
        {"type": "trace"},
        {"type": "event", "name": "application/vnd.microsoft.readReceipt"},
        {"type": "installationUpdate", "action": "add-upgrade"},
    ],
    ids=lambda one: one["type"],
)
def test_what_asks_for_nothing_is_acknowledged_and_that_is_all(shared: Room, activity: dict[str, Any]) -> None:
    before = len(shared.teams.sent)
    assert shared.send(shared.activity(**activity)).status == 202
    assert len(shared.teams.sent) == before


def test_an_invoke_that_nobody_hears_is_told_so(room: Room) -> None:
    assert room.send(room.activity(type="invoke", name="signin/verifyState")).status == 404


# An emulator on this machine


@pytest.fixture
def local(tmp_path: Path, teams: TeamsServer) -> Iterator[Room]:
    with Room(tmp_path, teams, {"AI_CRM_TEAMS_LOCAL": "1"}) as made:
        teams.tokens.append("")  # an emulator asks for none
        yield made


def test_an_emulator_needs_no_token_and_gets_none(local: Room) -> None:
    assert local.post(msgspec.json.encode(local.activity(text="help")), ()).status == 202
    assert "What you can ask for" in words(local.teams.activities[-1][1])
    assert [request for request in local.teams.sent if "authorization" in request.headers] == []


@pytest.mark.parametrize("name", ["origin", "x-forwarded-for", "forwarded", "via"])
def test_a_page_or_a_proxy_is_no_emulator(local: Room, name: str) -> None:
    assert local.post(msgspec.json.encode(local.activity(text="help")), ((name, "https://x.example"),)).status == 401


def test_an_emulator_is_on_this_machine(local: Room) -> None:
    body = msgspec.json.encode(local.activity(text="help", serviceUrl="https://evil.example/"))
    assert local.post(body, ()).status == 401


def test_a_hub_without_an_app_carries_no_bot(tmp_path: Path) -> None:
    hub = assemble(read_hub_settings({"AI_CRM_DATA": str(tmp_path)}), SystemClock())
    try:
        assert front(hub, lambda: None) is None
    finally:
        hub.close()


def test_a_tenant_by_name_is_refused_before_anything_begins(tmp_path: Path) -> None:
    environ = {
        "AI_CRM_DATA": str(tmp_path),
        "AI_CRM_TEAMS_APP_ID": APP,
        "AI_CRM_TEAMS_APP_PASSWORD": "x",
        "AI_CRM_TEAMS_TENANT_ID": "contoso.example",
    }
    hub = assemble(read_hub_settings(environ), SystemClock())
    try:
        with pytest.raises(SettingsInvalid, match="AI_CRM_TEAMS_TENANT_ID"):
            front(hub, lambda: None)
    finally:
        hub.close()
