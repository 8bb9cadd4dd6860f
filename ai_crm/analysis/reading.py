"""What the analysis looks at: the words of title, body and labels, and the marks of a text."""

from __future__ import annotations

from msgspec import Struct

from ai_crm.analysis.markdown import Forms, Marks, read_line, read_text
from ai_crm.analysis.words import JOINED, Words, fold, split, without_halves

# GitHub's own limit of a body, in characters. What stands behind it is not read.
_BODY_LIMIT = 65_536
_TITLE_LIMIT = 1_024


class Label(Struct, frozen=True):
    name: str
    words: Words


class Reading(Struct, frozen=True, kw_only=True):
    """`code` are the words inside inline code, of title and body; `asks` says that the title ends as a question.

    `asked` counts the question marks in the prose of the body.
    """

    title: Words
    body: Words
    code: Words
    labels: tuple[Label, ...]
    marks: Marks
    asks: bool
    asked: int


def read(title: str, body: str, labels: tuple[str, ...], forms: Forms) -> Reading:
    """Title, body and labels as words. Labels are taken in alphabetical order: theirs is an accident."""
    line = fold(title[:_TITLE_LIMIT])
    head = read_line(line)
    text = read_text(fold(body[:_BODY_LIMIT])[:_BODY_LIMIT], forms)
    return Reading(
        title=split(head.text, title=True),
        body=split(text.text),
        code=split(f"{head.code}\n\n{text.code}"),
        labels=tuple(_label(without_halves(name)) for name in sorted(set(labels))),
        marks=text.marks.with_files(head.marks.files),
        asks=line.rstrip().endswith(("?", "\uff1f", "\u061f")),
        asked=text.text.count("?"),
    )


def _label(name: str) -> Label:
    """In a label every separator joins: `priority: high`, `priority/high` and `priority-high` are one label."""
    words = split(fold(name[:_TITLE_LIMIT]))
    return Label(name, Words(words.seen, words.stems, (JOINED,) * len(words.seen)))
