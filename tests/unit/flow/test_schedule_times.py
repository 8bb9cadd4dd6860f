"""When a schedule comes, through every trick that clocks play, compared with a minute-by-minute walk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.flow.schedule import latest_until, next_after
from ai_crm.rules.schedule import Schedule, schedule_of

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)


def berlin(cron: str) -> Schedule:
    return schedule_of(cron, "Europe/Berlin")


def following(schedule: Schedule, moment: datetime, most: int) -> list[str]:
    """The next times as the zone's wall clock shows them."""
    found = []
    for _ in range(most):
        moment = next_after(schedule, moment)
        found.append(moment.astimezone(ZoneInfo(schedule.time_zone)).isoformat(" ", "minutes"))
    return found


def test_a_time_that_does_not_exist_comes_once_at_the_end_of_the_gap() -> None:
    assert following(berlin("30 2 * * *"), datetime(2026, 3, 28, 12, tzinfo=BERLIN), 2) == [
        "2026-03-29 03:00+02:00",
        "2026-03-30 02:30+02:00",
    ]
    assert following(berlin("*/20 2,3 * * *"), datetime(2026, 3, 28, 12, tzinfo=BERLIN), 4) == [
        "2026-03-29 03:00+02:00",
        "2026-03-29 03:20+02:00",
        "2026-03-29 03:40+02:00",
        "2026-03-30 02:00+02:00",
    ]


def test_a_time_that_exists_twice_comes_the_first_time_only() -> None:
    assert following(berlin("30 2 * * *"), datetime(2026, 10, 24, 12, tzinfo=BERLIN), 2) == [
        "2026-10-25 02:30+02:00",
        "2026-10-26 02:30+01:00",
    ]
    within = datetime(2026, 10, 25, 2, 15, tzinfo=BERLIN, fold=1)  # the second time around
    assert following(berlin("30 2 * * *"), within, 1) == ["2026-10-26 02:30+01:00"]
    assert latest_until(berlin("30 2 * * *"), within) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_day_whose_midnight_is_missing_has_its_turn_when_it_begins() -> None:
    cairo = schedule_of("0 0 * * *", "Africa/Cairo")
    zone = ZoneInfo("Africa/Cairo")
    assert following(cairo, datetime(2026, 4, 23, 12, tzinfo=zone), 1) == ["2026-04-24 01:00+03:00"]


def test_a_day_that_a_country_left_out_has_one_turn_with_the_next() -> None:
    apia, zone = schedule_of("0 9 * * *", "Pacific/Apia"), ZoneInfo("Pacific/Apia")
    assert following(apia, datetime(2011, 12, 29, 8, tzinfo=zone), 3) == [
        "2011-12-29 09:00-10:00",
        "2011-12-31 00:00+14:00",
        "2011-12-31 09:00+14:00",
    ]


@pytest.mark.parametrize(
    ("cron", "after", "wanted"),
    [
        ("0 9 * * 1-5", "2026-11-20T09:00", "2026-11-23T09:00"),  # from Friday's turn to Monday's
        ("0 9 * * 1-5", "2026-11-20T08:59", "2026-11-20T09:00"),
        ("0 0 29 2 *", "2026-01-01T00:00", "2028-02-29T00:00"),
        ("0 0 13 * 5", "2026-11-13T00:00", "2026-11-20T00:00"),  # the 13th or a Friday
        ("0 0 */31 2 1", "2026-01-01T00:00", "2027-02-01T00:00"),  # the 1st of a February that is a Monday
        ("59 23 31 12 *", "2026-12-31T23:59", "2027-12-31T23:59"),
    ],
)
def test_the_next_turn(cron: str, after: str, wanted: str) -> None:
    found = next_after(schedule_of(cron, "UTC"), datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(wanted).replace(tzinfo=UTC)


def walked(schedule: Schedule, moment: datetime) -> datetime:
    """The next turn as somebody finds it who looks at the wall clock every minute, and remembers what it showed."""
    zone = ZoneInfo(schedule.time_zone)
    shown = moment.astimezone(zone).replace(tzinfo=None)
    while True:
        moment += MINUTE
        now = moment.astimezone(zone).replace(tzinfo=None)
        while shown < now:  # more than one step where the clock jumped
            shown += MINUTE
            if _says(schedule, shown):
                return moment


def _says(schedule: Schedule, shown: datetime) -> bool:
    return (
        shown.minute in schedule.minutes
        and shown.hour in schedule.hours
        and shown.day in schedule.days
        and shown.month in schedule.months
        and shown.isoweekday() % 7 in schedule.weekdays
    )


def around(begin: datetime, hours: int) -> st.SearchStrategy[datetime]:
    return st.integers(0, hours * 60).map(lambda minutes: begin + minutes * MINUTE)


MOMENTS = st.one_of(
    around(datetime(2026, 3, 28, 12, tzinfo=UTC), 24),
    around(datetime(2026, 10, 24, 12, tzinfo=UTC), 12),
    around(datetime(2026, 4, 4, tzinfo=UTC), 15),  # Lord Howe goes back by half an hour
)
CRONS = st.builds(
    "{} {} * * *".format,
    st.sampled_from(("0", "30", "*/20", "5-59/7", "59")),
    st.sampled_from(("*", "2", "1-3", "0,3", "*/2")),
)


@given(CRONS, st.sampled_from(("Europe/Berlin", "UTC", "Australia/Lord_Howe", "America/St_Johns")), MOMENTS)
@settings(max_examples=120, deadline=None)
def test_turns_are_those_that_a_clock_on_the_wall_shows(cron: str, zone: str, moment: datetime) -> None:
    schedule = schedule_of(cron, zone)
    found = next_after(schedule, moment)
    # The walk begins on a clock that was not put back just now: then it has shown these minutes before.
    if moment.astimezone(ZoneInfo(zone)).fold == 0:
        assert found == walked(schedule, moment)
    assert latest_until(schedule, found) == found
    assert latest_until(schedule, found - MINUTE) <= moment
    assert next_after(schedule, latest_until(schedule, moment)) == found
