"""How the weights for size are made: which texts stand in the upper part of their own project's story points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isqrt

from ai_crm.analysis.features import UNIT, features, hashed, log2
from ai_crm.analysis.linear import ONE, fit, rows_of, squared
from ai_crm.analysis.sizing import Sizes
from ai_crm.analysis.sizing_view import size_values
from ai_crm.analysis.table import Table, table_of
from training.sources import Row

_LEAST_TEXTS = 5
_LEAST_PROJECTS = 2
_ROUNDS = 6
_PENALTY = 14 * ONE

Text = Mapping[int, int]


def texts_of(rows: Sequence[Row]) -> list[Text]:
    return [size_values(features(row["title"] or "", row["body"] or "")) for row in rows]


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


def table(projects: Mapping[str, tuple[Sequence[Text], list[int]]]) -> Table:
    """The weights from texts and places by project.

    While they are found each project has a weight of its own, which is dropped: what a whole project writes says
    nothing about which of its tasks are large.
    """
    shares = _shares(projects)
    own = {name: hashed(f"project {name}") for name in projects}
    texts = [
        {**{key: value * shares[key] >> 12 for key, value in text.items() if key in shares}, own[name]: UNIT}
        for name, (written, _) in projects.items()
        for text in written
    ]
    targets = [place * (ONE >> 8) for _, places in projects.values() for place in places]
    keys, rows = rows_of(texts, _LEAST_TEXTS)
    weights = zip(keys, fit(rows, targets, len(keys), squared(_PENALTY), _ROUNDS), strict=True)
    found = {key: weight * shares[key] >> 12 for key, weight in weights if key in shares}
    return table_of([*found], [[*found.values()]])


def _shares(projects: Mapping[str, tuple[Sequence[Text], list[int]]]) -> dict[int, int]:
    """What of a hash's value counts, in 4096ths: less for common ones, nothing for words of one project alone."""
    spread: dict[int, int] = {}
    count: dict[int, int] = {}
    for texts, _ in projects.values():
        for text in texts:
            count.update((key, count.get(key, 0) + 1) for key in text)
        spread.update((key, spread.get(key, 0) + 1) for key in {key for text in texts for key in text})
    many = sum(len(texts) for texts, _ in projects.values())
    least = min(_LEAST_PROJECTS, len(projects))
    # The root of a fifth of the natural logarithm: 9085 is 4096 squared times ln(2) / 5, for 256ths.
    return {key: isqrt(log2(1 + many // (1 + count[key])) * 9085) for key, times in spread.items() if times >= least}


def sizes(projects: Mapping[str, tuple[Sequence[Text], list[int]]]) -> Sizes:
    """The model that ships: weights from all projects, and cuts from what they say of projects that they never saw."""
    unseen: list[int] = []
    for name, (texts, _) in projects.items():
        without = table({other: each for other, each in projects.items() if other != name})
        unseen.extend(without.scores(text)[0] >> 16 for text in texts)
    unseen.sort()
    low, middle, high = (unseen[len(unseen) * share // 100] for share in (20, 50, 80))
    return Sizes(table=table(projects), cuts=(low, middle, high))
