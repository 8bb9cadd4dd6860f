"""What the words and flags behind a command mean: one short function for each thing that can be asked for."""

from __future__ import annotations

import re
from datetime import date, time

from msgspec import UNSET, UnsetType

from ai_crm.commands.command import (
    AskAnalysis,
    ChangeTask,
    CheckHealth,
    Command,
    CommentTask,
    DigestNow,
    ExplainDecision,
    Help,
    LinkLogin,
    ListAgents,
    ListTasks,
    NewTask,
    NoticeKind,
    SetPreferences,
    ShowDashboard,
    ShowTask,
    SignIn,
    StartTask,
    WatchTasks,
    WhoAmI,
)
from ai_crm.commands.days import named_day, no_day
from ai_crm.commands.flags import Given
from ai_crm.commands.query import ME, TaskQuery, parse_people, parse_priority, parse_query, parse_status
from ai_crm.commands.words import MENTION, nearest, shown
from ai_crm.errors import Misunderstood
from ai_crm.model.analysis import Priority
from ai_crm.model.task import TaskId, TaskPatch, TaskStatus

# Tasks


def create_task(given: Given) -> Command:
    title, description = _title_and_rest(given.text)
    more = given.one("description")
    draft = NewTask(
        title=title,
        description="\n\n".join(part for part in (description, more) if part),
        agent=given.one("agent"),
        priority=_priority(given.one("priority")),
        assignees=_people(given.all("assign"), given.me),
        labels=given.all("label"),
        due=_day(given.one("due"), given.today) if given.one("due") else None,
    )
    return draft if title else StartTask(draft)


def list_tasks(given: Given) -> Command:
    return ListTasks(_query(given))


def my_tasks(given: Given) -> Command:
    return ListTasks(_query(given, ("assignee", "@me")))


def my_watched(given: Given) -> Command:
    return ListTasks(_query(given, ("watched", ME)))


def show_task(given: Given) -> Command:
    return ShowTask(_only_task(given))


def update_task(given: Given) -> Command:
    patch = TaskPatch(
        title=given.one("title") or UNSET,
        status=parse_status(given.one("status"), given.statuses) if given.one("status") else UNSET,
        priority=_priority(given.one("priority")) or UNSET,
        assignees=_replaced_people(given),
        labels=_replaced(given.all("label")),
        due=_new_day(given),
    )
    change = ChangeTask(task=_only_task(given), patch=patch, agent=given.one("agent"))
    if patch == TaskPatch() and not change.agent:
        raise Misunderstood(f"nothing that shall be different about {change.task}", hint="Name it with a flag")
    return change


def finish_task(given: Given) -> Command:
    return _moved(given, TaskStatus.DONE)


def start_task(given: Given) -> Command:
    return _moved(given, TaskStatus.IN_PROGRESS)


def review_task(given: Given) -> Command:
    return _moved(given, TaskStatus.IN_REVIEW)


def block_task(given: Given) -> Command:
    return _moved(given, TaskStatus.BLOCKED)


def reopen_task(given: Given) -> Command:
    return _moved(given, TaskStatus.TODO)


def cancel_task(given: Given) -> Command:
    return _moved(given, TaskStatus.CANCELLED)


def assign_task(given: Given) -> Command:
    task, people = _task(given), given.words[1:]
    if len(people) > 1 and people[0].raw.lower() == "to":
        people = people[1:]
    named = tuple(name for word in people for name in word.text.split(",") if name.strip())
    if not named and not given.one("agent"):
        raise Misunderstood(f"nobody to give {task} to", hint=f"Name people, @me or {_NONE}")
    logins = _people(() if _is_none(named) else named, given.me)
    return ChangeTask(task=task, patch=TaskPatch(assignees=logins if named else UNSET), agent=given.one("agent"))


def comment_task(given: Given) -> Command:
    task, text = _task(given), given.behind(1)
    if not text:
        raise Misunderstood(f"a comment on {task} without a text", hint="Write what you want to say behind the task")
    return CommentTask(task, text)


def watch_tasks(given: Given) -> Command:
    return WatchTasks(_tasks(given))


def unwatch_tasks(given: Given) -> Command:
    return WatchTasks(_tasks(given), watching=False)


