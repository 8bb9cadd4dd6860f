"""Who is let in by the tab: people whom Entra ID vouches for to this app, of a tenant that is let in, and nobody else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_crm.commands.query import TaskQuery
from ai_crm.hub.dashboard.cookies import FRAMED
from ai_crm.model.access import Role
from ai_crm.model.item import PlatformName
from ai_crm.ports.sessions import Visitor
from bots.teams.tab import INTEGRITY, LIBRARY, PATH, SCRIPT, SESSION
from bots.teams.tenants import allow
from tests.doubles.browser import Browser
from tests.doubles.hub_parts import Answer, call
from tests.doubles.loopback import Reply, json_reply
from tests.doubles.teams_room import Room
from tests.doubles.teams_server import ANN, APP, GUEST, PEOPLE, TENANT, Published, TeamsServer, key_pair
from tests.doubles.teams_tab import BASE, HOST, RESOURCE, Entra, TabRoom

_OTHER = "99999999-9999-4999-8999-999999999999"
_PRIVATE = "9188040d-6c67-4c5b-b112-36a304b66dad"  # the tenant of everybody who has none
TEAMS = "https://teams.microsoft.com https://*.teams.microsoft.com https://*.cloud.microsoft"


@pytest.fixture
def entra(teams: TeamsServer) -> Entra:
    return Entra(teams)


@pytest.fixture
def room(tmp_path: Path, teams: TeamsServer, entra: Entra) -> Iterator[TabRoom]:
    assert entra
    with TabRoom(tmp_path, teams) as made:
        yield made


def arrive(room: Room, *authorization: str, **headers: str) -> Answer:
    """What the tab's script sends."""
    own = {"host": HOST, "sec-fetch-site": "same-origin", **{k.replace("_", "-"): v for k, v in headers.items()}}
    given_ = (*own.items(), *(("authorization", each) for each in authorization))
    return room.run(call(room.app, "POST", SESSION, given_))


def browser_of(room: Room, answer: Answer) -> Browser:
    browser = Browser(room.app, HOST)
    for line in answer.cookies:
        browser._keep(line)
    return browser


def visitor(room: TabRoom, answer: Answer) -> Visitor:
    token = browser_of(room, answer).cookies[FRAMED]
    found = room.run(room.hub.sessions.find(token, room.clock.now()))
    assert found
    return found


def refused(answer: Answer) -> bool:
    return answer.status in {401, 403, 429} and answer.cookies == ()


# Who gets in


def test_a_member_is_let_in_as_who_they_are_in_the_chat(room: TabRoom, entra: Entra) -> None:
    room.say("link ann-lee")
    answer = arrive(room, f"Bearer {entra.token()}")
    assert (answer.status, answer.body) == (204, b"")
    found = visitor(room, answer)
    assert (found.platform, found.id, found.name) == (PlatformName.TEAMS, PEOPLE[ANN]["aadObjectId"], "Ann Lee")
    assert (found.principal.role, found.principal.workspace) == (Role.MEMBER, "default")
    assert found.principal.name == "Ann Lee (Teams)"
    room.say('task create "Hers" --assign @me')
    shown = room.run(browser_of(room, answer).get("/"))
    assert (shown.status, b"Hers" in shown.body) == (200, True)


def test_the_cookie_is_for_frames_alone_and_out_of_reach_of_scripts(room: TabRoom, entra: Entra) -> None:
    (line,) = arrive(room, f"Bearer {entra.token()}").cookies
    assert line.startswith(f"{FRAMED}=")
    assert {"Secure", "HttpOnly", "SameSite=None", "Partitioned", "Path=/"} <= set(line.split("; "))


@pytest.mark.parametrize("audience", [APP, APP.upper(), f"api://{APP}", RESOURCE])
def test_a_token_for_any_name_of_the_app_is_good(room: TabRoom, entra: Entra, audience: str) -> None:
    assert arrive(room, f"Bearer {entra.token(aud=audience)}").status == 204


def test_a_token_of_the_first_version_is_good_too(room: TabRoom, entra: Entra) -> None:
    found = visitor(room, arrive(room, f"Bearer {entra.old_token(name=None, unique_name='ann@contoso.example')}"))
    assert found.id == PEOPLE[ANN]["aadObjectId"]


