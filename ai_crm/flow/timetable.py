"""Keeps in mind when the rules that come by the clock are due, and makes deliveries of what is: each time once."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from ai_crm.errors import AiCrmError, ItemMissing, PayloadInvalid
from ai_crm.flow.schedule import latest_until, next_after
from ai_crm.model.delivery import Delivery, event_id
from ai_crm.model.item import PlatformName
from ai_crm.model.occasion import ItemsDue, ReportDue, written
from ai_crm.model.task import RuleId
from ai_crm.model.trigger import REPORT
from ai_crm.ports import Clock
from ai_crm.ports.records import Records
from ai_crm.ports.schedules import Place, Schedules, Turn
from ai_crm.rules.rule import Policy
from ai_crm.rules.schedule import schedule_of

# How long what a project's own file says is taken for granted, and how many files are asked for at a time.
_ROUND = timedelta(hours=1)
_AT_ONCE = 25

_INSTANT = timedelta(microseconds=1)


class Planned(Struct, frozen=True, kw_only=True):
    """A rule of which it is known when it comes, as `Turn.spec` says it. `project` is empty for the hub's own rules."""

    trigger: str
    project: str
    rule: RuleId
    cron: str
    time_zone: str

    @property
    def name(self) -> str:
        return f"{self.trigger} {self.project} {self.rule}"


class Grounds(Protocol):
    """Where rules are, and which projects they are for."""

    async def workspaces(self) -> tuple[str, ...]: ...

    def shared(self, workspace: str) -> Policy:
        """The hub's own rules. Raises RulesInvalid."""
        ...

    async def places(self, workspace: str) -> tuple[Place, ...]: ...

    async def own(self, place: Place) -> Policy | None:
        """The project's own rules, None where it has no file. Raises UpstreamError and RulesInvalid."""
        ...

    async def url(self, place: Place) -> str:
        """Where people look at the project."""
        ...


class Timetable:
    """`url` is where people look at reports, empty where nobody knows."""

    def __init__(self, schedules: Schedules, records: Records, grounds: Grounds, clock: Clock, url: str = "") -> None:
        self._schedules = schedules
        self._records = records
        self._grounds = grounds
        self._clock = clock
        self._url = url
        self._to_ask: deque[tuple[str, Place]] = deque()
        self._asked_at: datetime | None = None

    async def tick(self) -> int:
        """Brings the timetable up to date and takes what is due; says how many turns were taken.

        What fails keeps nothing else from its turn: the first AiCrmError is raised in the end.
        """
        now = self._clock.now()
        return await _in_turn(step(now) for step in (self._keep_all_shared, self._take_due, self._ask_around))

    async def _keep_all_shared(self, now: datetime) -> int:
        return await _in_turn(self._keep_shared(each, now) for each in await self._grounds.workspaces())

    async def _keep_shared(self, workspace: str, now: datetime) -> int:
        wanted = tuple(_planned(self._grounds.shared(workspace), ""))
        return await self._keep(workspace, "", wanted, now)

    async def _keep(self, workspace: str, project: str, wanted: tuple[Planned, ...], now: datetime) -> int:
        """Has the turns of a project, or of the hub's own rules, be those that its rules want. A new one begins now."""
        known = tuple(turn for turn in await self._schedules.turns(workspace) if _project(turn) == project)
        specs = {each.name: msgspec.json.encode(each).decode() for each in wanted}
        same = {turn.name for turn in known if specs.get(turn.name) == turn.spec}
        gone = tuple(turn for turn in known if turn.name not in same)
        added = tuple(
            Turn(
                workspace=workspace,
                name=each.name,
                spec=specs[each.name],
                next_at=next_after(schedule_of(each.cron, each.time_zone), now),
            )
            for each in wanted
            if each.name not in same
        )
        if gone or added:
            await self._schedules.plan(workspace, added, gone)
        return 0

    async def _take_due(self, now: datetime) -> int:
        return await _in_turn(self._take(turn, now) for turn in await self._schedules.due(now))

    async def _take(self, turn: Turn, now: datetime) -> int:
        """Of several times that were missed only the last one counts."""
        planned = _read(turn)
        schedule = schedule_of(planned.cron, planned.time_zone)
        at = max(turn.next_at, latest_until(schedule, now))
        if planned.trigger == REPORT:
            deliveries: tuple[Delivery, ...] = (await self._report(turn, planned, at, now),)
        else:
            places = await self._grounds.places(turn.workspace)
            meant = (place for place in places if planned.project in {"", place.project})
            deliveries = tuple([await self._items(turn.workspace, place, planned, at, now) for place in meant])
        return int(await self._schedules.claim(turn, next_after(schedule, now), deliveries))

    async def _report(self, turn: Turn, planned: Planned, at: datetime, now: datetime) -> Delivery:
        """With the figures from the last turn that was taken to this one, in the time of the rule's zone."""
        schedule, zone = schedule_of(planned.cron, planned.time_zone), ZoneInfo(planned.time_zone)
        since = latest_until(schedule, turn.next_at - _INSTANT)
        figures = await self._records.report(turn.workspace, since.astimezone(zone), at.astimezone(zone))
        due = ReportDue(rule=planned.rule, at=at, workspace=turn.workspace, url=self._url, figures=figures)
        return _delivery(planned, due, Place(connection="", project=""), turn.workspace, now)

    async def _items(self, workspace: str, place: Place, planned: Planned, at: datetime, now: datetime) -> Delivery:
        due = ItemsDue(rule=planned.rule, at=at, project=place.project, url=await self._grounds.url(place))
        return _delivery(planned, due, place, workspace, now)

    async def _ask_around(self, now: datetime) -> int:
        """Asks for the next few of the projects' own files; all of them had their turn within a round."""
        if not self._to_ask and (self._asked_at is None or now - self._asked_at >= _ROUND):
            self._asked_at = now
            for workspace in await self._grounds.workspaces():
                await self._begin_round(workspace)
        some = range(min(_AT_ONCE, len(self._to_ask)))
        return await _in_turn(self._ask(*self._to_ask.popleft(), now) for _ in some)

    async def _begin_round(self, workspace: str) -> None:
        places = await self._grounds.places(workspace)
        self._to_ask.extend((workspace, place) for place in places)
        projects = {"", *(place.project for place in places)}
        gone = tuple(turn for turn in await self._schedules.turns(workspace) if _project(turn) not in projects)
        if gone:
            await self._schedules.plan(workspace, (), gone)

    async def _ask(self, workspace: str, place: Place, now: datetime) -> int:
        try:
            own = await self._grounds.own(place)
        except ItemMissing:  # the project is gone
            own = None
        wanted = tuple(_planned(own, place.project)) if own else ()
        return await self._keep(workspace, place.project, wanted, now)


