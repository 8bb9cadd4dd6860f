"""The part of the Adaptive Expressions language that card templates use, compiled once to closures.

Names (`a.b[0].c`, `$root`, `$data`, `$index`), literals, `==` `!=` `<` `<=` `>` `>=`, `!` `&&` `||`, parentheses,
`if()`, `exists()`, `count()` and `length()`: the answers are those of Microsoft's library, which the tests ask, except
that `||` is always true or false. Only false, null and what is missing count as false. What the library does not answer
either, such as an order between a number and a text, raises ValueError, and so does all that is not in this list:
templates are ours, and an error in one is a bug.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, assert_never

from msgspec import Struct

MISSING: Final = object()  # what a name answers when the data has no such thing; null is something
Evaluate = Callable[[Any, Any, int | None], Any]  # root, data, index -> a JSON value or MISSING


def parse(source: str) -> Expression:
    """The tree of an expression. Raises ValueError for what is not in the language above."""
    tokens = _Tokens(source)
    tree = _either(tokens)
    if tokens.ahead:
        raise ValueError(f"unexpected {tokens.ahead!r} in the expression {source!r}")
    return tree


def compiled(tree: Expression, *, placeholder: bool) -> Evaluate:
    """A function of (root, data, index). With `placeholder` a missing name answers `${name}`, as it does in a text."""
    match tree:
        case Literal(value=value):
            return lambda _root, _data, _index: value
        case Path():
            return _with_placeholder(tree) if placeholder else _lookup(tree)
        case Not(operand=operand):
            inner = _condition(operand)
            return lambda root, data, index: not inner(root, data, index)
        case Both(left=left, right=right):
            one, two = _condition(left), _condition(right)
            return lambda root, data, index: one(root, data, index) and two(root, data, index)
        case Either(left=left, right=right):
            one, two = _condition(left), _condition(right)
            return lambda root, data, index: one(root, data, index) or two(root, data, index)
        case Compare(sign=sign, left=left, right=right):
            compare, one, two = (
                _COMPARISONS[sign],
                compiled(left, placeholder=False),
                compiled(right, placeholder=False),
            )
            return lambda root, data, index: compare(one(root, data, index), two(root, data, index))
        case Call():
            return _function(tree, placeholder=placeholder)
        case _:
            assert_never(tree)


class Literal(Struct, frozen=True):
    value: str | int | float | bool | None


class Path(Struct, frozen=True):
    """`start` is `$root`, `$data` or `$index`; `source` is what a placeholder shows."""

    start: str
    steps: tuple[str | int, ...]
    source: str


class Not(Struct, frozen=True):
    operand: Expression


class Both(Struct, frozen=True):
    left: Expression
    right: Expression


class Either(Struct, frozen=True):
    left: Expression
    right: Expression


class Compare(Struct, frozen=True):
    sign: str
    left: Expression
    right: Expression


class Call(Struct, frozen=True):
    name: str
    arguments: tuple[Expression, ...]


Expression = Literal | Path | Not | Both | Either | Compare | Call


_PATTERN = r"""\s*(?:(\d+(?:\.\d+)?|'[^'\\]*'|"[^"\\]*"|\$?[A-Za-z_]\w*|[=!<>]=|&&|\|\||[-!<>()\[\].,])|$)"""
_ARITY = {"if": 3, "exists": 1, "count": 1, "length": 1}
_WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None}


