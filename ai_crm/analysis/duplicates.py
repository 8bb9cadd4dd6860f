"""Which open tasks say the same: the rare words that two texts share, and how much of each text they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isqrt

from msgspec import Struct

from ai_crm.analysis.deciding import EMPTY
from ai_crm.analysis.features import log2
from ai_crm.analysis.markdown import Forms, read_line, read_text
from ai_crm.analysis.words import fold, split

# A word that more than this share of all texts has is no sign, in percent; in a short list two may share it anyway.
_COMMON = 20
_COMMON_AT_LEAST = 3
_LEAST_SCORE = 30
# A short list is weighed as if it were this much longer: that three of seven say "export" makes the word no less rare.
_AS_IF = 100
_SHOWN = 6
_BODY_READ = 8_000
_BODY_WORDS = 150
_TITLE_WEIGHT, _BODY_WEIGHT, _PAIR_WEIGHT = 3, 1, 2


class Entry(Struct, frozen=True):
    """One open task."""

    id: str
    title: str
    body: str = ""


class Pair(Struct, frozen=True):
    """Two tasks that may be the same. `score` is a percentage, `shared` the words that say so, the rarest first."""

    first: str
    second: str
    score: int
    shared: tuple[str, ...]


def duplicates(entries: Sequence[Entry], least: int = _LEAST_SCORE) -> tuple[Pair, ...]:
    """The pairs that score at least so much, the likeliest first. Only texts that share a rare word are compared."""
    spelled: dict[str, str] = {}
    texts = [_terms(entry, spelled) for entry in entries]
    rarity = _rarity(texts)
    weights = [{term: weight * rarity[term] for term, weight in text.items() if term in rarity} for text in texts]
    norms = [isqrt(sum(weight * weight for weight in text.values())) for text in weights]
    pairs = []
    for first, second in _sharing(weights):
        score = _alike(weights[first], weights[second], norms[first] * norms[second])
        if score >= least:
            shared = tuple(spelled[term] for term in _shared(weights[first], weights[second]))
            pairs.append(Pair(entries[first].id, entries[second].id, score, shared))
    return tuple(sorted(pairs, key=lambda pair: (-pair.score, pair.first, pair.second)))


def like(entry: Entry, others: Sequence[Entry], least: int = _LEAST_SCORE) -> tuple[Pair, ...]:
    """The others that a new task may repeat, the likeliest first."""
    found = duplicates((entry, *(other for other in others if other.id != entry.id)), least)
    return tuple(pair for pair in found if pair.first == entry.id)


def _terms(entry: Entry, spelled: dict[str, str]) -> dict[str, int]:
    """Stems and pairs of stems with their weight, those of the title first; `spelled` notes how people wrote them."""
    title = split(read_line(fold(entry.title)).text, title=True)
    body = split(read_text(fold(entry.body[:_BODY_READ]), _NO_FORMS).text)
    terms: dict[str, int] = {}
    for words, weight in ((title, _TITLE_WEIGHT), (body, _BODY_WEIGHT)):
        for stem, seen in zip(words.stems[:_BODY_WORDS], words.seen, strict=False):
            if len(stem) > 1 and seen not in EMPTY:
                terms[stem] = max(weight, terms.get(stem, 0))
                spelled.setdefault(stem, seen)
    for (one, two), seen_pair in zip(pairwise(title.stems), pairwise(title.seen), strict=True):
        terms[f"{one} {two}"] = _PAIR_WEIGHT
        spelled.setdefault(f"{one} {two}", " ".join(seen_pair))
    return terms


def _rarity(texts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """How much a term says that two texts share, in 256ths of a doubling; terms of one text only say nothing."""
    counts: dict[str, int] = {}
    for text in texts:
        for term in text:
            counts[term] = counts.get(term, 0) + 1
    many = len(texts)
    return {term: log2(_AS_IF + many) - log2(count) for term, count in counts.items()}


def _sharing(weights: Sequence[Mapping[str, int]]) -> list[tuple[int, int]]:
    holders: dict[str, list[int]] = {}
    for number, text in enumerate(weights):
        for term in text:
            holders.setdefault(term, []).append(number)
    most = max(_COMMON_AT_LEAST, len(weights) * _COMMON // 100)
    found = {
        (first, second)
        for numbers in holders.values()
        if len(numbers) <= most
        for place, first in enumerate(numbers)
        for second in numbers[place + 1 :]
    }
    return sorted(found)


def _alike(one: Mapping[str, int], other: Mapping[str, int], norm: int) -> int:
    small, large = sorted((one, other), key=len)
    return 100 * sum(weight * large[term] for term, weight in small.items() if term in large) // max(1, norm)


def _shared(one: Mapping[str, int], other: Mapping[str, int]) -> tuple[str, ...]:
    both = [term for term in one if term in other]
    return tuple(sorted(both, key=lambda term: (-one[term] * other[term], term))[:_SHOWN])


_NO_FORMS = Forms({}, (), {})
