"""The form in which a task is created where a chat shows Adaptive Cards: which fields it has, and what stands in them."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from ai_crm.cards.inert import clean, one_line
from ai_crm.cards.task_card import template
from ai_crm.commands.command import NewTask
from ai_crm.model.agent import Agent
from ai_crm.model.analysis import Analysis, Priority

# In characters and pieces: together they keep the form far below 28 KB, whatever was typed.
MOST_TITLE, MOST_DESCRIPTION = 250, 3_000
_LINE, _CHOICE, _LINK = 500, 100, 2_000
_MOST_OFFERED = 15
BY_ANALYSIS = "analysis"


class Choice(Struct, frozen=True):
    title: str
    value: str


def task_form(
    draft: NewTask, analysis: Analysis | None, agents: tuple[Agent, ...], *, link: str = "", shareable: bool = False
) -> dict[str, Any]:
    """The form as Adaptive Card JSON: the draft, and what the analysis says about it.

    `link` is where it began; `shareable` says that there are others who could see the task.
    """
    return _form(draft, _advice(analysis), offered(agents, "", analysis, _MOST_OFFERED), (link, shareable), ())


def mended_form(
    draft: NewTask, errors: tuple[str, ...], agents: tuple[Agent, ...], *, link: str = "", shareable: bool = False
) -> dict[str, Any]:
    """The form again with what was typed, and with what has to be mended."""
    return _form(draft, _MEND, offered(agents, draft.agent, None, _MOST_OFFERED), (link, shareable), errors)


def offered(agents: tuple[Agent, ...], typed: str, analysis: Analysis | None, most: int) -> tuple[Choice, ...]:
    """The agents whose name, role or skills hold what was typed; those whom the analysis recommends come first."""
    words = typed.lower().split()
    found = [
        each
        for each in agents
        if all(word in f"{each.name} {each.role} {' '.join(each.skills)}".lower() for word in words)
    ]
    sure = {match.name: match.confidence for match in analysis.agents} if analysis else {}
    found.sort(key=lambda each: (-sure.get(each.name, -1), each.name))
    return tuple(
        Choice(
            one_line(
                f"{each.name}: recommended, {sure[each.name]} % sure" if each.name in sure else each.name, _CHOICE
            ),
            each.name,
        )
        for each in found[:most]
    )


_MEND = "Nothing was made yet."
_PRIORITIES = (
    Choice("As the analysis says", BY_ANALYSIS),
    *(Choice(each, each) for each in reversed(Priority)),
)


class _FormView(Struct, frozen=True, kw_only=True, rename="camel"):
    """What `templates/cards/task-form.json` may name."""

    errors: tuple[str, ...]
    title: str
    most_title: int
    description: str
    most_description: int
    advice: str
    agent: str
    agents: tuple[Choice, ...]
    priority: str
    priorities: tuple[Choice, ...]
    assignees: str
    labels: str
    due: str
    link: str
    shareable: bool


def _form(
    draft: NewTask, advice: str, agents: tuple[Choice, ...], origin: tuple[str, bool], errors: tuple[str, ...]
) -> dict[str, Any]:
    named = any(each.value == draft.agent for each in agents) or not draft.agent
    chosen = () if named else (Choice(one_line(draft.agent, _CHOICE), draft.agent),)
    view = _FormView(
        errors=tuple(one_line(each, _LINE) for each in errors),
        title=one_line(draft.title, MOST_TITLE),
        most_title=MOST_TITLE,
        description=clean(draft.description, MOST_DESCRIPTION),
        most_description=MOST_DESCRIPTION,
        advice=one_line(advice, _LINE),
        agent=one_line(draft.agent, _CHOICE),
        agents=(*chosen, *agents),
        priority=draft.priority or BY_ANALYSIS,
        priorities=_PRIORITIES,
        assignees=one_line(", ".join(draft.assignees), _LINE),
        labels=one_line(", ".join(draft.labels), _LINE),
        due=draft.due.isoformat() if draft.due else "",
        link=origin[0] if len(origin[0]) <= _LINK else "",  # half of an address leads nowhere
        shareable=origin[1],
    )
    form: dict[str, Any] = template("task-form")(msgspec.to_builtins(view))
    return form


def _advice(analysis: Analysis | None) -> str:
    if analysis is None:
        return "What you leave out is what the analysis recommends."
    effort, agent = analysis.effort, analysis.recommended
    who = f"{agent.name} ({agent.confidence} % sure)" if agent else "nobody in particular"
    return (
        f"Analysis: {analysis.type.value}, {effort.complexity}, {effort.hours} hours "
        f"({effort.low} to {effort.high}), priority {analysis.urgency.value}, for {who}."
    )
