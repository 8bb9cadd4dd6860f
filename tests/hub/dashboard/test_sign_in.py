"""How people get into the dashboard and out of it, and everything that does not let anybody in."""

from __future__ import annotations

import asyncio
import io
import itertools
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ai_crm.hub.dashboard.cookies import FRAMED, OWN, PLAIN, signed_in, signed_out
from ai_crm.hub.dashboard.gate import origin_of, own_path
from ai_crm.hub.dashboard.policy import page_headers
from ai_crm.hub.dashboard.sign_in import Door, sign_in_routes
from ai_crm.hub.routes import Open, Signed, route
from ai_crm.model.access import Permission, Principal, Role
from ai_crm.model.item import PlatformName
from ai_crm.ports.sessions import Visitor
from ai_crm.store.database import engine_for
from ai_crm.store.keys import SqlKeys
from ai_crm.store.sessions import SqlSessions
from ai_crm.store.transactions import Direct
from tests.doubles.browser import Browser
from tests.doubles.hub_parts import Answer, Hub, bearer, call

T = TypeVar("T")

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
BASE = "https://hub.example"
EVIL = "https://evil.example"


async def inline(work: Callable[[], T], /) -> T:
    return work()


class House:
    """A hub's way in over a real database, with some pages behind it. `time` is what its clock shows."""

    def __init__(self, base_url: str = BASE) -> None:
        transactions = Direct(engine_for("sqlite://"), inline)
        self.time = NOON
        self.sessions = SqlSessions(transactions)
        self.keys = SqlKeys(transactions, self)
        self.done: list[str] = []
        door = Door(sessions=self.sessions, keys=self.keys, clock=self, secure=base_url.startswith("https:"))
        pages = (
            route("/", self._shown, ("GET",), Signed()),
            route("/tasks/{id}", self._shown, ("GET",), Signed(Permission.TASKS_READ)),
            route("/do", self._acted, ("POST",), Signed(Permission.TASKS_WRITE)),
            route("/do/{id}", self._acted, ("PUT", "PATCH", "DELETE"), Signed()),
            route("/api/v1/tasks", self._answered, ("GET",), Permission.TASKS_READ),
            route("/open", self._acted, ("POST",), Open("a test", page=True)),
        )
        hub = Hub(api=(*sign_in_routes(door), *pages), sessions=self.sessions, base_url=base_url)
        self.app = hub.app
        self.app.state.keys = self.keys
        self.app.state.clock = self

    def now(self) -> datetime:
        return self.time

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)

    def browser(self, host: str = "hub.example") -> Browser:
        return Browser(self.app, host)

    def key(self, role: Role = Role.OPERATOR, name: str = "ann", workspace: str = "default") -> str:
        return self.run(self.keys.create(workspace, name, role, None, NOON))

    def let_in(self, role: Role = Role.MEMBER, name: str = "ann") -> Browser:
        """A browser that came in by a link."""
        browser = self.browser()
        assert self.run(browser.post(f"/sign-in/{self.link(role, name)}")).status == 303
        return browser

    def link(self, role: Role = Role.MEMBER, name: str = "ann", workspace: str = "default") -> str:
        return self.run(self.sessions.invite(visitor(role, name, workspace), self.time))

    async def _shown(self, request: Request) -> Response:
        return PlainTextResponse(request.state.visitor.name, headers=dict(page_headers()))

    async def _acted(self, request: Request) -> Response:
        self.done.append(request.method)
        return PlainTextResponse("done")

    async def _answered(self, request: Request) -> Response:
        return PlainTextResponse(request.state.principal.name)


def visitor(role: Role = Role.MEMBER, name: str = "ann", workspace: str = "default") -> Visitor:
    principal = Principal(name=name, workspace=workspace, role=role)
    return Visitor(principal=principal, platform=PlatformName.SLACK, id="U012", name=name)


@pytest.fixture
def house() -> House:
    return House()


