"""Which words of a text decided what a linear model says about it, for people to read."""

from __future__ import annotations

from collections.abc import Callable

from ai_crm.analysis.features import Features
from ai_crm.analysis.table import Table
from ai_crm.model.analysis import Evidence

_SHOWN = 3
# In hundredths, beside what the word lists give: a margin of one is worth about six doublings of belief.
_PER_MARGIN = 600
# Words that decide nothing by themselves for a reader, even where they do for the arithmetic.
_EMPTY_WORDS = """
    a an and are as at be been but by can do does for from had has have i if in into is it its me my no not of on or
    our so that the their then there this to was we were when which will with you your zcode zurl 0 ? !
"""
EMPTY = frozenset(_EMPTY_WORDS.split())


def deciding(
    table: Table, column: int, seen: Features, sign: int = 1, own: Callable[[int], int] | None = None
) -> tuple[Evidence, ...]:
    """The words that speak most for a column of a table against the others, strongest first; -1 for those against.

    `own` gives the second hash of a hash, where the table has two weights for each.
    """
    found = []
    for key, shown in seen.seen.items():
        margin = sign * (table.margin(key, column) + (table.margin(own(key), column) if own else 0))
        if margin > 0 and _tells(shown[0]):
            value = seen.single.get(key) or seen.pairs[key]
            found.append(Evidence(*shown, margin * value * _PER_MARGIN >> 36))
    found.sort(key=lambda evidence: (-evidence.weight, evidence.seen))
    return tuple(evidence for evidence in found[:_SHOWN] if evidence.weight)


def _tells(words: str) -> bool:
    return any(word not in EMPTY and len(word) > 1 for word in words.split())
