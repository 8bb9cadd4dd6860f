"""The window in which a task is created: which fields it has, what the analysis puts there, and what was entered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

import msgspec
from msgspec import Struct

from ai_crm.cards.inert import one_line
from ai_crm.commands.command import NewTask
from ai_crm.commands.priority import Level, matrix_lines, priority_of
from ai_crm.errors import PayloadInvalid
from ai_crm.model.agent import Agent
from ai_crm.model.analysis import AgentMatch, Analysis, Priority
from bots.slack.heard import View

CALLBACK = "create_task"
# Blocks and the one element in each have the same name; Slack keeps what was typed as long as both stay the same.
TITLE, DESCRIPTION, AGENT, IMPACT, URGENCY = "title", "description", "agent", "impact", "urgency"
PRIORITY, ASSIGNEES, LABELS, DUE, SHARE = "priority", "assignees", "labels", "due", "share"

# https://docs.slack.dev/reference/block-kit (read 2026-11): options a menu, and characters of an option's text and value.
_MOST_OPTIONS, _OPTION_TEXT = 100, 75
_BY_MATRIX = "matrix"
_MOST_TITLE, _MOST_DESCRIPTION = 250, 3_000

Block = dict[str, Any]


class Origin(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the window was opened: the channel that hears of the task, and the message that it is about."""

    channel: str = ""
    thread: str = ""
    permalink: str = ""


class Draft(Struct, frozen=True, kw_only=True):
    """What stands in the window before anybody typed into it."""

    title: str = ""
    description: str = ""
    wanted: NewTask | None = None
    share: bool = False
    origin: Origin = Origin()


def window(draft: Draft, analysis: Analysis | None, problem: str = "") -> Block:
    """The view for views.open and views.update. Without an analysis it says that one is on its way.

    Slack keeps what stands in a field while its block is the same: only `analysis`, `problem` and the origin change.
    """
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": msgspec.json.encode(draft.origin).decode(),
        "title": _plain("New task"),
        "submit": _plain("Create"),
        "close": _plain("Cancel"),
        "notify_on_close": False,
        "blocks": [
            *_said(problem),
            *_texts(draft),
            *_analysed(draft, analysis),
            *_choices(draft),
            *_rest(draft),
        ],
    }


def _texts(draft: Draft) -> Iterator[Block]:
    title: Block = {
        "type": "plain_text_input",
        "action_id": TITLE,
        "max_length": _MOST_TITLE,
        "dispatch_action_config": {"trigger_actions_on": ["on_enter_pressed"]},
    }
    body: Block = {
        "type": "plain_text_input",
        "action_id": DESCRIPTION,
        "multiline": True,
        "max_length": _MOST_DESCRIPTION,
    }
    yield {**_input(TITLE, "Title", _with(title, draft.title[:_MOST_TITLE])), "dispatch_action": True}
    yield _input(DESCRIPTION, "Description", _with(body, draft.description[:_MOST_DESCRIPTION]), optional=True)


def _analysed(draft: Draft, analysis: Analysis | None) -> Iterator[Block]:
    words = ["Press Enter in the title to see what the analysis makes of it."]
    if analysis is not None:
        effort, agent = analysis.effort, analysis.recommended
        who = f"{agent.name} ({agent.confidence} % sure)" if agent else "nobody in particular"
        work = f"{analysis.type.value}, {effort.complexity}, {effort.hours} hours ({effort.low} to {effort.high})"
        words = [f"Analysis: {work}, priority {analysis.urgency.value}, for {who}."]
    elif draft.title:
        words = ["The analysis is on its way."]
    words += [f"About {draft.origin.permalink}"] if draft.origin.permalink else []
    yield {"type": "context", "block_id": "analysis", "elements": [_plain(each) for each in words]}