def cookie(answer: Answer, name: str = OWN) -> str:
    """The one cookie that was set, as it stands in its header."""
    [line] = answer.cookies
    assert line.startswith(f"{name}=")
    return line


# Ways in


def test_a_key_opens_the_dashboard_for_whose_it_is(house: House) -> None:
    browser, key = house.browser(), house.key(name="deploy bot")
    shown = house.run(browser.get("/sign-in"))
    assert shown.status == 200
    assert b'name="key"' in shown.body
    came = house.run(browser.post("/sign-in", {"key": f" {key}\n", "next": "/tasks/AICRM-42?tab=why"}))
    assert (came.status, came.headers["location"]) == (303, "/tasks/AICRM-42?tab=why")
    assert house.run(browser.get("/")).body == b"deploy bot"


def test_a_key_gives_a_session_of_its_role_and_workspace(house: House) -> None:
    browser = house.browser()
    key = house.key(Role.VIEWER, "vic", "other")
    house.run(browser.post("/sign-in", {"key": key}))
    found = house.run(house.sessions.find(browser.cookies[OWN], NOON))
    principal = house.run(house.keys.principal(key))
    assert principal
    assert (principal.workspace, principal.role) == ("other", Role.VIEWER)
    assert found == Visitor(principal=principal, platform=PlatformName.HUB, id="vic", name="vic")


@pytest.mark.parametrize("key", ["", "nonsense", f"aicrm_{'0' * 16}_{'A' * 43}", "\0", "é", "x" * 5000])
def test_another_key_is_told_no_on_the_same_page(house: House, key: str) -> None:
    house.key()
    browser = house.browser()
    refused = house.run(browser.post("/sign-in", {"key": key, "next": "/tasks/AICRM-42"}))
    assert refused.status == 401
    assert b"No key is like that" in refused.body
    assert b'value="/tasks/AICRM-42"' in refused.body
    assert refused.cookies == ()
    assert house.run(browser.get("/")).status == 303


def test_a_revoked_key_and_one_whose_time_is_over_open_nothing(house: House) -> None:
    revoked = house.key()
    house.run(house.keys.revoke("default", revoked.split("_")[1], NOON))
    over = house.run(house.keys.create("default", "old", Role.VIEWER, NOON, NOON))
    for key in (revoked, over):
        assert house.run(house.browser().post("/sign-in", {"key": key})).status == 401


@pytest.mark.parametrize("path", ["/sign-in", f"/sign-in/{'A' * 43}"])
def test_who_guesses_is_told_to_wait(house: House, path: str) -> None:
    browser = house.browser()
    answers = [house.run(browser.post(path, {"key": "nonsense"})) for _ in range(35)]
    refused = 401 if path == "/sign-in" else 404
    assert [each.status for each in answers] == [refused] * 30 + [429] * 5
    assert answers[-1].headers["retry-after"].isdigit()
    assert b"<h1>Too many attempts</h1>" in answers[-1].body
    assert "form-action 'self'" in answers[-1].headers["content-security-policy"]
    assert house.run(browser.post("/sign-in", {"key": house.key()})).status == 303


def test_a_link_shows_whom_it_lets_in_before_it_does(house: House) -> None:
    link = house.link(Role.VIEWER, 'Ann "<b>" & Söhne', "ours<i>")
    browser = house.browser()
    shown = house.run(browser.get(f"/sign-in/{link}")).body.decode()
    assert "Sign in as Ann &#34;&lt;b&gt;&#34; &amp; Söhne to ours&lt;i&gt;" in shown
    assert "viewer" in shown
    assert browser.cookies == {}


