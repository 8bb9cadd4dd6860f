"""Events in a browser: each step with its time and outcome, why each rule did what it did, and what was given up."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ai_crm.errors import Misunderstood, RecordMissing
from ai_crm.flow.commands import CommandDesk, refusal
from ai_crm.flow.describe import describe
from ai_crm.hub.dashboard.asking import status_of, visitor_of
from ai_crm.hub.dashboard.form import fields_of
from ai_crm.hub.dashboard.render import page
from ai_crm.model.change import AnyChange, Outcome
from ai_crm.model.decision import Decision, Skip, Verdict
from ai_crm.model.delivery import ChangeState, DeliveryState
from ai_crm.model.record import DecisionRecord, EventRecord, Stage
from ai_crm.rules.explain import nearest_first, outcome, summary

_A_PAGE = 50
_MOST_CURSOR = 500
_CAME_TRUE = frozenset({Outcome.DONE, Outcome.ALREADY})


class _Ruling(Struct, frozen=True):
    """What one rule said, and in words what became of it."""

    verdict: Verdict
    outcome: str


class _Planned(Struct, frozen=True, kw_only=True):
    """One change in words, and its stage; None where the event is not here any more. `letter` is its dead letter."""

    name: str
    told: str
    because: str
    stage: Stage | None
    letter: str


class _Told(Struct, frozen=True, kw_only=True):
    """A decision as people read it, in the order in which `explain` tells it."""

    record: DecisionRecord
    summary: str
    rulings: tuple[_Ruling, ...]
    planned: tuple[_Planned, ...]
    skips: tuple[Skip, ...]

    @property
    def decision(self) -> Decision:
        return self.record.decision


class EventPages(Struct, frozen=True):
    desk: CommandDesk

    async def listed(self, request: Request) -> Response:
        """All, those of one state, or what was given up: events and changes in one list."""
        visitor, asked, records = visitor_of(request), request.query_params, self.desk.records
        state, cursor = asked.get("state", ""), asked.get("cursor", "")[:_MOST_CURSOR]
        events = letters = problem = None
        try:
            if state == DeliveryState.DEAD:
                letters = await records.dead_letters(visitor.principal.workspace, "", cursor, _A_PAGE)
            else:
                events = await records.events(visitor.principal.workspace, state, cursor, _A_PAGE)
        except Misunderstood as error:
            problem = refusal(error)
        return page(
            "events",
            visitor,
            status_of(problem) if problem else 200,
            state=state,
            states=tuple(DeliveryState),
            events=events,
            letters=letters,
            problem=problem,
        )

    async def shown(self, request: Request) -> Response:
        """Raises RecordMissing for what is neither an event nor a request that was decided about."""
        visitor, name = visitor_of(request), request.path_params["id"]
        workspace, records = visitor.principal.workspace, self.desk.records
        decisions = await records.decisions_of(workspace, name)
        try:
            event = await records.event(workspace, name)
        except RecordMissing:
            if not decisions:
                raise
            event = None  # what a person asked for came in as no delivery, or its delivery was removed after its time
        stages = _stages(event)
        told = tuple(_told(record, stages) for record in reversed(decisions))
        return page(
            "event",
            visitor,
            name=name,
            event=event,
            decisions=told,
            letter=_letter(event),
            loose=_loose(event, decisions),
        )

    async def sent_on(self, request: Request) -> Response:
        """Puts what was given up back into its queue. Raises RecordMissing for what is no dead letter any more."""
        visitor, fields = visitor_of(request), await fields_of(request)
        workspace, now = visitor.principal.workspace, self.desk.clock.now()
        event = await self.desk.records.replay(
            workspace, fields.one("letter"), visitor.principal.name, now, anew=fields.one("anew") == "yes"
        )
        self.desk.wake()
        return RedirectResponse(f"/events/{quote(event, safe='')}", 303)


def _stages(event: EventRecord | None) -> Mapping[str, Stage]:
    """The stages of changes, by their keys."""
    return {stage.change: stage for stage in (event.stages if event else ()) if stage.change}


def _letter(event: EventRecord | None) -> str:
    """The dead letter that the event itself is; empty where it is none."""
    return f"delivery:{event.id}" if event and event.state is DeliveryState.DEAD else ""


def _told(record: DecisionRecord, stages: Mapping[str, Stage]) -> _Told:
    decision = record.decision
    return _Told(
        record=record,
        summary=summary(decision),
        rulings=tuple(_Ruling(verdict, outcome(verdict)) for verdict in nearest_first(decision)),
        planned=tuple(_planned(change, stages.get(change.key)) for change in decision.changes),
        skips=decision.skips,
    )


def _planned(change: AnyChange, stage: Stage | None) -> _Planned:
    dead = stage is not None and stage.outcome == ChangeState.DEAD
    wording, done = describe(change), stage is not None and stage.outcome in _CAME_TRUE
    return _Planned(
        name=str(change.__struct_config__.tag),
        told=wording.done() if done else wording.planned(),
        because=change.because,
        stage=stage,
        letter=f"change:{change.key}" if dead else "",
    )


def _loose(event: EventRecord | None, decisions: tuple[DecisionRecord, ...]) -> tuple[Stage, ...]:
    """What was carried out and stands in no decision: what the hub itself added, such as messages to people."""
    planned = {change.key for record in decisions for change in record.decision.changes}
    return tuple(stage for key, stage in _stages(event).items() if key not in planned)