def _choices(draft: Draft) -> Iterator[Block]:
    agent: Block = {"type": "external_select", "action_id": AGENT, "min_query_length": 0}
    wanted = draft.wanted
    if wanted and wanted.agent:
        agent["initial_option"] = option(wanted.agent, wanted.agent)
    yield _input(AGENT, "Agent", agent, optional=True, hint="Without one the analysis recommends somebody")
    for block, label in ((IMPACT, "Impact"), (URGENCY, "Urgency")):
        levels = [option(level.capitalize(), level) for level in Level]
        yield _input(block, label, {"type": "static_select", "action_id": block, "options": levels}, optional=True)
    matrix = "\n".join(("What they make of the priority, for low, medium and high urgency:", *matrix_lines()))
    yield {"type": "context", "block_id": "matrix", "elements": [_plain(matrix)]}
    given = wanted.priority if wanted else None
    priorities = [option("As impact and urgency say, else as the analysis", _BY_MATRIX)]
    priorities += [option(priority, priority) for priority in reversed(Priority)]
    chosen = option(given, given) if given else priorities[0]
    choice = {"type": "static_select", "action_id": PRIORITY, "options": priorities, "initial_option": chosen}
    yield _input(PRIORITY, "Priority", choice)


def _rest(draft: Draft) -> Iterator[Block]:
    wanted = draft.wanted or NewTask(title="")
    people: Block = {"type": "plain_text_input", "action_id": ASSIGNEES}
    labels: Block = {"type": "plain_text_input", "action_id": LABELS}
    due: Block = {"type": "datepicker", "action_id": DUE}
    if wanted.due:
        due["initial_date"] = wanted.due.isoformat()
    hint = "Logins on GitHub, with commas between; @me for yourself"
    yield _input(ASSIGNEES, "Assignees", _with(people, ", ".join(wanted.assignees)), optional=True, hint=hint)
    yield _input(LABELS, "Labels", _with(labels, ", ".join(wanted.labels)), optional=True, hint="With commas between")
    yield _input(DUE, "Due", due, optional=True)
    if draft.origin.channel:
        yes = option("Show the task in the channel", "yes")
        share: Block = {"type": "checkboxes", "action_id": SHARE, "options": [yes]}
        share |= {"initial_options": [yes]} if draft.share else {}
        yield _input(SHARE, "Who sees it", share, optional=True)


def waiting() -> Block:
    """What the window shows when making the task takes longer than Slack lets a window wait."""
    return _told("The task is being made. You can close this; you will be told when it is there.")


def ended(told: str) -> Block:
    return _told(told)


def _told(text: str) -> Block:
    return {"type": "modal", "title": _plain("New task"), "close": _plain("Close"), "blocks": [*_said(text)]}


def _said(text: str) -> Iterator[Block]:
    if text:
        yield {"type": "section", "block_id": "said", "text": _plain(text[:_MOST_DESCRIPTION])}


class Entered(Struct, frozen=True, kw_only=True):
    """What a person sent, and where the window was opened."""

    task: NewTask
    share: bool
    origin: Origin


class Wrong(Struct, frozen=True):
    """What must be said beside which field: block -> sentence."""

    errors: Mapping[str, str]


def entered(view: View, me: str) -> Entered | Wrong:
    """What stands in a window that was sent. `me` is the login behind @me, or empty. Raises PayloadInvalid."""
    draft = draft_of(view)
    wanted = draft.wanted or NewTask(title="")
    errors: dict[str, str] = {}
    if not wanted.title:
        errors[TITLE] = "A task needs a title"
    if "@me" in wanted.assignees and not me:
        errors[ASSIGNEES] = "Say once who you are on GitHub: /ai-crm link your-login"
    if errors:
        return Wrong(errors)
    assignees = tuple(me if name == "@me" else name.removeprefix("@") for name in wanted.assignees)
    origin = draft.origin
    described = wanted.description
    if origin.permalink not in described:
        described = f"{described}\n\n{origin.permalink}".strip()
    task = msgspec.structs.replace(wanted, assignees=assignees, description=described)
    return Entered(task=task, share=draft.share, origin=origin)


