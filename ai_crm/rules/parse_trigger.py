"""How a rule says what it waits for: one trigger or several, in either spelling, short or with its platform."""

from __future__ import annotations

from msgspec import Struct

from ai_crm.model.trigger import TRIGGERS, Trigger, find_trigger, spellings
from ai_crm.rules.shapes import Schema, Text, given, items, kind_of, object_of
from ai_crm.rules.source import Mapping, Node, Problems, Scalar, Sequence, nearest

_MOST = 50
_PLATFORM = Text(says="a platform", words=tuple(dict.fromkeys(trigger.platform.value for trigger in TRIGGERS)))

EVENT: Schema = {"enum": list(spellings())}
EVENTS: Schema = {
    "anyOf": [
        {"$ref": "#/$defs/event"},
        {"type": "array", "minItems": 1, "maxItems": _MOST, "items": {"$ref": "#/$defs/event"}},
    ]
}
TRIGGER = object_of(
    {
        "platform": {**_PLATFORM.schema, "description": "Where it happens."},
        "event": {"$ref": "#/$defs/events", "description": "What happens."},
        "conditions": {"$ref": "#/$defs/conditions", "description": "What must hold besides."},
    },
    required=("event",),
)


class Wait(Struct, frozen=True):
    """What a rule waits for, and the conditions that stand beside the trigger in the long form."""

    triggers: tuple[Trigger, ...]
    conditions: tuple[Node, ...] = ()


def read_trigger(node: Node, problems: Problems) -> Wait:
    """The triggers, each once; () after telling `problems` why there are none."""
    if not isinstance(node, Mapping):
        return Wait(_events(node, "trigger", problems))
    parts = given(node, TRIGGER, "a trigger", problems)
    parts.read(_PLATFORM, "platform", absent="")
    event = parts.nodes.get("event")
    conditions = parts.nodes.get("conditions")
    return Wait(_events(event, "event", problems) if event else (), (conditions,) if conditions else ())


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
