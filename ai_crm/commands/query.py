"""What a person looks for among tasks: `status:in-progress agent:backend-architect assignee:@me updated:<7d crash`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, TypeVar

from msgspec import Meta, Struct

from ai_crm.commands.days import named_day, no_day
from ai_crm.errors import Misunderstood
from ai_crm.model.analysis import Priority
from ai_crm.model.status_name import StatusName, in_one_spelling, statuses_by_name
from ai_crm.model.task import Task, TaskStatus

LONGEST = 500  # characters

OPEN = (TaskStatus.TODO, TaskStatus.IN_PROGRESS, TaskStatus.IN_REVIEW, TaskStatus.BLOCKED)

# Whoever asks, among the watchers of a query: who that is knows the chat, and nobody needs a login to watch.
ME = "@me"

_FIELDS = ("status", "priority", "agent", "assignee", "label", "project", "watched", "due", "updated")
_HINT = f"The fields are {', '.join(_FIELDS)}; everything else is looked up in full text"

# A command is about a workspace, which has tasks of many projects: it would have to ask GitHub for each one's file.
_ELSEWHERE = (
    "Names that only a project's own .github/ai-crm.yml has are known to its rules alone; the hub's rules are for all"
)

# What opens a quotation, and what may close it.
_QUOTES = {'"': '"', "“": "”", "„": "“”", "'": "'", "\N{LEFT SINGLE QUOTATION MARK}": "\N{RIGHT SINGLE QUOTATION MARK}"}
_NAMED = re.compile(r"([A-Za-z_-]+):")
_WORD = re.compile(r"\S+")
_VALUE = re.compile(r"[^\s,]*")
_COMMA = re.compile(r",[\s,]*")
_DUE_WORDS = ("overdue", "week", "none")
_SIDE = re.compile(r"([<>]=?)?(.*)", re.DOTALL)
_AGE = re.compile(r"([<>])([0-9]{1,5})([mhdw])", re.IGNORECASE)
_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_OLDEST = 100 * 365 * 86_400  # seconds; before that there were no tasks, and soon after it no dates

_PRIORITIES = {each.value.lower(): each for each in Priority}

W = TypeVar("W", bound=StrEnum)
# What a button brings back is checked against it.
Age = Annotated[int, Meta(ge=60, le=_OLDEST, multiple_of=60)]


class Due(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Due from `first` to `last`, both counted; None is no end, and without both it is due on no day at all.

    `unfinished`: done and cancelled tasks do not count.
    """

    first: date | None = None
    last: date | None = None
    unfinished: bool = False


class TaskQuery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is named must hold; the values inside one field are any-of. Empty means that it does not matter.

    `watchers` are logins, ME, people whom a chat named, or `slack:U012` for who is known to a store by that.
    `words` are looked up in full text. `updated_within` and `not_updated_within` are seconds before now.
    """

    statuses: tuple[TaskStatus, ...] = ()
    priorities: tuple[Priority, ...] = ()
    agents: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    watchers: tuple[str, ...] = ()
    due: tuple[Due, ...] = ()
    words: tuple[str, ...] = ()
    updated_within: Age | None = None
    not_updated_within: Age | None = None


class _Term(Struct, frozen=True):
    """One part of a query. `field` is empty for words."""

    field: str
    values: tuple[str, ...]


def parse_query(
    text: str, me: str, today: date, also: Iterable[tuple[str, str]] = (), statuses: tuple[StatusName, ...] = ()
) -> TaskQuery:
    """Understands what a person typed; `me` is the login that `@me` stands for, empty for nobody, `today` the person's.

    `also` are fields with a value each that were given in another way, such as `--status todo`. `statuses` are the
    workspace's own names beside ours.
    Values are any-of where commas stand between them, and the case of letters does not matter. Quotation marks, straight
    and curly, keep blanks and commas. Raises Misunderstood.
    """
    if len(text) > LONGEST:
        raise Misunderstood(f"a search of {len(text)} characters", hint=f"{LONGEST} are possible: use fewer words")
    given: dict[str, tuple[str, ...]] = dict.fromkeys(("", *_FIELDS), ())
    # A half of a surrogate pair can be neither stored nor looked for.
    for term in _terms(text.encode(errors="replace").decode()):
        given[term.field] += term.values
    for field, value in also:
        given[field] += (value,)
    within, without = _ages(given["updated"])
    return TaskQuery(
        statuses=_statuses(given["status"], statuses_by_name(statuses)),
        priorities=_members(_PRIORITIES, "priority", given["priority"]),
        agents=_once(given["agent"]),
        assignees=parse_people(given["assignee"], me),
        labels=_once(given["label"]),
        projects=_once(given["project"]),
        watchers=parse_people(given["watched"], ME),
        due=tuple(_due(given["due"], today)),
        words=given[""],
        updated_within=within,
        not_updated_within=without,
    )


def parse_status(typed: str, statuses: tuple[StatusName, ...]) -> TaskStatus:
    """The status of that name, one of ours or of `statuses`, the workspace's own. Raises Misunderstood."""
    (status,) = _members(statuses_by_name(statuses), "status", (typed,))
    return status


