"""What a caller is told when something is wrong, and who may come in at all."""

from __future__ import annotations

import asyncio
import io

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ai_crm.errors import ItemMissing, Problem, RateLimited, RulesInvalid
from ai_crm.hub.app import build_app
from ai_crm.hub.frame import HEADERS
from ai_crm.hub.routes import Guard, Open, route
from ai_crm.model.access import Permission
from tests.doubles.hub_parts import OPERATOR, VIEWER, Answer, Hub, bearer, call

OPEN = Open("a test")


async def me(request: Request) -> Response:
    return PlainTextResponse(request.state.principal.name)


async def limited(_request: Request) -> Response:
    raise RateLimited("too fast", retry_after=1.2, hint="Wait")


async def missing(_request: Request) -> Response:
    raise ItemMissing("it is gone", hint="Look elsewhere")


async def broken(_request: Request) -> Response:
    raise RulesInvalid((Problem("a.yml", 1, 2, "is wrong \ud800", "write it right"),))


async def fault(_request: Request) -> Response:
    raise ValueError("canary of a stranger\n\x1b[31m")


async def echo(request: Request) -> Response:
    return PlainTextResponse(await request.body())


API = (
    route("/me", me, ("GET",), Permission.TASKS_READ),
    route("/replay", me, ("POST",), Permission.EVENTS_REPLAY),
    route("/limited", limited, ("GET",), OPEN),
    route("/missing", missing, ("GET",), OPEN),
    route("/broken", broken, ("GET",), OPEN),
    route("/fault", fault, ("GET",), OPEN),
    route("/echo", echo, ("POST",), Permission.TASKS_WRITE),
)


@pytest.fixture
def hub() -> Hub:
    return Hub(api=API)


def get(hub: Hub, path: str, headers: tuple[tuple[str, str], ...] = (), method: str = "GET") -> Answer:
    return asyncio.run(call(hub.app, method, path, headers))


def test_every_route_declares_its_policy(hub: Hub) -> None:
    assert all(isinstance(each.endpoint, Guard) for each in hub.app.routes if isinstance(each, Route))


def test_a_route_without_a_policy_is_not_built(hub: Hub) -> None:
    import msgspec

    with pytest.raises(ValueError, match="/forgotten"):
        build_app(msgspec.structs.replace(hub.parts, api=(Route("/forgotten", me),)))


def test_a_known_key_comes_in_as_whom_it_belongs_to(hub: Hub) -> None:
    assert get(hub, "/me", bearer(VIEWER)).body == b"vic"
    assert get(hub, "/replay", bearer(OPERATOR), "POST").body == b"ann"


@pytest.mark.parametrize(
    "headers",
    [(), bearer("unknown"), bearer(""), bearer("\xe9"), bearer("a" * 5000), bearer(VIEWER) * 2,
     (("authorization", f"Basic {VIEWER}"),), (("authorization", VIEWER),), (("x-api-key", VIEWER),)],
)  # fmt: skip
def test_without_a_known_key_nothing_is_told(hub: Hub, headers: tuple[tuple[str, str], ...]) -> None:
    answer = get(hub, "/me", headers)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["type"] == "about:blank#unauthorized"


def test_who_may_not_is_told_what_is_missing(hub: Hub) -> None:
    answer = get(hub, "/replay", bearer(VIEWER), "POST")
    assert answer.status == 403
    assert "events:replay" in answer.json()["detail"]
    assert get(hub, "/metrics", bearer(VIEWER)).status == 403
    assert get(hub, "/metrics").status == 401


def test_errors_are_problem_documents(hub: Hub) -> None:
    answer = get(hub, "/missing")
    assert answer.headers["content-type"] == "application/problem+json"
    expected = {"type": "about:blank#item-missing", "title": "Item missing", "status": 404}
    assert answer.json() == expected | {"detail": "it is gone. Look elsewhere"}
    assert get(hub, "/limited").headers["retry-after"] == "2"
    assert get(hub, "/nowhere").json()["type"] == "about:blank#not-found"
    assert get(hub, "/me/").status == 404
    refused = get(hub, "/me", method="DELETE")
    assert refused.status == 405
    assert "GET" in refused.headers["allow"]


def test_every_problem_of_a_file_is_listed(hub: Hub) -> None:
    answer = get(hub, "/broken")
    assert answer.status == 422
    assert b'"line": 1, "column": 2' in answer.body


def test_a_fault_tells_the_caller_nothing_and_the_log_where_it_was(hub: Hub, written: io.StringIO) -> None:
    answer = get(hub, "/fault")
    assert answer.json() == {
        "type": "about:blank#internal-server-error",
        "title": "Internal server error",
        "status": 500,
    }
    text = written.getvalue()
    assert "ValueError" in text
    assert "test_problems.py" in text
    assert "canary" not in text
    assert text.count("\n") == 2


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/fault", "/missing", "/me", "/metrics"])
def test_every_answer_carries_the_same_protection(hub: Hub, path: str) -> None:
    headers = get(hub, path).headers
    assert {name: headers[name.lower()] for name in HEADERS} == HEADERS
    assert headers["x-request-id"] == "request-1"


def test_a_body_of_the_api_has_a_measure(hub: Hub) -> None:
    answer = asyncio.run(call(hub.app, "POST", "/echo", bearer(OPERATOR), b"x" * (1024 * 1024 + 1)))
    assert answer.status == 413


def test_health_and_readiness(hub: Hub) -> None:
    assert get(hub, "/healthz").body == b"ok"
    assert get(hub, "/readyz").status == 200
    hub.trouble = "the database at db.internal does not answer"
    answer = get(hub, "/readyz")
    assert answer.status == 503
    assert b"db.internal" not in answer.body


def test_metrics_count_routes_by_their_pattern(hub: Hub) -> None:
    get(hub, "/nowhere/canary")
    get(hub, "/healthz")
    told = get(hub, "/metrics", bearer(OPERATOR)).body
    assert b'ai_crm_http_requests_total{route="/healthz",status="200"} 1.0' in told
    assert b'route="none",status="404"' in told
    assert b"canary" not in told