def test_whatever_fetches_a_link_before_the_person_does_not_use_it_up(house: House) -> None:
    link = house.link()
    for agent in ("Slackbot-LinkExpanding 1.0", "SkypeUriPreview", "SafeLinks"):
        assert house.run(house.browser().get(f"/sign-in/{link}", user_agent=agent)).status == 200
        assert house.run(call(house.app, "HEAD", f"/sign-in/{link}")).status == 200
    browser = house.browser()
    came = house.run(browser.post(f"/sign-in/{link}"))
    assert (came.status, came.headers["location"]) == (303, "/")
    assert house.run(browser.get("/")).body == b"ann"


def test_a_link_that_was_used_or_is_late_says_what_to_do(house: House) -> None:
    used, late = house.link(), house.link()
    house.run(house.browser().post(f"/sign-in/{used}"))
    house.time += timedelta(minutes=15)
    browser = house.browser()
    for link in (used, late, "nonsense", "A" * 43, "%00", "%F0%9F%98%80", "x" * 3000):
        for answer in (house.run(browser.get(f"/sign-in/{link}")), house.run(browser.post(f"/sign-in/{link}"))):
            assert answer.status == 404
            assert b"Ask for another one" in answer.body
            house.app.middleware_stack = None  # forgets how often it refused
    assert browser.cookies == {}


def test_a_guest_gets_the_session_of_a_guest(house: House) -> None:
    browser = house.let_in(Role.VIEWER)
    assert house.run(browser.get("/tasks/AICRM-1")).status == 200
    assert house.run(browser.post("/do")).status == 403
    assert house.done == []


# Cookies


def test_a_cookie_over_tls_is_for_this_host_alone(house: House) -> None:
    line = cookie(house.run(house.browser().post("/sign-in", {"key": house.key()})))
    token, _, attributes = line.removeprefix(f"{OWN}=").partition("; ")
    assert len(token) == 43
    assert attributes == "Path=/; HttpOnly; Secure; SameSite=Lax"


@pytest.mark.parametrize("base_url", ["", "http://127.0.0.1:8080"])
def test_a_cookie_on_ones_own_machine_is_one_that_browsers_take_there(base_url: str) -> None:
    house = House(base_url)
    browser = house.browser("127.0.0.1:8080")
    line = cookie(house.run(browser.post("/sign-in", {"key": house.key()})), PLAIN)
    assert line.partition("; ")[2] == "Path=/; HttpOnly; SameSite=Lax"
    assert house.run(browser.get("/")).body == b"ann"


def test_a_session_in_a_frame_lives_in_a_cookie_of_its_own() -> None:
    [line] = signed_in(Response(), "T" * 43, framed=True).headers.getlist("set-cookie")
    assert line == f"{FRAMED}={'T' * 43}; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"


def test_signing_out_takes_every_cookie_with_the_attributes_that_it_was_given() -> None:
    """A browser overlooks a `__Host-` cookie without them, even one that takes another away."""
    lines = signed_out(Response()).headers.getlist("set-cookie")
    assert lines == [
        f"{OWN}=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0",
        f"{FRAMED}=; Path=/; HttpOnly; Secure; SameSite=None; Partitioned; Max-Age=0",
        f"{PLAIN}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0",
    ]


def test_a_session_is_found_in_the_cookies_that_only_this_host_can_set(house: House) -> None:
    token = house.let_in().cookies[OWN]
    for name, status in ((OWN, 200), (FRAMED, 200), (PLAIN, 303), ("ai_crm", 303), (OWN.lower(), 303)):
        browser = house.browser()
        browser.cookies[name] = token
        assert house.run(browser.get("/")).status == status, name


def test_two_cookies_of_one_name_are_none(house: House) -> None:
    token = house.let_in().cookies[OWN]
    for cookies in (f"{OWN}={token}; {OWN}={token}", f"{OWN}=x; {OWN}={token}", f"{OWN}={token};{OWN}="):
        assert house.run(house.browser().get("/", cookie=cookies)).status == 303
    assert house.run(house.browser().get("/", cookie=f"a=b;;=; {OWN}={token} ;c")).status == 200


