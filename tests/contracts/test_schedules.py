"""Rules that come by the clock, on SQLite and on PostgreSQL: each turn is taken once, whoever looks, and none by mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from sqlalchemy import Engine, insert

from ai_crm.config.policy import load_policy
from ai_crm.errors import AiCrmError, ItemMissing, Problem, RulesInvalid, UpstreamUnavailable
from ai_crm.flow.timetable import Timetable
from ai_crm.model.delivery import Delivery
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.occasion import ItemsDue, ReportDue, occasion_in
from ai_crm.model.task import RuleId
from ai_crm.ports.schedules import Place, Turn
from ai_crm.rules.merge import merged
from ai_crm.rules.rule import Defaults, Policy
from ai_crm.store import tables
from ai_crm.store.database import engine_for, writing
from ai_crm.store.inbox import SqlInbox
from ai_crm.store.records import SqlRecords
from ai_crm.store.rows import stamp
from ai_crm.store.schedules import SqlSchedules
from ai_crm.store.sql import SqlStore
from ai_crm.store.transactions import Direct

if TYPE_CHECKING:
    from tests.conftest import Finish
    from tests.contracts.conftest import Inline
    from tests.doubles.decisions import Decisions

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REPORT = 'workflows: {daily: {use: daily-report, with: {channel: "#dev", cron: "0 9 * * *"}}}'
STALE = 'workflows: {old: {use: stale-escalation, with: {cron: "0 9 * * *"}}}'
OWN = 'workflows: {mine: {use: stale-escalation, with: {cron: "30 9 * * *"}}}'
HELLO, OTHER = Place(connection="main", project="octo/hello"), Place(connection="main", project="octo/other")


class Grounds:
    """Rules and projects as a test wants them; `broken` is raised for the hub's own, `away` for those of a project."""

    def __init__(self) -> None:
        self.rules: dict[str, str] = {"w": ""}
        self.files: dict[str, str] = {}
        self.known: tuple[Place, ...] = (HELLO, OTHER)
        self.broken: dict[str, AiCrmError] = {}
        self.away: dict[str, AiCrmError] = {}
        self.asked: list[str] = []

    async def workspaces(self) -> tuple[str, ...]:
        return tuple(self.rules)

    def shared(self, workspace: str) -> Policy:
        if workspace in self.broken:
            raise self.broken[workspace]
        text = self.rules[workspace]
        return merged(None, (_policy(text),) if text else (), ())

    async def places(self, workspace: str) -> tuple[Place, ...]:
        return self.known if workspace == "w" else ()

    async def own(self, place: Place) -> Policy | None:
        self.asked.append(place.project)
        if place.project in self.away:
            raise self.away[place.project]
        text = self.files.get(place.project)
        return None if text is None else _policy(text)

    async def url(self, place: Place) -> str:
        return f"https://github.example/{place.project}"


def _policy(text: str) -> Policy:
    return load_policy(text.encode(), "rules.yml", Defaults())


class Clock:
    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time


class Machine:
    """One process of a hub. Several of them share one database, its rules and the time."""

    def __init__(self, engine: Engine, inline: Inline, grounds: Grounds, clock: Clock, finish: Finish) -> None:
        transactions = Direct(engine, inline)
        self.engine, self.grounds, self.clock, self.finish = engine, grounds, clock, finish
        self.schedules = SqlSchedules(transactions)
        self.inbox = SqlInbox(transactions)
        self.store = SqlStore(transactions, None, "w")
        self._timetable = Timetable(self.schedules, SqlRecords(transactions), grounds, clock, "https://hub.example")

    def tick(self, hours: float = 0) -> int:
        """So many hours later it looks at the clock; says how many turns it took."""
        self.clock.time += hours * HOUR
        return self.finish(self._timetable.tick())

    def turns(self) -> dict[str, datetime]:
        return {turn.name: turn.next_at for turn in self.finish(self.schedules.turns("w"))}

    def accepted(self) -> tuple[Delivery, ...]:
        """All deliveries that wait, which nobody decides here."""
        held = self.finish(self.inbox.take("nobody", self.clock.time + DAY, 100))
        return tuple(sorted((each.delivery for each in held), key=lambda one: one.vendor_id))


@pytest.fixture
def machines(new_empty_url: Callable[[], str], inline: Inline, finish: Finish) -> Iterator[Callable[[], Machine]]:
    engine, grounds, clock = engine_for(new_empty_url()), Grounds(), Clock()
    yield lambda: Machine(engine, inline, grounds, clock, finish)
    engine.dispose()


