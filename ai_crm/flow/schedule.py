"""When a schedule comes: the next time, and the latest one that has passed, whatever the clocks of its zone do.

A local time that does not exist when clocks go forward comes at the first moment after the gap, together with whatever
else falls there. One that exists twice when they go back comes the first time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from ai_crm.rules.schedule import Schedule

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


def next_after(schedule: Schedule, moment: datetime) -> datetime:
    """The first time that is later than `moment`, in UTC."""
    # From the day before, whose last minutes may have been put off until after midnight.
    days = _days(schedule, moment, -1, 1)
    return next(time for day in days for time in _times(schedule, day) if time > moment)


def latest_until(schedule: Schedule, moment: datetime) -> datetime:
    """The last time that is not later than `moment`, in UTC."""
    days = _days(schedule, moment, 0, -1)
    return next(time for day in days for time in reversed(_times(schedule, day)) if time <= moment)


def _days(schedule: Schedule, moment: datetime, first: int, step: int) -> Iterator[date]:
    """The days on which the schedule comes, from the zone's day of `moment` on. They never end: a rules file with a
    day that no month has is refused.
    """
    today = moment.astimezone(_zone(schedule)).date()
    return (day for offset in count(first, step) if _comes_on(schedule, day := today + offset * _DAY))


def _comes_on(schedule: Schedule, day: date) -> bool:
    if day.month not in schedule.months:
        return False
    by_day, by_weekday = day.day in schedule.days, day.isoweekday() % 7 in schedule.weekdays
    return (by_day or by_weekday) if schedule.either_day else (by_day and by_weekday)


def _times(schedule: Schedule, day: date) -> list[datetime]:
    zone = _zone(schedule)
    local = (datetime(day.year, day.month, day.day, h, m) for h in schedule.hours for m in schedule.minutes)  # noqa: DTZ001 - the wall clock's
    return sorted({_moment(time, zone) for time in local})


def _moment(local: datetime, zone: ZoneInfo) -> datetime:
    """The first moment at which the wall clock shows this time, or at which it jumped over it."""
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    while moment.astimezone(zone).replace(tzinfo=None) != local:
        local += _MINUTE
        moment = local.replace(tzinfo=zone).astimezone(UTC)
    return moment


def _zone(schedule: Schedule) -> ZoneInfo:
    return ZoneInfo(schedule.time_zone)  # kept by zoneinfo itself
