"""The shapes that values in a rules file may have: each knows its JSON Schema and reads exactly what that accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as Table
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from ai_crm.model.analysis import Priority
from ai_crm.rules.source import Mapping, Mark, Node, Problems, Scalar, Sequence, did_you_mean

Schema = dict[str, Any]
T_co = TypeVar("T_co", covariant=True)
V = TypeVar("V")


class Readable(Protocol[T_co]):
    """What can be read from a node; what cannot be is told to `problems`, and the answer is then empty."""

    def read(self, node: Node, name: str, problems: Problems) -> T_co: ...


# In a JSON Schema `$` may also match before a last line break; this is the end of the text in every dialect.
_END = r"(?![\s\S])"


class Text(Struct, frozen=True, kw_only=True):
    """Text of 1 to `most` characters. `says` is what a problem calls it; `words` are a closed list of all it may be."""

    says: str = "text"
    most: int = 200
    pattern: str = ""
    words: tuple[str, ...] = ()

    @property
    def schema(self) -> Schema:
        if self.words:
            return {"enum": list(self.words)}
        pattern = {"pattern": f"^{self.pattern}{_END}"} if self.pattern else {}
        return {"type": "string", "minLength": 1, "maxLength": self.most, **pattern}

    def read(self, node: Node, name: str, problems: Problems) -> str:
        """The text; "" after telling `problems` why it is none."""
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            problems.add(node.at, f"{name} must be {self.says}, not {kind_of(node)}", _quotes(node))
            return ""
        wrong = self._wrong(node.value)
        if wrong:
            problems.add(node.at, f"{name} {wrong}", did_you_mean(node.value.casefold(), self.words))
            return ""
        return node.value

    def _wrong(self, value: str) -> str:
        if self.words and value not in self.words:
            return f'cannot be "{_shown(value)}"; it is one of {", ".join(self.words)}'
        if not value:
            return "is empty"
        if len(value) > self.most:
            return f"is {len(value)} characters long; {self.most} are allowed"
        if self.pattern and not re.fullmatch(self.pattern, value):
            return f'must be {self.says}, not "{_shown(value)}"'
        return ""


class Texts(Struct, frozen=True, kw_only=True):
    """One text, or a list of 1 to `most` of them."""

    each: Text
    most: int = 100

    @property
    def schema(self) -> Schema:
        one = self.each.schema
        return {"anyOf": [one, {"type": "array", "minItems": 1, "maxItems": self.most, "items": one}]}

    def read(self, node: Node, name: str, problems: Problems) -> tuple[str, ...]:
        """The texts, each once, in the order of the file."""
        if not isinstance(node, Sequence):
            return tuple(filter(None, (self.each.read(node, name, problems),)))
        return tuple(
            dict.fromkeys(self.each.read(item, name, problems) for item in items(node, name, self.most, problems))
        )


class Flag(Struct, frozen=True):
    """True or false."""

    @property
    def schema(self) -> Schema:
        return {"type": "boolean"}

    def read(self, node: Node, name: str, problems: Problems) -> bool:
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        problems.add(node.at, f"{name} must be true or false, not {kind_of(node)}")
        return False


class PriorityWord(Struct, frozen=True):
    """A priority in any case."""

    @property
    def schema(self) -> Schema:
        any_case = "|".join("".join(f"[{letter}{letter.lower()}]" for letter in word) for word in Priority)
        return {"anyOf": [{"enum": _PRIORITIES}, {"type": "string", "pattern": f"^({any_case}){_END}"}]}

    def read(self, node: Node, name: str, problems: Problems) -> Priority | None:
        if isinstance(node, Scalar) and isinstance(node.value, str) and node.value.isascii():
            found = next((priority for priority in Priority if priority == node.value.upper()), None)
            if found is not None:
                return found
        wrong = f"{name} must be one of {', '.join(_PRIORITIES)}, not {kind_of(node)}"
        problems.add(
            node.at, wrong, did_you_mean(node.text.casefold(), _PRIORITIES) if isinstance(node, Scalar) else ""
        )
        return None


_PRIORITIES = [priority.lower() for priority in reversed(Priority)]

FLAG = Flag()
PRIORITY = PriorityWord()
NAME = Text(says="a name on one line", most=100, pattern=r"[^\x00-\x1f\x7f\s]([^\x00-\x1f\x7f]*[^\x00-\x1f\x7f\s])?")
NOTE = Text(most=1_000)
LABELS = Texts(each=Text(says="a label", most=50))
LOGIN = Text(says="a login without @, such as octocat", pattern=r"[A-Za-z0-9][A-Za-z0-9_.\-]*(\[bot\])?")
LOGINS = Texts(each=LOGIN)
TEAM = Text(says="a team, such as org/team", pattern=r"[A-Za-z0-9][A-Za-z0-9_.\-]*(/[A-Za-z0-9][A-Za-z0-9_.\-]*)?")
SOMEONE = Text(says="a login or a team without @, such as octocat or org/team", pattern=TEAM.pattern)


def described(shape: Text | Texts | Flag | PriorityWord, description: str, *examples: Any) -> Schema:
    """The shape's schema with the words that an editor shows when a person points at it."""
    return {**shape.schema, "description": description, **({"examples": list(examples)} if examples else {})}


