"""How the bytes of a YAML file become a document with places, and what no file of ours may contain.

One lazy pass over the parser's events both guards and builds: a 30 KB file of brackets makes the C loader crash the
process and a 480-byte chain of aliases grows without end, so the parser is never asked for more than was allowed so
far (libyaml 0.2.5, seen 2026-11). PyYAML is used in this file and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.error import MarkedYAMLError
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from ai_crm.rules.source import Entry, Mapping, Mark, Node, Problems, Scalar, Sequence

MAX_BYTES = 65_536
MAX_DEPTH = 20
MAX_NODES = 10_000


def read_document(text: bytes, file: str) -> Mapping:
    """The document in a YAML file; an empty Mapping for a file that says nothing.

    Raises RulesInvalid with every problem found. A file that is no YAML at all is read up to the place where it stops
    being so.
    """
    problems = Problems(file)
    source = _decoded(text, problems)
    root = _read(source, problems) if source is not None else None
    if isinstance(root, Sequence) or (isinstance(root, Scalar) and root.value is not None):
        problems.add(root.at, f"the file must be made of settings (`key: value`), not of {_noun(root)}", _aside(root))
    problems.raise_if_any()
    return root if isinstance(root, Mapping) else Mapping((), Mark(1, 1))


def _decoded(text: bytes, problems: Problems) -> str | None:
    """The text without its byte order mark, if it is one that YAML allows."""
    if len(text) > MAX_BYTES:
        problems.add(
            None, f"the file has {len(text):,} bytes, more than {MAX_BYTES:,}", "split it or shorten its texts"
        )
        return None
    try:
        source = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = text[: error.start].decode("utf-8-sig")
        problems.add(_mark_at(before, len(before)), "this is not UTF-8", "save the file as UTF-8")
        return None
    if forbidden := _forbidden(source):
        what = f"the character U+{ord(forbidden.group()):04X} is not allowed in YAML"
        problems.add(_mark_at(source, forbidden.start()), what, "delete it; it may be invisible")
        return None
    return source


# https://yaml.org/spec/1.2.2/#51-character-set, without the byte order mark inside a text
_ASCII = "[^\t\n\r -~]"
_ALL = "[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"


def _forbidden(text: str) -> re.Match[str] | None:
    """The first character that YAML does not allow. Most files are ASCII, and the long set takes 5 ms to compile."""
    return re.search(_ASCII if text.isascii() else _ALL, text)


def _mark_at(source: str, index: int) -> Mark:
    return Mark(source.count("\n", 0, index) + 1, index - source.rfind("\n", 0, index))


def _read(source: str, problems: Problems) -> Node | None:
    events = yaml.parse(source, Loader=_LOADER)
    try:
        return _Builder(source, events, problems).document()
    except _TooMuchError as limit:
        problems.add(limit.at, *limit.args)
    except MarkedYAMLError as error:
        _explain(error, source, problems)
    return None


# The C loader is 10 times faster (measured 2026-11) and not in every build of PyYAML.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _TooMuchError(Exception):
    """A limit of size was reached: nothing after it is read. Arguments: what, hint."""

    def __init__(self, at: Mark, what: str, hint: str) -> None:
        super().__init__(what, hint)
        self.at = at


class _Builder:
    """Builds nodes from events as they come; what is refused is reported and read on after."""

    def __init__(self, source: str, events: Iterator[Event], problems: Problems) -> None:
        self._source = source
        self._events = events
        self._problems = problems
        self._nodes = 0

    def document(self) -> Node | None:
        """The only document of the stream; None where there is none."""
        root: Node | None = None
        for event in self._events:
            match event:
                case DocumentStartEvent() if root is None:
                    self._check_directives(event)
                    root = self._node(next(self._events), 1)
                case DocumentStartEvent():
                    self._problems.add(_mark(event), "a second document starts here", "keep one file, without `---`")
                    return root
                case _:
                    pass
        return root

    def _check_directives(self, event: DocumentStartEvent) -> None:
        if event.tags:
            self._problems.add(_mark(event), "%TAG has no use here: tags are not read", "delete the line")

    def _node(self, event: Event, depth: int) -> Node:
        at = _mark(event)
        self._count(at, depth)
        self._check_decoration(event, at)
        match event:
            case MappingStartEvent():
                return Mapping(tuple(self._entries(depth)), at)
            case SequenceStartEvent():
                return Sequence(tuple(self._node(item, depth + 1) for item in self._until_end()), at)
            case ScalarEvent():
                return self._scalar(event, at)
            case _:
                return Scalar(None, "", at)  # an alias, reported already

    def _count(self, at: Mark, depth: int) -> None:
        self._nodes += 1
        if depth > MAX_DEPTH:
            raise _TooMuchError(at, f"this is nested more than {MAX_DEPTH} levels deep", "flatten it")
        if self._nodes > MAX_NODES:
            raise _TooMuchError(at, f"the file has more than {MAX_NODES:,} values", "split it")

    def _check_decoration(self, event: Event, at: Mark) -> None:
        if isinstance(event, AliasEvent):
            self._problems.add(at, f"*{str(event.anchor)[:40]} is an alias, and aliases are not read", _QUOTE_OR_REPEAT)
        elif isinstance(event, NodeEvent) and event.anchor is not None:
            self._problems.add(
                at, f"&{str(event.anchor)[:40]} is an anchor, and anchors are not read", _QUOTE_OR_REPEAT
            )
        if getattr(event, "tag", None) is not None:
            self._problems.add(
                at, "a word that starts with ! is a tag, and tags are not read", "put the value in quotes"
            )

    def _until_end(self) -> Iterator[Event]:
        for event in self._events:
            if isinstance(event, CollectionEndEvent):
                return
            yield event

    def _entries(self, depth: int) -> Iterator[Entry]:
        seen: dict[str, int] = {}
        for event in self._until_end():
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            if isinstance(key, Scalar) and self._is_usable(key, seen):
                seen[key.text] = key.at.line
                yield Entry(key, value)
            elif not isinstance(key, Scalar):
                self._problems.add(key.at, f"{_noun(key)} cannot be a key", _BRACES if isinstance(key, Mapping) else "")

    def _is_usable(self, key: Scalar, seen: dict[str, int]) -> bool:
        if not key.text:
            self._problems.add(key.at, "there is no word before the colon", "name what the value is for")
        elif key.text == "<<":
            self._problems.add(
                key.at, "`<<` is a merge key, and merge keys are not read", "repeat the lines it stands for"
            )
        elif key.text in seen:
            what = f'"{key.text[:80]}" stands here twice, first in line {seen[key.text]}'
            self._problems.add(key.at, what, "keep one of them; only one could count")
        else:
            return True
        return False

    def _scalar(self, event: ScalarEvent, at: Mark) -> Scalar:
        start: Any = event.start_mark
        end: Any = event.end_mark
        raw = self._source[start.index : end.index]
        if event.style == '"' and _forbidden(event.value):
            self._problems.add(at, "this says a character that no text may have", "write it without that escape")
        if event.style:  # quoted or a block: always a text
            return Scalar(event.value, event.value, at, raw)
        if _SWALLOWED.search(raw):
            what = "a line that starts with `- ` was read as part of the text before it"
            self._problems.add(at, what, "give every `- ` of a list the same number of spaces")
        return Scalar(_plain(event.value), event.value, at, raw)


_QUOTE_OR_REPEAT = "if it is meant as text, put it in quotes; if not, repeat what it stands for"
_BRACES = "a text that starts with { needs quotes"
_SWALLOWED = re.compile(r"\n\s*- ")


def _mark(event: Event) -> Mark:
    return _place(event.start_mark)


def _place(mark: Any) -> Mark:
    """Each of PyYAML's two loaders has a class of marks of its own."""
    return Mark(mark.line + 1, mark.column + 1)