@pytest.fixture
def machine(machines: Callable[[], Machine]) -> Machine:
    return machines()


def test_a_new_rule_begins_now_and_comes_once_at_its_time(machine: Machine) -> None:
    machine.grounds.rules["w"] = REPORT
    assert machine.tick() == 0
    assert machine.turns() == {"report  hub/daily": NOON + 21 * HOUR}
    assert machine.tick(20.9) == 0
    assert machine.tick(0.1) == 1
    assert machine.tick(0.1) == 0

    (delivery,) = machine.accepted()
    assert (delivery.platform, delivery.name, delivery.connection) == (PlatformName.HUB, "report", "")
    due = occasion_in(delivery.body)
    assert isinstance(due, ReportDue)
    assert (due.rule, due.at, due.workspace, due.url) == ("hub/daily", NOON + 21 * HOUR, "w", "https://hub.example")
    assert (due.figures.since, due.figures.until) == (NOON - 3 * HOUR, NOON + 21 * HOUR)


def test_after_a_pause_only_the_last_missed_time_counts_and_the_figures_are_of_all_of_it(machine: Machine) -> None:
    machine.grounds.rules["w"] = REPORT
    machine.tick()
    assert machine.tick(24 * 3) == 1
    (delivery,) = machine.accepted()
    due = occasion_in(delivery.body)
    assert isinstance(due, ReportDue)
    assert due.at == NOON + 3 * DAY - 3 * HOUR
    assert (due.figures.since, due.figures.until) == (NOON - 3 * HOUR, due.at)
    assert machine.turns() == {"report  hub/daily": NOON + 4 * DAY - 3 * HOUR}


def test_a_rule_of_the_hub_asks_in_every_project_and_one_of_a_project_there_alone(machine: Machine) -> None:
    machine.grounds.rules["w"] = STALE
    machine.grounds.files["octo/hello"] = OWN
    machine.tick()
    assert machine.tick(24) == 2
    found = [(each.connection, occasion_in(each.body)) for each in machine.accepted()]
    at, later = NOON + 21 * HOUR, NOON + 21.5 * HOUR
    assert [connection for connection, _due in found] == ["main"] * 3
    assert [due for _connection, due in found] == [
        ItemsDue(rule=RuleId("hub/old"), at=at, project="octo/hello", url="https://github.example/octo/hello"),
        ItemsDue(rule=RuleId("mine"), at=later, project="octo/hello", url="https://github.example/octo/hello"),
        ItemsDue(rule=RuleId("hub/old"), at=at, project="octo/other", url="https://github.example/octo/other"),
    ]


def test_the_figures_of_a_workspace_are_not_for_the_files_of_its_projects(machine: Machine) -> None:
    machine.grounds.files["octo/hello"] = REPORT
    machine.tick()
    assert machine.turns() == {}


def test_another_time_begins_anew_and_a_rule_that_is_gone_comes_no_more(machine: Machine) -> None:
    machine.grounds.rules["w"] = REPORT
    machine.tick()
    machine.grounds.rules["w"] = REPORT.replace("0 9", "0 6")
    assert machine.tick(21) == 0  # it would have been due by the old time; by the new one it was before that
    assert machine.turns() == {"report  hub/daily": NOON + DAY + 18 * HOUR}
    machine.grounds.rules["w"] = REPORT.replace("use:", "enabled: false, use:")
    assert machine.tick(24) == 0
    assert machine.turns() == {}


def test_broken_rules_keep_their_times_and_take_nothing_from_other_workspaces(machine: Machine) -> None:
    machine.grounds.rules = {"w": REPORT, "x": REPORT}
    machine.tick()
    machine.grounds.broken["w"] = RulesInvalid((Problem("rules.yml", 1, 1, "broken"),))
    machine.clock.time += DAY
    with pytest.raises(RulesInvalid):
        machine.tick()
    assert {each.workspace for each in machine.accepted()} == {"w", "x"}  # who decides says that they are broken
    assert machine.turns() == {"report  hub/daily": NOON + 45 * HOUR}


def test_a_project_that_cannot_be_reached_keeps_its_times_and_is_asked_again_within_the_hour(machine: Machine) -> None:
    machine.grounds.files = {"octo/hello": OWN, "octo/other": OWN}
    machine.tick()
    assert set(machine.turns()) == {"schedule octo/hello mine", "schedule octo/other mine"}
    machine.grounds.away["octo/hello"] = UpstreamUnavailable("no answer")
    machine.grounds.files["octo/other"] = "version: 1"
    machine.clock.time += HOUR
    with pytest.raises(UpstreamUnavailable):
        machine.tick()
    assert machine.tick(0.01) == 0
    assert set(machine.turns()) == {"schedule octo/hello mine"}
    assert machine.grounds.asked == ["octo/hello", "octo/other"] * 2
    machine.grounds.away["octo/hello"] = ItemMissing("gone")
    machine.tick(1)
    assert machine.turns() == {}