@given(header=st.text(st.characters(max_codepoint=255, exclude_characters="\0\r\n")))
def test_no_header_of_cookies_lets_anybody_in(header: str) -> None:
    house = House()
    assert house.run(house.browser().get("/", cookie=header)).status == 303


# Sessions


def test_what_a_browser_was_given_before_is_worth_nothing_after(house: House) -> None:
    planted = "F" * 43
    browser = house.browser()
    browser.cookies[OWN] = planted
    house.run(browser.post("/sign-in", {"key": house.key()}))
    assert browser.cookies[OWN] != planted
    assert house.run(house.sessions.find(planted, NOON)) is None


def test_each_sign_in_is_a_new_session_and_the_end_of_the_one_before(house: House) -> None:
    browser = house.let_in()
    first = browser.cookies[OWN]
    house.run(browser.post("/sign-in", {"key": house.key(name="bob")}))
    assert browser.cookies[OWN] != first
    assert house.run(house.sessions.find(first, NOON)) is None
    assert house.run(browser.get("/")).body == b"bob"


def test_signing_out_ends_the_session_and_not_only_the_cookie(house: House) -> None:
    browser, elsewhere = house.let_in(), house.let_in()
    token = browser.cookies[OWN]
    left = house.run(browser.post("/sign-out"))
    assert (left.status, left.headers["location"]) == (303, "/sign-in")
    assert browser.cookies == {}
    browser.cookies[OWN] = token
    assert house.run(browser.get("/")).status == 303
    assert house.run(elsewhere.get("/")).status == 200


def test_who_is_not_signed_in_any_more_signs_out_all_the_same(house: House) -> None:
    browser = house.let_in()
    house.time += timedelta(minutes=31)
    everywhere = house.run(browser.post("/sign-out", {"everywhere": "1"}))
    assert everywhere.status == 401  # nobody knows whose other browsers are meant
    assert b"were not signed out" in everywhere.body
    left = house.run(browser.post("/sign-out"))
    assert (left.status, left.headers["location"]) == (303, "/sign-in")
    assert browser.cookies == {}
    assert house.run(house.let_in().post("/sign-out", site="cross-site")).status == 403


def test_somebody_signs_out_everywhere(house: House) -> None:
    browser, elsewhere, bob = house.let_in(), house.let_in(), house.browser()
    house.run(bob.post("/sign-in", {"key": house.key(name="bob")}))
    waiting = house.link()
    house.run(browser.post("/sign-out", {"everywhere": "1"}))
    assert house.run(elsewhere.get("/")).status == 303
    assert house.run(house.browser().post(f"/sign-in/{waiting}")).status == 404
    assert house.run(bob.get("/")).body == b"bob"


def test_a_session_ends_by_itself(house: House) -> None:
    browser = house.let_in()
    house.time += timedelta(minutes=29)
    assert house.run(browser.get("/")).status == 200
    house.time += timedelta(minutes=29)
    assert house.run(browser.get("/")).status == 200
    house.time += timedelta(minutes=30)
    assert house.run(browser.get("/")).status == 303


# Pages


def test_without_a_session_a_page_leads_to_the_way_in_and_back(house: House) -> None:
    browser = house.browser()
    sent = house.run(browser.get("/tasks/AICRM-42?tab=why&x=a%20b"))
    assert sent.status == 303
    assert sent.headers["location"].startswith("/sign-in?next=")
    shown = house.run(browser.get(sent.headers["location"])).body
    assert b'value="/tasks/AICRM-42?tab=why&amp;x=a%20b"' in shown
    assert house.run(browser.get("/")).headers["location"] == "/sign-in"


def test_without_a_session_nothing_is_done(house: House) -> None:
    browser = house.browser()
    refused = house.run(browser.post("/do"))
    assert refused.status == 401
    assert b"You are not signed in" in refused.body
    for method in ("PUT", "PATCH", "DELETE"):
        assert house.run(call(house.app, method, "/do/1", [("sec-fetch-site", "same-origin")])).status == 401
    assert house.done == []