def parse_priority(typed: str) -> Priority:
    """Raises Misunderstood."""
    (priority,) = _members(_PRIORITIES, "priority", (typed,))
    return priority


def parse_people(typed: Iterable[str], me: str) -> tuple[str, ...]:
    """Each once, without the sign before a login; `me` is whom `@me` stands for. Raises Misunderstood for nobody."""
    return _once(_person(value, me) for value in typed)


def overdue(today: date) -> Due:
    """What should have been finished before today, and is not: the one meaning of the word."""
    return Due(last=today - timedelta(days=1), unfinished=True)


def is_overdue(task: Task, today: date) -> bool:
    """Whether `overdue` finds the task."""
    return task.due is not None and task.due < today and task.status in OPEN


def spelled(query: TaskQuery) -> str:
    """The query for people to read, such as `status:todo,blocked crash`; empty for one that finds everything."""
    named = (query.agents, query.assignees, query.labels, query.projects, query.watchers)
    due = tuple(map(_spelled_due, query.due))
    fields = zip(_FIELDS, (query.statuses, query.priorities, *named, due), strict=False)
    parts = [f"{field}:{','.join(values)}" for field, values in fields if values]
    within = ("<", query.updated_within), (">", query.not_updated_within)
    ages = [f"updated:{sign}{_age(seconds)}" for sign, seconds in within if seconds is not None]
    return " ".join((*parts, *ages, *query.words))


def _spelled_due(due: Due) -> str:
    match due:
        case Due(first=None, last=None):
            return "none"
        case Due(unfinished=True):
            return "overdue"
        case _ if due.first == due.last:
            return str(due.first)
        case _:
            sides = ((">=", due.first), ("<=", due.last))
            return ",".join(f"{sign}{day}" for sign, day in sides if day)


def _age(seconds: int) -> str:
    unit = next(unit for unit in ("w", "d", "h", "m") if seconds % _SECONDS[unit] == 0)
    return f"{seconds // _SECONDS[unit]}{unit}"


def _terms(text: str) -> Iterator[_Term]:
    at = 0
    while at < len(text):
        named = _NAMED.match(text, at)
        field = _field(named.group(1)) if named else ""
        if text[at].isspace():
            at += 1
        elif named and field:
            values, at = _values(text, named.end())
            if not values:
                raise Misunderstood(f"{field}: without a value", hint=f"Write it without a blank: {field}:value")
            yield _Term(field, values)
        else:
            word, at = _quoted(text, at) or _plain(_WORD, text, at)
            yield _Term("", (word,) if word.strip() else ())


def _field(name: str) -> str:
    """The field of that name; empty for what is no field, such as `https`. Raises Misunderstood for a near miss."""
    import difflib  # noqa: PLC0415 - cold start

    name = name.lower()
    if name in _FIELDS:
        return name
    for near in difflib.get_close_matches(name, _FIELDS, n=1, cutoff=0.75):
        raise Misunderstood(f"there is no field {name}", hint=f'Did you mean "{near}:"? {_HINT}')
    return ""


def _values(text: str, at: int) -> tuple[tuple[str, ...], int]:
    values: list[str] = []
    while True:
        value, at = _quoted(text, at) or _plain(_VALUE, text, at)
        if value.strip():
            values.append(value)
        comma = _COMMA.match(text, at)
        if comma is None:
            return tuple(values), at
        at = comma.end()


