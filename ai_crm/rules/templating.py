"""Texts with names in braces, `{issue.title}`: what may stand there is a closed list, looked up once and as data.

Nothing here reads attributes, calls, indexes or formats, and what a name stands for is never looked at again: a title
that says `{task.url}` stays those ten characters. The names themselves are in `vocabulary`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import groupby

from msgspec import Struct

from ai_crm.model.change import Later, Text
from ai_crm.model.trigger import Trigger
from ai_crm.rules.rule import Scene
from ai_crm.rules.source import Problems, Scalar, did_you_mean
from ai_crm.rules.vocabulary import Name, Unresolved, names_of

__all__ = ("Template", "Unresolved", "compile_template", "template_names")

MAX_TEXT = 30_000


class Template(Struct, frozen=True):
    """A text taken apart once. `room` is what its values may fill, in characters."""

    parts: tuple[str | Name, ...]
    room: int

    def expand(self, scene: Scene, inert: Callable[[str], str]) -> Text | Unresolved:
        """The text for this scene; Unresolved for a name that stands for nothing in it.

        `inert` is applied to each value, never to the template's own words. A value that does not fit is cut and ends
        with `…`. Addresses of the platform's own stay as they are, so that they remain links.
        """
        room = self.room
        found: list[str | Later] = []
        for part in self.parts:
            if isinstance(part, str):
                found.append(part)
                continue
            match part.read(scene):
                case Unresolved() as gap:
                    return gap
                case Later() as later:
                    found.append(later)
                case value:
                    piece = _fitted(_written(value), part, inert, room)
                    room -= len(piece)
                    found.append(piece)
        return Text(tuple(_joined(found)))


def compile_template(text: Scalar, triggers: tuple[Trigger, ...], problems: Problems, *, task: bool) -> Template | None:
    """The template in a file's text, or None after telling `problems` what is wrong and where.

    Only what is known for every trigger may be named; `{task.…}` only with `task`. `{{` and `}}` stand for braces.
    """
    names = names_of(triggers, task=task)
    parts = tuple(_parts(text, names, triggers, problems))
    literal = sum(len(part) for part in parts if isinstance(part, str))
    if literal > MAX_TEXT:
        problems.add(text.at, f"this text has {literal:,} characters; {MAX_TEXT:,} are allowed")
    if None in parts or literal > MAX_TEXT:
        return None
    return Template(tuple(part for part in parts if part is not None), MAX_TEXT - literal)


def template_names(triggers: tuple[Trigger, ...], *, task: bool = False) -> tuple[str, ...]:
    """The names that templates of a rule with these triggers may use, for documentation and editors."""
    return tuple(names_of(triggers, task=task))


_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_DOUBLED = re.compile(r"\{\{\s*([\w.]+)\s*\}\}(?!\})")


def _parts(
    text: Scalar, names: dict[str, Name], triggers: tuple[Trigger, ...], problems: Problems
) -> Iterator[str | Name | None]:
    """The pieces of the text; None for each that is wrong."""
    end = 0
    for brace in _BRACES.finditer(text.text):
        if text.text[end : brace.start()]:
            yield text.text[end : brace.start()]
        end = brace.end()
        wrong = _wrong_braces(brace, names) or _wrong_name(brace.group(1), names, triggers)
        if wrong:
            problems.add(text.mark(brace.start()), *wrong)
            yield None
        elif brace.group(1) is None:
            yield brace.group()[0]
        else:
            yield names[brace.group(1).strip()]
    if text.text[end:]:
        yield text.text[end:]


def _wrong_braces(brace: re.Match[str], names: dict[str, Name]) -> tuple[str, str] | None:
    if brace.group() == "{{":
        doubled = _DOUBLED.match(brace.string, brace.start())
        if brace.string[: brace.start()].endswith("$") and not brace.string.startswith("{{{{", brace.start()):
            return "${{ … }} is filled in by workflows and not here", "write {issue.title}, without $ and in one brace"
        if doubled and doubled.group(1) in names:
            return "two braces stand for one brace, so that no name is looked up", f"write {{{doubled.group(1)}}}"
    if brace.group() in ("{", "}"):
        return f"a single {brace.group()} has no partner here", f"write {brace.group() * 2} for one that stays"
    return None


def _wrong_name(name: str | None, names: dict[str, Name], triggers: tuple[Trigger, ...]) -> tuple[str, str] | None:
    if name is None or name.strip() in names:
        return None
    if not name.strip():
        return "{} names nothing", "write {issue.title}, or {{}} for two braces that stay"
    word = re.split(r"[^\w.]", name.strip(), maxsplit=1)[0]
    if word != name.strip():
        usual = f"write {{{word}}}" if word in names else "write {{ and }} for braces that stay"
        return f"{{{_shown(name)}}} is more than a name: nothing is formatted, indexed or called here", usual
    known_for = [trigger.word for trigger in triggers if word in names_of((trigger,), task=True)]
    if word.startswith("task.") and known_for:
        return f"{{{_shown(name)}}} is not known here", "there is no task yet when this is written"
    if known_for:
        instead = "item." + word.partition(".")[2]
        hint = f"write {{{instead}}}" if instead in names else "make it two rules"
        return f"{{{_shown(name)}}} is known for {', '.join(known_for)} only, and this rule has other triggers", hint
    return f"there is no {{{_shown(name)}}} here", did_you_mean(word, names) or _some(names)


def _some(names: dict[str, Name]) -> str:
    first = tuple(names)[:12]
    return f"known are {', '.join(first)}{' …' if len(names) > len(first) else ''}"


def _shown(name: str) -> str:
    return name if len(name) <= 60 else name[:59] + "…"


def _written(value: str | tuple[str, ...] | bool | datetime | None) -> str:  # noqa: FBT001 - one of the values
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case tuple():
            return ", ".join(value)
        case str():
            return str(value)


def _fitted(value: str, name: Name, inert: Callable[[str], str], room: int) -> str:
    """The value as it will stand there: cut first and made inert then, since a cut could bring it to life again."""
    if (
        name.is_address
        and value.startswith(("https://", "http://"))
        and _ADDRESS.issuperset(value)
        and len(value) <= room
    ):
        return value
    cut = _cut(value, name.limit)
    while len(piece := inert(cut)) > room and cut:
        cut = _cut(cut, len(cut) // 2)
    return piece


# None of these means anything to Markdown, mrkdwn or a terminal inside of an address.
_ADDRESS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/.-_%#?=+")


def _cut(value: str, limit: int) -> str:
    if len(value) <= limit:
        return value
    return value[: limit - 1] + "…" if limit > 0 else ""


def _joined(parts: list[str | Later]) -> Iterator[str | Later]:
    for is_text, run in groupby(parts, lambda part: isinstance(part, str)):
        if is_text:
            yield "".join(part for part in run if isinstance(part, str))
        else:
            yield from run
