"""The REST API: what a workspace's people and programs may ask, each answer in the form that the values already have."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ai_crm.commands.query import ME, parse_query
from ai_crm.config.agents import load_agents
from ai_crm.config.policy import load_policy
from ai_crm.errors import EventUnknown, PayloadInvalid, RulesInvalid
from ai_crm.flow.rehearse import rehearse
from ai_crm.hub.exchange import answered, body, tag, task_id, who
from ai_crm.hub.once import Once, Turn
from ai_crm.hub.routes import route
from ai_crm.model.access import Permission
from ai_crm.model.delivery import Delivery, DeliveryState
from ai_crm.model.event import Event
from ai_crm.model.item import PlatformName
from ai_crm.model.record import TaskComment
from ai_crm.model.status_name import StatusName
from ai_crm.ports import Analyst, Clock, RawRequest
from ai_crm.ports.records import Records
from ai_crm.rules.explain import explain
from ai_crm.rules.rule import Defaults, Policy

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


class RulesToTry(Struct, frozen=True, forbid_unknown_fields=True):
    """`event` is the id of one that the hub still has."""

    rules: str
    event: str


class ToAnalyse(Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    body: str = ""
    labels: tuple[str, ...] = ()


class Api(Struct, frozen=True, kw_only=True):
    """What the answers come from. `comment` writes one, and tells those whom it concerns. `wake` tells the worker that there
    is something to do; `decode` reads deliveries.

    `statuses` are the names that a workspace has for statuses beside ours.
    """

    records: Records
    comment: Callable[[str, TaskComment], Awaitable[None]]
    once: Once
    decode: Callable[[PlatformName, RawRequest], tuple[Event, ...]]
    analyst: Analyst
    statuses: Callable[[str], tuple[StatusName, ...]]
    clock: Clock
    wake: Callable[[], None]

    async def tasks(self, request: Request) -> Response:
        by, asked = who(request), request.query_params
        now = self.clock.now()
        query = parse_query(asked.get("q", ""), by.name, now.date(), statuses=self.statuses(by.workspace))
        # A key is nobody in a chat: by its name it may stand for a login there, as it does among assignees.
        watchers = tuple(by.name if each == ME else each for each in query.watchers)
        query = msgspec.structs.replace(query, watchers=watchers)
        found = await self.records.tasks(by.workspace, query, now, asked.get("cursor", ""), _limit(request))
        return answered(found)

    async def task(self, request: Request) -> Response:
        task = await self.records.task(who(request).workspace, task_id(request))
        if request.headers.get("if-none-match") == tag(task):
            return Response(status_code=304, headers={"ETag": tag(task)})
        return answered(task, ETag=tag(task))

    async def comments(self, request: Request) -> Response:
        comments = await self.records.comments(who(request).workspace, task_id(request))
        return answered({"comments": comments})

    async def add_comment(self, request: Request) -> Response:
        by, said = who(request), await body(request, NewComment)
        if not said.text.strip():
            raise PayloadInvalid("a comment needs a text")

        async def work(turn: Turn) -> Response:
            task = task_id(request)
            comment = TaskComment(id=turn.id, task=task, at=turn.at, actor=by.name, text=said.text)
            await self.comment(by.workspace, comment)
            self.wake()
            return answered(comment, 201)

        return await self.once.run(request, said, work)

    async def events(self, request: Request) -> Response:
        state = request.query_params.get("state")
        if state is not None and state not in set(DeliveryState):
            raise PayloadInvalid(f"state is one of {', '.join(DeliveryState)}")
        cursor = request.query_params.get("cursor", "")
        return answered(await self.records.events(who(request).workspace, state or "", cursor, _limit(request)))

    async def event(self, request: Request) -> Response:
        return answered(await self.records.event(who(request).workspace, request.path_params["id"]))

    async def decisions_of(self, request: Request) -> Response:
        workspace, event = who(request).workspace, request.path_params["id"]
        found = await self.records.decisions_of(workspace, event)
        if not found:
            await self.records.event(workspace, event)  # nothing decided and nothing there are two things
        return answered({"decisions": found})

    async def decision(self, request: Request) -> Response:
        return answered(await self.records.decision(who(request).workspace, request.path_params["id"]))

    async def explained(self, request: Request) -> Response:
        record = await self.records.decision(who(request).workspace, request.path_params["id"])
        return PlainTextResponse(explain(record.decision))

    async def dead_letters(self, request: Request) -> Response:
        asked = request.query_params
        found = await self.records.dead_letters(
            who(request).workspace, asked.get("reason", ""), asked.get("cursor", ""), _limit(request)
        )
        return answered(found)

    async def replay(self, request: Request) -> Response:
        by, wanted = who(request), await body(request, Replay)
        letter = request.path_params["id"]
        event = await self.records.replay(by.workspace, letter, by.name, self.clock.now(), anew=wanted.anew)
        self.wake()
        return answered({"event_id": event}, 202, Location=f"/api/v1/events/{event}")

    async def connections(self, request: Request) -> Response:
        return answered({"connections": await self.records.connections(who(request).workspace)})

    async def report(self, request: Request) -> Response:
        until = self.clock.now()
        since = until - _span(request.query_params.get("timeframe", "24h"))
        return answered(await self.records.report(who(request).workspace, since, until))

    async def agents(self, request: Request) -> Response:
        category = request.query_params.get("category", "")
        return answered({"agents": [agent for agent in load_agents() if category in {"", agent.category}]})

    async def analyse(self, request: Request) -> Response:
        asked = await body(request, ToAnalyse)
        return answered(self.analyst.analyse(asked.title, asked.body, asked.labels, load_agents()))

    async def check_rules(self, request: Request) -> Response:
        try:
            policy = _policy((await body(request, RulesToCheck)).rules)
        except RulesInvalid as broken:
            return answered({"valid": False, "problems": broken.problems, "rules": [], "warnings": []})
        names = [rule.id for rule in policy.rules]
        return answered({"valid": True, "problems": [], "rules": names, "warnings": policy.warnings})

    async def dry_run(self, request: Request) -> Response:
        asked, workspace = await body(request, RulesToTry), who(request).workspace
        delivery = await self.records.delivery(workspace, asked.event)
        try:
            policy = _policy(asked.rules)
        except RulesInvalid as broken:
            return answered({"valid": False, "problems": broken.problems, "warnings": [], "decisions": []})
        decisions = []
        for event in self._events(delivery):
            tasks = await self.records.tasks_of(workspace, event.item.ref)
            tried = rehearse(event, tasks, policy, self.analyst, delivery.received_at)
            told = explain(tried.decision)
            decisions.append({"decision": tried.decision, "explanation": told, "unknown": tried.unknown})
        return answered({"valid": True, "problems": [], "warnings": policy.warnings, "decisions": decisions})

    def _events(self, delivery: Delivery) -> tuple[Event, ...]:
        headers = {**delivery.headers, "x-ai-crm-event-id": delivery.id}
        try:
            return self.decode(delivery.platform, RawRequest(headers=headers, body=delivery.body))
        except EventUnknown:
            return ()


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
        ("POST", "/rules/dry-run", api.dry_run, see),  # it tells what is in the event
    )
    return tuple(route(f"/api/v1{path}", endpoint, (method,), needed) for method, path, endpoint, needed in table)


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


def _policy(text: str) -> Policy:
    return load_policy(text.encode(errors="replace"), "rules", Defaults())