async def _in_turn(jobs: Iterable[Awaitable[int]]) -> int:
    """The sum of what they say. One that fails takes nothing from the others, and its error is raised in the end.

    One that may be tried again ends it: what it asked for is away, and the others would only wait for it too.
    """
    total, errors = 0, list[AiCrmError]()
    for job in jobs:
        try:
            total += await job
        except AiCrmError as error:
            errors.append(error)
            if error.retry:
                break
    if errors:
        raise errors[0]
    return total


def _planned(policy: Policy, project: str) -> Iterator[Planned]:
    """What of a policy comes by the clock. The workspace's figures are not for every project that it works for."""
    for rule in policy.rules if policy.enabled else ():
        for trigger in rule.triggers:
            if rule.enabled and rule.schedule and trigger.is_timed and not (project and trigger.name == REPORT):
                yield Planned(
                    trigger=trigger.name,
                    project=project,
                    rule=rule.id,
                    cron=rule.schedule.cron,
                    time_zone=rule.schedule.time_zone,
                )


def _project(turn: Turn) -> str:
    return turn.name.split(" ")[1]


def _read(turn: Turn) -> Planned:
    try:
        return msgspec.json.decode(turn.spec, type=Planned)
    except (msgspec.MsgspecError, ValueError):
        hint = "Another version of ai-crm wrote it; it is replaced when its rule changes"
        raise PayloadInvalid("the turn of a rule cannot be read", where=turn.name, hint=hint) from None


def _delivery(planned: Planned, due: ItemsDue | ReportDue, place: Place, workspace: str, now: datetime) -> Delivery:
    body = written(due)
    about = place.project or planned.rule
    return Delivery(
        id=event_id(planned.trigger, body),
        workspace=workspace,
        connection=place.connection,
        platform=PlatformName.HUB,
        name=planned.trigger,
        vendor_id=f"{planned.trigger} {place.project} {planned.rule}@{due.at:%Y-%m-%dT%H:%M:%SZ}",
        lane=f"{PlatformName.HUB}:{planned.trigger}:{about}",
        headers={},
        body=body,
        received_at=now,
    )