def test_a_missing_permission_is_a_page_that_says_so(house: House) -> None:
    refused = house.run(house.let_in(Role.VIEWER, "vic").post("/do"))
    assert refused.status == 403
    assert b"tasks:write" in refused.body
    assert refused.headers["content-type"].startswith("text/html")
    assert b"vic" in refused.body


def test_a_key_opens_no_page_and_a_cookie_no_api(house: House) -> None:
    browser, key = house.let_in(Role.OPERATOR), house.key()
    assert house.run(call(house.app, "GET", "/", bearer(key))).status == 303
    assert house.run(call(house.app, "GET", "/", bearer(browser.cookies[OWN]))).status == 303
    browser_with_key = house.browser()
    browser_with_key.cookies[OWN] = key
    assert house.run(browser_with_key.get("/")).status == 303
    assert house.run(browser.get("/api/v1/tasks")).status == 401
    assert house.run(call(house.app, "GET", "/api/v1/tasks", bearer(browser.cookies[OWN]))).status == 401
    assert house.run(call(house.app, "GET", "/api/v1/tasks", bearer(key))).status == 200


def test_pages_for_nobody_are_not_built() -> None:
    with pytest.raises(ValueError, match="nothing that knows who that is"):
        Hub(api=(route("/", _never, ("GET",), Signed()),))


async def _never(_request: Request) -> Response:
    raise AssertionError


# What comes from somebody else's page

OWN_FORM: tuple[tuple[Mapping[str, str], bool], ...] = (
    ({"sec-fetch-site": "same-origin"}, True),
    ({"sec-fetch-site": "same-origin", "origin": EVIL}, True),  # no page can set the first one
    ({"origin": BASE}, True),
    ({"sec-fetch-site": "same-site"}, False),
    ({"sec-fetch-site": "cross-site"}, False),
    ({"sec-fetch-site": "none"}, False),
    ({"sec-fetch-site": "cross-site", "origin": BASE}, False),
    ({"sec-fetch-site": ""}, False),
    ({"sec-fetch-site": "same-origin, cross-site"}, False),
    ({}, False),
    ({"origin": "null"}, False),
    ({"origin": ""}, False),
    ({"origin": EVIL}, False),
    ({"origin": f"{BASE}.evil.example"}, False),
    ({"origin": f"{BASE}:8443"}, False),
    ({"origin": "http://hub.example"}, False),
    ({"origin": f"{BASE}/"}, False),
    ({"referer": f"{BASE}/"}, False),
)
UNSAFE = [
    ("POST", "/sign-in"),
    ("POST", "/sign-in/{link}"),
    ("POST", "/sign-out"),
    ("POST", "/do"),
    ("PUT", "/do/1"),
    ("PATCH", "/do/1"),
    ("DELETE", "/do/1"),
    ("POST", "/open"),
]


@pytest.mark.parametrize(("method", "path"), UNSAFE, ids=map(" ".join, UNSAFE))
def test_only_what_comes_from_our_own_pages_does_anything(house: House, method: str, path: str) -> None:
    key = house.key()
    form = ("content-type", "application/x-www-form-urlencoded")
    for headers, ours in OWN_FORM:
        token = house.let_in().cookies[OWN]
        sent = [("host", "hub.example"), form, ("cookie", f"{OWN}={token}"), *headers.items()]
        answer = house.run(call(house.app, method, path.format(link=house.link()), sent, f"key={key}".encode()))
        assert (answer.status != 403) == ours, headers
        if not ours:
            assert answer.cookies == ()
            assert b"did not come from a page of this hub" in answer.body
            assert house.run(house.sessions.find(token, NOON)), headers
    assert len(house.done) in {0, sum(ours for _, ours in OWN_FORM)}


