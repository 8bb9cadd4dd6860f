"""How linear models are fitted: dual coordinate descent in whole numbers, so that every machine finds the same weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import mul
from typing import NamedTuple

# Weights, targets and multipliers count in 2^24ths, the values of features in 2^12ths (features.UNIT).
_SHIFT, _VALUE_SHIFT = 24, 12
ONE = 1 << _SHIFT
# Steps smaller than this change no weight that is kept.
_STILL = ONE >> 14


class Loss(NamedTuple):
    """What an error costs. `slack` is what the square of a multiplier costs, in 2^24ths; bounds limit a multiplier.

    Squared error has slack and no bound, the squared hinge has slack and a bound at nought on the side of the target,
    the absolute error has no slack and two bounds.
    """

    slack: int
    bound: int | None
    one_sided: bool


def squared(penalty: int) -> Loss:
    """Ridge regression; `penalty` in 2^24ths."""
    return Loss(penalty, None, one_sided=False)


def hinge(cost: int) -> Loss:
    """A support vector machine on targets ONE and -ONE; `cost` of an error in 2^24ths."""
    return Loss((ONE << _SHIFT) // (2 * cost), None, one_sided=True)


def absolute(cost: int) -> Loss:
    """Regression towards the median; `cost` of an error in 2^24ths."""
    return Loss(0, cost, one_sided=False)


class Row(NamedTuple):
    """Features by their place in the list of weights."""

    places: tuple[int, ...]
    values: tuple[int, ...]


def rows_of(texts: Sequence[Mapping[int, int]], least: int) -> tuple[list[int], list[Row]]:
    """The hashes that stand in at least so many texts, in ascending order, and the texts as rows over them."""
    counts: dict[int, int] = {}
    for text in texts:
        for key in text:
            counts[key] = counts.get(key, 0) + 1
    keys = sorted(key for key, count in counts.items() if count >= least)
    places = {key: place for place, key in enumerate(keys)}
    return keys, [_row(text, places) for text in texts]


def _row(text: Mapping[int, int], places: Mapping[int, int]) -> Row:
    kept = sorted((places[key], value) for key, value in text.items() if key in places)
    return Row(tuple(place for place, _ in kept), tuple(value for _, value in kept))


def fit(rows: Sequence[Row], targets: Sequence[int], size: int, loss: Loss, rounds: int) -> list[int]:
    """The weights, in 2^24ths, that explain the targets. Takes rounds times the number of values, about 0.1 us each."""
    weights = [0] * size
    multipliers = [0] * len(rows)
    squares = [sum(map(mul, row.values, row.values)) for row in rows]
    for turn in range(rounds):
        moved = 0
        for number in _shuffled(len(rows), turn):
            row = rows[number]
            seen = sum(map(mul, map(weights.__getitem__, row.places), row.values)) >> _VALUE_SHIFT
            old = multipliers[number]
            wrong = seen - targets[number] + (loss.slack * old >> _SHIFT)
            new = _within(old - (wrong << _SHIFT) // (squares[number] + loss.slack + 1), targets[number], loss)
            step = new - old
            if not -_STILL < step < _STILL:
                multipliers[number] = new
                moved += 1
                for place, value in zip(row.places, row.values, strict=True):
                    weights[place] += step * value >> _VALUE_SHIFT
        if not moved:
            break
    return weights


def quantised(weights: Sequence[int]) -> tuple[list[int], int]:
    """The weights as numbers from -127 to 127, and what one of them stands for, in 2^24ths."""
    most = max(map(abs, weights), default=0)
    step = most // 127 + 1
    return [(weight + step // 2) // step for weight in weights], step


def _within(multiplier: int, target: int, loss: Loss) -> int:
    if loss.one_sided:
        return max(multiplier, 0) if target > 0 else min(multiplier, 0)
    return multiplier if loss.bound is None else max(-loss.bound, min(loss.bound, multiplier))


def _shuffled(count: int, turn: int) -> Iterator[int]:
    """All numbers below `count` in an order that depends on the turn: a fixed stride through them, no randomness."""
    stride = (count * 618 // 1000 + 7919 * (turn + 1)) | 1
    while not _coprime(stride, count):
        stride += 2
    return ((turn + place * stride) % count for place in range(count))


def _coprime(one: int, other: int) -> bool:
    while other:
        one, other = other, one % other
    return one == 1
