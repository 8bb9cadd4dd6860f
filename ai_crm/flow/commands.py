"""What becomes of a command: carried out through the ports, and answered with the same cards in every chat and terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Struct

from ai_crm.cards import answers
from ai_crm.cards.answers import Button, Fact, Section, answer_card
from ai_crm.cards.elements import Card
from ai_crm.cards.task_card import analysis_card, task_card
from ai_crm.commands import presses
from ai_crm.commands.catalogue import COMMANDS, NEEDS
from ai_crm.commands.command import (
    AskAnalysis,
    Asked,
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
    SetPreferences,
    ShowDashboard,
    ShowTask,
    StartTask,
    WhoAmI,
)
from ai_crm.commands.flags import SWITCHES
from ai_crm.commands.grammar import about, parse
from ai_crm.commands.presses import Verb, parse_press
from ai_crm.commands.query import spelled
from ai_crm.commands.words import MENTION, nearest, shown
from ai_crm.errors import AiCrmError, CommandRefused, Misunderstood, RecordMissing, VersionClash
from ai_crm.flow.digest import digest_for
from ai_crm.flow.explained import decision_card
from ai_crm.flow.preferences import changed_preferences, described
from ai_crm.flow.requests import Request, changed_task, new_task
from ai_crm.model.access import MAY, Permission, Principal
from ai_crm.model.agent import Agent
from ai_crm.model.decision import Answer
from ai_crm.model.item import ItemKind, PlatformName
from ai_crm.model.record import TaskComment
from ai_crm.model.task import HistoryEntry, Task, TaskId
from ai_crm.ports import Analyst, Clock, Store
from ai_crm.ports.members import Member, Members
from ai_crm.ports.records import Records


class Asker(Struct, frozen=True, kw_only=True):
    """Who asks: what they may do, and who they are on the platform where they ask. `name` is what people call them."""

    principal: Principal
    platform: PlatformName
    id: str
    name: str


class CommandDesk(Struct, frozen=True, kw_only=True):
    """What commands are carried out with. `wake` tells the worker that there may be changes to carry out."""

    records: Records
    members: Members
    store: Callable[[str], Store]
    analyst: Analyst
    agents: tuple[Agent, ...]
    clock: Clock
    wake: Callable[[], None]


class Reply(Struct, frozen=True, kw_only=True):
    """An answer. `text` is one line of plain words and stands for the cards where there is no room for them: it is made
    inert by whoever shows it. `private` is for the asker's eyes only; `ok` is false where nothing was done.
    """

    text: str
    cards: tuple[Card, ...] = ()
    private: bool = True
    tasks: tuple[Task, ...] = ()
    ok: bool = True


async def answer(text: str, who: Asker, desk: CommandDesk, request: str) -> Reply:
    """Understands a text and does what it says. `request` has 32 hexadecimal digits, the same when it comes again."""
    try:
        asked = await understand(text, who, desk)
    except AiCrmError as error:
        return refusal(error)
    return await obey(asked, who, desk, request)


async def pressed(verb: str, data: dict[str, object], who: Asker, desk: CommandDesk, request: str) -> Reply:
    """Does what a button says; the first card is what the message that it stood on becomes."""
    try:
        asked = parse_press(verb, data)
    except AiCrmError as error:
        return refusal(error)
    return await obey(asked, who, desk, request)


async def understand(text: str, who: Asker, desk: CommandDesk) -> Asked:
    """The command, with people and days as they are for who asks. Raises Misunderstood and StoreUnavailable."""
    member = await _member(who, desk)
    return parse(text, _me(member), _today(member, desk.clock.now()))


async def obey(asked: Asked, who: Asker, desk: CommandDesk, request: str) -> Reply:
    """Carries a command out. What a person can cause becomes an answer that says what to do next; a bug is raised."""
    try:
        _demand(who.principal, asked.command)
        reply = await _carried_out(asked.command, who, desk, request)
    except AiCrmError as error:
        return refusal(error)
    return msgspec.structs.replace(reply, private=not (asked.share and reply.ok))


def refusal(error: AiCrmError) -> Reply:
    """The answer to what was not understood, not allowed, or did not work."""
    match error:
        case Misunderstood():
            heading = "Not understood"
        case CommandRefused():
            heading = "Not allowed"
        case RecordMissing():
            heading = "Not found"
        case _:
            heading = "That did not work"
    what = f"{error.where}: {error.what}" if error.where else error.what
    return Reply(text=str(error), cards=(answer_card(heading, what, foot=error.hint),), ok=False)


async def _carried_out(command: Command, who: Asker, desk: CommandDesk, request: str) -> Reply:
    match command:
        case NewTask() | ChangeTask() | CommentTask():
            return await _written(command, who, desk, request)
        case WhoAmI() | LinkLogin() | SetPreferences() | DigestNow():
            return await _personal(command, who, desk)
        case StartTask():
            raise Misunderstood("a task needs a title", hint=f"Write it behind the command: {COMMANDS[0].example}")
        case Help():
            return _helped(command)
        case ListAgents() | AskAnalysis():
            return _advised(command, desk)
        case ListTasks() | ShowTask() | ShowDashboard() | ExplainDecision() | CheckHealth():
            return await _read(command, who, desk)
        case _:
            assert_never(command)


# Who may


_DOINGS = {
    Permission.TASKS_READ: "look at tasks",
    Permission.TASKS_WRITE: "make or change tasks",
    Permission.ANALYSES_WRITE: "ask for an analysis",
    Permission.RULES_READ: "see the agents",
    Permission.ANALYTICS_READ: "see the team's figures",
    Permission.EVENTS_READ: "see why something was decided",
    Permission.CONNECTIONS_READ: "see the connections",
}


def _demand(principal: Principal, command: Command) -> None:
    """Raises CommandRefused for what the table does not allow; what it does not name, nobody may."""
    if type(command) not in NEEDS:
        raise CommandRefused("nobody may do this here")
    needed = NEEDS[type(command)]
    if needed is not None and needed not in MAY[principal.role]:
        doing = _DOINGS.get(needed, needed)
        hint = "An operator of this hub can make you a member"
        raise CommandRefused(f"you are {principal.role} here and may not {doing}", hint=hint)


# Writing


async def _written(command: NewTask | ChangeTask | CommentTask, who: Asker, desk: CommandDesk, request: str) -> Reply:
    asked = Request(id=request, actor=who.principal.name, workspace=who.principal.workspace, at=desk.clock.now())
    match command:
        case NewTask():
            wanted = msgspec.structs.replace(command, assignees=await _logins(command.assignees, who, desk))
            return await _created(wanted, asked, desk)
        case ChangeTask(patch=patch):
            if patch.assignees is not UNSET:
                patch = msgspec.structs.replace(patch, assignees=await _logins(patch.assignees, who, desk))
            return await _changed(msgspec.structs.replace(command, patch=patch), asked, desk)
        case CommentTask():
            return await _commented(command, asked, desk)
        case _:
            assert_never(command)


async def _created(wanted: NewTask, asked: Request, desk: CommandDesk) -> Reply:
    decision = new_task(wanted, asked, desk.analyst, desk.agents)
    commit = await desk.store(asked.workspace).commit(decision, asked.at)
    desk.wake()
    # The same request again creates nothing and is answered with what there is.
    task = (commit.created or commit.tasks)[0]
    return _task_reply(f"{task.id} is there: {task.title}", task)


async def _changed(wanted: ChangeTask, asked: Request, desk: CommandDesk) -> Reply:
    before = await desk.records.task(asked.workspace, wanted.task)
    decision = changed_task(before, wanted, asked, desk.agents)
    if decision.answer is Answer.NOTHING:
        return _task_reply(f"{before.id} is like that already", before)
    if wanted.version and wanted.version != before.version:
        return _stale(before, wanted.version)
    try:
        commit = await desk.store(asked.workspace).commit(decision, asked.at)
    except VersionClash:
        return _stale(await desk.records.task(asked.workspace, wanted.task), before.version)
    desk.wake()
    after = next((task for task in commit.tasks if task.id == before.id), before)
    return _task_reply(_difference(before, after), after, before)


def _task_reply(text: str, task: Task, before: Task | None = None) -> Reply:
    undo = presses.undo(before, task) if before else None
    card = task_card(task, answered=True, undo=undo.data if undo else None)
    return Reply(text=text, cards=(card,), tasks=(task,))


def _difference(before: Task, after: Task) -> str:
    changes = "; ".join(entry.what for entry in after.history[len(before.history) :])
    return f"{after.id}: {changes or 'nothing is different'}"


def _stale(task: Task, seen: int) -> Reply:
    """The card as it is now, and what happened since the one that was pressed."""
    since = _since(task, seen)
    text = f"{task.id} was changed meanwhile, so nothing was done. Look at it as it is now"
    facts = tuple(Fact(one.actor, f"{one.what} ({one.because})") for one in since)
    news = answer_card("Changed meanwhile", text, (Section("Since then", facts),) if facts else ())
    return Reply(text=text, cards=(task_card(task, answered=True), news), tasks=(task,), ok=False)


def _since(task: Task, seen: int) -> tuple[HistoryEntry, ...]:
    """The history from the version that was seen on. One version's entries have time, actor and reason in common."""
    missed = task.version - seen
    found: list[HistoryEntry] = []
    versions = 0
    for entry in reversed(task.history):
        if not found or _occasion(entry) != _occasion(found[-1]):
            versions += 1
        if versions > missed:
            break
        found.append(entry)
    return tuple(reversed(found))