def test_who_came_by_another_address_than_the_hubs_own_is_told_that(house: House) -> None:
    for origin in ("http://192.168.1.5:8080", "http://hub.example"):
        sent = [("host", urlsplit(origin).netloc), ("origin", origin)]
        answer = house.run(call(house.app, "POST", "/sign-in", sent))
        assert (answer.status, BASE.encode() in answer.body) == (403, True)


def test_a_header_that_is_there_twice_says_nothing(house: House) -> None:
    for name, value in (("sec-fetch-site", "same-origin"), ("origin", BASE)):
        twice = [("host", "hub.example"), (name, value), (name, value)]
        assert house.run(call(house.app, "POST", "/open", twice)).status == 403


def test_without_an_address_of_its_own_a_hub_is_where_it_was_asked() -> None:
    house = House("")
    for host, origin, ours in (
        ("127.0.0.1:8080", "http://127.0.0.1:8080", True),
        ("[::1]:8080", "http://[::1]:8080", True),
        ("LOCALHOST:8080", "http://localhost:8080", True),
        ("127.0.0.1:8080", "http://localhost:8080", False),
        ("127.0.0.1:8080", "http://127.0.0.1:9090", False),
        ("127.0.0.1:8080", "https://127.0.0.1:8080", False),
        ("[", "http://[", True),
    ):
        answer = house.run(call(house.app, "POST", "/open", [("host", host), ("origin", origin)]))
        assert (answer.status == 200) == ours, (host, origin)


