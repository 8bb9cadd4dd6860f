"""What people are told by the clock: a summary a day, and what is wrong with the hub."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import msgspec
import pytest

from ai_crm.flow.rounds import Rounds, alert
from ai_crm.model.change import Notify
from ai_crm.model.decision import Decision
from ai_crm.model.item import PlatformName
from ai_crm.model.record import ConnectionHealth
from ai_crm.ports.members import Member, Preferences
from ai_crm.store.database import engine_for
from ai_crm.store.memory import MemoryStore
from ai_crm.store.migrations import migrate
from ai_crm.store.records import SqlRecords
from ai_crm.store.sql import SqlStore
from ai_crm.store.transactions import Direct
from tests.conftest import Finish
from tests.doubles.decisions import Decisions
from tests.doubles.notices import inline
from tests.doubles.people import People

WELL = ConnectionHealth(
    id="github-1",
    platform=PlatformName.GITHUB,
    active=True,
    problem="",
    last_received=None,
    last_applied=None,
    waiting_deliveries=0,
    waiting_changes=0,
    dead=0,
    oldest_waiting=None,
    held_back_until=None,
)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Now:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def member(digest_at: time, zone: str = "Europe/Berlin") -> Member:
    wishes = Preferences(digest_at=digest_at, time_zone=zone)
    return Member(platform=PlatformName.SLACK, id="U0ANN", name="Ann", login="ann", preferences=wishes)


@pytest.fixture
def records(tmp_path: Path) -> SqlRecords:
    engine = engine_for(f"sqlite:///{tmp_path}/hub.db")
    migrate(engine)
    return SqlRecords(Direct(engine, inline))


def rounds(records: SqlRecords, store: MemoryStore, clock: Now, *people: Member, alerts: str = "") -> Rounds:
    return Rounds(records=records, members=People(*people), store=lambda _: store, clock=clock, alerts=alerts)


def said(decision: Decision) -> Notify:
    (change,) = decision.changes
    assert isinstance(change, Notify)
    return change


def test_nothing_to_tell_is_not_told(records: SqlRecords, finish: Finish) -> None:
    store, clock = MemoryStore(), Now(NOON)
    assert finish(rounds(records, store, clock, member(time(13))).digests("default")) == 1  # noon in UTC is one there
    assert store.decisions == []


@pytest.mark.parametrize(
    ("at", "due"), [(time(12, 59), 1), (time(13), 1), (time(13, 1), 0), (time(9, 1), 1), (time(8, 59), 0)]
)
def test_a_summary_comes_at_the_persons_own_hour_and_not_much_later(
    records: SqlRecords, finish: Finish, at: time, due: int
) -> None:
    assert finish(rounds(records, MemoryStore(), Now(NOON), member(at)).digests("default")) == due


def test_a_summary_goes_to_the_space_that_somebody_is_in_and_is_the_same_one_as_before(
    records: SqlRecords, finish: Finish, tmp_path: Path
) -> None:
    own, make = SqlStore(engine_for(f"sqlite:///{tmp_path}/hub.db"), inline, "default"), Decisions()
    finish(own.commit(make.make("e1", make.create("triage")), NOON))
    ann = msgspec.structs.replace(member(time(13)), login="octocat")
    told = []
    for each in (ann, msgspec.structs.replace(ann, space="T0ONE")):
        store = MemoryStore()
        assert finish(rounds(records, store, Now(NOON), each).digests("default")) == 1
        told.append(said(store.decisions[0]))
    assert [each.target for each in told] == ["U0ANN", "T0ONE/U0ANN"]
    assert told[0].key == told[1].key
    own.close()


def test_a_person_is_looked_at_once_a_day(records: SqlRecords, finish: Finish) -> None:
    clock = Now(NOON)
    again = rounds(records, MemoryStore(), clock, member(time(13)))
    assert [finish(again.digests("default")) for _ in range(2)] == [1, 0]
    clock.at += timedelta(days=1)
    assert finish(again.digests("default")) == 1


def test_a_summary_that_another_process_planned_is_not_planned_again(
    records: SqlRecords, finish: Finish, tmp_path: Path
) -> None:
    store = SqlStore(engine_for(f"sqlite:///{tmp_path}/hub.db"), inline, "default")
    make, ann = Decisions(), msgspec.structs.replace(member(time(13)), login="octocat")
    finish(store.commit(make.make("e1", make.create("triage")), NOON))

    def looked() -> int:
        return finish(
            Rounds(records=records, members=People(ann), store=lambda _: store, clock=Now(NOON)).digests("default")
        )

    assert [looked(), looked()] == [1, 0]
    store.close()


def test_a_time_zone_that_this_machine_does_not_know_stops_nobody(records: SqlRecords, finish: Finish) -> None:
    people = member(time(12), "Mars/Olympus"), msgspec.structs.replace(member(time(13)), id="U0BOB")
    assert finish(rounds(records, MemoryStore(), Now(NOON), *people).digests("default")) == 2


def test_a_connection_that_is_well_is_no_news() -> None:
    assert alert(WELL, "#ops", "default", NOON) is None


def test_what_is_wrong_is_said_once_and_again_when_it_gets_worse() -> None:
    one, two = (msgspec.structs.replace(WELL, dead=dead) for dead in (1, 2))
    first, same, worse = (alert(health, "#ops", "default", NOON) for health in (one, one, two))
    assert first is not None
    assert same is not None
    assert worse is not None
    assert said(first).key == said(same).key != said(worse).key
    assert said(first).item == said(worse).item  # one live message for each connection
    assert "1 given up" in said(first).text.filled(None)


def test_what_stays_wrong_is_said_again_the_next_day_and_what_comes_back_too() -> None:
    wrong = msgspec.structs.replace(WELL, problem="the token was refused")
    today, tomorrow = (alert(wrong, "#ops", "default", NOON + timedelta(days=days)) for days in (0, 1))
    assert today is not None
    assert tomorrow is not None
    assert said(today).key != said(tomorrow).key


def test_an_alert_that_cannot_be_sent_is_no_reason_for_one_more_every_time() -> None:
    """It is given up itself, and then there is one more."""
    growing = [alert(msgspec.structs.replace(WELL, dead=dead), "#ops", "default", NOON) for dead in range(1, 100)]
    assert len({said(found).key for found in growing if found}) == 7


def test_work_that_waits_too_long_is_said() -> None:
    stuck = msgspec.structs.replace(WELL, waiting_changes=3, oldest_waiting=NOON - timedelta(minutes=16))
    found = alert(stuck, "#ops", "default", NOON)
    assert found is not None
    assert "3 waiting" in said(found).text.filled(None)
    assert alert(msgspec.structs.replace(stuck, oldest_waiting=NOON - timedelta(minutes=14)), "#ops", "x", NOON) is None