def draft_of(view: View) -> Draft:
    """What stands in a window at this moment, complete or not. Raises PayloadInvalid."""
    try:
        state = msgspec.convert(view.state, _State)
        origin = msgspec.json.decode(view.private_metadata or "{}", type=Origin)
        fields = {block: next(iter(each.values()), _Value()) for block, each in state.values.items()}
        task = _task(lambda block: fields.get(block, _Value()))
    except (ValueError, msgspec.MsgspecError) as error:
        raise PayloadInvalid("this is not the window that was opened", where="Slack") from error
    share = bool(fields.get(SHARE, _Value()).selected_options)
    return Draft(title=task.title, description=task.description, wanted=task, share=share, origin=origin)


def kept(found: Entered) -> Draft:
    """The window again, for what was sent from it."""
    task = found.task
    return Draft(title=task.title, description=task.description, wanted=task, share=found.share, origin=found.origin)


def agent_options(agents: tuple[Agent, ...], typed: str, analysis: Analysis | None) -> list[Block]:
    """The agents whose name, role or skills hold what was typed; those whom the analysis recommends come first."""
    words = typed.lower().split()
    found = [
        each
        for each in agents
        if all(word in f"{each.name} {each.role} {' '.join(each.skills)}".lower() for word in words)
    ]
    recommended = {match.name: match for match in analysis.agents} if analysis else {}
    order = {name: at for at, name in enumerate(recommended)}
    found.sort(key=lambda each: (order.get(each.name, len(order)), each.name))
    return [_agent_option(each, recommended.get(each.name)) for each in found[:_MOST_OPTIONS]]


def _agent_option(agent: Agent, match: AgentMatch | None) -> Block:
    if match is None:
        return {**option(agent.name, agent.name), "description": _plain(one_line(agent.role, _OPTION_TEXT))}
    seen = ", ".join(f"“{one_line(each.seen, 30)}”" for each in match.evidence[:3])
    why = f"Recommended for {seen}" if seen else "Recommended"
    words = f"{agent.name} ({match.confidence} % sure)"
    return {**option(words, agent.name), "description": _plain(one_line(why, _OPTION_TEXT))}


def option(text: str, value: str) -> Block:
    return {"text": _plain(one_line(text, _OPTION_TEXT)), "value": value[:_OPTION_TEXT]}


class _Option(Struct, frozen=True):
    value: str = ""


class _Value(Struct, frozen=True, kw_only=True):
    """One element's state, of whatever type."""

    value: str | None = None
    selected_option: _Option | None = None
    selected_options: tuple[_Option, ...] = ()
    selected_date: str | None = None

    @property
    def chosen(self) -> str:
        return self.selected_option.value if self.selected_option else ""


class _State(Struct, frozen=True):
    values: dict[str, dict[str, _Value]] = {}


def _task(value: Callable[[str], _Value]) -> NewTask:
    """Raises ValueError for a day that is none."""
    return NewTask(
        title=(value(TITLE).value or "").strip(),
        description=value(DESCRIPTION).value or "",
        agent=value(AGENT).chosen,
        priority=_priority(value(PRIORITY).chosen, value(IMPACT).chosen, value(URGENCY).chosen),
        assignees=tuple(_split(value(ASSIGNEES).value)),
        labels=tuple(_split(value(LABELS).value)),
        due=date.fromisoformat(day) if (day := value(DUE).selected_date) else None,
    )


def _priority(chosen: str, impact: str, urgency: str) -> Priority | None:
    """None leaves it to the analysis."""
    if chosen in set(Priority):
        return Priority(chosen)
    if impact in set(Level) and urgency in set(Level):
        return priority_of(Level(impact), Level(urgency))
    return None


def _split(text: str | None) -> Iterator[str]:
    return (part.strip() for part in (text or "").split(",") if part.strip())


def _input(block: str, label: str, element: Block, *, optional: bool = False, hint: str = "") -> Block:
    more = {"hint": _plain(hint)} if hint else {}
    return {
        "type": "input",
        "block_id": block,
        "label": _plain(label),
        "element": element,
        "optional": optional,
        **more,
    }


def _with(element: Block, initial: str) -> Block:
    return {**element, "initial_value": initial} if initial else element


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}
