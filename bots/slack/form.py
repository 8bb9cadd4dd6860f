"""The window in which a task is created: which fields it has, what the analysis puts there, and what was entered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import msgspec
from msgspec import Struct

from ai_crm.cards.inert import one_line
from ai_crm.commands.command import NewTask
from ai_crm.commands.priority import Level, matrix_lines, priority_of
from ai_crm.errors import PayloadInvalid
from ai_crm.model.agent import Agent
from ai_crm.model.analysis import Analysis, Priority

CALLBACK = "create_task"
# Blocks and the one element in each have the same name; Slack keeps what was typed as long as both stay the same.
TITLE, DESCRIPTION, AGENT, IMPACT, URGENCY = "title", "description", "agent", "impact", "urgency"
PRIORITY, ASSIGNEES, LABELS, DUE, SHARE = "priority", "assignees", "labels", "due", "share"

# https://docs.slack.dev/reference/block-kit (read 2026-11): options a menu, and characters of an option's text and value.
_MOST_OPTIONS, _OPTION_TEXT = 100, 75
_BY_MATRIX = "matrix"
_MOST_TITLE, _MOST_DESCRIPTION = 250, 3_000

View = dict[str, Any]


class Origin(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the window was opened: the channel that hears of the task, and the message that it is about."""

    channel: str = ""
    thread: str = ""
    permalink: str = ""


class Draft(Struct, frozen=True, kw_only=True):
    """What is known before anybody typed into the window."""

    title: str = ""
    description: str = ""
    wanted: NewTask | None = None
    origin: Origin = Origin()


def window(draft: Draft, analysis: Analysis | None) -> View:
    """The view for views.open and views.update. Without an analysis it says that one is on its way."""
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": msgspec.json.encode(draft.origin).decode(),
        "title": _plain("New task"),
        "submit": _plain("Create"),
        "close": _plain("Cancel"),
        "notify_on_close": False,
        "blocks": [*_texts(draft), *_analysed(analysis), *_choices(draft), *_rest(draft)],
    }


def _texts(draft: Draft) -> Iterator[View]:
    title: View = {
        "type": "plain_text_input",
        "action_id": TITLE,
        "max_length": _MOST_TITLE,
        "dispatch_action_config": {"trigger_actions_on": ["on_enter_pressed"]},
    }
    body: View = {
        "type": "plain_text_input",
        "action_id": DESCRIPTION,
        "multiline": True,
        "max_length": _MOST_DESCRIPTION,
    }
    yield {**_input(TITLE, "Title", _with(title, draft.title[:_MOST_TITLE])), "dispatch_action": True}
    yield _input(DESCRIPTION, "Description", _with(body, draft.description[:_MOST_DESCRIPTION]), optional=True)


def _analysed(analysis: Analysis | None) -> Iterator[View]:
    if analysis is None:
        words = "The analysis is on its way; press Enter in the title to ask for it."
    else:
        effort, agent = analysis.effort, analysis.recommended
        who = f"{agent.name} ({agent.confidence} % sure)" if agent else "nobody in particular"
        words = (
            f"Analysis: {analysis.type.value}, {effort.complexity}, {effort.hours} hours "
            f"({effort.low} to {effort.high}), priority {analysis.urgency.value}, for {who}."
        )
    yield {"type": "context", "block_id": "analysis", "elements": [_plain(words)]}


def _choices(draft: Draft) -> Iterator[View]:
    agent: View = {"type": "external_select", "action_id": AGENT, "min_query_length": 0}
    wanted = draft.wanted
    if wanted and wanted.agent:
        agent["initial_option"] = option(wanted.agent, wanted.agent)
    yield _input(AGENT, "Agent", agent, optional=True, hint="Without one the analysis recommends somebody")
    for block, label in ((IMPACT, "Impact"), (URGENCY, "Urgency")):
        levels = [option(level.capitalize(), level) for level in Level]
        yield _input(block, label, {"type": "static_select", "action_id": block, "options": levels}, optional=True)
    given = wanted.priority if wanted else None
    priorities = [option("As impact and urgency say, else as the analysis", _BY_MATRIX)]
    priorities += [option(priority, priority) for priority in reversed(Priority)]
    chosen = option(given, given) if given else priorities[0]
    choice = {"type": "static_select", "action_id": PRIORITY, "options": priorities, "initial_option": chosen}
    yield _input(PRIORITY, "Priority", choice, hint=f"Low, medium and high urgency: {'; '.join(matrix_lines())}")