def _occasion(entry: HistoryEntry) -> tuple[datetime | None, str, str]:
    return entry.at, entry.actor, entry.because


async def _commented(command: CommentTask, asked: Request, desk: CommandDesk) -> Reply:
    task = await desk.records.task(asked.workspace, command.task)
    comment = TaskComment(id=asked.id, task=task.id, at=asked.at, actor=asked.actor, text=command.text)
    await desk.records.add_comment(asked.workspace, comment)
    card = answer_card(f"Written under {task.id}", command.text, foot=task.title)
    return Reply(text=f"Written under {task.id}: {command.text}", cards=(card,), tasks=(task,))


async def _logins(named: tuple[str, ...], who: Asker, desk: CommandDesk) -> tuple[str, ...]:
    """Whom a chat named by its own ids, by their logins. Raises CommandRefused for who has not said which is theirs."""
    found: list[str] = []
    for name in named:
        mention = re.fullmatch(MENTION, name)
        if mention is None:
            found.append(name)
            continue
        member = await desk.members.find(who.principal.workspace, who.platform, mention["id"])
        if member is None or not member.login:
            called = member.name if member else mention["name"] or mention["id"]
            hint = "They can say it: link LOGIN. Or write the login instead of the name"
            raise CommandRefused(f"{called} has not said which login on GitHub is theirs", hint=hint)
        found.append(member.login)
    return tuple(found)


