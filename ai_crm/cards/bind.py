"""How an Adaptive Card template and data become a card: the documented templating language, compiled once.

`${…}` in a text, `$data` on an object (an object changes what names mean inside, a list repeats the object), `$when`,
`$root` and `$index`. Values are put in as they are and never read as templates again. The answers are those of
Microsoft's library, which the tests ask, with one difference: where that throws, or writes a broken expression into
the card, a template here raises ValueError, when it is compiled if that can be known then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from ai_crm.cards.expression import Evaluate, Literal, compiled, parse

Template = Callable[[Any], Any]


def bind(template: Any, data: Any) -> Any:
    """The card that the template makes of the data, all of it JSON. Compile a template that is used more than once."""
    return compile_template(template)(data)


def compile_template(template: Any) -> Template:
    """A function from data to card, which is null where `$when` leaves nothing.

    Its cards share the parts without expressions: nobody may change a card. Raises ValueError.
    """
    evaluate = _moving(_part(template))
    return lambda data: evaluate(data, data, None)


class _Fixed(Struct, frozen=True):
    """A part of a template without expressions, the same in every card."""

    value: Any


_Part = _Fixed | Evaluate
_RESERVED = frozenset({"$data", "$when", "$root", "$index", "$host", "$_acTemplateVersion"})


def _part(node: Any) -> _Part:
    if isinstance(node, str):
        return _text(node)
    if isinstance(node, dict):
        return _object(node)
    if isinstance(node, list):
        return _array([_part(item) for item in node])
    return _Fixed(node)


def _moving(part: _Part) -> Evaluate:
    if not isinstance(part, _Fixed):
        return part
    value = part.value
    return lambda _root, _data, _index: value


# Texts


def _text(text: str) -> _Part:
    pieces = list(_pieces(text))
    if not any(is_expression for _, is_expression in pieces):
        return _Fixed(text)
    if len(pieces) == 1:
        return _expression(pieces[0][0], placeholder=True)
    parts = [
        compiled(parse(piece), placeholder=True) if is_expression else _moving(_Fixed(piece))
        for piece, is_expression in pieces
    ]
    return lambda root, data, index: "".join([_as_text(part(root, data, index)) for part in parts])


def _expression(source: str, *, placeholder: bool) -> Evaluate:
    """A text that is one expression: the value keeps its type."""
    match parse(source):
        case Literal():
            raise ValueError(f"an expression that is always {source}: write it without ${{…}}")
        case tree:
            return compiled(tree, placeholder=placeholder)


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether it is the inside of a `${…}`."""
    at = 0
    while (start := text.find("${", at)) >= 0:
        if "\\$" in text or "`" in text:
            raise ValueError(f"a backtick or an escaped dollar sign beside an expression: {text!r}")
        if start > at:
            yield text[at:start], False
        at = _end(text, start + 2)
        yield text[start + 2 : at - 1], True
    if at < len(text):
        yield text[at:], False


def _end(text: str, at: int) -> int:
    """Just behind the brace that closes the expression which starts at `at`."""
    quote = ""
    for position in range(at, len(text)):
        sign = text[position]
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "}":
            return position + 1
    raise ValueError(f"an expression has no end: {text!r}")


def _as_text(value: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case _:
            raise ValueError(f"{value!r} has no place inside a text")


# Arrays: nulls fall out, and a part that became several takes the place of one


def _array(parts: list[_Part]) -> _Part:
    if all(isinstance(part, _Fixed) for part in parts):
        return _Fixed(_gathered([part.value for part in parts if isinstance(part, _Fixed)]))
    calls = [_moving(part) for part in parts]
    return lambda root, data, index: _gathered([call(root, data, index) for call in calls])


def _gathered(values: list[Any]) -> list[Any]:
    gathered: list[Any] = []
    for value in values:
        if isinstance(value, list | tuple):
            gathered.extend(value)
        elif value is not None:
            gathered.append(value)
    return gathered


# Objects


def _object(node: Mapping[str, Any]) -> _Part:
    fields = _fields(node)
    when = _condition(node["$when"]) if "$when" in node else None
    if "$data" in node:
        return _repeated(_moving(fields), when, _context(node["$data"]))
    if when is None:
        return fields
    fill = _moving(fields)
    return lambda root, data, index: fill(root, data, index) if when(root, data, index) else None


def _fields(node: Mapping[str, Any]) -> _Part:
    parts = {name: _part(value) for name, value in node.items() if name not in _RESERVED}
    # Every name, in the template's order; those with expressions are overwritten in every card.
    whole = {name: part.value if isinstance(part, _Fixed) else None for name, part in parts.items()}
    moving = [(name, part) for name, part in parts.items() if not isinstance(part, _Fixed)]
    if not moving:
        return _Fixed(whole)

    def fill(root: Any, data: Any, index: int | None) -> Any:
        filled = whole.copy()
        for name, part in moving:
            filled[name] = part(root, data, index)
        return filled

    return fill


def _condition(source: Any) -> Callable[[Any, Any, int | None], bool]:
    """Only the value true keeps an object: not what merely counts as true, and not a comparison without an answer."""
    pieces = list(_pieces(source)) if isinstance(source, str) else []
    if len(pieces) != 1 or not pieces[0][1]:
        raise ValueError(f"$when is {source!r} and not one expression")
    evaluate = _expression(pieces[0][0], placeholder=False)

    def holds(root: Any, data: Any, index: int | None) -> bool:
        try:
            return evaluate(root, data, index) is True
        except ValueError:
            return False

    return holds


def _context(source: Any) -> Evaluate:
    part = _part(source)
    if isinstance(part, _Fixed):
        return _moving(_Fixed(source))  # as it stands: nothing falls out of data
    if isinstance(source, str):
        return part
    raise ValueError(f"$data is {source!r}: data inside a template holds no expressions")


def _repeated(fill: Evaluate, when: Callable[[Any, Any, int | None], bool] | None, context: Evaluate) -> Evaluate:
    def repeat(root: Any, data: Any, index: int | None) -> Any:
        found = context(root, data, index)
        rows = enumerate(found) if isinstance(found, list | tuple) else ((index, found),)
        kept = [fill(root, row, position) for position, row in rows if when is None or when(root, row, position)]
        return kept if len(kept) > 1 else kept[0] if kept else None

    return repeat