@pytest.mark.parametrize(
    ("base_url", "origin"),
    [
        ("https://hub.example", "https://hub.example"),
        ("https://HUB.example:443/", "https://hub.example"),
        ("https://hub.example:8443", "https://hub.example:8443"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("", ""),
    ],
)
def test_an_origin_is_written_as_browsers_do(base_url: str, origin: str) -> None:
    assert origin_of(base_url) == origin


# Where somebody is sent

ELSEWHERE = (
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "/ /evil.example",
    " //evil.example",
    "https://evil.example",
    "https:/evil.example",
    "https:evil.example",
    "HTTPS://evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    ".evil.example",
    ":8080",
    "?next=//evil.example",
    "#x",
    "/tasks#x",
    "/tasks\r\nSet-Cookie: a=b",
    "/ä",
    "/\u2028",
    "/\0",
    "/" + "a" * 3000,
    "",
)
OURS = ("/", "/tasks/AICRM-42", "/tasks?q=status:open&page=2", "/a%20b", "/%5C%5Cevil.example", "/x//y", "/?a=//b")


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_nobody_is_sent_to_somebody_else(house: House, wanted: str) -> None:
    assert own_path(wanted) == "/"
    browser = house.browser()
    shown = house.run(browser.get(f"/sign-in?next={quote(wanted)}"))
    assert b'name="next" value="/"' in shown.body
    came = house.run(browser.post("/sign-in", {"key": house.key(), "next": wanted}))
    assert (came.status, came.headers["location"]) == (303, "/")


@pytest.mark.parametrize("wanted", OURS)
def test_people_come_back_to_where_they_wanted_to_go(house: House, wanted: str) -> None:
    assert own_path(wanted) == wanted
    came = house.run(house.browser().post("/sign-in", {"key": house.key(), "next": wanted}))
    assert came.headers["location"] == wanted


@pytest.mark.parametrize("wanted", ["/sign-in", "/sign-in?next=/sign-in", "/sign-in/x", "/sign-out"])
def test_nobody_goes_round_in_circles(wanted: str) -> None:
    assert own_path(wanted) == "/"


@given(st.text(st.sampled_from("/\\:@?#.%\t\r\n evilxamp0hts")) | st.text())
def test_wherever_somebody_wants_to_go_it_is_here(wanted: str) -> None:
    for read in (own_path(wanted), own_path(wanted).replace("\\", "/")):
        assert urlsplit(urljoin(BASE, read)).netloc == "hub.example"
        assert read.isascii()
        assert read.isprintable()


@given(st.text(st.sampled_from("/\\:@?#%; evil0é")))
def test_a_page_without_a_session_leads_nowhere_else(path: str) -> None:
    house = House()
    sent = house.run(call(house.app, "GET", f"/tasks/{quote(path, safe='/:@?;%', errors='replace')}"))
    if sent.status == 303:
        location = urlsplit(sent.headers["location"])
        assert (location.netloc, location.path) == ("", "/sign-in")
        wanted = parse_qs(location.query).get("next", ["/"])[0]
        assert urlsplit(urljoin(BASE, wanted)).netloc == "hub.example"


# Headers, and what is told to nobody


def test_every_answer_of_a_page_may_nearly_nothing(house: House) -> None:
    browser, used = house.let_in(), house.link()
    stranger = house.browser()
    answers = [
        house.run(stranger.get("/sign-in")),
        house.run(stranger.post("/sign-in", {"key": "x"})),
        house.run(stranger.get(f"/sign-in/{used}")),
        house.run(stranger.get("/sign-in/x")),
        house.run(stranger.post("/do")),
        house.run(stranger.post("/do", site="cross-site")),
        house.run(browser.get("/tasks/AICRM-1")),
        house.run(house.let_in(Role.VIEWER).post("/do")),
    ]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        assert "unsafe" not in policy
        assert "script-src" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert not any(name.startswith("access-control-") for name in answer.headers)
    assert "frame-ancestors 'none'" in house.run(stranger.get("/")).headers["content-security-policy"]


@pytest.mark.parametrize(
    ("base_url", "told"), [(BASE, "max-age=31536000"), ("http://127.0.0.1:8080", None), ("", None)]
)
def test_where_people_come_over_tls_browsers_are_told_to_come_no_other_way(base_url: str, told: str | None) -> None:
    house = House(base_url)
    for method, path in (("GET", "/sign-in"), ("GET", "/nowhere"), ("POST", "/do"), ("GET", "/api/v1/tasks")):
        answer = house.run(call(house.app, method, path))
        assert answer.headers.get("strict-transport-security") == told


def test_a_page_is_framed_by_whom_it_names_alone() -> None:
    framed = page_headers(("https://teams.example", "https://*.office.example"))["Content-Security-Policy"]
    assert "frame-ancestors https://teams.example https://*.office.example;" in framed
    assert "default-src 'none'" in framed


@pytest.fixture
def secrets(house: House) -> list[str]:
    """Everything that lets somebody in, after it was used in every way that there is."""
    browser, link, unused, key = house.browser(), house.link(), house.link(), house.key()
    known = [link, unused, key]
    for path in (f"/sign-in/{link}", f"/sign-in/{link}", f"/sign-in/{link}?x", "/sign-out", f"/nowhere/{link}"):
        known += filter(None, [browser.cookies.get(OWN)])
        house.run(browser.get(path))
        house.run(browser.post(path, site="cross-site"))
        house.run(browser.post(path, {"key": key, "next": f"/{link}"}))
    house.run(browser.post("/sign-in", {"key": key, "next": f"/tasks/{unused}"}))
    house.run(browser.post("/sign-in", {"key": key + "x"}))
    known.append(browser.cookies[OWN])
    house.run(call(house.app, "PUT", f"/sign-in/{unused}"))
    house.run(call(house.app, "POST", "/sign-in", [("content-type", "text/plain")], key.encode()))
    return known


def test_what_lets_people_in_is_told_to_nobody(house: House, secrets: list[str], written: io.StringIO) -> None:
    told = written.getvalue()
    assert '"route": "/sign-in/{invitation}"' in told
    metrics = house.run(call(house.app, "GET", "/metrics", bearer(house.key()))).body.decode()
    for secret, place in itertools.product(secrets, (told, metrics)):
        assert secret not in place
        assert secret[10:30] not in place