# Reading


async def _read(
    command: ListTasks | ShowTask | ShowDashboard | ExplainDecision | CheckHealth, who: Asker, desk: CommandDesk
) -> Reply:
    workspace, now = who.principal.workspace, desk.clock.now()
    match command:
        case ListTasks():
            return await _listed(command, who, desk)
        case ShowTask(task=task):
            return await _shown(task, workspace, desk)
        case ShowDashboard(hours=hours):
            report = await desk.records.report(workspace, now - timedelta(hours=hours), now)
            return _of_card(answers.dashboard_card(report, await _connections(who, desk), now))
        case ExplainDecision(subject=subject):
            return await _explained(subject, workspace, desk)
        case CheckHealth():
            return _of_card(answers.health_card(await desk.records.connections(workspace), now))
        case _:
            assert_never(command)


async def _connections(who: Asker, desk: CommandDesk) -> tuple[answers.ConnectionHealth, ...]:
    if Permission.CONNECTIONS_READ not in MAY[who.principal.role]:
        return ()
    return await desk.records.connections(who.principal.workspace)


async def _listed(command: ListTasks, who: Asker, desk: CommandDesk) -> Reply:
    now, member = desk.clock.now(), await _member(who, desk)
    mentioned = await _logins(command.query.assignees, who, desk)
    query = msgspec.structs.replace(command.query, assignees=mentioned)
    page = await desk.records.tasks(who.principal.workspace, query, now, command.cursor, answers.MOST_ROWS)
    following = presses.page(ListTasks(query), page.next) if page.next else None
    buttons = tuple(_show_button(task.id) for task in page.tasks) if len(page.tasks) <= _MOST_SHOW_BUTTONS else ()
    foot = "There are more than a button can lead to: say more about what you look for" if page.next else ""
    card = answers.task_list_card(
        f"Tasks {spelled(query)}".strip(),
        page,
        _today(member, now),
        "" if following else foot,
        (*buttons, *((Button("Next page", following),) if following else ())),
    )
    return Reply(text=card.fallback_text, cards=(card,), tasks=page.tasks)


_MOST_SHOW_BUTTONS = 5


def _show_button(task: TaskId) -> Button:
    return Button(task, presses.show_task(task))


async def _shown(task_id: TaskId, workspace: str, desk: CommandDesk) -> Reply:
    task = await desk.records.task(workspace, task_id)
    comments = await desk.records.comments(workspace, task_id)
    said = tuple(Fact(f"{one.actor}, {one.at:%Y-%m-%d %H:%M}", one.text) for one in comments[-_MOST_COMMENTS:])
    cards = (answer_card("Comments", "", (Section("", said),)),) if said else ()
    reply = _task_reply(f"{task.id} · {task.status} · {task.title}", task)
    return msgspec.structs.replace(reply, cards=(*reply.cards, *cards))


_MOST_COMMENTS = 5


async def _explained(subject: str, workspace: str, desk: CommandDesk) -> Reply:
    event = subject
    if subject.startswith("AICRM-"):
        task = await desk.records.task(workspace, TaskId(subject))
        if task.item.platform is PlatformName.HUB and task.item.kind is ItemKind.REQUEST:
            birth = task.history[0].because if task.history else "asked for directly"
            return _of_card(answer_card(task.id, f"No rule made this task: it was {birth}."))
        event = task.born_of
    decisions = await desk.records.decisions_of(workspace, event)
    if not decisions:
        hint = "It may still be waiting: ask again in a moment"
        raise RecordMissing("nothing was decided about this event yet", where=event, hint=hint)
    return _of_card(decision_card(decisions[-1].decision, len(decisions)))


