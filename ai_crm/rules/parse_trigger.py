"""How a rule says what it waits for: one trigger or several, in either spelling, short or with its platform."""

from __future__ import annotations

from collections.abc import Mapping as Table

from msgspec import Struct

from ai_crm.model.trigger import REPORT, TRIGGERS, Trigger, find_trigger, spellings
from ai_crm.rules.schedule import CRON, ZONE, Schedule, read_schedule
from ai_crm.rules.shapes import Schema, Text, given, items, kind_of, object_of
from ai_crm.rules.source import Mapping, Mark, Node, Problems, Scalar, Sequence, nearest

_MOST = 50
_PLATFORM = Text(says="a platform", words=tuple(dict.fromkeys(trigger.platform.value for trigger in TRIGGERS)))

EVENT: Schema = {"enum": list(spellings())}
EVENTS: Schema = {
    "anyOf": [
        {"$ref": "#/$defs/event"},
        {"type": "array", "minItems": 1, "maxItems": _MOST, "items": {"$ref": "#/$defs/event"}},
    ]
}
# Both may stand beside the trigger or inside of its long form.
TIMES: dict[str, Schema] = {
    "cron": {
        **CRON.schema,
        "description": "When the hub asks a rule that waits for `schedule` or `report`: "
        "minute, hour, day of the month, month, weekday. A workflow has its own `on: schedule` instead.",
        "examples": ["0 9 * * 1-5"],
    },
    "time_zone": {
        **ZONE.schema,
        "description": "Where `cron` is told the time; UTC when it is left out.",
        "examples": ["Europe/Berlin"],
    },
}
TRIGGER = object_of(
    {
        "platform": {**_PLATFORM.schema, "description": "Where it happens."},
        "event": {"$ref": "#/$defs/events", "description": "What happens."},
        "conditions": {"$ref": "#/$defs/conditions", "description": "What must hold besides."},
        **TIMES,
    },
    required=("event",),
)


class Wait(Struct, frozen=True):
    """What a rule waits for, and the conditions that stand beside the trigger in the long form."""

    triggers: tuple[Trigger, ...]
    conditions: tuple[Node, ...] = ()
    schedule: Schedule | None = None


def read_trigger(node: Node, beside: Table[str, Node], problems: Problems) -> Wait:
    """The triggers, each once; () after telling `problems` why there are none. `beside` are the keys of the rule."""
    if not isinstance(node, Mapping):
        triggers = _events(node, "trigger", problems)
        return Wait(triggers, schedule=_schedule(triggers, beside, node.at, problems))
    parts = given(node, TRIGGER, "a trigger", problems)
    parts.read(_PLATFORM, "platform", absent="")
    event = parts.nodes.get("event")
    conditions = parts.nodes.get("conditions")
    triggers = _events(event, "event", problems) if event else ()
    for key in TIMES.keys() & parts.nodes.keys() & beside.keys():
        problems.add(parts.nodes[key].at, f"{key} stands beside the trigger too", "keep one")
    schedule = _schedule(triggers, {**beside, **parts.nodes}, node.at, problems)
    return Wait(triggers, (conditions,) if conditions else (), schedule)


def _schedule(triggers: tuple[Trigger, ...], nodes: Table[str, Node], at: Mark, problems: Problems) -> Schedule | None:
    cron, zone = nodes.get("cron"), nodes.get("time_zone")
    timed = any(trigger.is_timed for trigger in triggers)
    if triggers and not timed and (stray := cron or zone) is not None:
        problems.add(stray.at, "cron and time_zone are for rules that wait for schedule or report")
    elif cron is None and zone is not None:
        problems.add(zone.at, "time_zone needs cron", "such as `cron: 0 9 * * 1-5`")
    elif cron is None and any(trigger.name == REPORT for trigger in triggers):
        problems.add(at, "report needs cron, which says when", "such as `cron: 0 9 * * 1-5`")
    return None if cron is None else read_schedule(cron, zone, problems)


def _events(node: Node, name: str, problems: Problems) -> tuple[Trigger, ...]:
    each = items(node, name, _MOST, problems) if isinstance(node, Sequence) else (node,)
    found = (_event(item, name, problems) for item in each)
    return tuple(dict.fromkeys(trigger for trigger in found if trigger is not None))


def _event(node: Node, name: str, problems: Problems) -> Trigger | None:
    """The trigger, or the one that was probably meant: so that the rest of the rule is looked at all the same."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        problems.add(node.at, f"{name} must be a word such as issue_opened, not {kind_of(node)}")
        return None
    trigger = find_trigger(node.value)
    if trigger is not None:
        return trigger
    family = [trigger for trigger in TRIGGERS if trigger.name.startswith(f"{node.value}.")]
    if family:
        hint = f"say which, such as {' or '.join(trigger.word for trigger in family[:2])}; several go into a list"
        problems.add(node.at, f"{name} {kind_of(node)} is many events", hint)
        return family[0]
    near = nearest(node.value.casefold(), spellings())
    problems.add(node.at, f"there is no {name} {kind_of(node)}", f'did you mean "{near}"?' if near else "")
    return find_trigger(near)