class _Tokens:
    """The rest of an expression, one token ahead."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._at = 0
        self.ahead = ""
        self.take()

    def take(self) -> str:
        taken = self.ahead
        found = re.compile(_PATTERN).match(self.source, self._at)
        if not found:
            raise ValueError(f"cannot read the expression {self.source!r} at {self.source[self._at :]!r}")
        self._at = found.end()
        self.ahead = found[1] or ""
        return taken

    def expect(self, token: str) -> None:
        if self.take() != token:
            raise ValueError(f"{token!r} is missing in the expression {self.source!r}")


def _either(tokens: _Tokens) -> Expression:
    tree = _both(tokens)
    while tokens.ahead == "||":
        tokens.take()
        tree = Either(tree, _both(tokens))
    return tree


def _both(tokens: _Tokens) -> Expression:
    tree = _comparison(tokens)
    while tokens.ahead == "&&":
        tokens.take()
        tree = Both(tree, _comparison(tokens))
    return tree


def _comparison(tokens: _Tokens) -> Expression:
    # Not a loop: the language binds `==` tighter than `<`, which nobody expects. Parentheses say what is meant.
    left = _unary(tokens)
    if tokens.ahead not in _COMPARISONS:
        return left
    return Compare(tokens.take(), left, _unary(tokens))


def _unary(tokens: _Tokens) -> Expression:
    if tokens.ahead != "!":
        return _primary(tokens)
    tokens.take()
    return Not(_unary(tokens))


def _primary(tokens: _Tokens) -> Expression:
    word = tokens.take()
    if word == "(":
        tree = _either(tokens)
        tokens.expect(")")
        return tree
    if word == "-":
        return Literal(-_number(tokens.take()))
    if word[:1].isdigit():
        return Literal(_number(word))
    if word[:1] in ("'", '"'):
        return Literal(word[1:-1])
    if word in _WORDS:
        return Literal(_WORDS[word])
    if re.match(r"[$A-Za-z_]", word):
        return _call(tokens, word) if tokens.ahead == "(" else _path(tokens, word)
    raise ValueError(f"a value is missing in the expression {tokens.source!r}")


def _number(token: str) -> int | float:
    if not token[:1].isdigit():
        raise ValueError(f"{token!r} is not a number")
    return float(token) if "." in token else int(token)


def _call(tokens: _Tokens, name: str) -> Call:
    arguments: list[Expression] = []
    tokens.expect("(")
    while tokens.ahead != ")":
        arguments.append(_either(tokens))
        if tokens.ahead != ")":
            tokens.expect(",")
    tokens.expect(")")
    if len(arguments) != _ARITY.get(name):
        raise ValueError(f"no function {name}() with {len(arguments)} arguments, in the expression {tokens.source!r}")
    return Call(name, tuple(arguments))


def _path(tokens: _Tokens, name: str) -> Path:
    special = name in ("$root", "$data", "$index")
    if name.startswith("$") and not special:
        raise ValueError(f"unknown name {name!r} in the expression {tokens.source!r}")
    steps: list[str | int] = [] if special else [name]
    source = name
    while tokens.ahead in (".", "["):
        if tokens.take() == ".":
            steps.append(_member(tokens))
            source += f".{steps[-1]}"
        else:
            steps.append(int(_number(tokens.take())))
            source += f"[{steps[-1]}]"
            tokens.expect("]")
    return Path(name if special else "$data", tuple(steps), source)


def _member(tokens: _Tokens) -> str:
    if not re.match(r"[A-Za-z_]", tokens.ahead):
        raise ValueError(f"a name is missing after the dot in the expression {tokens.source!r}")
    return tokens.take()


def _condition(tree: Expression) -> Callable[[Any, Any, int | None], bool]:
    """What is asked whether it holds; what has no answer does not."""
    evaluate = compiled(tree, placeholder=False)

    def holds(root: Any, data: Any, index: int | None) -> bool:
        try:
            value = evaluate(root, data, index)
        except ValueError:
            return False
        return value is not False and _there(value)

    return holds


def _function(call: Call, *, placeholder: bool) -> Evaluate:
    if call.name == "if":
        condition = _condition(call.arguments[0])
        then, otherwise = (compiled(argument, placeholder=placeholder) for argument in call.arguments[1:])
        return lambda root, data, index: (then if condition(root, data, index) else otherwise)(root, data, index)
    answer = _FUNCTIONS[call.name]
    argument = compiled(call.arguments[0], placeholder=placeholder and answer is not _there)
    return lambda root, data, index: answer(argument(root, data, index))


def _lookup(path: Path) -> Evaluate:
    steps = path.steps
    if path.start == "$index":
        return lambda _root, _data, index: MISSING if index is None or steps else index
    if path.start == "$root":
        return lambda root, _data, _index: _walk(root, steps)
    if len(steps) == 1:
        only = steps[0]
        return lambda _root, data, _index: _step(data, only)
    return lambda _root, data, _index: _walk(data, steps)


def _walk(value: Any, steps: tuple[str | int, ...]) -> Any:
    for step in steps:
        value = _step(value, step)
    return value


def _step(value: Any, step: str | int) -> Any:
    if isinstance(step, str):
        return value.get(step, MISSING) if isinstance(value, dict) else MISSING
    return value[step] if isinstance(value, list | tuple) and step < len(value) else MISSING


def _with_placeholder(path: Path) -> Evaluate:
    lookup, shown = _lookup(path), "${" + path.source + "}"

    def look(root: Any, data: Any, index: int | None) -> Any:
        value = lookup(root, data, index)
        return shown if value is MISSING else value

    return look


def _there(value: Any) -> bool:
    return value is not None and value is not MISSING


def _count(value: Any) -> int:
    if isinstance(value, str | list | tuple | dict):
        return len(value)
    raise ValueError(f"count() of {value!r}, which is neither a list nor a text")


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    raise ValueError(f"length() of {value!r}, which is not a text")


_FUNCTIONS: Mapping[str, Callable[[Any], bool | int]] = {"exists": _there, "count": _count, "length": _length}


def _equal(left: Any, right: Any) -> bool:
    if not _there(left) or not _there(right):
        return not _there(left) and not _there(right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def ordered(left: Any, right: Any) -> bool:
        if not _there(left) or not _there(right):
            return False
        if _sort(left) is not _sort(right):
            raise ValueError(f"{left!r} and {right!r} have no order")
        return compare(left, right)

    return ordered


def _sort(value: Any) -> type[str | float]:
    if isinstance(value, str):
        return str
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float
    raise ValueError(f"{value!r} comes before and after nothing")


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
}