# Analysis, agents, figures


def analyse(given: Given) -> Command:
    title, body = _title_and_rest(given.text)
    if not title:
        raise Misunderstood("nothing to analyse", hint="Write behind it what is to be done")
    return AskAnalysis(title, body)


def list_agents(given: Given) -> Command:
    return ListAgents(given.one("category") or given.text)


def dashboard(given: Given) -> Command:
    _nothing_more(given, 0)
    found = re.fullmatch(r"([0-9]{1,3})\s*([hdw]?)", given.one("since").lower() or "24h", re.ASCII)
    hours = int(found[1]) * {"h": 1, "": 1, "d": 24, "w": 168}[found[2]] if found else 0
    if not 0 < hours <= _MOST_HOURS:
        raise Misunderstood(f"--since is not {shown(given.one('since'))}", hint="Write 24h, 7d or 4w; 90 days at most")
    return ShowDashboard(hours)


def explain(given: Given) -> Command:
    _nothing_more(given, 1)
    subject = given.text
    if not subject:
        raise Misunderstood("nothing to explain", hint="Name a task or an event's id")
    return ExplainDecision(numbered(subject) or subject)


# The person, the hub, help


def digest_now(given: Given) -> Command:
    _nothing_more(given, 0)
    return DigestNow()


def who_am_i(given: Given) -> Command:
    _nothing_more(given, 0)
    return WhoAmI()


def link(given: Given) -> Command:
    _nothing_more(given, 1)
    login = given.text.removeprefix("@").removeprefix("https://github.com/").strip("/")
    if not re.fullmatch(_LOGIN, login, re.ASCII):
        what = f"{shown(login)} is no login on GitHub" if login else "no login to link"
        raise Misunderstood(what, hint="Write yours, as it stands in the address of your profile")
    return LinkLogin(login)


def unlink(given: Given) -> Command:
    _nothing_more(given, 0)
    return LinkLogin("")


def sign_in(given: Given) -> Command:
    _nothing_more(given, 0)
    return SignIn()


def preferences(given: Given) -> Command:
    _nothing_more(given, 0)
    digest = given.one("digest")
    never = digest.lower() in _NEVER
    digest_on = (NoticeKind.DIGEST,) if digest and not never else ()
    return SetPreferences(
        on=(*_kinds(given.all("on")), *digest_on),
        off=(*_kinds(given.all("off")), *((NoticeKind.DIGEST,) if digest and never else ())),
        quiet=_quiet(given.one("quiet")),
        time_zone=given.one("time-zone") or None,
        digest_at=_time(digest, "digest") if digest_on else None,
    )


def check_health(given: Given) -> Command:
    _nothing_more(given, 0)
    return CheckHealth()


def help_about(given: Given) -> Command:
    return Help(" ".join(given.text.lower().split()))


def numbered(typed: str) -> str:
    """The task's id in the one way in which it is written; empty for what is none."""
    found = re.fullmatch(r"(?:aicrm-|#)?([1-9][0-9]{0,17})[.,:?!]*", typed, re.ASCII | re.IGNORECASE)
    return f"AICRM-{found[1]}" if found else ""


_LISTED = ("status", "priority", "agent", "assignee", "label", "project", "due", "updated")
_SWITCHED = (("watched", "watched", ME), ("overdue", "due", "overdue"))
_MOST_WATCHED = 20
_NONE = "nobody"
_NOTHING = frozenset({"none", "nobody", "nothing", "never", "-"})
_NEVER = frozenset({"never", "off", "none", "no"})
_MOST_HOURS = 90 * 24
_LOGIN = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,60}[A-Za-z0-9_])?"
_TIME = r"([01]?[0-9]|2[0-3])(?::?([0-5][0-9]))?"


def _query(given: Given, *more: tuple[str, str]) -> TaskQuery:
    also = (
        *more,
        *((field, value) for switch, field, value in _SWITCHED if switch in given.switches),
        *((field, value) for field in _LISTED for value in given.all(field)),
    )
    return parse_query(" ".join(word.raw for word in given.words), given.me, given.today, also, given.statuses)


def _title_and_rest(text: str) -> tuple[str, str]:
    title, _, rest = text.partition("\n")
    return title.strip(), rest.strip()


