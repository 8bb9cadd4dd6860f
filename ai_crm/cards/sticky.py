"""What the one comment on an item looks like that is also the home of the item's tasks, and how it stays small enough."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ai_crm.cards import markdown
from ai_crm.cards.inert import clean, gfm_block
from ai_crm.cards.state import card_mark, write_state
from ai_crm.cards.task_card import task_card
from ai_crm.errors import Unsupported
from ai_crm.model.analysis import Analysis
from ai_crm.model.change import ChangeKey
from ai_crm.model.item import ItemRef
from ai_crm.model.task import Task

# GitHub refuses a longer comment or description.
LIMIT = 65_536


def sticky_body(item: ItemRef, tasks: tuple[Task, ...], applied: tuple[ChangeKey, ...]) -> str:
    """The mark, a section for each task, a line for the curious, and the hidden state; at most LIMIT characters.

    What does not fit is cut: descriptions first, then old history, titles and evidence. Raises Unsupported when there
    are so many tasks (some twenty always fit) that this does not help.
    """
    for budget in _BUDGETS:
        body = _body(item, tuple(_within(budget, task) for task in tasks), applied)
        if len(body) <= LIMIT:
            return body
    raise Unsupported(
        f"{len(tasks)} tasks for one item do not fit into one comment",
        where=str(item),
        hint="keep tasks in a database (`database_url`), or let fewer rules make tasks of the same item",
    )


class _Budget(Struct, frozen=True):
    """How many characters of its texts and how many entries of its history a task may keep, and whether evidence."""

    description: int
    history: int
    title: int
    evidence: bool


_BUDGETS = (
    _Budget(20_000, 100, 2_000, evidence=True),
    _Budget(4_000, 100, 2_000, evidence=True),
    _Budget(1_000, 30, 500, evidence=True),
    _Budget(200, 10, 250, evidence=True),
    _Budget(0, 1, 40, evidence=False),
)

_FOOTER = (
    "<sub>AI-CRM keeps this card up to date by the rules in this repository's `.github/ai-crm.yml`. "
    "`card: {comment: false}` in that file turns cards off.</sub>"
)


def _within(budget: _Budget, task: Task) -> Task:
    return replace(
        task,
        title=clean(task.title, budget.title),
        description=clean(task.description, budget.description),
        history=task.history[-budget.history :],
        analysis=task.analysis if budget.evidence or not task.analysis else _without_evidence(task.analysis),
    )


def _without_evidence(analysis: Analysis) -> Analysis:
    return replace(
        analysis,
        type=replace(analysis.type, evidence=()),
        effort=replace(analysis.effort, evidence=()),
        urgency=replace(analysis.urgency, evidence=()),
        agents=tuple(replace(agent, evidence=()) for agent in analysis.agents[:2]),
    )


def _body(item: ItemRef, tasks: tuple[Task, ...], applied: tuple[ChangeKey, ...]) -> str:
    sections = "\n\n---\n\n".join(_section(task) for task in tasks)
    return "\n\n".join((card_mark(item), sections, _FOOTER, write_state(tasks, applied)))


def _section(task: Task) -> str:
    # Whoever reads the card is in its project already; a link back to there says nothing. One to a dashboard does.
    here = f"/{task.item.project}/" in task.url
    shown = markdown.render(task_card(replace(task, url="") if here else task))
    description = markdown.folded("Description", gfm_block(task.description))
    return f"{shown}\n\n{description}" if description else shown
