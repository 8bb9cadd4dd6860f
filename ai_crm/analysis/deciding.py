"""Which words of a text decided what a linear model says about it, for people to read."""

from __future__ import annotations

from collections.abc import Mapping

from ai_crm.analysis.features import Features
from ai_crm.analysis.table import Table
from ai_crm.model.analysis import Evidence

_SHOWN = 3
# Words that decide nothing by themselves for a reader, even where they do for the arithmetic.
_EMPTY_WORDS = """
    a an and are as at be been but by can do does for from had has have i if in into is it its me my no not of on or
    our so that the their then there this to was we were when which will with you your zcode zurl 0 ? !
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())


def deciding(table: Table, column: int, seen: Features, sign: int = 1) -> tuple[Evidence, ...]:
    """The words that speak most for a column of a table against the others, strongest first; -1 for those against."""
    found = []
    others = [other for other in range(len(table.steps)) if other != column]
    for key, value in _worded(seen):
        for_it = table.weight(key, column)
        against = sum(table.weight(key, other) for other in others) // max(1, len(others))
        weight = sign * (for_it - against) * value * 100 >> 36
        if weight > 0:
            found.append(Evidence(*seen.seen[key], weight))
    return tuple(sorted(found, key=lambda evidence: (-evidence.weight, evidence.seen))[:_SHOWN])


def _worded(seen: Features) -> tuple[tuple[int, int], ...]:
    values: Mapping[int, int] = {**seen.single, **seen.pairs}
    return tuple(
        (key, values[key])
        for key, (words, _) in seen.seen.items()
        if key in values and any(word not in _EMPTY and len(word) > 1 for word in words.split())
    )