@pytest.mark.parametrize(
    ("more", "role"),
    [
        ({"acct": 0}, Role.MEMBER),
        ({"acct": 1}, Role.VIEWER),
        ({"acct": 2}, Role.VIEWER),
        ({"idp": f"https://sts.windows.net/{TENANT}/"}, Role.MEMBER),
        ({"idp": f"https://sts.windows.net/{_OTHER}/"}, Role.VIEWER),
        ({"idp": "live.com"}, Role.VIEWER),
        ({"idp": "mail"}, Role.VIEWER),
        ({"idp": f"https://sts.windows.net/{_OTHER}/", "acct": 0}, Role.MEMBER),
        ({"idp": f"https://sts.windows.net/{TENANT}/", "acct": 1}, Role.VIEWER),
    ],
)
def test_guests_only_look(room: TabRoom, entra: Entra, more: dict[str, Any], role: Role) -> None:
    assert visitor(room, arrive(room, f"Bearer {entra.token(GUEST, **more)}")).principal.role is role


def test_a_guest_sees_the_dashboard_and_changes_nothing(room: TabRoom, entra: Entra) -> None:
    browser = browser_of(room, arrive(room, f"Bearer {entra.token(GUEST, acct=1)}"))
    assert room.run(browser.get("/")).status == 200
    room.run(browser.post("/tasks/new", {"title": "Not mine"}))
    page = room.run(room.hub.records.tasks("default", TaskQuery(), room.clock.now(), "", 10))
    assert page.total == 0


def test_a_tenant_that_is_let_in_comes_into_its_own_workspace(tmp_path: Path, teams: TeamsServer) -> None:
    with TabRoom(tmp_path, teams, AI_CRM_TEAMS_MULTI_TENANT="1") as room:
        ours, theirs = Entra(teams), Entra(teams, _OTHER)
        assert arrive(room, f"Bearer {theirs.token()}").status == 403
        room.run(allow(room.hub.connections, _OTHER, "partner"))
        found = visitor(room, arrive(room, f"Bearer {theirs.token()}"))
        assert found.principal.workspace == "partner"
        # Their keys prove nothing about anybody else.
        assert refused(arrive(room, f"Bearer {theirs.token(tid=TENANT, iss=ours.issuer)}"))


def test_a_name_of_any_length_and_shape_is_one_short_line(room: TabRoom, entra: Entra) -> None:
    token = entra.token(name="A\n\u202eB" + "x" * 500)
    name = visitor(room, arrive(room, f"Bearer {token}")).name
    assert len(name) <= 80
    assert not {"\n", "\u202e"} & set(name)
    invisible = entra.token(name="\u3164")
    unseen = visitor(room, arrive(room, f"Bearer {invisible}"))
    assert unseen.name == unseen.id


# Who does not


