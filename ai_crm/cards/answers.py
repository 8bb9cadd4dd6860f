"""What people read when they ask for something: lists, figures, help, health and news, each within what a chat takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta

import msgspec
from msgspec import Struct

from ai_crm.cards import elements
from ai_crm.cards.elements import Card
from ai_crm.cards.inert import clean, one_line
from ai_crm.cards.picture import figures_of, told
from ai_crm.cards.task_card import PRIORITY_COLORS, template
from ai_crm.commands.catalogue import Description
from ai_crm.commands.flags import Flag
from ai_crm.commands.presses import Press
from ai_crm.commands.query import is_overdue
from ai_crm.model.agent import Agent
from ai_crm.model.record import ConnectionHealth, Report, TaskPage
from ai_crm.model.task import Task, TaskStatus

# In characters, and in pieces: together they keep a card below 50 blocks (Slack) and 28 KB (Teams) whatever is in it.
MOST_ROWS = 10
_HEADING, _TEXT, _TITLE, _VALUE, _FOOT = 150, 600, 60, 200, 300
_MOST_SECTIONS, _MOST_FACTS, _MOST_IN_ONE, _MOST_BUTTONS = 18, 60, 20, 6
_NAMELESS = "…"
_BAR = 10  # squares


class Fact(Struct, frozen=True):
    title: str
    value: str


class Section(Struct, frozen=True):
    """Facts under a title, which may be empty."""

    title: str
    facts: tuple[Fact, ...]


class Button(Struct, frozen=True):
    title: str
    press: Press


class Link(Struct, frozen=True):
    """A button that opens an address of ours."""

    title: str
    url: str


class Picture(Struct, frozen=True):
    """Where it is to be had, and everything that it shows in words."""

    url: str
    alt: str


class Digest(Struct, frozen=True, kw_only=True):
    """What somebody wants to know once a day. `due` and `changed` are of `open`, in the order of tasks; `watched` are
    those of others that changed.
    """

    day: date
    open: tuple[Task, ...]
    total_open: int
    due: tuple[Task, ...]
    changed: tuple[Task, ...]
    watched: tuple[Task, ...]
    team: Report

    @property
    def is_empty(self) -> bool:
        """Nothing of this person's, and nothing happened in the team."""
        team = self.team
        return not (self.open or self.changed or self.watched or team.tasks_created or team.tasks_done)


def answer_card(
    heading: str,
    intro: str = "",
    sections: tuple[Section, ...] = (),
    foot: str = "",
    buttons: tuple[Button | Link, ...] = (),
    picture: Picture | None = None,
) -> Card:
    """A card of a heading, a paragraph, a picture, sections of facts, small print and buttons; what is too much is
    counted.
    """
    kept, left_out = _within(sections)
    more = f"… and {left_out} more. " if left_out else ""
    view = _AnswerView(
        line=one_line(f"{heading}: {intro}" if intro else heading, _TEXT) or _NAMELESS,
        heading=one_line(heading, _HEADING) or _NAMELESS,
        intro=clean(intro, _TEXT).strip() or None,
        picture=picture,
        sections=tuple(_SectionView(one_line(each.title, _HEADING) or None, each.facts) for each in kept),
        foot=one_line(f"{more}{foot}", _FOOT) or None,
        links=tuple(each for each in buttons if isinstance(each, Link)),
        buttons=_buttons(each for each in buttons if isinstance(each, Button)),
    )
    return elements.parse(template("answer")(msgspec.to_builtins(view)))


def task_list_card(heading: str, page: TaskPage, today: date, foot: str = "", buttons: tuple[Button, ...] = ()) -> Card:
    """A page of tasks, at most MOST_ROWS of them, each in one line."""
    shown = page.tasks[:MOST_ROWS]
    count = f"{page.total:,} found" if page.total > len(shown) else ""
    view = _ListView(
        line=one_line(f"{heading}: {_counted(page.total, 'task')}", _TEXT),
        heading=one_line(heading, _HEADING) or _NAMELESS,
        intro=count or (None if shown else "No task is like that."),
        rows=tuple(_row(task, today) for task in shown),
        foot=one_line(foot, _FOOT) or None,
        buttons=_buttons(buttons),
    )
    return elements.parse(template("task-list")(msgspec.to_builtins(view)))