def object_of(
    properties: Table[str, Schema],
    *,
    required: tuple[str, ...] = (),
    one_of: tuple[str, ...] = (),
    never_both: tuple[tuple[str, str], ...] = (),
) -> Schema:
    """The schema of a mapping with these keys and no other.

    At least one of `one_of` must be there; of each pair in `never_both` only one may be.
    """
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": dict(properties)}
    if required:
        schema["required"] = list(required)
    if one_of:
        schema["anyOf"] = [{"required": [key]} for key in one_of]
    if never_both:
        schema["allOf"] = [{"not": {"required": list(pair)}} for pair in never_both]
    return schema


class Given(Struct, frozen=True):
    """What stands in a mapping under the keys that its schema knows."""

    nodes: dict[str, Node]
    at: Mark
    problems: Problems

    def read(self, shape: Readable[V], *keys: str, absent: V) -> V:
        """The value under the first of these keys that is there, else `absent`."""
        key = next((key for key in keys if key in self.nodes), None)
        return absent if key is None else shape.read(self.nodes[key], key, self.problems)


def given(node: Node, schema: Table[str, Any], name: str, problems: Problems) -> Given:
    """Reads a mapping whose schema `object_of` made; tells about every key that is unknown, missing or too much."""
    if not isinstance(node, Mapping):
        problems.add(node.at, f"{name} must be a mapping, not {kind_of(node)}")
        return Given({}, node.at, problems)
    known = schema["properties"]
    for entry in node.entries:
        if entry.key.text not in known:
            hint = did_you_mean(entry.key.text, known) or f"it knows {', '.join(known)}"
            problems.add(entry.key.at, f'{name} has no key "{_shown(entry.key.text)}"', hint)
    nodes = {entry.key.text: entry.value for entry in node.entries if entry.key.text in known}
    for what in _keys_amiss(nodes, schema):
        problems.add(node.at, f"{name} {what}")
    return Given(nodes, node.at, problems)


def _keys_amiss(nodes: dict[str, Node], schema: Table[str, Any]) -> Iterator[str]:
    missing = [key for key in schema.get("required", ()) if key not in nodes]
    if missing:
        yield f"needs {_listed(missing)}"
    one_of = [key for choice in schema.get("anyOf", ()) for key in choice["required"]]
    if one_of and not any(key in nodes for key in one_of):
        yield f"needs one of {_listed(one_of)}"
    for pair in schema.get("allOf", ()):
        both = pair["not"]["required"]
        if all(key in nodes for key in both):
            yield f"has both {_listed(both)}: keep one"


def items(node: Node, name: str, most: int, problems: Problems) -> tuple[Node, ...]:
    """The items of a list that must have 1 to `most` of them."""
    if not isinstance(node, Sequence):
        problems.add(node.at, f"{name} must be a list, not {kind_of(node)}")
        return ()
    if not node.items:
        problems.add(node.at, f"{name} is an empty list", "leave it out or put something in")
    if len(node.items) > most:
        problems.add(node.at, f"{name} has {len(node.items)} items; {most} are allowed")
        return ()
    return node.items


def as_text(key: Scalar) -> Scalar:
    """The key of a mapping: always a text, as in JSON, even where YAML would make a number of it."""
    return Scalar(key.text, key.text, key.at, key.raw)


def kind_of(node: Node) -> str:
    """What a value is, in words for a person."""
    match node:
        case Mapping():
            return "a mapping"
        case Sequence():
            return "a list"
        case Scalar(value=None):
            return "nothing"
        case Scalar(value=bool()):
            return "true or false"
        case Scalar(value=str()):
            return f'"{_shown(node.text)}"'
        case Scalar():
            return f"the number {_shown(node.text)}"


def _listed(keys: list[str]) -> str:
    return " and ".join(f'"{key}"' for key in keys) if len(keys) < 3 else ", ".join(f'"{key}"' for key in keys)


def _quotes(node: Node) -> str:
    return "put it in quotes" if isinstance(node, Scalar) and node.value is not None else ""


def _shown(value: str) -> str:
    one_line = " ".join(value.split())
    return one_line if len(one_line) <= 60 else one_line[:59] + "…"
