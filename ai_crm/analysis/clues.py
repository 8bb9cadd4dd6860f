"""What tells the type of an issue beside its words: how its title begins, what its form was answered with, its code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from math import isqrt

from ai_crm.analysis.features import UNIT, hashed, log2
from ai_crm.analysis.words import fold

# What all clues weigh beside the words, and what one of length does.
_WEIGHT, _LENGTH = UNIT * 2 // 5, UNIT // 10
_TITLE, _BODY = 300, 6_000
_TITLE_WORDS, _FIRST, _CODE_WORDS = 60, 3, 300
_NAME, _ANSWER = 60, 40
_LINES, _LINKS = 200, 50

_WORD = re.compile(r"[^\W_]+(?:['_-][^\W_]+)*|[?!]")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_HOST = re.compile(r"https?://([^\s/]{1,60}/[^\s/]{0,40})")
_HEADING = re.compile(r"#{1,6}[ \t]*(.+)|\*\*(.+)\*\*:?")
_FIELD = re.compile(r"[-*]?[ \t]{0,3}\**([a-z][a-z /]{2,30})\**:\**[ \t]{0,3}(\S.{0,39})")
_NOTHING = frozenset(("", "_no response_", "no response", "n/a", "none", "-"))


def clues(title: str, body: str) -> dict[int, int]:
    """Hashes with values in 4096ths, as `features` gives them. Reads 300 characters of a title, 6,000 of a body."""
    head, text = fold(title[:_TITLE]), _COMMENT.sub(" ", fold(body[:_BODY]))[:_BODY]
    prose = _CODE.sub(" ", text)
    counts: dict[str, int] = {}
    for clue in (*_in_title(head), *_in_form(prose), *_in_code(text), *_in_links(text)):
        counts[clue] = counts.get(clue, 0) + 1
    norm = isqrt(sum(_times(count) ** 2 for count in counts.values())) or 1
    values = {hashed(clue): _times(count) * _WEIGHT // norm for clue, count in counts.items()}
    values.update((hashed(clue), _LENGTH) for clue in _lengths(text, prose))
    return values


def _in_title(head: str) -> Iterator[str]:
    words = _WORD.findall(head)[:_TITLE_WORDS]
    for place, word in enumerate(words[:_FIRST]):
        yield f"x{place} {word}"
    yield "xx " + " ".join(words[:2])
    for one, two in pairwise(("^", *words, "$")):
        yield f"xt{one} {two}"


def _in_form(prose: str) -> Iterator[str]:
    """What stands below the headings and behind the names of a form: an answer, nothing, or much."""
    heading, below = "", list[str]()
    for line in prose.split("\n")[:_LINES]:
        bare = line.strip()
        found = _HEADING.fullmatch(bare)
        if found:
            yield from _below(heading, below)
            heading, below = (found[1] or found[2]).strip("#* \t:")[:_NAME], []
        else:
            below.append(bare)
            yield from _in_field(bare)
    yield from _below(heading, below)


def _below(heading: str, lines: list[str]) -> Iterator[str]:
    answer = " ".join(" ".join(lines).split())
    if heading:
        yield f"xh{heading}={answer if len(answer) <= _ANSWER else '…'}" if answer not in _NOTHING else f"xn{heading}"


def _in_field(bare: str) -> Iterator[str]:
    field = _FIELD.fullmatch(bare)
    if field:
        yield f"xf{field[1].strip()}"
        yield f"xf{field[1].strip()}={' '.join(field[2].split())}"


def _in_code(text: str) -> Iterator[str]:
    words = (word for block in _CODE.findall(text) for word in _WORD.findall(block))
    for _, word in zip(range(_CODE_WORDS), words, strict=False):
        yield f"xc{'0' if word.isdigit() else word}"


def _in_links(text: str) -> Iterator[str]:
    yield from (f"xl{host}" for host in _HOST.findall(text)[:_LINKS])


def _lengths(text: str, prose: str) -> Iterator[str]:
    lines = [line for line in prose.split("\n") if line.strip()]
    headings = [line for line in lines if line.startswith(("#", "**"))]
    words = sum(len(line.split()) for line in lines if not line.startswith(("#", "**")))
    yield f"xw{min(12, words.bit_length())}"
    yield f"xd{min(9, len(headings))}"
    yield f"xb{min(9, text.count('```') // 2)}"


def _times(count: int) -> int:
    """1 + ln(count), in 256ths."""
    return 256 + log2(count) * 177 // 256