def agents_card(agents: tuple[Agent, ...], category: str) -> Card:
    """One category's agents with what they do; without a category, who is in which."""
    if category:
        skilled = tuple(Fact(agent.name, f"{agent.role} ({', '.join(agent.skills[:6])})") for agent in agents)
        return answer_card(f"Agents: {category}", "", (Section("", skilled),), 'Try: task create "…" --agent NAME')
    categories = tuple(dict.fromkeys(agent.category for agent in agents))
    named = {name: [agent.name for agent in agents if agent.category == name] for name in categories}
    facts = tuple(Fact(f"{name} ({len(names)})", ", ".join(names)) for name, names in named.items())
    return answer_card(
        f"{_counted(len(agents), 'agent')}", "", (Section("", facts),), "Try: agents list --category NAME"
    )


def dashboard_card(report: Report, connections: tuple[ConnectionHealth, ...], now: datetime, picture: str = "") -> Card:
    """The figures of `report` and nothing else: what nobody measured is not there. `picture` is the address of theirs."""
    span = _span(report.until - report.since)
    most = max((one.matched for one in report.top_workflows), default=0)
    events = max((one.events for one in report.platform_breakdown), default=0)
    workflows = tuple(Fact(f"🔄 {one.rule}", _bar(one.matched, most)) for one in report.top_workflows)
    platforms = tuple(
        Fact(one.platform, _bar(one.events, events) + (f", {one.failed:,} failed" if one.failed else ""))
        for one in report.platform_breakdown
    )
    tasks = (
        Fact("Open", f"{report.tasks_open:,}"),
        Fact("Created", f"{report.tasks_created:,}"),
        Fact("Done", f"{report.tasks_done:,}"),
    )
    sections = (
        Section("Platform connections", tuple(_connection(one, now) for one in connections)),
        Section("Active workflows", workflows),
        Section("Status", tuple(_status(report, connections))),
        Section("Tasks", tasks),
        Section("Events by platform", platforms),
    )
    shown = Picture(picture, told(figures_of(report))) if picture else None
    kept = tuple(each for each in sections if each.facts)
    return answer_card("📊 Team status", f"The last {span}", kept, picture=shown)


def health_card(connections: tuple[ConnectionHealth, ...], now: datetime) -> Card:
    """Every connection, and what to do about those that are not well."""
    facts = tuple(_connection(one, now) for one in connections)
    todo = tuple(Fact(one.id, sentence) for one in connections for sentence in _remedies(one))
    if not connections:
        hint = "Add one on the hub's machine: ai-crm connections add-github"
        return answer_card("🩺 Doctor", "There are no connections yet.", foot=hint)
    sections = (Section("Connections", facts), *((Section("What to do", todo),) if todo else ()))
    return answer_card("🩺 Doctor", "" if todo else "🟢 All connections are well", sections)


def digest_card(digest: Digest) -> Card:
    open_ones = tuple(_task_fact(task, digest.day) for task in digest.open[:MOST_ROWS])
    team = digest.team
    counts = f"{team.tasks_open:,} open, {team.tasks_created:,} created, {team.tasks_done:,} done"
    due, changed, watched = (
        tuple(_task_fact(task, digest.day) for task in some[:MOST_ROWS])
        for some in (digest.due, digest.changed, digest.watched)
    )
    sections = (
        Section(f"Due soon ({len(digest.due)})", due),
        Section(f"Yours and open ({digest.total_open:,})", open_ones),
        Section(f"Changed since yesterday ({len(digest.changed)})", changed),
        Section(f"Watched and changed ({len(digest.watched)})", watched),
        Section("The team since yesterday", (Fact("Tasks", counts),)),
    )
    return answer_card(f"☀️ Your day, {digest.day}", "", tuple(each for each in sections if each.facts))