def test_a_project_that_nothing_is_known_of_any_more_comes_no_more(machine: Machine) -> None:
    machine.grounds.files["octo/hello"] = OWN
    machine.tick()
    machine.grounds.known = (OTHER,)
    machine.tick(1)
    assert machine.turns() == {}


def test_many_projects_are_asked_a_few_at_a_time(machine: Machine) -> None:
    machine.grounds.known = tuple(Place(connection="main", project=f"octo/{number}") for number in range(60))
    counts = []
    for _ in range(4):
        machine.tick()
        counts.append(len(machine.grounds.asked))
    assert counts == [25, 50, 60, 60]


def test_machines_that_look_at_once_take_a_turn_once(machines: Callable[[], Machine]) -> None:
    several = [machines() for _ in range(4)]
    several[0].grounds.rules["w"] = (
        'workflows: {daily: {use: daily-report, with: {channel: "#dev", cron: "0 9 * * *"}}, '
        'old: {use: stale-escalation, with: {cron: "0 9 * * *"}}}'
    )
    several[0].tick()
    several[0].clock.time += DAY
    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(lambda machine: machine.tick(), several)) == 2
    assert len(several[0].accepted()) == 3


def test_a_turn_that_changed_meanwhile_is_not_taken(machine: Machine, finish: Finish) -> None:
    turn = Turn(workspace="w", name="report  hub/daily", spec="{}", next_at=NOON)
    finish(machine.schedules.plan("w", (turn,), ()))
    assert finish(machine.schedules.due(NOON - HOUR)) == ()
    assert finish(machine.schedules.due(NOON)) == (turn,)
    other = msgspec.structs.replace(turn, spec='{"cron": "other"}')
    assert not finish(machine.schedules.claim(other, NOON + DAY, ()))
    assert finish(machine.schedules.claim(turn, NOON + DAY, ()))
    assert not finish(machine.schedules.claim(turn, NOON + 2 * DAY, ()))
    assert machine.turns() == {"report  hub/daily": NOON + DAY}
    finish(machine.schedules.plan("w", (other,), (other,)))  # somebody else's is in the way and stays
    assert machine.turns() == {"report  hub/daily": NOON + DAY}


def test_the_places_of_a_workspace_are_those_of_its_tasks_and_events(
    machine: Machine, finish: Finish, decisions: Decisions
) -> None:
    def decided(event: str, connection: str, project: str, minute: int) -> None:
        item = ItemRef(PlatformName.GITHUB, project, ItemKind.ISSUE, event)
        row: dict[str, object] = dict.fromkeys(
            ("not_before", "holder", "lease_until", "reason", "detail", "decided_at", "vendor_id"), ""
        )
        row |= {"workspace": "w", "id": event, "connection": connection, "platform": "github", "name": "issues"}
        row |= {"body_hash": event, "lane": "l", "headers": "{}", "body": b"", "state": "done", "attempts": 1}
        row |= {"received_at": stamp(NOON)}
        finish(machine.store.commit(decisions.make(event, item=item), decisions.minute(minute)))
        with writing(machine.engine) as connection_:
            connection_.execute(insert(tables.delivery).values(row))

    def places(*connections: str) -> list[tuple[str, str]]:
        return [(place.project, place.connection) for place in finish(machine.schedules.places("w", connections))]

    finish(machine.store.tasks_of(decisions.issue))
    decided("e1", "one", "octo/moved", 1)
    decided("e2", "two", "octo/moved", 2)
    decided("e3", "one", "octo/colon", 3)
    decided("e4", "off", "octo/off", 4)
    silent = ItemRef(PlatformName.GITHUB, "octo/silent", ItemKind.ISSUE, "1")
    finish(machine.store.commit(decisions.make("gone", decisions.create("triage", silent), item=silent), NOON))
    request = ItemRef(PlatformName.HUB, "w", ItemKind.REQUEST, "1")
    finish(machine.store.commit(decisions.make("own", decisions.create("request", request), item=request), NOON))

    assert places("one", "two") == [("octo/colon", "one"), ("octo/moved", "two"), ("octo/silent", "one")]
    assert places() == []
