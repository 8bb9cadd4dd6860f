"""Every door of a hub as its process has them, tried with everything that must not open it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from starlette.routing import Route

from ai_crm.config.hub_settings import read_hub_settings
from ai_crm.flow.commands import Asker, answer
from ai_crm.hub.dashboard.cookies import FRAMED, OWN, PLAIN
from ai_crm.hub.process import doors
from ai_crm.hub.routes import Guard, Open, Signed
from ai_crm.model.access import MAY, Permission, Principal, Role
from ai_crm.model.item import PlatformName
from ai_crm.ports.sessions import Visitor
from ai_crm.wiring import SystemClock
from ai_crm.wiring.hub import assemble, command_desk
from tests.doubles.hub_parts import Answer, Hub, bearer, call

T = TypeVar("T")

CANARY = "Canary of the default workspace"
BASE = "https://hub.example"
FORM = ("content-type", "application/x-www-form-urlencoded")
OURS = ("sec-fetch-site", "same-origin")


class House:
    """A hub with one task, and the sessions of everybody who could come."""

    def __init__(self, folder: Path) -> None:
        environ = {"AI_CRM_DATA": str(folder), "AI_CRM_BASE_URL": BASE}
        self.hub = assemble(read_hub_settings(environ), SystemClock())
        self.routes = doors(self.hub, lambda: None)
        self.app = Hub(api=self.routes, sessions=self.hub.sessions, base_url=BASE).app
        self.app.state.clock, self.app.state.keys = self.hub.clock, self.hub.keys
        asker = Asker(principal=principal(Role.OPERATOR), platform=PlatformName.HUB, id="ann", name="ann")
        desk = command_desk(self.hub, lambda: None)
        self.run(answer(f'task create "{CANARY}"', asker, desk, "e" * 32))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)

    def session(self, role: Role, workspace: str = "default") -> str:
        return self.run(self.hub.sessions.begin(visitor(role, workspace), datetime.now(UTC)))

    def knock(self, method: str, path: str, *headers: tuple[str, str], body: bytes = b"") -> Answer:
        return self.run(call(self.app, method, path, headers, body))

    @property
    def pages(self) -> list[tuple[str, str, Signed]]:
        """Method, address and policy of each door for who is signed in."""
        return [
            (method, address(each.path), each.endpoint.policy)
            for each in self.routes
            if isinstance(each.endpoint, Guard) and isinstance(each.endpoint.policy, Signed)
            for method in sorted(each.methods or ())
        ]


def principal(role: Role, workspace: str = "default") -> Principal:
    return Principal(name="ann", workspace=workspace, role=role)


def visitor(role: Role, workspace: str = "default") -> Visitor:
    return Visitor(principal=principal(role, workspace), platform=PlatformName.SLACK, id=f"U{workspace}", name="ann")


def address(path: str) -> str:
    """With something in it that there is."""
    return path.replace("{id}", "AICRM-1" if path.startswith("/tasks") else "e" * 32)


def held(name: str, value: str) -> tuple[str, str]:
    return ("cookie", f"{name}={value}")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("hub"))
    yield made
    made.hub.close()


def nobody(house: House) -> dict[str, tuple[tuple[str, str], ...]]:
    """What lets nobody in, by what it is."""
    now, sessions = datetime.now(UTC), house.hub.sessions
    ended, idle, over = (house.session(Role.OPERATOR) for _ in range(3))
    house.run(sessions.end(ended))
    idle = house.run(sessions.begin(visitor(Role.OPERATOR), now - timedelta(minutes=31)))
    over = house.run(sessions.begin(visitor(Role.OPERATOR), now - timedelta(hours=13)))
    good = house.session(Role.OPERATOR)
    key = house.run(house.hub.keys.create("default", "ci", Role.OPERATOR, None, now))
    link = house.run(sessions.invite(visitor(Role.OPERATOR), now))
    return {
        "nothing": (),
        "garbage": (held(OWN, "A" * 43),),
        "no token at all": (held(OWN, "'; DROP TABLE session; --"),),
        "an ended session": (held(OWN, ended),),
        "one that was idle": (held(OWN, idle),),
        "one that is over": (held(OWN, over),),
        "a key": bearer(key),
        "a key as a cookie": (held(OWN, key),),
        "a link as a cookie": (held(OWN, link),),
        "a session as a key": bearer(good),
        "a session under a name that neighbours can set": (held(PLAIN, good),),
        "two cookies": (("cookie", f"{OWN}={good}; {OWN}={good}"),),
        "an ended session in a frame": (held(FRAMED, ended),),
    }


def test_every_page_is_there(house: House) -> None:
    assert len(house.pages) > 15
    assert ("POST", "/do", Signed()) in house.pages


def test_nobody_comes_through_a_page_without_a_session(house: House) -> None:
    for what, headers in nobody(house).items():
        for method, path, _ in house.pages:
            came = house.knock(method, path, OURS, FORM, *headers)
            if method in {"GET", "HEAD"}:
                assert came.status == 303, (what, method, path)
                assert came.headers["location"].startswith("/sign-in"), (what, method, path)
            else:
                assert came.status in {401, 429}, (what, method, path)  # 429 when it was refused too often
            assert CANARY.encode() not in came.body


def test_a_page_is_for_those_who_have_its_permission(house: House) -> None:
    for role in Role:
        session = held(OWN, house.session(role))
        for method, path, policy in house.pages:
            came = house.knock(method, path, OURS, FORM, session)
            allowed = policy.permission is None or policy.permission in MAY[role]
            assert (came.status != 403) == allowed, (role, method, path)
            assert came.status not in {401, 500}, (role, method, path)


def test_what_is_not_from_our_own_pages_changes_nothing(house: House) -> None:
    session = held(OWN, house.session(Role.OPERATOR))
    elsewhere = ((), (("sec-fetch-site", "cross-site"),), (("sec-fetch-site", "same-site"),), (("origin", "null"),))
    for method, path, _ in house.pages:
        if method in {"GET", "HEAD"}:
            continue
        for headers in (*elsewhere, (("origin", "https://evil.example"),)):
            assert house.knock(method, path, FORM, session, *headers).status == 403, (method, path, headers)
    assert house.knock("GET", "/", session).status == 200


def test_only_a_door_that_says_why_takes_what_is_from_anywhere(house: House) -> None:
    """Whatever changes something is behind a key, a signature, or a page of ours."""
    for each in house.routes:
        assert isinstance(each, Route)
        assert isinstance(each.endpoint, Guard)
        policy = each.endpoint.policy
        if set(each.methods or ()) - {"GET", "HEAD"} and not isinstance(policy, Permission):
            assert each.endpoint.is_page, each.path
            assert isinstance(policy, Signed) or each.path in {"/sign-in", "/sign-in/{invitation}", "/sign-out"}


def test_another_workspace_sees_and_changes_nothing_of_this_one(house: House) -> None:
    theirs = held(OWN, house.session(Role.OPERATOR, "other"))
    mine = held(OWN, house.session(Role.OPERATOR))
    before = house.knock("GET", "/tasks/AICRM-1", mine)
    assert CANARY.encode() in before.body
    for method, path, _ in house.pages:
        said = b"status=done&comment=hello&title=Changed" if "AICRM-1" in path else b""
        came = house.knock(method, path, OURS, FORM, theirs, body=said)
        assert CANARY.encode() not in came.body, (method, path)
        if "AICRM-1" in path and method in {"GET", "HEAD"}:
            assert came.status == 404, (method, path)
    for words in ("task done AICRM-1", "task show AICRM-1", 'task comment AICRM-1 "hello"'):
        came = house.knock("POST", "/do", OURS, FORM, theirs, body=f"say={words}".encode())
        assert CANARY.encode() not in came.body
        assert b"Not found" in came.body
    after = house.knock("GET", "/tasks/AICRM-1", mine)
    assert without_once(after.body) == without_once(before.body)


def without_once(page: bytes) -> bytes:
    """What tells two showings of a form apart is no difference."""
    return re.sub(rb"[0-9a-f]{32}", b"", page)


def test_a_session_makes_no_other_one(house: House) -> None:
    """Else somebody who left could stay for ever."""
    session = held(OWN, house.session(Role.MEMBER))
    for words in ("sign-in", "login", "open dashboard"):
        came = house.knock("POST", "/do", OURS, FORM, session, body=f"say={words}".encode())
        assert b"signed in already" in came.body
        assert b"/sign-in/" not in came.body


def test_every_answer_of_every_page_keeps_to_itself(house: House) -> None:
    for headers in ((), (held(OWN, house.session(Role.OPERATOR)),)):
        for method, path, _ in house.pages:
            came = house.knock(method, path, OURS, FORM, *headers)
            policy = came.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert came.headers["cache-control"] == "no-store", (method, path)
            assert came.headers["x-content-type-options"] == "nosniff"
            assert came.headers["referrer-policy"] in {"same-origin", "no-referrer"}
            assert "access-control-allow-origin" not in came.headers


def test_the_doors_that_are_open_are_these(house: House) -> None:
    guards = [each.endpoint for each in house.routes if isinstance(each.endpoint, Guard)]
    assert {each.path for each in guards if isinstance(each.policy, Open)} == {
        "/sign-in",
        "/sign-in/{invitation}",
        "/sign-out",
        "/style.css",
        "/pictures/{token}.png",
        "/api/v1/docs",
        "/api/v1/openapi.json",
    }
