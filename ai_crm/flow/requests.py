"""What a person asks for directly, in the API, a chat or a terminal, as a decision: the same as if a rule had wanted it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec
from msgspec import UNSET, Struct, UnsetType

from ai_crm.cards.inert import clean, one_line
from ai_crm.commands.command import ChangeTask, NewTask
from ai_crm.errors import Misunderstood
from ai_crm.model.agent import Agent
from ai_crm.model.analysis import Analysis
from ai_crm.model.change import AnyChange, CreateTask, ShowCard, UpdateTask, change_key
from ai_crm.model.decision import Answer, Decision
from ai_crm.model.item import ItemKind, ItemRef, PlatformName, Project
from ai_crm.model.task import AgentChoice, RuleId, Task, TaskPatch
from ai_crm.ports import Analyst
from ai_crm.rules.assignment import choose_agent
from ai_crm.rules.shapes import LOGIN
from ai_crm.rules.source import nearest

# The rule whose doing such a task is; it stands in no file.
REQUEST = RuleId("request")

MOST_TITLE = 256  # characters, here and below
MOST_DESCRIPTION = 4_000
MOST_LABEL = 50
MOST_NAMES = 100  # labels or assignees of one task

# Where a task's item has a card of its own that shows its tasks.
_SHOWS_CARDS = frozenset({PlatformName.GITHUB})


class Request(Struct, frozen=True, kw_only=True):
    """Who asked, and when. `actor` is what histories show.

    `id` has 32 hexadecimal digits and is the same when the same request comes again: then nothing happens twice.
    """

    id: str
    actor: str
    workspace: str
    at: datetime


def checked(wanted: NewTask, agents: tuple[Agent, ...]) -> NewTask:
    """The same in the form in which tasks have it. `agents` are those that the workspace knows.

    Raises Misunderstood for what no task can have.
    """
    return NewTask(
        title=_title(wanted.title),
        description=_description(wanted.description),
        agent=_known_agent(wanted.agent, agents) if wanted.agent else "",
        priority=wanted.priority,
        assignees=_assignees(wanted.assignees),
        labels=_labels(wanted.labels),
        due=wanted.due,
    )


def new_task(wanted: NewTask, request: Request, analyst: Analyst, agents: tuple[Agent, ...]) -> Decision:
    """The decision that creates the task. What is not named is what the analysis finds: an agent is then recommended.

    Raises Misunderstood as `checked` does.
    """
    proper = checked(wanted, agents)
    analysis = analyst.analyse(proper.title, proper.description, proper.labels, agents)
    item = ItemRef(PlatformName.HUB, request.workspace, ItemKind.REQUEST, request.id)
    task = CreateTask(
        key=change_key(REQUEST, item, "task", ""),
        rule=REQUEST,
        item=item,
        because=_because(request),
        title=proper.title,
        description=proper.description,
        priority=proper.priority or analysis.urgency.value,
        agent=_choice(proper.agent, analysis, request),
        assignees=proper.assignees,
        labels=proper.labels,
        due=proper.due,
        analysis=analysis,
        asked_at=request.at,
    )
    return _decision("task.create", item, request, (task,))


def changed_task(task: Task, wanted: ChangeTask, request: Request, agents: tuple[Agent, ...]) -> Decision:
    """The decision that makes the task as it is wanted, and renews the card that shows it.

    What the task has already is no change; with nothing else the answer is NOTHING. The store refuses it when
    `wanted.version` is not the task's any more. Raises Misunderstood for what no task can have.
    """
    patch = _difference(task, _patch(task, wanted, request, agents))
    return _decision("task.change", task.item, request, tuple(_update(task, patch, wanted.version, request)))


def _update(task: Task, patch: TaskPatch, version: int, request: Request) -> Iterator[AnyChange]:
    if patch == TaskPatch():
        return
    yield UpdateTask(
        key=change_key(task.rule, task.item, f"change {task.id}", request.id),
        rule=task.rule,
        item=task.item,
        because=_because(request),
        patch=patch,
        asked_at=request.at,
        version=version,
    )
    # A card that was never shown is not wanted there: what shows it first shows the task as it is then.
    if task.url and task.item.platform in _SHOWS_CARDS:
        yield ShowCard(
            key=change_key(task.rule, task.item, "card", request.id),
            rule=task.rule,
            item=task.item,
            because="shows the task as it is now",
            project=Project(name=task.item.project, url=""),
        )


def _decision(name: str, item: ItemRef, request: Request, changes: tuple[AnyChange, ...]) -> Decision:
    """No rule was asked, so there is neither a verdict nor a fingerprint of rules."""
    return Decision(
        event=request.id,
        platform=PlatformName.HUB,
        names=(name,),
        actor=_actor(request),
        item=item,
        answer=Answer.ACT if changes else Answer.NOTHING,
        rules="",
        verdicts=(),
        changes=changes,
        skips=(),
    )


def _actor(request: Request) -> str:
    return one_line(request.actor, 100) or "somebody"


def _because(request: Request) -> str:
    return f"asked for by {_actor(request)}"


def _choice(agent: str, analysis: Analysis | None, request: Request) -> AgentChoice | None:
    """An agent that somebody named is assigned; without a name the analysis recommends one, or nobody."""
    choice = choose_agent(REQUEST, agent=agent, hint="", auto_assign=False, analysis=analysis)
    if choice is None or not agent:
        return choice
    return msgspec.structs.replace(choice, because=_because(request))


def _patch(task: Task, wanted: ChangeTask, request: Request, agents: tuple[Agent, ...]) -> TaskPatch:
    """What is wanted, in the form in which tasks have it."""
    patch = wanted.patch
    return msgspec.structs.replace(
        patch,
        title=patch.title if patch.title is UNSET else _title(patch.title),
        labels=patch.labels if patch.labels is UNSET else _labels(patch.labels),
        assignees=patch.assignees if patch.assignees is UNSET else _assignees(patch.assignees),
        agent=_given_to(task, wanted.agent, request, agents) if wanted.agent else patch.agent,
    )


def _given_to(task: Task, name: str, request: Request, agents: tuple[Agent, ...]) -> AgentChoice | UnsetType:
    """The agent it has already needs not be one that the workspace knows: the project's own file may have named it."""
    has = task.agent
    agent = has.name if has and _spelled(has.name) == _spelled(name) else _known_agent(name, agents)
    if has and has.assigned and has.name == agent:
        return UNSET
    return _choice(agent, task.analysis, request) or UNSET


