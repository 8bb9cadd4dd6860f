"""Commands that only look: lists, tasks, figures, health, reasons, agents, analyses and help."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

import msgspec

from ai_crm.cards import answers
from ai_crm.cards.answers import Button, Fact, Section, answer_card
from ai_crm.cards.task_card import analysis_card
from ai_crm.commands import presses
from ai_crm.commands.command import (
    AskAnalysis,
    CheckHealth,
    ExplainDecision,
    Help,
    ListAgents,
    ListTasks,
    ShowDashboard,
    ShowTask,
)
from ai_crm.commands.flags import SWITCHES
from ai_crm.commands.grammar import about
from ai_crm.commands.presses import Verb
from ai_crm.commands.query import spelled
from ai_crm.commands.words import nearest, shown
from ai_crm.errors import Misunderstood
from ai_crm.flow.commands.explained import decision_card
from ai_crm.flow.commands.reply import (
    Asker,
    CommandDesk,
    Reply,
    agents_of,
    logins_of,
    member_of,
    reply_of,
    task_reply,
    today_of,
)
from ai_crm.flow.commands.watching import readable_watchers, watchers_of
from ai_crm.model.access import MAY, Permission
from ai_crm.model.agent import Agent
from ai_crm.model.item import ItemKind, PlatformName
from ai_crm.model.record import ConnectionHealth
from ai_crm.model.task import TaskId


async def read(
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
            return reply_of(answers.dashboard_card(report, await _connections(who, desk), now, desk.picture(report)))
        case ExplainDecision(subject=subject):
            return await _explained(subject, workspace, desk)
        case CheckHealth():
            return reply_of(answers.health_card(await desk.records.connections(workspace), now))
        case _:
            assert_never(command)


async def _connections(who: Asker, desk: CommandDesk) -> tuple[ConnectionHealth, ...]:
    if Permission.CONNECTIONS_READ not in MAY[who.principal.role]:
        return ()
    return await desk.records.connections(who.principal.workspace)


async def _listed(command: ListTasks, who: Asker, desk: CommandDesk) -> Reply:
    now, member = desk.clock.now(), await member_of(who, desk)
    mentioned = await logins_of(command.query.assignees, who, desk)
    watchers = watchers_of(command.query.watchers, who)
    query = msgspec.structs.replace(command.query, assignees=mentioned, watchers=watchers)
    asked = msgspec.structs.replace(query, watchers=readable_watchers(watchers, who))
    page = await desk.records.tasks(who.principal.workspace, query, now, command.cursor, answers.MOST_ROWS)
    following = presses.page(ListTasks(query), page.next) if page.next else None
    buttons = tuple(_show_button(task.id) for task in page.tasks) if len(page.tasks) <= _MOST_SHOW_BUTTONS else ()
    foot = "There are more than a button can lead to: say more about what you look for" if page.next else ""
    card = answers.task_list_card(
        f"Tasks {spelled(asked)}".strip(),
        page,
        today_of(member, now),
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
    heading = f"Comments ({len(said)} of {len(comments)})" if len(said) < len(comments) else "Comments"
    cards = (
        *((answer_card("Description", task.description),) if task.description.strip() else ()),
        *((answer_card(heading, "", (Section("", said),)),) if said else ()),
    )
    reply = task_reply(f"{task.id} · {task.status} · {task.title}", task)
    return msgspec.structs.replace(reply, cards=(*reply.cards, *cards))


_MOST_COMMENTS = 5


async def _explained(subject: str, workspace: str, desk: CommandDesk) -> Reply:
    event = subject
    if subject.startswith("AICRM-"):
        task = await desk.records.task(workspace, TaskId(subject))
        if task.item.platform is PlatformName.HUB and task.item.kind is ItemKind.REQUEST:
            birth = task.history[0].because if task.history else "asked for directly"
            return reply_of(answer_card(task.id, f"No rule made this task: it was {birth}."))
        event = task.born_of
    decisions = await desk.records.decisions_of(workspace, event)
    if decisions:
        return reply_of(decision_card(decisions[-1].decision, len(decisions)))
    record = await desk.records.event(workspace, event)
    why = " ".join(part for part in (record.reason, record.detail) if part)
    heading = f"{record.name} on {record.platform}"
    return reply_of(answer_card(heading, f"Nothing was decided about it: it is {record.state}.", foot=why))


# Advice


def advised(command: ListAgents | AskAnalysis, who: Asker, desk: CommandDesk) -> Reply:
    match command:
        case ListAgents(category=category):
            return _agents(category, agents_of(who, desk))
        case AskAnalysis(title=title, body=body, detailed=detailed):
            analysis = desk.analyst.analyse(title, body, (), agents_of(who, desk))
            create = presses.about_analysis(Verb.CREATE_TASK, command)
            detail = None if detailed else presses.about_analysis(Verb.DETAILED_ANALYSIS, command)
            card = analysis_card(
                title, analysis, create=create.data if create else None, detail=detail.data if detail else None
            )
            return reply_of(card)
        case _:
            assert_never(command)


def _agents(category: str, agents: tuple[Agent, ...]) -> Reply:
    known = tuple(dict.fromkeys(agent.category for agent in agents))
    wanted = "-".join(category.lower().split())
    begun = [name for name in known if wanted and name.startswith(wanted)]
    wanted = begun[0] if len(begun) == 1 else wanted
    if wanted and wanted not in known:
        near = nearest(wanted, known)
        guess = f'Did you mean "{near}"? ' if near else ""
        raise Misunderstood(
            f"no agent is of the category {shown(category)}", hint=f"{guess}There are {', '.join(known)}"
        )
    chosen = tuple(agent for agent in agents if wanted in {"", agent.category})
    return reply_of(answers.agents_card(chosen, wanted))


def helped(command: Help) -> Reply:
    found = about(command.about)
    if not found:
        raise Misunderstood(f"there is no command {shown(command.about)}", hint="help shows all")
    return reply_of(answers.command_card(found[0], SWITCHES) if len(found) == 1 else answers.help_card(found))