def _plain(text: str) -> str | int | float | bool | None:
    """What YAML 1.2's core schema makes of a plain scalar: https://yaml.org/spec/1.2.2/#103-core-schema.

    Numbers with a leading zero, of more than 18 digits or without an end stay text: YAML 1.1 reads the first as
    octal, editors round the second, and no setting of ours can mean infinity.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if abs(number) < float("inf") else text
    return text


_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile("[-+]?(?:0|[1-9][0-9]{0,17})")
_OTHER_BASE = re.compile("0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(
    r"(?=.*[.eE])[-+]?(?:\.[0-9]{1,99}|(?:0|[1-9][0-9]{0,98})(?:\.[0-9]{0,99})?)(?:[eE][-+]?[0-9]{1,3})?"
)


def _noun(node: Node) -> str:
    match node:
        case Mapping():
            return "a mapping"
        case Sequence():
            return "a list"
        case Scalar():
            return "a text"


def _aside(root: Scalar | Sequence) -> str:
    """What a file that is one text may be: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md."""
    if not isinstance(root, Scalar):
        return "start with `version: 1`"
    if root.text.startswith("version https://git-lfs"):
        return "this is a Git LFS pointer: keep the file itself in the repository"
    if root.text.endswith((".yml", ".yaml")) and " " not in root.text:
        return "this looks like a symbolic link: keep the file itself in the repository"
    return "start with `version: 1`"


def _explain(error: MarkedYAMLError, source: str, problems: Problems) -> None:
    """Says where YAML ended and what people do about it, judged by what stands there and not by YAML's message."""
    at = _place(error.problem_mark) if error.problem_mark else Mark(1, 1)
    opened = _place(error.context_mark) if error.context_mark else at
    lines = source.splitlines()
    line = _line(lines, at)
    is_end = at.line >= len(lines) and not line[at.column - 1 :].strip()
    for place, explained in (
        (at, _of_character(_line(lines, at), at.column)),
        (opened, _of_opening(_line(lines, opened), opened.column, is_end=is_end)),
        (at, _of_line(line)),
    ):
        if explained:
            problems.add(place, *explained)
            return
    if is_end and lines:
        problems.add(Mark(len(lines), len(lines[-1]) + 1), "the file ends too early", "close the last bracket or quote")
    else:
        problems.add(at, f"YAML cannot be read on from here: {error.problem}", _LOOK_AROUND)


