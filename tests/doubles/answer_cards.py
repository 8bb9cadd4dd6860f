"""One of each card that a command is answered with, usual and as hostile and full as it can be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import msgspec

from ai_crm.cards import answers
from ai_crm.cards.answers import Button, Digest, Fact, Section, answer_card
from ai_crm.cards.elements import Card
from ai_crm.cards.task_card import analysis_card, task_card, with_watch
from ai_crm.commands import presses
from ai_crm.commands.catalogue import COMMANDS
from ai_crm.commands.command import AskAnalysis, ListTasks
from ai_crm.commands.flags import SWITCHES
from ai_crm.commands.presses import Verb
from ai_crm.commands.query import TaskQuery
from ai_crm.config.agents import load_agents
from ai_crm.flow.commands.explained import decision_card
from ai_crm.model.analysis import (
    AgentMatch,
    Analysis,
    Complexity,
    Effort,
    Evidence,
    Priority,
    TypeOfWork,
    Urgency,
    WorkType,
)
from ai_crm.model.change import CreateTask, change_key
from ai_crm.model.decision import Answer, Decision, Finding, Skip, Verdict
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.record import ConnectionHealth, PlatformFigures, Report, TaskPage, Workflow
from ai_crm.model.task import HistoryEntry, RuleId, Task, TaskId, TaskStatus

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)
PICTURE = "https://hub.example.com/pictures/v1~abc-_...png"


def cards(hostile: str) -> Mapping[str, Card]:
    """By a short name. `hostile` is a stranger's text: it stands wherever a stranger's text can stand."""
    tasks = tuple(a_task(number) for number in range(1, 4))
    asked = AskAnalysis("Build recommendation engine with ML")
    analysis = an_analysis()
    create = presses.about_analysis(Verb.CREATE_TASK, asked)
    done = msgspec.structs.replace(tasks[0], status=TaskStatus.DONE, version=4)
    undo = presses.undo(tasks[0], done)
    assert create
    assert undo
    return {
        "changed": task_card(done, answered=True, undo=undo.data),
        "watched": with_watch(task_card(tasks[0], answered=True), presses.watch(tasks[0].id, watched=True)),
        "detailed": analysis_card(asked.title, analysis, create=create.data, detail=None),
        "sign-in": answers.sign_in_card(f"https://hub.example.com/sign-in/{'A' * 43}"),
        "list": listed(tasks, "Tasks status:todo", total=31),
        "agents": answers.agents_card(load_agents(), ""),
        "category": answers.agents_card(
            tuple(agent for agent in load_agents() if agent.category == "languages"), "languages"
        ),
        "dashboard": answers.dashboard_card(report(), (health("gh-1"), health("chat", dead=2)), NOON),
        "pictured": answers.dashboard_card(report(hostile, 7), (health("gh-1"),), NOON, PICTURE),
        "health": answers.health_card((health("gh-1"), health("chat", problem="The token was revoked", dead=1)), NOON),
        "digest": answers.digest_card(digest(tasks)),
        "help": answers.help_card(COMMANDS),
        "command": answers.command_card(COMMANDS[0], SWITCHES),
        "decision": decision_card(decision("labels"), 1),
        "notice": answer_card("Not understood", 'there is no command "tsk"', foot='Did you mean "task list"?'),
        "hostile-list": listed(tuple(a_task(number, hostile) for number in range(30)), hostile, total=3_000),
        "hostile-answer": answer_card(
            hostile,
            hostile,
            tuple(Section(hostile, tuple(Fact(hostile, hostile) for _ in range(20))) for _ in range(30)),
            hostile,
            tuple(Button(hostile, presses.show_task(TaskId(f"AICRM-{number}"))) for number in range(9)),
        ),
        "hostile-decision": decision_card(decision(hostile, rules=40, findings=20), 3),
        "hostile-dashboard": answers.dashboard_card(
            report(hostile, 40), tuple(health(hostile, problem=hostile, dead=3) for _ in range(40)), NOON
        ),
    }


NAMES = (
    "changed", "watched", "sign-in", "detailed", "list", "agents", "category", "dashboard", "pictured", "health", "digest", "help", "command", "decision",
    "notice", "hostile-list", "hostile-answer", "hostile-decision", "hostile-dashboard",
)  # fmt: skip


def an_analysis() -> Analysis:
    evidence = (Evidence("recommendation engine", "title", 200), Evidence("ml", "title", 100))
    return Analysis(
        type=TypeOfWork(WorkType.FEATURE, 80, evidence[:1]),
        effort=Effort(Complexity.COMPLEX, 24, 12, 60, 55, evidence),
        urgency=Urgency(Priority.MEDIUM, 40, ()),
        agents=(AgentMatch("ml-engineer", 82, evidence), AgentMatch("data-scientist", 40, evidence[1:])),
        analyst="test",
    )


def a_task(number: int, text: str = "") -> Task:
    return Task(
        id=TaskId(f"AICRM-{number}"),
        rule=RuleId("request"),
        item=ItemRef(PlatformName.HUB, "default", ItemKind.REQUEST, f"{number:032x}"),
        title=text or ("Fix the login", "Write the guide", "Plan the release")[number - 1],
        priority=(Priority.LOW, Priority.HIGH, Priority.URGENT)[number % 3],
        assignees=(text,) * 5 if text else ("octocat",)[: number % 2],
        labels=(text, "bug") if text else (),
        due=TODAY + timedelta(days=number - 2) if number < 30 else None,
        version=3,
        history=(HistoryEntry(at=NOON, actor=text or "ann", what="created", because=f"asked for by {text or 'ann'}"),),
    )


def listed(tasks: tuple[Task, ...], heading: str, total: int) -> Card:
    query = TaskQuery(statuses=(TaskStatus.TODO,), words=("crash",))
    following = presses.page(ListTasks(query), "c" * 60)
    shown = tuple(Button(task.id, presses.show_task(task.id)) for task in tasks)[:5]
    more = (Button("Next page", following),) if following else ()
    page = TaskPage(tasks=tasks, next="c", total=total)
    return answers.task_list_card(heading, page, TODAY, "", (*shown, *more))


def report(rule: str = "", rules: int = 2) -> Report:
    return Report(
        since=NOON - timedelta(hours=24),
        until=NOON,
        total_events=1_247,
        average_response_ms=312,
        success_rate=0.984,
        top_workflows=tuple(Workflow(rule=rule or f"rule-{at}", matched=120 // (at + 1)) for at in range(rules)),
        platform_breakdown=(
            PlatformFigures(platform=PlatformName.GITHUB, events=1_200, failed=12, average_response_ms=300),
            PlatformFigures(platform=PlatformName.SLACK, events=47, failed=0, average_response_ms=None),
        ),
        tasks_created=12,
        tasks_done=9,
        tasks_open=41,
    )


def health(name: str, problem: str = "", dead: int = 0) -> ConnectionHealth:
    return ConnectionHealth(
        id=name,
        platform=PlatformName.GITHUB,
        active=True,
        problem=problem,
        last_received=NOON - timedelta(minutes=3),
        last_applied=None,
        waiting_deliveries=0,
        waiting_changes=dead,
        dead=dead,
        oldest_waiting=None,
        held_back_until=NOON + timedelta(minutes=9) if dead else None,
    )


def digest(tasks: tuple[Task, ...]) -> Digest:
    others = msgspec.structs.replace(
        tasks[0], id=TaskId("AICRM-9"), title="Move the cache", status=TaskStatus.IN_REVIEW
    )
    return Digest(
        day=TODAY,
        open=tasks,
        total_open=len(tasks),
        due=tasks[:2],
        changed=tasks[2:],
        watched=(others,),
        team=report(),
    )


def decision(text: str, rules: int = 2, findings: int = 2) -> Decision:
    item = ItemRef(PlatformName.GITHUB, "acme/app", ItemKind.ISSUE, "42")
    inner = Finding(condition=text, satisfied=False, wanted=text, seen=text)
    found = tuple(
        Finding(condition=text, satisfied=bool(at), wanted=text, seen=text, within=(inner,)) for at in range(findings)
    )
    rule = RuleId(text)
    create = CreateTask(key=change_key(rule, item, "task", ""), rule=rule, item=item, because=text, title=text)
    return Decision(
        event="e1",
        platform=PlatformName.GITHUB,
        names=("issues.opened",),
        actor=text,
        item=item,
        answer=Answer.ACT,
        rules="f" * 64,
        verdicts=tuple(Verdict(rule=rule, matched=at == 0, findings=found, line=at + 1) for at in range(rules)),
        changes=(create,),
        skips=(Skip(rule=rule, action="assign", because=text),),
    )