def sign_in_card(url: str) -> Card:
    """The way into the dashboard for one person; `url` makes whoever opens it that person."""
    said = "The button opens it for you. It works once and for a quarter of an hour: do not pass it on."
    return answer_card("Your dashboard", said, buttons=(Link("Open the dashboard", url),))


def help_card(commands: tuple[Description, ...]) -> Card:
    """Every command in one line each, by groups."""
    groups = tuple(dict.fromkeys(each.group for each in commands))
    sections = tuple(
        Section(group, tuple(Fact(each.usage, _bare(each.summary)) for each in commands if each.group == group))
        for group in groups
    )
    foot = "help COMMAND shows its flags. --share shows an answer to everybody. Beginnings of words are enough."
    return answer_card("What you can ask for", "", sections, foot)


def command_card(command: Description, switches: tuple[Flag, ...]) -> Card:
    """Everything about one command."""
    flags = tuple(
        Fact(f"--{flag.name} {flag.takes}".strip(), _bare(flag.summary)) for flag in (*command.flags, *switches)
    )
    said = (Fact("Example", command.example), *((Fact("Also", ", ".join(command.also)),) if command.also else ()))
    return answer_card(command.usage, _bare(command.summary), (Section("", said), Section("Flags", flags)))


def _bare(text: str) -> str:
    """Without the backticks that a page's Markdown needs: a card shows every sign."""
    return text.replace("`", "")


class _ButtonView(Struct, frozen=True):
    title: str
    verb: str
    data: Mapping[str, str]
    fallback: Mapping[str, str]


class _SectionView(Struct, frozen=True):
    title: str | None
    facts: tuple[Fact, ...]


class _AnswerView(Struct, frozen=True, kw_only=True):
    """What `templates/cards/answer.json` may name. None leaves a part out."""

    line: str
    heading: str
    intro: str | None
    picture: Picture | None
    sections: tuple[_SectionView, ...]
    foot: str | None
    links: tuple[Link, ...]
    buttons: tuple[_ButtonView, ...]


class _Row(Struct, frozen=True, kw_only=True):
    id: str
    status: str
    priority: str
    priority_color: str
    title: str
    more: str | None


class _ListView(Struct, frozen=True, kw_only=True):
    """What `templates/cards/task-list.json` may name. None leaves a part out."""

    line: str
    heading: str
    intro: str | None
    rows: tuple[_Row, ...]
    foot: str | None
    buttons: tuple[_ButtonView, ...]


def _within(sections: tuple[Section, ...]) -> tuple[tuple[Section, ...], int]:
    """The sections with so many facts as there is room for, and how many facts were left out."""
    kept: list[Section] = []
    room = _MOST_FACTS
    for section in sections[:_MOST_SECTIONS]:
        facts = tuple(
            Fact(one_line(each.title, _TITLE), one_line(each.value, _VALUE))
            for each in section.facts[: min(room, _MOST_IN_ONE)]
        )
        room -= len(facts)
        if facts or not section.facts:
            kept.append(Section(section.title, facts))
    return tuple(kept), sum(len(section.facts) for section in sections) - (_MOST_FACTS - room)


def _buttons(buttons: Iterable[Button]) -> tuple[_ButtonView, ...]:
    return tuple(
        _ButtonView(
            one_line(one.title, _TITLE) or _NAMELESS,
            one.press.verb,
            one.press.data,
            {"verb": one.press.verb, **one.press.data},
        )
        for one in tuple(buttons)[:_MOST_BUTTONS]
    )


