"""What people read about a task or an analysis: which facts, in which words, how long each may be."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from ai_crm import resources
from ai_crm.cards import elements
from ai_crm.cards.bind import Template, compile_template
from ai_crm.cards.elements import Card, Color
from ai_crm.cards.inert import one_line
from ai_crm.model.analysis import Analysis, Evidence, Priority
from ai_crm.model.item import ItemRef
from ai_crm.model.task import AgentChoice, Task, TaskStatus


def task_card(task: Task, *, answered: bool = False) -> Card:
    """The card of one task. `answered` adds the buttons that change its status, for where somebody listens to them:
    a message that a workflow step left behind has nobody who does.
    """
    return elements.parse(_template("task")(msgspec.to_builtins(_view(task, answered=answered))))


def cards_of(tasks: tuple[Task, ...], *, answered: bool = False) -> tuple[Card, ...]:
    return tuple(task_card(task, answered=answered) for task in tasks)


def analysis_card(title: str, analysis: Analysis) -> Card:
    """The card that answers "what would this be?" before there is a task."""
    agent = analysis.recommended
    view = _AnalysisView(
        title=one_line(title, _TITLE) or _NAMELESS,
        complexity=analysis.effort.complexity,
        hours=_hours(analysis.effort.hours),
        agent=one_line(agent.name, _NAME) if agent else None,
        priority=analysis.urgency.value,
    )
    return elements.parse(_template("analysis")(msgspec.to_builtins(view)))


# In characters. Together they keep a card far below what each platform takes, whatever an item is called.
_TITLE, _NAME, _SENTENCE, _WORD = 250, 80, 200, 40
_MOST_ASSIGNEES, _MOST_EVIDENCE = 10, 6
_NAMELESS = "(no title)"

_COLORS: dict[Priority, Color] = {
    Priority.URGENT: "attention",
    Priority.HIGH: "warning",
    Priority.MEDIUM: "default",
    Priority.LOW: "default",
}
_OPEN_MOVES = (("Start", TaskStatus.IN_PROGRESS), ("Done", TaskStatus.DONE))
_MOVES: dict[TaskStatus, tuple[tuple[str, TaskStatus], ...]] = {
    TaskStatus.TODO: _OPEN_MOVES,
    TaskStatus.BLOCKED: _OPEN_MOVES,
    TaskStatus.IN_PROGRESS: (("To review", TaskStatus.IN_REVIEW), ("Done", TaskStatus.DONE)),
    TaskStatus.IN_REVIEW: (("Done", TaskStatus.DONE), ("Back to work", TaskStatus.IN_PROGRESS)),
    TaskStatus.DONE: (("Reopen", TaskStatus.TODO),),
    TaskStatus.CANCELLED: (("Reopen", TaskStatus.TODO),),
}


class _Reason(Struct, frozen=True):
    question: str
    answer: str


class _Move(Struct, frozen=True):
    """A button: what it says, and the status that it sets."""

    title: str
    status: TaskStatus


class _TaskView(Struct, frozen=True, kw_only=True):
    """What `templates/cards/task.json` may name. None leaves a fact out."""

    id: str
    title: str
    status: str
    priority: Priority
    priority_color: Color
    agent: str | None
    estimate: str | None
    complexity: str | None
    assignees: str | None
    about: str
    url: str | None
    reasons: tuple[_Reason, ...]
    moves: tuple[_Move, ...]


class _AnalysisView(Struct, frozen=True, kw_only=True):
    """What `templates/cards/analysis.json` may name. None leaves a fact out."""

    title: str
    complexity: str
    hours: str
    agent: str | None
    priority: Priority


@functools.cache
def _template(name: str) -> Template:
    return compile_template(msgspec.json.decode(resources.read("templates", "cards", f"{name}.json")))


def _view(task: Task, *, answered: bool) -> _TaskView:
    effort = task.analysis.effort if task.analysis else None
    return _TaskView(
        id=one_line(task.id, _NAME),
        title=one_line(task.title, _TITLE) or _NAMELESS,
        status=task.status.replace("-", " ").capitalize(),
        priority=task.priority,
        priority_color=_COLORS[task.priority],
        agent=_agent(task.agent) if task.agent else None,
        estimate=f"{_hours(effort.hours)} ({effort.low} to {effort.high})" if effort else None,
        complexity=effort.complexity if effort else None,
        assignees=_people(task.assignees) or None,
        about=_about(task.item),
        url=task.url or None,
        reasons=tuple(_reasons(task)),
        moves=tuple(_Move(title, status) for title, status in _MOVES[task.status]) if answered else (),
    )


def _agent(choice: AgentChoice) -> str:
    name = one_line(choice.name, _NAME)
    return name if choice.assigned else f"{name} (recommended)"


def _hours(hours: int) -> str:
    return "1 hour" if hours == 1 else f"{hours} hours"


def _people(logins: tuple[str, ...]) -> str:
    named = ", ".join(one_line(login, _WORD) for login in logins[:_MOST_ASSIGNEES])
    more = len(logins) - _MOST_ASSIGNEES
    return f"{named} and {more} more" if more > 0 else named


def _about(item: ItemRef) -> str:
    return f"{item.kind.replace('_', ' ')} {one_line(item.id, _NAME)} in {one_line(item.project, _NAME)}"


def _reasons(task: Task) -> Iterator[_Reason]:
    agent, analysis = task.agent, task.analysis
    if agent:
        yield _Reason(f"Why {one_line(agent.name, _NAME)}", _sure(one_line(agent.because, _SENTENCE), agent.confidence))
    if agent and one_line(agent.runner_up):
        yield _Reason("Runner-up", _runner_up(agent.runner_up, analysis))
    if analysis:
        yield from _evidence(analysis)
    yield _Reason("Rule", one_line(task.rule, _NAME))


def _runner_up(name: str, analysis: Analysis | None) -> str:
    ranked = analysis.agents if analysis else ()
    return _sure(one_line(name, _NAME), next((match.confidence for match in ranked if match.name == name), None))


def _evidence(analysis: Analysis) -> Iterator[_Reason]:
    """Without the agent: whoever chose one said why."""
    urgency, effort, kind = analysis.urgency, analysis.effort, analysis.type
    yield _conclusion(urgency.value, urgency.confidence, urgency.evidence)
    yield _conclusion(effort.complexity, effort.confidence, effort.evidence)
    yield _conclusion(kind.value, kind.confidence, kind.evidence)


def _conclusion(value: str, confidence: int, evidence: tuple[Evidence, ...]) -> _Reason:
    seen = ", ".join(
        f"“{one_line(one.seen, _WORD)}” ({one_line(one.where, _WORD)})" for one in evidence[:_MOST_EVIDENCE]
    )
    return _Reason(f"Why {one_line(value, _NAME)}", _sure(seen or "nothing in the text speaks for another", confidence))


def _sure(text: str, confidence: int | None) -> str:
    return text if confidence is None else f"{text}; {confidence} % sure"
