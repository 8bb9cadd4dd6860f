"""How text becomes words: folding, splitting, and the stem that the forms of one word share."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from msgspec import Struct

# Zero-width and direction marks: invisible to people, so they must not hide a word from us.
_INVISIBLE = dict.fromkeys(
    (0x00AD, 0x034F, 0x061C, 0x180E, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070))
)
_STRAIGHT = {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2010: "-", 0x2011: "-", 0x2013: " - ", 0x2014: " - "}
_WORD = re.compile(r"(?<!\w)\.net\b|[^\W_]+(?:'[^\W_]+)?(?:\+\+|#)?")
_JOINING = frozenset((" ", "-", "_", "/", ".", "\n", "'", "\\", "  ", " \n", ' "', '" ', " '", "' "))
_TRANSPARENT = str.maketrans("", "", "*~_\"'`")
_VOWELS = frozenset("aeiouy")
# Words that look inflected and are not, or whose form means something else than their root.
_UNINFLECTED_WORDS = """
    during something nothing anything everything string spring evening morning ceiling sibling setting accounting
    marketing missing outstanding embed hundred sacred news windows speed series species always perhaps this its does
    has was less across canvas alias atlas bias chaos kudos rails pandas keras jenkins sass kubernetes lens gas
    plane
"""
_UNINFLECTED = frozenset(_UNINFLECTED_WORDS.split())
_IRREGULAR = {
    "analyses": "analysis",
    "apis": "api",
    "cookies": "cookie",
    "indices": "index",
    "settings": "setting",
    "used": "use",
    "using": "use",
}


# What stands between a word and the one before it. After a colon or a question mark may come the answer of a form.
JOINED, BREAK, ANSWER = 0, 1, 2


class Words(Struct, frozen=True):
    """The words of a piece of text in order: as written (folded), their stems, and the gap before each."""

    seen: tuple[str, ...]
    stems: tuple[str, ...]
    gaps: tuple[int, ...]
    title: bool = False


def fold(text: str) -> str:
    """The same text without differences that do not matter: case, width, line ends, invisible characters."""
    if not text.isascii():
        text = without_halves(text)
        text = unicodedata.normalize("NFKC", text.translate(_INVISIBLE)).translate(_STRAIGHT)
    return text.casefold().replace("\r\n", "\n").replace("\r", "\n")


def without_halves(text: str) -> str:
    """The same text without lone surrogates: a JSON payload can carry them, no JSON answer may."""
    return text.encode("utf-8", "ignore").decode("utf-8")


def split(folded: str, *, title: bool = False) -> Words:
    """The words of a folded text. Hyphens, dots, slashes and single line ends join; other punctuation parts."""
    seen: list[str] = []
    stems: list[str] = []
    gaps: list[int] = []
    end = 0
    for match in _WORD.finditer(folded):
        word = match.group().removesuffix("'s")
        gaps.append(_gap(folded[end : match.start()]) if seen else BREAK)
        seen.append(word)
        stems.append(stem(word))
        end = match.end()
    return Words(tuple(seen), tuple(stems), tuple(gaps), title)


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """What the plain inflections of a word have in common: `caches`, `cached`, `caching` and `cache` give `cach`.

    Plural, -ed, -ing, and nothing else: derived words (`authentication`, `authenticate`) stay apart.
    """
    if len(word) < 4 or word in _UNINFLECTED or not word.isalpha():
        return word
    return _without_e(_without_ending(_IRREGULAR.get(word) or _singular(word)))


def _gap(between: str) -> int:
    if between in _JOINING:
        return JOINED
    between = between.translate(_TRANSPARENT)
    if ":" in between or "?" in between or "=" in between:
        return ANSWER
    return JOINED if between in _JOINING or (between.isspace() and "\n\n" not in between) else BREAK


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _without_ending(word: str) -> str:
    if word in _UNINFLECTED:
        return word
    if word.endswith("ied") and len(word) > 4:
        return word[:-3] + "y"
    for ending in ("ing", "ed"):
        root = word.removesuffix(ending)
        if len(root) > 2 and root != word and not root.endswith("e") and _VOWELS & set(root):
            return _whole(root)
    return word


def _whole(root: str) -> str:
    """What an ending was put on: `stopp` was stop, `sav` was save."""
    last = root[-1]
    if len(root) > 3:
        doubled = last == root[-2] and last not in "aeiouylsz"
        return root[:-1] if doubled else root
    lost_e = root[0] not in _VOWELS and root[1] in _VOWELS and last not in "aeiouwxy"
    return root + "e" if lost_e else root


def _without_e(word: str) -> str:
    kept = len(word) < 5 or word in _UNINFLECTED or word.endswith("ee")
    return word[:-1] if word.endswith("e") and not kept else word
