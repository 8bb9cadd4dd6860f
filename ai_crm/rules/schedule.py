"""When a rule's turn comes: five cron fields in the local time of a zone, and everything that can be wrong with them."""

from __future__ import annotations

import re
from itertools import chain

from msgspec import Struct

from ai_crm.rules.shapes import Schema, Text
from ai_crm.rules.source import Mark, Node, Problems, Scalar, did_you_mean

UTC_NAME = "UTC"


class Schedule(Struct, frozen=True, kw_only=True):
    """`cron` and `time_zone` are as written; the rest is what they mean. Weekdays count from 0 for Sunday to 6.

    `either_day` is cron's old custom: where both the day of the month and the weekday are said, one of them is enough.
    """

    cron: str
    time_zone: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool


class CronText(Struct, frozen=True):
    """Five fields: minute, hour, day of the month, month, weekday."""

    @property
    def schema(self) -> Schema:
        return _CRON_TEXT.schema

    def read(self, node: Node, name: str, problems: Problems) -> str:
        """The text; "" after telling `problems` what is wrong with it."""
        text = _CRON_TEXT.read(node, name, problems)
        wrong = _wrong(text) if text else ""
        if wrong:
            problems.add(node.at, f"{name} {wrong}", "`0 9 * * 1-5` is nine o'clock from Monday to Friday")
        return "" if wrong else text


class ZoneName(Struct, frozen=True):
    """A time zone by its name in the database of all zones."""

    @property
    def schema(self) -> Schema:
        return _ZONE_TEXT.schema

    def read(self, node: Node, name: str, problems: Problems) -> str:
        """The name; "" after telling `problems` what is wrong with it."""
        text = _ZONE_TEXT.read(node, name, problems)
        if not text or text == UTC_NAME:
            return text
        from zoneinfo import available_timezones  # noqa: PLC0415 - cold start

        known = available_timezones()
        if text in known:
            return text
        hint = did_you_mean(text, known) or "a place, as in Europe/Berlin, America/New_York or Asia/Tokyo; or UTC"
        problems.add(node.at, f'{name}: there is no time zone "{text}"', hint)
        return ""


CRON = CronText()
ZONE = ZoneName()


def schedule_of(cron: str, time_zone: str) -> Schedule:
    """What these words mean. Raises RulesInvalid for words that no rules file may say."""
    problems = Problems("a schedule")
    CRON.read(Scalar(cron, cron, Mark(0, 0)), "cron", problems)
    ZONE.read(Scalar(time_zone, time_zone, Mark(0, 0)), "time_zone", problems)
    problems.raise_if_any()
    return _schedule(cron, time_zone)


def read_schedule(cron: Node, zone: Node | None, problems: Problems) -> Schedule | None:
    """The schedule in a file, or None after telling `problems` what is wrong and where."""
    text = CRON.read(cron, "cron", problems)
    name = ZONE.read(zone, "time_zone", problems) if zone is not None else UTC_NAME
    return _schedule(text, name) if text and name else None


class _Field(Struct, frozen=True):
    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()

    def number(self, text: str) -> int | None:
        """What a number or a word such as `mon` stands for; None for what does not belong here."""
        word = text.casefold()
        if word in self.words:
            return self.words.index(word) + self.low
        number = int(text) if text.isdecimal() else -1
        return number if self.low <= number <= self.high else None


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    _Field("weekday", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
_DAY, _MONTH, _WEEKDAY = _FIELDS[2:]
_PART = re.compile(r"(?:\*|(?P<first>[0-9A-Za-z]{1,3})(?:-(?P<last>[0-9A-Za-z]{1,3}))?)(?:/(?P<step>[0-9]{1,3}))?")
_LONGEST = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}  # all other months have 31 days

_CRON_TEXT = Text(
    says="five fields: minute, hour, day of the month, month, weekday",
    most=200,
    pattern=r"[0-9A-Za-z*,/-]+( +[0-9A-Za-z*,/-]+){4}",
)
_ZONE_TEXT = Text(
    says="a time zone, such as Europe/Berlin", most=64, pattern=r"[A-Za-z][A-Za-z0-9_+\-]*(/[A-Za-z0-9_+\-]+)*"
)


def _schedule(cron: str, time_zone: str) -> Schedule:
    texts = cron.split()
    minutes, hours, days, months, weekdays = map(_values, texts, _FIELDS)
    return Schedule(
        cron=cron,
        time_zone=time_zone,
        minutes=tuple(sorted(minutes)),
        hours=tuple(sorted(hours)),
        days=days,
        months=months,
        weekdays=frozenset(day % 7 for day in weekdays),
        either_day=not (texts[2].startswith("*") or texts[4].startswith("*")),
    )


def _wrong(cron: str) -> str:
    """What is wrong with five fields, as a sentence without its subject; empty when nothing is."""
    texts = cron.split()
    ranges = (_range(part, field) for text, field in zip(texts, _FIELDS, strict=True) for part in text.split(","))
    wrong = next((found for found in ranges if isinstance(found, str)), "")
    if wrong or not texts[4].startswith("*"):
        return wrong
    days, months = _values(texts[2], _DAY), _values(texts[3], _MONTH)
    if min(days) > max(_LONGEST.get(month, 31) for month in months):
        return f"never comes: no month that it names has {min(days)} days"
    return ""


def _values(text: str, field: _Field) -> frozenset[int]:
    ranges = (_range(part, field) for part in text.split(","))
    return frozenset(chain.from_iterable(found for found in ranges if isinstance(found, range)))


def _range(part: str, field: _Field) -> range | str:
    """The numbers that a part such as `1-5` or `*/15` means, or what is wrong with it."""
    found = _PART.fullmatch(part)
    if found is None:
        return f'cannot have "{part}" as {field.name}: it is made of *, numbers, ranges, steps and commas'
    for end in (found["first"], found["last"]):
        if end is not None and field.number(end) is None:
            words = f" or {field.words[0]} to {field.words[-1]}" if field.words else ""
            return f'cannot have "{end}" as {field.name}: it goes from {field.low} to {field.high}{words}'
    if found["step"] is not None and not 1 <= int(found["step"]) <= field.high:
        return f"cannot have the step {found['step']} for the {field.name}: it goes from 1 to {field.high}"
    numbers = _between(found, field)
    return numbers or f'cannot have "{part}" as {field.name}: it ends before it begins'


def _between(found: re.Match[str], field: _Field) -> range:
    first = field.low if found["first"] is None else field.number(found["first"]) or 0
    if found["last"] is not None:
        last = field.number(found["last"]) or 0
        last = 7 if field is _WEEKDAY and last == 0 < first else last  # fri-sun
    else:
        last = first if found["first"] is not None and found["step"] is None else field.high
    return range(first, last + 1, int(found["step"] or 1))