def _tasks(given: Given) -> tuple[TaskId, ...]:
    """Every task that is named, once."""
    named = [part for word in given.words for part in word.text.split(",") if part.strip()]
    if len(named) > _MOST_WATCHED:
        raise Misunderstood(f"{len(named)} tasks at once", hint=f"{_MOST_WATCHED} are possible: do it in several steps")
    return tuple(dict.fromkeys(map(_named_task, named))) or (_task(given),)


def _task(given: Given) -> TaskId:
    if not given.words:
        raise Misunderstood("no task", hint="Write its number, as in AICRM-42")
    return _named_task(given.words[0].text)


def _named_task(typed: str) -> TaskId:
    task = numbered(typed)
    if not task:
        raise Misunderstood(f"{shown(typed)} is no task", hint="Write its number, as in AICRM-42")
    return TaskId(task)


def _only_task(given: Given) -> TaskId:
    task = _task(given)
    _nothing_more(given, 1)
    return task


def _nothing_more(given: Given, expected: int) -> None:
    more = given.words[expected:]
    if more:
        what = f"{shown(more[0].text)} has no meaning here"
        hint = "Leave it out. Flags begin with two dashes, and quotation marks keep words together"
        raise Misunderstood(what, hint=hint)


def _moved(given: Given, status: TaskStatus) -> Command:
    return ChangeTask(task=_only_task(given), patch=TaskPatch(status=status))


def _priority(value: str) -> Priority | None:
    return parse_priority(value) if value else None


def _people(named: tuple[str, ...], me: str) -> tuple[str, ...]:
    """Logins; whom the chat itself named stays `<@ID|name>`, which only its directory can tell."""
    chat = [one for one in named if re.fullmatch(MENTION, one)]
    logins = [one.strip() for one in named if one not in chat]
    return (*parse_people(logins, me), *dict.fromkeys(chat))


def _replaced_people(given: Given) -> tuple[str, ...] | UnsetType:
    named = given.all("assign")
    return _people(() if _is_none(named) else named, given.me) if named else UNSET


def _replaced(values: tuple[str, ...]) -> tuple[str, ...] | UnsetType:
    if not values:
        return UNSET
    return () if _is_none(values) else values


def _is_none(values: tuple[str, ...]) -> bool:
    return len(values) == 1 and values[0].lower() in _NOTHING


def _new_day(given: Given) -> date | UnsetType | None:
    value = given.one("due")
    if not value:
        return UNSET
    return None if _is_none((value,)) else _day(value, given.today)


def _day(value: str, today: date) -> date:
    """A day from today on. Raises Misunderstood."""
    day = named_day(value, today)
    if day is None:
        raise no_day("--due", value)
    if day < today:
        raise Misunderstood(f"--due {day} is over", hint=f"Today is {today}")
    return day


def _kinds(named: tuple[str, ...]) -> tuple[NoticeKind, ...]:
    return tuple(kind for name in named for kind in _kind(name.lower()))


def _kind(name: str) -> tuple[NoticeKind, ...]:
    if name == "all":
        return tuple(NoticeKind)
    if name not in set(NoticeKind):
        near = nearest(name, list(NoticeKind))
        guess = f'Did you mean "{near}"? ' if near else ""
        raise Misunderstood(
            f"nobody is told about {shown(name)}", hint=f"{guess}There are {', '.join(NoticeKind)}, all"
        )
    return (NoticeKind(name),)


def _quiet(value: str) -> tuple[time, time] | None:
    if not value:
        return None
    if value.lower() in _NEVER:
        return time(), time()
    begins, dash, ends = re.sub("[\u2012-\u2015\u2212]", "-", value).partition("-")
    if not dash:
        raise Misunderstood(f"--quiet is not {shown(value)}", hint="Write 22:00-07:00, or never")
    return _time(begins, "quiet"), _time(ends, "quiet")


def _time(value: str, flag: str) -> time:
    found = re.fullmatch(_TIME, value.strip(), re.ASCII)
    if not found:
        raise Misunderstood(f"--{flag}: {shown(value)} is no time of day", hint="Write it as 08:30")
    return time(int(found[1]), int(found[2] or 0))
