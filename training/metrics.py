"""The measures of the evaluation, in plain Python and with the usual definitions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def mean(values: Iterable[float]) -> float:
    every = list(values)
    return sum(every) / len(every) if every else 0.0


def median(values: Iterable[float]) -> float:
    every = sorted(values)
    middle = len(every) // 2
    return every[middle] if len(every) % 2 else (every[middle - 1] + every[middle]) / 2


def macro_f1(said: Sequence[str], wanted: Sequence[str], names: Sequence[str]) -> float:
    """The mean over the names of the harmonic mean of precision and recall."""
    return mean(_f1(said, wanted, name) for name in names)


def kappa(said: Sequence[int], wanted: Sequence[int], levels: int) -> float:
    """Cohen's kappa with quadratic weights: 1 for agreement, 0 for chance."""
    many = len(said)
    seen = sum((one - other) ** 2 for one, other in zip(said, wanted, strict=True)) / many
    chance = sum(
        (one - other) ** 2 * said.count(one) * wanted.count(other) for one in range(levels) for other in range(levels)
    ) / (many * many)
    return 1 - seen / chance if chance else 0.0


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """The correlation of the ranks, equals sharing theirs."""
    ranks, others = _ranks(one), _ranks(other)
    middle, other_middle = mean(ranks), mean(others)
    both = sum((a - middle) * (b - other_middle) for a, b in zip(ranks, others, strict=True))
    spread = sum((a - middle) ** 2 for a in ranks) * sum((b - other_middle) ** 2 for b in others)
    return both / spread**0.5 if spread else 0.0


def calibration_error(sure: Sequence[int], right: Sequence[bool]) -> float:
    """How far confidence and truth are apart on average, over ten bins of confidence."""
    bins: dict[int, list[tuple[int, bool]]] = {}
    for percent, is_right in zip(sure, right, strict=True):
        bins.setdefault(min(9, percent // 10), []).append((percent, is_right))
    apart = (
        len(each) * abs(mean(percent / 100 for percent, _ in each) - mean(is_right for _, is_right in each))
        for each in bins.values()
    )
    return sum(apart) / max(1, len(sure))


def right_when_sure(sure: Sequence[int], right: Sequence[bool], least: int) -> tuple[float, float]:
    """On what share of the texts the confidence is at least so much, and how many of those are right."""
    kept = [is_right for percent, is_right in zip(sure, right, strict=True) if percent >= least]
    return len(kept) / len(sure), mean(kept)


def _f1(said: Sequence[str], wanted: Sequence[str], name: str) -> float:
    both = sum(one == other == name for one, other in zip(said, wanted, strict=True))
    named = said.count(name) + wanted.count(name)
    return 2 * both / named if named else 0.0


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=lambda place: values[place])
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for place in range(start, end + 1):
            ranks[order[place]] = (start + end) / 2
        start = end + 1
    return ranks
