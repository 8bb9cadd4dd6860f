"""What the weights for size see of a text: which words it has, the title's words and pieces, and how long it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isqrt

from ai_crm.analysis.features import UNIT, Features, hashed, log2

# A word counts once: a text that repeats its words is no larger. Beside all words together the title's words and their
# pieces count for less, and each doubling of a length for an eighth of the whole.
_TITLE_WORDS, _PIECES, _PER_DOUBLING = UNIT * 7 // 10, UNIT * 4 // 10, UNIT // 8
_PIECE = 4
_MOST_DOUBLINGS = 8


def size_values(seen: Features) -> Mapping[int, int]:
    """Values by hash, in 4096ths, for the table of `Sizes`."""
    words = {key: word for key, (word, _) in seen.seen.items() if " " not in word}
    title = [word for word, where in seen.seen.values() if where == "title" and " " not in word]
    return {
        **_equal_parts(words, UNIT),
        **_equal_parts({hashed("t" + word) for word in title}, _TITLE_WORDS),
        **_equal_parts({hashed(piece) for word in title for piece in _pieces(word)}, _PIECES),
        **_lengths(seen.counts, title),
    }


def _equal_parts(keys: Iterable[int], whole: int) -> dict[int, int]:
    """The same value for each, so that their squares sum up to that of the whole."""
    every = tuple(keys)
    value = (whole << 8) // isqrt(max(1, len(every)) << 16)
    return dict.fromkeys(every, value)


def _pieces(word: str) -> Iterable[str]:
    framed = f"^{word}$"
    return (f"c{framed[at : at + _PIECE]}" for at in range(len(framed) - _PIECE + 1))


def _lengths(counts: Mapping[str, int], title: list[str]) -> dict[int, int]:
    """How often something is there, by its logarithm, and how long the title's words are on average."""
    lengths = {
        hashed(f"zcount {name}"): min(_MOST_DOUBLINGS << 8, log2(count + 1)) * _PER_DOUBLING >> 8
        for name, count in counts.items()
        if count
    }
    lengths[hashed("zletters")] = min(8, sum(map(len, title)) // max(1, len(title))) * _PER_DOUBLING
    if "0" in title:
        lengths[hashed("znumber")] = _PER_DOUBLING * 3
    return lengths