def hostile(teams: TeamsServer, entra: Entra) -> Iterator[str]:
    """Tokens that must not pass."""
    good = entra.token()
    header, payload, signature = good.split(".")
    # other claims, genuinely signed
    issuers = (
        *("", entra.issuer + "/", entra.issuer.removesuffix("/v2.0"), f"https://sts.windows.net/{TENANT}/"),
        *(f"https://login.microsoftonline.com/{TENANT}/v2.0", entra.issuer.replace(TENANT, _OTHER), APP),
        entra.issuer.replace(TENANT, "common"),
    )
    yield from (entra.token(iss=each) for each in issuers)
    others: tuple[object, ...] = (
        *("", _OTHER, f"api://{_OTHER}", f"api://evil.example/{APP}", f"api://evil.example/botid-{APP}", "*"),
        *([APP], [APP, _OTHER], {"a": APP}, APP[:-1], "https://graph.microsoft.com", f"{RESOURCE}/"),
    )
    yield from (entra.token(aud=each) for each in others)
    wrong: tuple[object, ...] = (0, -1, int(time.time()) - 400, "soon", 1e308 * 10, True, [1])
    yield from (entra.token(exp=each) for each in wrong)
    early: tuple[object, ...] = (int(time.time()) + 600, "now", {}, 9e15)
    yield from (entra.token(nbf=each) for each in early)
    scopes: tuple[object, ...] = (
        "",
        "access_as_user2",
        "User.Read",
        "ACCESS_AS_USER",
        ["access_as_user"],
        "a,access_as_user",
    )
    yield from (entra.token(scp=each) for each in scopes)
    yield entra.token(scp=None, roles=["access_as_user"], idtyp="app")
    yield from (entra.token(idtyp=each) for each in ("app", "APP", "device", 1))
    yield from (entra.token(ver=each) for each in ("1.0", "3.0", "", 2.0, "2"))
    yield entra.old_token(ver="2.0")
    yield entra.token(iss=f"https://sts.windows.net/{TENANT}/", ver="2.0")
    places: tuple[object, ...] = (
        _OTHER,
        _PRIVATE,
        "",
        "common",
        TENANT[:-1],
        f"{TENANT}/../x",
        [TENANT],
        "../" + TENANT,
    )
    yield from (entra.token(tid=each) for each in places)
    yield from (entra.token(oid=each) for each in ("", "ann", 7, "11111111", f"{_OTHER}|x"))
    yield from (entra.token(acct=each) for each in ("member", [0], 0.5))
    for missing in ("iss", "aud", "exp", "nbf", "scp", "tid", "oid", "ver"):
        yield entra.token(ANN, "person-1", **{missing: None})
    # what others of this cloud sign
    yield teams.token()
    yield teams.token(**entra.claims())
    # other algorithms and keys
    for algorithm in ("none", "None", "nOnE", "HS256", "RS384", "RS512", "PS256", "ES256", "EdDSA", "", 7):
        for signed in ("", signature, "AAAA"):
            yield f"{part({'alg': algorithm, 'kid': 'person-1', 'typ': 'JWT'})}.{payload}.{signed}"
    public = entra.key.public_key()
    for form in (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1):
        begun = f"{part({'alg': 'HS256', 'kid': 'person-1'})}.{payload}"
        mac = hmac.new(public.public_bytes(Encoding.PEM, form), begun.encode(), hashlib.sha256).digest()
        yield f"{begun}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    for algorithm in ("RS384", "RS512", "PS256"):
        yield jwt.encode(entra.claims(), entra.key, algorithm, {"kid": "person-1"})
    for kid in ("person-1", "person-2", "../person-1", "", "key-1", "a" * 5000, "http://127.0.0.1/keys"):
        yield jwt.encode(entra.claims(), key_pair("stranger"), "RS256", {"kid": kid})
    stranger = Published(key_pair("stranger"))
    for more in (
        {"jwk": stranger.jwk("person-1")},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example"},
    ):
        yield jwt.encode(entra.claims(), key_pair("stranger"), "RS256", {"kid": "person-1", **more})
    yield jwt.encode(entra.claims(), entra.key, "RS256", {"kid": "person-1", "crit": ["b64"], "b64": True})
    # torn ones
    yield from (f"{header}.{payload}.{signature[:cut]}" for cut in range(0, len(signature), 31))
    yield from (good[:cut] for cut in range(0, len(good), 37))
    yield from (good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :] for at in range(0, len(header), 9))
    begin = len(header) + 1
    yield from (
        good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :] for at in range(begin, len(good) - 2, 29)
    )
    yield from (f"{header}.{payload}", f"{good}.{signature}", f"{good}.", f".{payload}.{signature}", "..", "a.b.c", "")
    yield f"{header}.{part([1])}.{signature}"
    yield f"{header}.{part(None)}.{signature}"
    yield f"{header}.{'A' * 100_000}.{signature}"
    deep = base64.urlsafe_b64encode(b"[" * 3000).rstrip(b"=").decode()
    yield f"{deep}.{payload}.{signature}"
    yield f"{header}.{deep}.{signature}"


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_no_token_that_is_not_genuine_lets_anybody_in(
    room: TabRoom, entra: Entra, capfd: pytest.CaptureFixture[str]
) -> None:
    tokens = list(hostile(room.teams, entra))
    assert len(tokens) > 150
    assert [token[:120] for token in tokens if not refused(arrive(room, f"Bearer {token}"))] == []
    out, err = capfd.readouterr()
    assert [token for token in tokens if len(token) > 40 and token in out + err] == []


@pytest.mark.parametrize(
    "headers",
    [(), ("",), ("Bearer",), ("Bearer ",), ("Basic {}",), ("{}",), ("Bearer  {}",), ("Bearer {} ",), ("Bearer {},x",), ("Bearer {}", "Bearer {}"), ("Bearer {}\x00",)],
)  # fmt: skip
def test_no_other_way_to_show_a_token_lets_anybody_in(room: TabRoom, entra: Entra, headers: tuple[str, ...]) -> None:
    assert refused(arrive(room, *(each.replace("{}", entra.token()) for each in headers)))


@given(token=st.text(max_size=200))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_garbage_lets_anybody_in(room: TabRoom, token: str) -> None:
    assert refused(arrive(room, f"Bearer {token}"))


