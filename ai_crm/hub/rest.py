"""The REST API: what a workspace's people and programs may ask, each answer in the form that the values already have."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ai_crm.commands.query import parse_query
from ai_crm.config.agents import load_agents
from ai_crm.config.policy import load_policy
from ai_crm.errors import PayloadInvalid, RulesInvalid
from ai_crm.hub.routes import route
from ai_crm.model.access import Permission, Principal
from ai_crm.model.delivery import DeliveryState
from ai_crm.model.record import TaskComment
from ai_crm.model.task import TaskId
from ai_crm.ports import Analyst, Clock
from ai_crm.ports.records import Records
from ai_crm.rules.explain import explain
from ai_crm.rules.rule import Defaults

T = TypeVar("T")

_MOST = 100
_SPAN = re.compile(r"([0-9]{1,4})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=90)


class NewComment(Struct, frozen=True, forbid_unknown_fields=True):
    text: str


class Replay(Struct, frozen=True, forbid_unknown_fields=True):
    """`anew`: decide the event again by the rules of today instead of going on where it failed."""

    anew: bool = False


class RulesToCheck(Struct, frozen=True, forbid_unknown_fields=True):
    rules: str


class ToAnalyse(Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    body: str = ""
    labels: tuple[str, ...] = ()


class Api(Struct, frozen=True, kw_only=True):
    """What the answers come from. `wake` tells the worker that a dead letter was sent on."""

    records: Records
    analyst: Analyst
    clock: Clock
    wake: Callable[[], None]

    async def tasks(self, request: Request) -> Response:
        who, asked = _who(request), request.query_params
        query = parse_query(asked.get("q", ""), who.name)
        found = await self.records.tasks(
            who.workspace, query, self.clock.now(), asked.get("cursor", ""), _limit(request)
        )
        return _json(found)

    async def task(self, request: Request) -> Response:
        task = await self.records.task(_who(request).workspace, _task_id(request))
        tag = f'"v{task.version}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return _json(task, ETag=tag)

    async def comments(self, request: Request) -> Response:
        comments = await self.records.comments(_who(request).workspace, _task_id(request))
        return _json({"comments": comments})

    async def add_comment(self, request: Request) -> Response:
        who, said = _who(request), await _body(request, NewComment)
        if not said.text.strip():
            raise PayloadInvalid("a comment needs a text")
        comment = TaskComment(
            id=secrets.token_hex(16),
            task=_task_id(request),
            at=self.clock.now(),
            actor=who.name,
            text=said.text,
        )
        await self.records.add_comment(who.workspace, comment)
        return _json(comment, 201)

    async def events(self, request: Request) -> Response:
        state = request.query_params.get("state", "")
        if state and state not in set(DeliveryState):
            raise PayloadInvalid(f"state is one of {', '.join(DeliveryState)}")
        cursor = request.query_params.get("cursor", "")
        return _json(await self.records.events(_who(request).workspace, state, cursor, _limit(request)))

    async def event(self, request: Request) -> Response:
        return _json(await self.records.event(_who(request).workspace, request.path_params["id"]))

    async def decisions_of(self, request: Request) -> Response:
        found = await self.records.decisions_of(_who(request).workspace, request.path_params["id"])
        return _json({"decisions": found})

    async def decision(self, request: Request) -> Response:
        return _json(await self.records.decision(_who(request).workspace, request.path_params["id"]))

    async def explained(self, request: Request) -> Response:
        record = await self.records.decision(_who(request).workspace, request.path_params["id"])
        return PlainTextResponse(explain(record.decision))

    async def dead_letters(self, request: Request) -> Response:
        asked = request.query_params
        found = await self.records.dead_letters(
            _who(request).workspace, asked.get("reason", ""), asked.get("cursor", ""), _limit(request)
        )
        return _json(found)

    async def replay(self, request: Request) -> Response:
        who, wanted = _who(request), await _body(request, Replay)
        letter = request.path_params["id"]
        event = await self.records.replay(who.workspace, letter, who.name, self.clock.now(), anew=wanted.anew)
        self.wake()
        return _json({"event_id": event}, 202, Location=f"/api/v1/events/{event}")

    async def connections(self, request: Request) -> Response:
        return _json({"connections": await self.records.connections(_who(request).workspace)})

    async def report(self, request: Request) -> Response:
        until = self.clock.now()
        since = until - _span(request.query_params.get("timeframe", "24h"))
        return _json(await self.records.report(_who(request).workspace, since, until))

    async def agents(self, request: Request) -> Response:
        category = request.query_params.get("category", "")
        return _json({"agents": [agent for agent in load_agents() if category in {"", agent.category}]})

    async def analyse(self, request: Request) -> Response:
        asked = await _body(request, ToAnalyse)
        return _json(self.analyst.analyse(asked.title, asked.body, asked.labels, load_agents()))

    async def check_rules(self, request: Request) -> Response:
        text = (await _body(request, RulesToCheck)).rules.encode(errors="replace")
        try:
            policy = load_policy(text, "rules", Defaults())
        except RulesInvalid as broken:
            return _json({"valid": False, "problems": broken.problems, "rules": [], "warnings": []})
        names = [rule.id for rule in policy.rules]
        return _json({"valid": True, "problems": [], "rules": names, "warnings": policy.warnings})


def api_routes(api: Api) -> tuple[Route, ...]:
    """Every route with what it takes to use it."""
    read, see = Permission.TASKS_READ, Permission.EVENTS_READ
    table = (
        ("GET", "/tasks", api.tasks, read),
        ("GET", "/tasks/{id}", api.task, read),
        ("GET", "/tasks/{id}/comments", api.comments, read),
        ("POST", "/tasks/{id}/comments", api.add_comment, Permission.TASKS_WRITE),
        ("GET", "/events", api.events, see),
        ("GET", "/events/{id}", api.event, see),
        ("GET", "/events/{id}/decisions", api.decisions_of, see),
        ("GET", "/decisions/{id}", api.decision, see),
        ("GET", "/decisions/{id}/explain", api.explained, see),
        ("GET", "/dead-letters", api.dead_letters, see),
        ("POST", "/dead-letters/{id}/replay", api.replay, Permission.EVENTS_REPLAY),
        ("GET", "/connections", api.connections, Permission.CONNECTIONS_READ),
        ("GET", "/analytics/report", api.report, Permission.ANALYTICS_READ),
        ("GET", "/agents", api.agents, Permission.RULES_READ),
        ("POST", "/analyses", api.analyse, Permission.ANALYSES_WRITE),
        ("POST", "/rules/validate", api.check_rules, Permission.RULES_READ),
    )
    return tuple(route(f"/api/v1{path}", endpoint, (method,), needed) for method, path, endpoint, needed in table)


def _who(request: Request) -> Principal:
    who: Principal = request.state.principal
    return who


def _task_id(request: Request) -> TaskId:
    return TaskId(request.path_params["id"])


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "50")
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 0 < int(text) <= _MOST):
        raise PayloadInvalid(f"limit is a number from 1 to {_MOST}")
    return int(text)


def _span(text: str) -> timedelta:
    found = _SPAN.fullmatch(text)
    span = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta()
    if not timedelta() < span <= _LONGEST:
        raise PayloadInvalid("timeframe is a number and m, h, d or w, up to 90d, as in 24h")
    return span


async def _body(request: Request, kind: type[T]) -> T:
    """What was sent. A field that nobody knows is refused by its name: it was meant for something."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in {"", "application/json"}:
        raise HTTPException(415, "Send JSON, with the content type application/json.")
    raw = await request.body()
    try:
        return msgspec.json.decode(raw or b"{}", type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        what = str(error) if isinstance(error, msgspec.ValidationError) else "it is not JSON"
        raise PayloadInvalid(f"the body cannot be used: {what}") from error


def _json(value: Any, status: int = 200, **headers: str) -> Response:
    return Response(msgspec.json.encode(value), status, headers or None, "application/json")