# Advice


def _advised(command: ListAgents | AskAnalysis, desk: CommandDesk) -> Reply:
    match command:
        case ListAgents(category=category):
            return _agents(category, desk.agents)
        case AskAnalysis(title=title, body=body, detailed=detailed):
            analysis = desk.analyst.analyse(title, body, (), desk.agents)
            create = presses.about_analysis(Verb.CREATE_TASK, command)
            detail = None if detailed else presses.about_analysis(Verb.DETAILED_ANALYSIS, command)
            card = analysis_card(
                title, analysis, create=create.data if create else None, detail=detail.data if detail else None
            )
            return _of_card(card)
        case _:
            assert_never(command)


def _agents(category: str, agents: tuple[Agent, ...]) -> Reply:
    known = tuple(dict.fromkeys(agent.category for agent in agents))
    wanted = "-".join(category.lower().split())
    if wanted and wanted not in known:
        near = nearest(wanted, known)
        guess = f'Did you mean "{near}"? ' if near else ""
        raise Misunderstood(
            f"no agent is of the category {shown(category)}", hint=f"{guess}There are {', '.join(known)}"
        )
    chosen = tuple(agent for agent in agents if wanted in {"", agent.category})
    return _of_card(answers.agents_card(chosen, wanted))


def _helped(command: Help) -> Reply:
    found = about(command.about)
    if not found:
        raise Misunderstood(f"there is no command {shown(command.about)}", hint="`help` shows all")
    return _of_card(answers.command_card(found[0], SWITCHES) if len(found) == 1 else answers.help_card(found))


# The person


async def _personal(command: WhoAmI | LinkLogin | SetPreferences | DigestNow, who: Asker, desk: CommandDesk) -> Reply:
    member, workspace = await _member(who, desk), who.principal.workspace
    match command:
        case WhoAmI():
            return _of_card(_identity(member, who))
        case LinkLogin(login=login):
            await desk.members.keep(workspace, msgspec.structs.replace(member, login=login))
            said = f"You are {login} on GitHub: @me means you now." if login else "Your login is forgotten."
            return _of_card(answer_card("Kept", said, foot="" if login else "link LOGIN says it again"))
        case SetPreferences():
            wanted = msgspec.structs.replace(member, preferences=changed_preferences(member.preferences, command))
            if wanted != member:
                await desk.members.keep(workspace, wanted)
            return _of_card(
                answer_card("What you are told", "", (Section("", described(wanted.preferences)),), _CHANGE)
            )
        case DigestNow():
            now = desk.clock.now()
            digest = await digest_for(_me(member), workspace, desk.records, now, _today(member, now))
            if digest.is_empty:
                return _of_card(answer_card("Nothing to tell", "No task of yours is open, and nothing happened."))
            return _of_card(answers.digest_card(digest))
        case _:
            assert_never(command)


_CHANGE = "To change it: settings --off status --quiet 22:00-07:00 --time-zone Europe/Berlin --digest 08:30"


def _identity(member: Member, who: Asker) -> Card:
    may = ", ".join(_DOINGS[each] for each in _DOINGS if each in MAY[who.principal.role]) or "ask for help"
    facts = (
        Fact("Name", who.name),
        Fact("Here", f"{who.platform} {who.id}"),
        Fact("On GitHub", member.login or "not said yet: link LOGIN"),
        Fact("@me is", _me(member) or "nobody yet: link LOGIN"),
        Fact("Workspace", who.principal.workspace),
        Fact("Role", who.principal.role),
        Fact("You may", may),
    )
    return answer_card(
        "Who you are", "", (Section("", facts), Section("What you are told", described(member.preferences))), _CHANGE
    )


async def _member(who: Asker, desk: CommandDesk) -> Member:
    """What is known of who asks, under the name that they have today."""
    found = await desk.members.find(who.principal.workspace, who.platform, who.id)
    return (
        msgspec.structs.replace(found, name=who.name)
        if found
        else Member(platform=who.platform, id=who.id, name=who.name)
    )


def _me(member: Member) -> str:
    """The login that `@me` stands for: what they linked, else their name where it could be one."""
    return member.login or (member.name if re.fullmatch(_LOGIN, member.name, re.ASCII) else "")


_LOGIN = r"[A-Za-z0-9][A-Za-z0-9_-]{0,61}"


def _today(member: Member, now: datetime) -> date:
    return now.astimezone(ZoneInfo(member.preferences.time_zone)).date()


def _of_card(card: Card) -> Reply:
    return Reply(text=card.fallback_text, cards=(card,))
