"""How the weights for size are made: which texts stand in the upper part of their own project's story points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ai_crm.analysis.features import features
from ai_crm.analysis.linear import ONE, fit, rows_of, squared
from ai_crm.analysis.sizing import Sizes
from ai_crm.analysis.table import Table, table_of
from training.sources import Row

_LEAST_TEXTS = 5
_LEAST_PROJECTS = 2
_ROUNDS = 6
_PENALTY = 10 * ONE


def texts_of(rows: Sequence[Row]) -> list[dict[int, int]]:
    return [dict(features(row["title"] or "", row["body"] or "").single) for row in rows]


def places(points: Sequence[float]) -> list[int]:
    """Where each stands among its project's points: from -256, the smallest, to 256; equals share a place."""
    ascending = sorted(points)
    first: dict[float, int] = {}
    count: dict[float, int] = {}
    for place, value in enumerate(ascending):
        first.setdefault(value, place)
        count[value] = count.get(value, 0) + 1
    many = len(points)
    return [(2 * first[value] + count[value] - many) * 256 // many for value in points]


def table(projects: Mapping[str, tuple[list[dict[int, int]], list[int]]]) -> Table:
    """The weights from texts and places by project."""
    spread: dict[int, int] = {}
    for texts, _ in projects.values():
        for key in {key for text in texts for key in text}:
            spread[key] = spread.get(key, 0) + 1
    kept = {key for key, count in spread.items() if count >= min(_LEAST_PROJECTS, len(projects))}
    texts = [{key: value for key, value in text.items() if key in kept} for own, _ in projects.values() for text in own]
    targets = [place * (ONE >> 8) for _, own in projects.values() for place in own]
    keys, rows = rows_of(texts, _LEAST_TEXTS)
    return table_of(keys, [fit(rows, targets, len(keys), squared(_PENALTY), _ROUNDS)])


def sizes(projects: Mapping[str, tuple[list[dict[int, int]], list[int]]]) -> Sizes:
    """The model that ships: weights from all projects, and cuts from what they say of projects that they never saw."""
    unseen: list[int] = []
    for name, (texts, _) in projects.items():
        without = table({other: each for other, each in projects.items() if other != name})
        unseen.extend(without.scores(text)[0] >> 16 for text in texts)
    unseen.sort()
    low, middle, high = (unseen[len(unseen) * share // 100] for share in (20, 50, 80))
    return Sizes(table=table(projects), cuts=(low, middle, high))