def _difference(task: Task, wanted: TaskPatch) -> TaskPatch:
    """Only the fields that the task does not have already."""
    same = {field: UNSET for field in wanted.__struct_fields__ if getattr(wanted, field) == getattr(task, field)}
    return msgspec.structs.replace(wanted, **same)


def _title(title: str) -> str:
    line = one_line(title)
    if not line:
        raise Misunderstood("a task needs a title", hint="Say in a few words what is to be done")
    return _no_longer(line, "title", MOST_TITLE)


def _description(description: str) -> str:
    return _no_longer(clean(description).strip(), "description", MOST_DESCRIPTION)


def _labels(labels: Iterable[str]) -> tuple[str, ...]:
    lines = (one_line(label) for label in labels)
    return _few((_no_longer(line, "label", MOST_LABEL) for line in lines if line), "labels")


def _assignees(people: Iterable[str]) -> tuple[str, ...]:
    return _few((_login(person) for person in people), "assignees")


def _login(person: str) -> str:
    login = person.strip().removeprefix("@")
    if not re.fullmatch(LOGIN.pattern, login) or len(login) > LOGIN.most:
        raise Misunderstood(f'"{one_line(login, 40)}" is no login', hint="Write it as on GitHub, such as octocat")
    return login


def _few(values: Iterable[str], what: str) -> tuple[str, ...]:
    """Each once, whatever the case of its letters."""
    found = tuple({value.casefold(): value for value in values}.values())
    if len(found) > MOST_NAMES:
        raise Misunderstood(f"{len(found)} {what} are too many", hint=f"A task has {MOST_NAMES} at most")
    return found


def _no_longer(text: str, what: str, most: int) -> str:
    if len(text) > most:
        raise Misunderstood(f"a {what} of {len(text)} characters is too long", hint=f"{most} are possible")
    return text


# As with names of statuses (`commands/query.py`).
_ELSEWHERE = (
    "One that only a project's own .github/ai-crm.yml has gets tasks by its rules alone; the hub's rules are for all"
)


def _known_agent(name: str, agents: tuple[Agent, ...]) -> str:
    """The agent's name as it is written; `Backend Architect` and `backend_architect` mean the same."""
    known = {_spelled(agent.name): agent.name for agent in agents}
    spelled = _spelled(name)
    if spelled not in known:
        near = next((each for each in known if each.startswith(spelled)), "") or nearest(spelled, known)
        hint = f'Did you mean "{known[near]}"?' if near else "agents list shows all of them."
        raise Misunderstood(f'there is no agent "{one_line(name, 40)}"', hint=f"{hint} {_ELSEWHERE}")
    return known[spelled]


def _spelled(name: str) -> str:
    return "-".join(re.split(r"[\s_-]+", name.strip().lower()))
