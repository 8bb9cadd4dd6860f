"""What a ready rule with gaps is, and how `use:` fills them: `$(name)` stands for a whole value or item of a list."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from ai_crm.errors import RulesInvalid
from ai_crm.rules.shapes import FLAG, PRIORITY, Flag, PriorityWord, Schema, Text, Texts, given, object_of
from ai_crm.rules.source import Entry, Mapping, Mark, Node, Problems, Scalar, Sequence, did_you_mean

_DESCRIPTION = Text(most=300)
_PARAMETER = object_of({"description": {}, "type": {}, "default": {}}, required=("description", "type"))
_TEMPLATE = object_of({"description": {}, "parameters": {}, "rule": {}}, required=("description", "parameters", "rule"))
_SHAPES: dict[str, Text | Texts | Flag | PriorityWord] = {
    "text": Text(most=500),
    "list": Texts(each=Text(most=200), most=200),
    "boolean": FLAG,
    "priority": PRIORITY,
}
_TYPE = Text(says="a type", words=tuple(_SHAPES))
_GAP = re.compile(r"\$\(([a-z_]+)\)")


class Parameter(Struct, frozen=True, kw_only=True):
    """One gap. Without a default it must be given; the default null leaves out what the gap stands for."""

    name: str
    description: str
    type: str
    default: Node | None

    @property
    def required(self) -> bool:
        return self.default is None

    @property
    def schema(self) -> Schema:
        schema = {**_SHAPES[self.type].schema, "description": self.description}
        return schema if self.default is None else {**schema, "default": _plain(self.default)}


class RuleTemplate(Struct, frozen=True, kw_only=True):
    """A file of `templates/rules/`. `body` is a rule whose gaps are not filled yet."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    body: Mapping

    @property
    def arguments(self) -> Schema:
        """The schema of what stands under `with:`."""
        required = tuple(parameter.name for parameter in self.parameters if parameter.required)
        return object_of({parameter.name: parameter.schema for parameter in self.parameters}, required=required)


def read_rule_template(name: str, document: Mapping) -> RuleTemplate:
    """The template in a shipped file. Raises RulesInvalid for one that is broken: a bug of ours."""
    problems = Problems(f"templates/rules/{name}.yml")
    parts = given(document, _TEMPLATE, "a rule template", problems)
    parameters = parts.nodes.get("parameters")
    body = parts.nodes.get("rule")
    if not isinstance(parameters, Mapping) or not isinstance(body, Mapping):
        problems.add(document.at, "parameters and rule must be mappings")
        raise RulesInvalid(problems.found)
    template = RuleTemplate(
        name=name,
        description=parts.read(_DESCRIPTION, "description", absent=""),
        parameters=tuple(_parameter(entry, problems) for entry in parameters.entries),
        body=body,
    )
    _check_gaps(body, tuple(parameter.name for parameter in template.parameters), problems)
    problems.raise_if_any()
    return template


def filled(template: RuleTemplate, arguments: Node, at: Mark, problems: Problems) -> Mapping:
    """The template's rule with its gaps filled. What the template says stands at `at`, what the file says where it is."""
    values = _values(template, arguments, at, problems)
    return Mapping(tuple(_filled_entries(template.body, values, at)), at)


def _parameter(entry: Entry, problems: Problems) -> Parameter:
    parts = given(entry.value, _PARAMETER, f"the parameter {entry.key.text}", problems)
    return Parameter(
        name=entry.key.text,
        description=parts.read(_DESCRIPTION, "description", absent=""),
        type=parts.read(_TYPE, "type", absent="text"),
        default=parts.nodes.get("default"),
    )


def _plain(node: Node) -> object:
    """The value as JSON has it."""
    match node:
        case Scalar():
            return node.value
        case Sequence():
            return [_plain(item) for item in node.items]
        case Mapping():
            return {entry.key.text: _plain(entry.value) for entry in node.entries}


def _check_gaps(node: Node, names: tuple[str, ...], problems: Problems) -> None:
    match node:
        case Scalar() if "$(" in node.text:
            gap = _GAP.fullmatch(node.text)
            if gap is None or gap[1] not in names:
                problems.add(node.at, f'"{node.text}" is no parameter', did_you_mean(node.text, names))
        case Scalar():
            return
        case Sequence():
            for item in node.items:
                _check_gaps(item, names, problems)
        case Mapping():
            for entry in node.entries:
                _check_gaps(entry.value, names, problems)


def _values(template: RuleTemplate, arguments: Node, at: Mark, problems: Problems) -> dict[str, Node]:
    """What each gap is filled with: the argument, else (also where that is wrong) the default."""
    stated = given(arguments, template.arguments, f"with (for {template.name})", problems)
    values: dict[str, Node] = {}
    for parameter in template.parameters:
        argument = stated.nodes.get(parameter.name)
        if argument is not None and _fits(argument, parameter, problems):
            values[parameter.name] = argument
        elif parameter.default is not None:
            values[parameter.name] = _moved(parameter.default, at)
    return values


def _fits(argument: Node, parameter: Parameter, problems: Problems) -> bool:
    known = len(problems.found)
    _SHAPES[parameter.type].read(argument, parameter.name, problems)
    return len(problems.found) == known


def _filled_entries(mapping: Mapping, values: dict[str, Node], at: Mark) -> Iterator[Entry]:
    for entry in mapping.entries:
        value = _filled(entry.value, values, at)
        if value is not None:
            yield Entry(_moved_scalar(entry.key, at), value)


def _filled_items(sequence: Sequence, values: dict[str, Node], at: Mark) -> Iterator[Node]:
    for item in sequence.items:
        value = _filled(item, values, at)
        if isinstance(item, Scalar) and isinstance(value, Sequence):
            yield from value.items
        elif value is not None and not _is_emptied(item, value):
            yield value


def _is_emptied(before: Node, after: Node) -> bool:
    """Whether nothing is left of a mapping because all of its gaps are filled with nothing."""
    return isinstance(before, Mapping) and bool(before.entries) and isinstance(after, Mapping) and not after.entries


def _filled(node: Node, values: dict[str, Node], at: Mark) -> Node | None:
    """The node at its new place; None for a gap that is filled with nothing."""
    match node:
        case Scalar():
            gap = _GAP.fullmatch(node.text)
            value = values.get(gap[1]) if gap else _moved_scalar(node, at)
            return None if isinstance(value, Scalar) and gap and value.value is None else value
        case Sequence():
            return Sequence(tuple(_filled_items(node, values, at)), at)
        case Mapping():
            return Mapping(tuple(_filled_entries(node, values, at)), at)


def _moved(node: Node, at: Mark) -> Node:
    moved = _filled(node, {}, at)
    return node if moved is None else moved


def _moved_scalar(scalar: Scalar, at: Mark) -> Scalar:
    return Scalar(scalar.value, scalar.text, at)