def test_people_of_another_organisation_are_told_so_and_their_keys_are_not_even_asked_for(
    room: TabRoom, teams: TeamsServer
) -> None:
    answer = arrive(room, f"Bearer {Entra(teams, _OTHER).token()}")
    assert refused(answer)
    assert b"organisation" in answer.body
    assert [each.path for each in teams.requests if _OTHER in each.path] == []


@pytest.mark.parametrize(
    "headers",
    [{"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site"}, {"sec_fetch_site": "none"}, {"sec_fetch_site": "cross-site", "origin": BASE}],
)  # fmt: skip
def test_a_page_of_somebody_else_signs_nobody_in(room: TabRoom, entra: Entra, headers: dict[str, str]) -> None:
    answer = arrive(room, f"Bearer {entra.token()}", **headers)
    assert (answer.status, answer.cookies) == (403, ())


def test_a_browser_that_does_not_say_where_from_must_name_us(room: TabRoom, entra: Entra) -> None:
    def sent(origin: str) -> int:
        headers = (("host", HOST), ("authorization", f"Bearer {entra.token()}"), ("origin", origin))
        return room.run(call(room.app, "POST", SESSION, headers)).status

    assert (sent(BASE), sent("https://evil.example"), sent("null"), sent("https://teams.microsoft.com")) == (
        204,
        403,
        403,
        403,
    )


# Keys


def test_keys_are_asked_for_once_and_again_for_one_that_is_new(room: TabRoom, entra: Entra) -> None:
    for _ in range(3):
        assert arrive(room, f"Bearer {entra.token()}").status == 204
    asked = [each.path for each in room.teams.requests if each.path.endswith("/keys")]
    assert asked == [f"/{TENANT}/discovery/v2.0/keys"]
    entra.published["person-2"] = Published(key_pair("next"))
    assert refused(arrive(room, f"Bearer {entra.token(kid='person-2')}"))  # an hour must pass: strangers name keys, too


def test_a_key_of_private_accounts_vouches_for_nobody_here(room: TabRoom, entra: Entra) -> None:
    entra.published["private"] = Published(key_pair("private"))
    entra.published["shared"] = Published(key_pair("shared"))
    entra.issuers["private"] = f"{room.teams.url}/{_PRIVATE}/v2.0"
    entra.issuers["shared"] = f"{room.teams.url}/{{tenantid}}/v2.0"
    assert refused(arrive(room, f"Bearer {entra.token(kid='private')}"))
    assert arrive(room, f"Bearer {entra.token(kid='shared')}").status == 204


def test_a_document_of_somebody_else_is_not_believed(room: TabRoom, entra: Entra) -> None:
    room.teams.documents[f"/{TENANT}/v2.0/.well-known/openid-configuration"] = lambda: {
        "issuer": f"{room.teams.url}/{_OTHER}/v2.0",
        "jwks_uri": f"{room.teams.url}/{TENANT}/discovery/v2.0/keys",
    }
    assert refused(arrive(room, f"Bearer {entra.token()}"))


# The page


def test_the_page_holds_nothing_and_runs_microsofts_file_and_ours(room: TabRoom, node_modules: Path) -> None:
    shown = room.run(call(room.app, "GET", PATH))
    assert shown.status == 200
    text = shown.body.decode()
    assert f'<script src="{LIBRARY}" integrity="{INTEGRITY}" crossorigin="anonymous"></script>' in text
    assert f'<script src="{SCRIPT}" defer></script>' in text
    assert text.count("<script") == 2
    assert " on" not in text.replace(" only", "")
    published = (node_modules / "@microsoft/teams-js/dist/umd/MicrosoftTeams.min.js").read_bytes()
    assert f"sha384-{base64.b64encode(hashlib.sha384(published).digest()).decode()}" == INTEGRITY
    assert f"/{json.loads((node_modules / '@microsoft/teams-js/package.json').read_text())['version']}/" in LIBRARY


def test_only_teams_shows_it(room: TabRoom) -> None:
    policy = room.run(call(room.app, "GET", PATH)).headers["content-security-policy"]
    assert f"frame-ancestors {TEAMS}" in policy
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self' https://res.cdn.office.net/teams-js/2.58.0/")
    assert room.run(call(room.app, "GET", SCRIPT)).headers["content-type"].startswith("text/javascript")