def _quoted(text: str, at: int) -> tuple[str, int] | None:
    """What stands between quotation marks, and where it ends; one that nobody closed reaches to the end."""
    closing = _QUOTES.get(text[at : at + 1])
    if closing is None:
        return None
    end = next((place for place in range(at + 1, len(text)) if text[place] in closing), len(text))
    return text[at + 1 : end], end + 1


def _plain(pattern: re.Pattern[str], text: str, at: int) -> tuple[str, int]:
    found = pattern.match(text, at)
    return (found.group(), found.end()) if found else ("", at + 1)


def _statuses(typed: Iterable[str], known: Mapping[str, TaskStatus]) -> tuple[TaskStatus, ...]:
    """`open` is all that are not over, unless the workspace calls one of its own so."""
    is_open = "open" not in known
    named = (OPEN if is_open and in_one_spelling(value) == "open" else (value,) for value in typed)
    return _members(known, "status", [value for values in named for value in values])


def _members(known: Mapping[str, W], field: str, values: Iterable[str]) -> tuple[W, ...]:
    return tuple(dict.fromkeys(known[_known(value, field, known)] for value in values))


def _known(value: str, field: str, known: Iterable[str]) -> str:
    """`in progress` and `in_progress` are `in-progress`. Raises Misunderstood for what is not known."""
    import difflib  # noqa: PLC0415 - cold start

    name = in_one_spelling(value)
    if name in known:
        return name
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    guess = f'Did you mean "{near[0]}"? ' if near else ""
    more = f". {_ELSEWHERE}" if field == "status" else ""
    raise Misunderstood(f"{field}: is not {_shown(value)}", hint=f"{guess}Possible are {', '.join(known)}{more}")


def _person(value: str, me: str) -> str:
    if value.lower() not in {"@me", "me"}:
        return value.removeprefix("@") or value
    if not me:
        raise Misunderstood(
            "@me stands for nobody here", hint="Write the login of the person, or say which one is yours: link LOGIN"
        )
    return me


def _due(values: Iterable[str], today: date) -> Iterator[Due]:
    """The words and days, any of which will do; what is before and after a day are the two ends of one more span."""
    after: list[date] = []
    before: list[date] = []
    for value in values:
        sign, named = _SIDE.fullmatch(value.strip()).groups()  # type: ignore[union-attr] # it takes everything
        if not sign and named.lower() in _DUE_WORDS:
            yield _due_word(named.lower(), today)
            continue
        day = named_day(named, today)
        day = _beside(day, sign) if day else None
        if day is None:
            raise no_day("due:", value, *_DUE_WORDS)
        if sign:
            (before if sign.startswith("<") else after).append(day)
        else:
            yield Due(first=day, last=day)
    if after or before:
        yield Due(first=max(after, default=None), last=min(before, default=None))


def _due_word(word: str, today: date) -> Due:
    if word == "week":
        return Due(first=today, last=today + timedelta(days=6))
    return overdue(today) if word == "overdue" else Due()


def _beside(day: date, sign: str | None) -> date | None:
    """The last day before it for `<`, the first one after it for `>`; None where calendars end."""
    try:
        return day + timedelta(days={"<": -1, ">": 1}.get(sign or "", 0))
    except OverflowError:
        return None


def _ages(values: Iterable[str]) -> tuple[int | None, int | None]:
    """The seconds within which it was updated, and those within which it was not: the stricter of several."""
    within: list[int] = []
    without: list[int] = []
    for value in values:
        found = _AGE.fullmatch(value.strip())
        seconds = int(found.group(2)) * _SECONDS[found.group(3).lower()] if found else _OLDEST + 1
        if not found or seconds > _OLDEST:
            hint = "Write updated:<7d for within seven days or updated:>30d for longer ago; units are m, h, d and w"
            raise Misunderstood(f"updated: is not {_shown(value)}", hint=hint)
        (within if found.group(1) == "<" else without).append(seconds)
    return min(within, default=None), max(without, default=None)


def _once(values: Iterable[str]) -> tuple[str, ...]:
    """Each value once, whatever the case of its letters."""
    return tuple({value.lower(): value for value in values}.values())


def _shown(value: str) -> str:
    """A stranger's value in a sentence: short, and without anything that moves a cursor."""
    return f'"{"".join(letter for letter in value[:40] if letter.isprintable())}"'
