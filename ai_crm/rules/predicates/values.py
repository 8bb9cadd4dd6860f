"""The shapes that only the values of conditions have, and the words that findings are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from ai_crm.model.item import Needs
from ai_crm.rules import source
from ai_crm.rules.patterns import BRANCH, MAX_LENGTH, MAX_PATTERNS, PATH, expression_problem, path_problem
from ai_crm.rules.shapes import Schema, Text, Texts, items, kind_of
from ai_crm.rules.source import Node, Problems, Scalar

# What null stands for among names: nobody is assigned, there is no milestone.
NOTHING = ""

NO_NEEDS = Needs()


class NamesOrNull(Struct, frozen=True):
    """One name, null, or a list of both; null is read as NOTHING."""

    each: Text
    most: int = 100

    @property
    def schema(self) -> Schema:
        one = [self.each.schema, {"type": "null"}]
        return {"anyOf": [*one, {"type": "array", "minItems": 1, "maxItems": self.most, "items": {"anyOf": one}}]}

    def read(self, node: Node, name: str, problems: Problems) -> tuple[str, ...]:
        nodes = items(node, name, self.most, problems) if isinstance(node, source.Sequence) else (node,)
        return tuple(dict.fromkeys(self._one(each, name, problems) for each in nodes))

    def _one(self, node: Node, name: str, problems: Problems) -> str:
        is_null = isinstance(node, Scalar) and node.value is None
        return NOTHING if is_null else self.each.read(node, name, problems)


class Patterns(Struct, frozen=True, kw_only=True):
    """One pattern, or a list of them. `problem` says what the schema's `pattern` cannot: why a text is none.

    With `takes_away` a pattern that starts with `!` takes away what those before it mean, so one must come before.
    """

    says: str
    pattern: str = ""
    problem: Callable[[str], str]
    takes_away: bool = False

    @property
    def schema(self) -> Schema:
        schema = Texts(each=self._each, most=MAX_PATTERNS).schema
        if self.takes_away:
            away = {"type": "string", "pattern": "^!"}
            schema["not"] = {"anyOf": [away, {"type": "array", "items": away}]}
        return schema

    def read(self, node: Node, name: str, problems: Problems) -> tuple[str, ...]:
        nodes = items(node, name, MAX_PATTERNS, problems) if isinstance(node, source.Sequence) else (node,)
        found = tuple(self._one(each, name, problems) for each in nodes)
        if self.takes_away and found and all(pattern.startswith("!") for pattern in found):
            problems.add(node.at, f"{name} only takes away", 'put what it takes away from before it, such as "**"')
        return found

    @property
    def _each(self) -> Text:
        return Text(says=self.says, most=MAX_LENGTH, pattern=self.pattern)

    def _one(self, node: Node, name: str, problems: Problems) -> str:
        pattern = self._each.read(node, name, problems)
        wrong = self.problem(pattern) if pattern else ""
        if wrong:
            problems.add(node.at, f'{name}: "{pattern}" {wrong}')
        return pattern


class Count(Struct, frozen=True):
    """A whole number from 0 on; None after telling `problems` why it is none."""

    @property
    def schema(self) -> Schema:
        return {"type": "integer", "minimum": 0}

    def read(self, node: Node, name: str, problems: Problems) -> int | None:
        match node:
            case Scalar(value=int(count)) if not isinstance(count, bool) and count >= 0:
                return count
            case _:
                problems.add(node.at, f"{name} must be a whole number, not {kind_of(node)}")
                return None


COUNT = Count()
LOGINS = Texts(each=Text(says="a login", pattern=r"@?[A-Za-z0-9][A-Za-z0-9_.\-]*(\[bot\])?"))
PATHS = Patterns(says="a pattern for paths, such as *.py", pattern=PATH, problem=path_problem, takes_away=True)
BRANCHES = Texts(
    each=Text(says="a branch or tag, such as main or release/*", most=MAX_LENGTH, pattern=BRANCH), most=MAX_PATTERNS
)
EXPRESSIONS = Patterns(says="a regular expression", problem=expression_problem)


def one_of(*words: str) -> Texts:
    """A word of a closed list, or several of them."""
    return Texts(each=Text(words=words))


def documented(schema: Schema, description: str, *examples: object) -> Schema:
    """The schema with the words that editors show when a person points at the key."""
    return {**schema, "description": description, "examples": list(examples)}


def any_of(values: Sequence[str]) -> str:
    """`bug`, or `any of bug, enhancement`."""
    return f"any of {listed(values)}" if len(values) > 1 else listed(values)


def listed(values: Iterable[str], most: int = 10) -> str:
    """`bug, enhancement`, and how many more when there are too many to read; `nothing` for null."""
    names = [value or "nothing" for value in values]
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def folded(names: Iterable[str]) -> frozenset[str]:
    """Names as platforms compare them: the case of letters and a leading @ do not matter."""
    return frozenset(name.removeprefix("@").casefold() for name in names)
