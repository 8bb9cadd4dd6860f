"""What people read about a task or an analysis: which facts, in which words, how long each may be."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Struct

from ai_crm import resources
from ai_crm.cards import elements
from ai_crm.cards.bind import Template, compile_template
from ai_crm.cards.elements import Card, Color
from ai_crm.cards.inert import one_line
from ai_crm.commands.presses import Press, Verb
from ai_crm.model.analysis import Analysis, Evidence, Priority
from ai_crm.model.item import ItemKind, PlatformName
from ai_crm.model.task import AgentChoice, Task, TaskStatus

# What the buttons of the first plan's example carry.
_CREATE: Mapping[str, str] = {"action": "create_task"}
_DETAIL: Mapping[str, str] = {"action": "detailed_analysis"}


def task_card(task: Task, *, answered: bool = False, undo: Mapping[str, str] | None = None) -> Card:
    """The card of one task. `answered` adds the buttons that change its status, for where somebody listens to them:
    a message that a workflow step left behind has nobody who does. `undo` is what the button that takes the last change
    back carries.
    """
    return elements.parse(template("task")(msgspec.to_builtins(_view(task, answered=answered, undo=undo))))


def with_watch(card: Card, press: Press) -> Card:
    """A task's card as one person sees it: with the button that begins to watch the task, or ends it.

    No template has it, as a card is made for everybody until it is known that only one person looks.
    """
    title = "Unwatch" if press.verb is Verb.UNWATCH else "Watch"
    fallback = elements.Submit(title=title, data={"verb": press.verb, **press.data})
    button = elements.Execute(title=title, verb=press.verb, data=press.data, fallback=fallback)
    folds = tuple(each for each in card.actions if isinstance(each, elements.ToggleVisibility))
    others = tuple(each for each in card.actions if not isinstance(each, elements.ToggleVisibility))
    return msgspec.structs.replace(card, actions=(*others, button, *folds))


def cards_of(tasks: tuple[Task, ...], *, answered: bool = False) -> tuple[Card, ...]:
    return tuple(task_card(task, answered=answered) for task in tasks)


def analysis_card(
    title: str,
    analysis: Analysis,
    *,
    create: Mapping[str, str] | None = _CREATE,
    detail: Mapping[str, str] | None = _DETAIL,
) -> Card:
    """The card that answers "what would this be?" before there is a task.

    `create` and `detail` are what its two buttons carry; without `detail` the card shows what there is to see instead.
    """
    agent = analysis.recommended
    view = _AnalysisView(
        title=one_line(title, _TITLE) or _NAMELESS,
        complexity=analysis.effort.complexity,
        hours=_hours(analysis.effort.hours),
        agent=one_line(agent.name, _NAME) if agent else None,
        priority=analysis.urgency.value,
        reasons=() if detail else tuple(_details(analysis)),
        create_task=create,
        detailed_analysis=detail,
    )
    return elements.parse(template("analysis")(msgspec.to_builtins(view)))


# In characters. Together they keep a card far below what each platform takes, whatever an item is called.
_TITLE, _NAME, _SENTENCE, _WORD = 250, 80, 200, 40
_MOST_ASSIGNEES, _MOST_EVIDENCE, _MOST_AGENTS = 10, 6, 3
_NAMELESS = "(no title)"

PRIORITY_COLORS: dict[Priority, Color] = {
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


class _Undo(Struct, frozen=True):
    """What the button carries, and what it carries where a client knows only `Action.Submit`."""

    data: Mapping[str, str]
    fallback: Mapping[str, str]


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
    labels: str | None
    due: str | None
    version: str
    reasons: tuple[_Reason, ...]
    moves: tuple[_Move, ...]
    undo: _Undo | None


class _AnalysisView(Struct, frozen=True, kw_only=True):
    """What `templates/cards/analysis.json` may name. None leaves a fact out."""

    title: str
    complexity: str
    hours: str
    agent: str | None
    priority: Priority
    reasons: tuple[_Reason, ...]
    create_task: Mapping[str, str] | None
    detailed_analysis: Mapping[str, str] | None


@functools.cache
def template(name: str) -> Template:
    """The template `templates/cards/NAME.json`."""
    return compile_template(msgspec.json.decode(resources.read("templates", "cards", f"{name}.json")))


def _view(task: Task, *, answered: bool, undo: Mapping[str, str] | None) -> _TaskView:
    effort = task.analysis.effort if task.analysis else None
    return _TaskView(
        id=one_line(task.id, _NAME),
        title=one_line(task.title, _TITLE) or _NAMELESS,
        status=task.status.replace("-", " ").capitalize(),
        priority=task.priority,
        priority_color=PRIORITY_COLORS[task.priority],
        agent=_agent(task.agent) if task.agent else None,
        estimate=f"{_hours(effort.hours)} ({effort.low} to {effort.high})" if effort else None,
        complexity=effort.complexity if effort else None,
        assignees=_few(task.assignees, _MOST_ASSIGNEES) or None,
        about=_about(task),
        labels=_few(task.labels, _MOST_ASSIGNEES) or None,
        due=task.due.isoformat() if task.due else None,
        version=str(task.version),
        url=task.url or None,
        reasons=tuple(_reasons(task)),
        moves=tuple(_Move(title, status) for title, status in _MOVES[task.status]) if answered else (),
        undo=_Undo(undo, {"verb": "undo", **undo}) if undo else None,
    )


def _agent(choice: AgentChoice) -> str:
    name = one_line(choice.name, _NAME)
    return name if choice.assigned else f"{name} (recommended)"


def _hours(hours: int) -> str:
    return "1 hour" if hours == 1 else f"{hours} hours"


def _few(names: tuple[str, ...], most: int) -> str:
    named = ", ".join(one_line(name, _WORD) for name in names[:most])
    more = len(names) - most
    return f"{named} and {more} more" if more > 0 else named


def _about(task: Task) -> str:
    item = task.item
    if item.platform is PlatformName.HUB and item.kind is ItemKind.REQUEST:
        asked_by = next((entry.actor for entry in task.history if entry.what == "created"), "")
        return f"asked for by {one_line(asked_by, _NAME)}" if asked_by else "asked for directly"
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


def _details(analysis: Analysis) -> Iterator[_Reason]:
    """All that the analysis has to say, for who asked for more."""
    effort = analysis.effort
    yield _Reason("Range", f"{effort.low} to {_hours(effort.high)} in four cases of five")
    for match in analysis.agents[:_MOST_AGENTS]:
        yield _conclusion(match.name, match.confidence, match.evidence)
    yield from _evidence(analysis)


def _conclusion(value: str, confidence: int, evidence: tuple[Evidence, ...]) -> _Reason:
    seen = ", ".join(
        f"“{one_line(one.seen, _WORD)}” ({one_line(one.where, _WORD)})" for one in evidence[:_MOST_EVIDENCE]
    )
    return _Reason(f"Why {one_line(value, _NAME)}", _sure(seen or "nothing in the text speaks for another", confidence))


def _sure(text: str, confidence: int | None) -> str:
    return text if confidence is None else f"{text}; {confidence} % sure"
