"""What numbers a text becomes for the linear models: hashed words, pairs, pieces of the title, headings and its shape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from math import isqrt
from zlib import crc32

from msgspec import Struct

from ai_crm.analysis.words import fold

# All values count in 4096ths, so that every sum is an integer and the same on every machine.
UNIT = 4096
# What a yes or no about the whole text weighs beside the words, whose squares sum up to UNIT squared.
_FLAG = 410
_TITLE, _BODY, _BODY_READ = 300, 12_000, 5_000
_TITLE_WORDS, _BODY_WORDS, _HEADINGS, _HEADING_WORDS = 60, 700, 40, 8
_PIECE = 4
_PAIR = "B"

# Each alternative ends at the end of the text at the latest, so that an open one costs no more time than a closed one.
_HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_CODE = re.compile(r"```.*?(?:```|\Z)|\{(?:code|noformat)[^{}]{0,80}\}.*?(?:\{(?:code|noformat)\}|\Z)", re.DOTALL)
_LINK = re.compile(r"https?://\S+")
_TAG = re.compile(r"</?[a-z][^<>]{0,200}>")
_WORD = re.compile(r"[^\W_]+(?:['_-][^\W_]+)*(?:\+\+|#)?|[?!]")
_LIST = re.compile(r"^[ \t]{0,8}[-*] ", re.MULTILINE)
_TRACES = ("traceback", "\tat ", "exception", "error:")
_ASKING = frozenset(("how", "what", "why", "is", "can", "should", "does", "where", "do", "are", "which", "when", "who"))


class Features(Struct, frozen=True):
    """`single` and `pairs` of words map hashes to 4096ths. `seen` says what a hash stands for, and where that stood.

    `counts` says how often something stands in the body, such as a sentence, a list item or a link.
    """

    single: dict[int, int]
    pairs: dict[int, int]
    seen: dict[int, tuple[str, str]]
    counts: dict[str, int]


def features(title: str, body: str) -> Features:
    """The same numbers for the same text on every machine. Reads 300 characters of a title and 12,000 of a body."""
    head, written = fold(title[:_TITLE]), fold(body[:_BODY])
    text = _stripped(written)[:_BODY_READ]
    words, prose = _words(_stripped(head))[:_TITLE_WORDS], _words(text)[:_BODY_WORDS]
    counts: dict[str, int] = {}
    for key in (*_in_title(words), *_in_text(words), *_in_text(prose), *_in_headings(text)):
        counts[key] = counts.get(key, 0) + 1
    norm = isqrt(sum(_times(count) ** 2 for count in counts.values())) or 1
    single: dict[int, int] = {}
    pairs: dict[int, int] = {}
    for key, count in counts.items():
        (pairs if key[0] == _PAIR else single)[hashed(key)] = _times(count) * UNIT // norm
    for flag in _shape(head, words, written, text):
        single[hashed(flag)] = _FLAG
    seen = _shown(prose, "body") | _shown(words, "title")
    return Features(single, pairs, seen, _counts(prose, written))


@lru_cache(maxsize=65_536)
def hashed(key: str) -> int:
    return crc32(key.encode())


@lru_cache(maxsize=4096)
def log2(number: int) -> int:
    """The binary logarithm of a positive number in 256ths, rounded down, from whole numbers only."""
    whole = number.bit_length() - 1
    rest = (number << 32) >> whole
    fraction = 0
    for _ in range(8):
        rest = rest * rest >> 32
        fraction <<= 1
        if rest >= 1 << 33:
            fraction |= 1
            rest >>= 1
    return (whole << 8) | fraction


@lru_cache(maxsize=1024)
def _times(count: int) -> int:
    """What a word counts that stands in a text so often: 1 + ln(count), in 256ths."""
    return 256 + log2(count) * 177 // 256


def _stripped(text: str) -> str:
    text = _CODE.sub(" zcode ", _HIDDEN.sub(" ", text))
    return _TAG.sub(" ", _LINK.sub(" zurl ", text))


def _words(text: str) -> list[str]:
    return ["0" if word.isdigit() else word for word in _WORD.findall(text)]


def _in_title(words: list[str]) -> Iterator[str]:
    for word in words:
        yield "t" + word
        if len(word) >= _PIECE:
            framed = f"^{word}$"
            for at in range(len(framed) - _PIECE + 1):
                yield "c" + framed[at : at + _PIECE]


def _in_text(words: list[str]) -> Iterator[str]:
    for word in words:
        yield "u" + word
    for one, two in pairwise(words):
        yield f"{_PAIR}{one} {two}"


def _in_headings(text: str) -> Iterator[str]:
    """Forms of a repository show in their headings: `### Steps`, `**Expected:**`."""
    lines = [line for line in text.split("\n") if line.startswith(("#", "**"))]
    for line in lines[:_HEADINGS]:
        heading = line.strip("#* \t:")
        yield "H" + heading[:80]
        for word in _words(heading)[:_HEADING_WORDS]:
            yield "h" + word


def _shown(words: list[str], where: str) -> dict[int, tuple[str, str]]:
    shown = {hashed("u" + word): (word, where) for word in words}
    shown.update((hashed(f"{_PAIR}{one} {two}"), (f"{one} {two}", where)) for one, two in pairwise(words))
    return shown


def _counts(prose: list[str], written: str) -> dict[str, int]:
    return {
        "words": len(prose),
        "numbers": prose.count("0"),
        "code": prose.count("zcode"),
        "links": prose.count("zurl"),
        "sentences": written.count(". ") + written.count(".\n"),
        "items": len(_LIST.findall(written)),
        "names": written.count("{{") + written.count("`"),
    }


def _shape(head: str, words: list[str], written: str, text: str) -> Iterator[str]:
    yield "zfirst " + (words[0] if words else "")
    yield f"zbody {min(9, log2(len(written) + 1) // 333)}"
    yield f"ztitle {min(6, len(words) // 3)}"
    yield f"zasks {min(3, text.count('?'))}"
    for flag, stands in (
        ("zfence", "```" in written),
        ("ztrace", any(trace in written for trace in _TRACES)),
        ("zquestion", head.rstrip().endswith("?")),
        ("zasking", bool(words) and words[0] in _ASKING),
        ("zlist", _LIST.search(text) is not None),
        ("zboxes", "- [ ]" in text or "- [x]" in text),
        ("zpicture", "![" in text),
        ("zlink", "zurl" in text),
    ):
        if stands:
            yield flag