def _row(task: Task, today: date) -> _Row:
    who = ", ".join(one_line(login, 40) for login in task.assignees[:3]) or (
        one_line(task.agent.name, 80) if task.agent else ""
    )
    return _Row(
        id=one_line(task.id, _TITLE),
        status=_words(task.status),
        priority=task.priority,
        priority_color=PRIORITY_COLORS[task.priority],
        title=one_line(task.title, _VALUE) or "(no title)",
        more=", ".join(part for part in (who, _due(task, today)) if part) or None,
    )


def _task_fact(task: Task, today: date) -> Fact:
    parts = (one_line(task.title, 120) or "(no title)", _words(task.status), _due(task, today))
    return Fact(f"{task.id} {task.priority}", " · ".join(part for part in parts if part))


def _due(task: Task, today: date) -> str:
    if task.due is None:
        return ""
    if is_overdue(task, today):
        return f"overdue since {task.due}"
    return {0: "due today", 1: "due tomorrow"}.get((task.due - today).days, f"due {task.due}")


def _words(status: TaskStatus) -> str:
    return status.replace("-", " ").capitalize()


def _connection(one: ConnectionHealth, now: datetime) -> Fact:
    waiting = one.waiting_deliveries + one.waiting_changes
    parts = (
        "" if one.active else "switched off",
        one.problem,
        f"{one.waiting_deliveries + one.waiting_changes:,} waiting" if waiting else "",
        f"{one.dead:,} given up" if one.dead else "",
        f"held back by the platform until {one.held_back_until:%H:%M} UTC" if _held(one, now) else "",
        f"last heard of {_ago(now - one.last_received)}" if one.last_received else "never heard of",
    )
    return Fact(f"{_sign(one)} {one.platform}", f"{one.id}: {', '.join(part for part in parts if part)}")


def _sign(one: ConnectionHealth) -> str:
    if not one.active or one.problem:
        return "🔴"
    return "⚠️" if one.dead else "✅"


def _held(one: ConnectionHealth, now: datetime) -> bool:
    return one.held_back_until is not None and one.held_back_until > now


def _remedies(one: ConnectionHealth) -> Iterator[str]:
    if not one.active:
        yield "is switched off: nothing that arrives is taken. An operator can add it again with ai-crm connections"
    if one.problem:
        yield f"{one.problem.rstrip('.')}. When that is mended, send what was given up on from the dead letters"
    elif one.dead:
        letters = _counted(one.dead, "dead letter")
        yield f"{letters}: the dashboard has the reasons (Events, Given up) and sends on; so does /api/v1/dead-letters"


def _status(report: Report, connections: tuple[ConnectionHealth, ...]) -> Iterator[Fact]:
    unwell = sum(_sign(one) != "✅" for one in connections)
    if connections:
        yield Fact(
            "⚠️ Systems" if unwell else "🟢 Systems",
            f"{_counted(unwell, 'connection')} to look at: doctor" if unwell else "All normal",
        )
    yield Fact("📊 Events", f"{report.total_events:,}")
    if report.success_rate is not None:
        yield Fact("⚡ Without a failure", f"{report.success_rate * 100:.0f} %")
    if report.average_response_ms is not None:
        yield Fact("🎯 Average response", f"{report.average_response_ms / 1000:.1f} s")


def _bar(value: int, most: int) -> str:
    filled = max(1, round(_BAR * value / most)) if value and most else 0
    return f"{'█' * filled}{'░' * (_BAR - filled)} {value:,}"


def _span(length: timedelta) -> str:
    hours = round(length.total_seconds() / 3600)
    return _counted(hours // 24, "day") if hours >= 48 and hours % 24 == 0 else _counted(hours, "hour")


def _ago(length: timedelta) -> str:
    minutes = max(0, int(length.total_seconds() // 60))
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{_counted(minutes, 'minute')} ago"
    return f"{_counted(minutes // 60, 'hour')} ago" if minutes < 48 * 60 else f"{_counted(minutes // 1440, 'day')} ago"


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