def test_pages_are_framed_by_teams_for_who_came_in_there_and_for_nobody_else(room: TabRoom, entra: Entra) -> None:
    framed = browser_of(room, arrive(room, f"Bearer {entra.token()}"))
    for path in ("/", "/tasks", "/tasks/AICRM-99"):
        policy = room.run(framed.get(path)).headers["content-security-policy"]
        assert f"frame-ancestors {TEAMS}" in policy
        assert "default-src 'none'" in policy
    for path in ("/", "/sign-in", "/healthz", "/api/v1/tasks"):
        stranger = room.run(Browser(room.app, HOST).get(path))
        assert TEAMS not in stranger.headers["content-security-policy"]
    forged = Browser(room.app, HOST)
    forged.cookies[FRAMED] = "x" * 43
    assert TEAMS not in room.run(forged.get("/")).headers["content-security-policy"]


def test_a_session_that_ended_begins_again_in_the_frame_and_goes_where_it_wanted(room: TabRoom, entra: Entra) -> None:
    browser = browser_of(room, arrive(room, f"Bearer {entra.token()}"))
    room.clock.ahead = timedelta(hours=13)
    gone = room.run(browser.get("/tasks/AICRM-1?x=1", sec_fetch_dest="iframe"))
    assert (gone.status, gone.headers["location"]) == (303, f"{PATH}?next=%2Ftasks%2FAICRM-1%3Fx%3D1")
    assert room.run(browser.get("/", sec_fetch_dest="iframe")).headers["location"] == PATH
    assert room.run(browser.get("/", sec_fetch_dest="document")).headers["location"].startswith("/sign-in")


def test_what_was_sent_after_the_session_ended_is_shown_in_the_frame(room: TabRoom, entra: Entra) -> None:
    browser = browser_of(room, arrive(room, f"Bearer {entra.token()}"))
    room.clock.ahead = timedelta(hours=13)
    form = [("content-type", "application/x-www-form-urlencoded"), ("cookie", f"{FRAMED}={browser.cookies[FRAMED]}")]
    sent = [("sec-fetch-site", "same-origin"), ("sec-fetch-dest", "iframe"), *form]
    late = room.run(call(room.app, "POST", "/tasks/AICRM-1/comments", sent, b"text=a+long+story"))
    assert (late.status, b"a long story" in late.body, b"Send it again" in late.body) == (401, True, False)
    assert f'href="{PATH}"'.encode() in late.body
    assert f"frame-ancestors {TEAMS}" in late.headers["content-security-policy"]


def test_what_went_wrong_is_shown_in_the_frame_too(room: TabRoom) -> None:
    framed = [("accept", "text/html"), ("sec-fetch-dest", "iframe"), ("sec-fetch-site", "same-origin")]
    form = ("content-type", "application/x-www-form-urlencoded")
    for method, path, body in (("GET", "/nowhere", b""), ("PUT", "/", b""), ("POST", "/sign-out", b"everywhere=1")):
        wrong = room.run(call(room.app, method, path, [*framed, form], body))
        assert wrong.status in {401, 404, 405}
        assert f"frame-ancestors {TEAMS}" in wrong.headers["content-security-policy"]
        elsewhere = [each for each in framed if each[0] != "sec-fetch-dest"]
        alone = room.run(call(room.app, method, path, [*elsewhere, form], body))
        assert "frame-ancestors 'none'" in alone.headers["content-security-policy"]


def test_who_comes_in_again_has_one_session(room: TabRoom, entra: Entra) -> None:
    first = browser_of(room, arrive(room, f"Bearer {entra.token()}"))
    arrive(room, f"Bearer {entra.token()}", cookie=f"{FRAMED}={first.cookies[FRAMED]}")
    assert room.run(first.get(SESSION)).status == 404


def test_the_script_learns_whether_its_cookie_was_kept(room: TabRoom, entra: Entra) -> None:
    kept = browser_of(room, arrive(room, f"Bearer {entra.token()}"))
    assert room.run(kept.get(SESSION)).status == 204
    assert room.run(Browser(room.app, HOST).get(SESSION)).status == 404


@pytest.mark.parametrize("address", ["", "http://127.0.0.1:8080"])
def test_where_teams_can_show_nothing_there_is_no_tab(tmp_path: Path, teams: TeamsServer, address: str) -> None:
    with TabRoom(tmp_path, teams, AI_CRM_BASE_URL=address) as room:
        assert [each.path for each in room.parts.routes] == ["/teams/messages"]
        assert room.parts.framing is None


def test_while_nobody_can_be_asked_nobody_new_is_let_in(room: TabRoom, entra: Entra) -> None:
    token = entra.token()
    del room.teams.documents[f"/{TENANT}/v2.0/.well-known/openid-configuration"]
    room.teams.openid.extend([Reply(503), json_reply([])])
    assert refused(arrive(room, f"Bearer {token}"))