def _rest(draft: Draft) -> Iterator[View]:
    wanted = draft.wanted or NewTask(title="")
    people: View = {"type": "plain_text_input", "action_id": ASSIGNEES}
    labels: View = {"type": "plain_text_input", "action_id": LABELS}
    due: View = {"type": "datepicker", "action_id": DUE}
    if wanted.due:
        due["initial_date"] = wanted.due.isoformat()
    hint = "Logins on GitHub, with commas between; @me for yourself"
    yield _input(ASSIGNEES, "Assignees", _with(people, ", ".join(wanted.assignees)), optional=True, hint=hint)
    yield _input(LABELS, "Labels", _with(labels, ", ".join(wanted.labels)), optional=True, hint="With commas between")
    yield _input(DUE, "Due", due, optional=True)
    if draft.origin.channel:
        share = {"type": "checkboxes", "action_id": SHARE, "options": [option("Show the task in the channel", "yes")]}
        yield _input(SHARE, "Who sees it", share, optional=True)


def waiting() -> View:
    """What the window shows when making the task takes longer than Slack lets a window wait."""
    return _told("The task is being made. You can close this; you will be told when it is there.")


def ended(told: str) -> View:
    return _told(told)


def _told(text: str) -> View:
    words = {"type": "section", "block_id": "told", "text": _plain(text)}
    return {"type": "modal", "title": _plain("New task"), "close": _plain("Close"), "blocks": [words]}


class Entered(Struct, frozen=True, kw_only=True):
    """What a person sent, and where the window was opened."""

    task: NewTask
    share: bool
    origin: Origin


class Wrong(Struct, frozen=True):
    """What must be said beside which field: block -> sentence."""

    errors: Mapping[str, str]


def entered(view: Mapping[str, Any], me: str) -> Entered | Wrong:
    """What stands in a window that was sent. `me` is the login behind @me, or empty. Raises PayloadInvalid."""
    try:
        values = msgspec.convert(view["state"]["values"], dict[str, dict[str, _Value]])
        origin = msgspec.json.decode(view.get("private_metadata") or "{}", type=Origin)
    except (KeyError, TypeError, msgspec.MsgspecError) as error:
        raise PayloadInvalid("this is not the window that was opened", where="Slack") from error
    state = {block: next(iter(fields.values()), _Value()) for block, fields in values.items()}
    nothing = _Value()

    def value(block: str) -> _Value:
        return state.get(block, nothing)

    errors: dict[str, str] = {}
    if not (value(TITLE).value or "").strip():
        errors[TITLE] = "A task needs a title"
    assignees = tuple(_split(value(ASSIGNEES).value))
    if "@me" in assignees and not me:
        errors[ASSIGNEES] = "Say once who you are on GitHub: /ai-crm link your-login"
    if errors:
        return Wrong(errors)
    return Entered(
        task=NewTask(
            title=(value(TITLE).value or "").strip(),
            description=value(DESCRIPTION).value or "",
            agent=value(AGENT).chosen,
            priority=_priority(value(PRIORITY).chosen, value(IMPACT).chosen, value(URGENCY).chosen),
            assignees=tuple(me if name == "@me" else name.removeprefix("@") for name in assignees),
            labels=tuple(_split(value(LABELS).value)),
            due=date.fromisoformat(day) if (day := value(DUE).selected_date) else None,
        ),
        share=bool(value(SHARE).selected_options),
        origin=origin,
    )


def draft_of(view: Mapping[str, Any], me: str) -> Draft:
    """What stands in a window at this moment, for an analysis while somebody still writes."""
    found = entered(view, me or "me")
    if isinstance(found, Wrong):
        return Draft()
    return Draft(title=found.task.title, description=found.task.description, wanted=found.task, origin=found.origin)


def agent_options(agents: tuple[Agent, ...], typed: str, analysis: Analysis | None) -> list[View]:
    """The agents whose name or description holds what was typed; those whom the analysis recommends come first."""
    words = typed.lower().split()
    found = [
        each
        for each in agents
        if all(word in f"{each.name} {each.role} {' '.join(each.skills)}".lower() for word in words)
    ]
    sure = {match.name: match.confidence for match in analysis.agents} if analysis else {}
    found.sort(key=lambda each: (-sure.get(each.name, -1), each.name))
    return [
        option(f"{each.name} – recommended, {sure[each.name]} % sure" if each.name in sure else each.name, each.name)  # noqa: RUF001
        for each in found[:_MOST_OPTIONS]
    ]


def option(text: str, value: str) -> View:
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


def _priority(chosen: str, impact: str, urgency: str) -> Priority | None:
    """None leaves it to the analysis."""
    if chosen in set(Priority):
        return Priority(chosen)
    if impact in set(Level) and urgency in set(Level):
        return priority_of(Level(impact), Level(urgency))
    return None


def _split(text: str | None) -> Iterator[str]:
    return (part.strip() for part in (text or "").split(",") if part.strip())


def _input(block: str, label: str, element: View, *, optional: bool = False, hint: str = "") -> View:
    more = {"hint": _plain(hint)} if hint else {}
    return {
        "type": "input",
        "block_id": block,
        "label": _plain(label),
        "element": element,
        "optional": optional,
        **more,
    }


def _with(element: View, initial: str) -> View:
    return {**element, "initial_value": initial} if initial else element


def _plain(text: str) -> View:
    return {"type": "plain_text", "text": text, "emoji": False}