_LOOK_AROUND = "compare the indentation of this line with the lines around it, and put texts in quotes"


def _line(lines: list[str], at: Mark) -> str:
    return lines[at.line - 1] if at.line <= len(lines) else ""


def _of_character(line: str, column: int) -> tuple[str, str] | None:
    here = line[column - 1 : column]
    if here == "\t" or "\t" in line[: len(line) - len(line.lstrip())]:
        return "this line is indented with a tab, and YAML wants spaces", "replace each tab by two spaces"
    if here in _RESERVED and not line.startswith("%"):
        return _reserved(line[column - 1 :])
    if here == "\\" or line[: column - 1].endswith(_ESCAPES):
        return "this backslash and what follows mean nothing in double quotes", "use single quotes, or write \\\\"
    return None


# Not `!` and `&`, which make a tag and an anchor of what follows: the builder refuses those.
_RESERVED = tuple("@`%*")
_ESCAPES = ("\\", "\\x", "\\u", "\\U")


def _reserved(value: str) -> tuple[str, str]:
    word = re.split(r"[\s,\]}]", value, maxsplit=1)[0][:60]
    return f"YAML keeps {value[0]} at the start of a value for itself", f'put it in quotes: "{word}"'


def _of_opening(line: str, column: int, *, is_end: bool) -> tuple[str, str] | None:
    """About the character that opened what could not be read to its end."""
    here = line[column - 1 : column]
    if here == "*":
        return _reserved(line[column - 1 :])
    if here in ("'", '"') and is_end:
        return "the quote that opens here is not closed", "close it"
    if here in ("[", "{"):
        return f"the {here} that opens here is not closed", f"close it with {']' if here == '[' else '}'}"
    return None


def _of_line(line: str) -> tuple[str, str] | None:
    value = line.partition(": ")[2].strip() or line.strip().removeprefix("- ")
    if value.startswith("{"):
        return "text behind a closing } does not belong to the value", _BRACES
    if value.startswith(("'", '"')):
        return "text behind a closing quote does not belong to the value", "put all of the value inside the quotes"
    if value.startswith("- "):
        return "a list cannot start behind a colon", "start it on the next line"
    if ": " in value or value.endswith(":"):
        return "there is a second colon in this line", "put the text behind the first colon in quotes"
    return None
