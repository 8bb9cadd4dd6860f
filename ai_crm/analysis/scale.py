"""How a size or a level is learned from texts: a usual value, what the text adds to it, and how far off that was."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from ai_crm.analysis.linear import ONE, Loss, absolute, fit, rows_of
from ai_crm.analysis.table import Table, table_of

Text = Mapping[int, int]

_ROUNDS = 6
_LEAST_TEXTS = 3
_FOLDS = 3
# Values count in 256ths; a target of the fit in 2^24ths.
_PER_VALUE = ONE >> 8
# Of what the text says so many percent are believed: what was best for the team's own history is kept.
TRUSTS = (0, 50, 100)
# The range holds a little more than four of five of the history: what comes is never quite like it.
_LOW, _HIGH = 9, 91


class Scale(Struct, frozen=True, kw_only=True):
    """Values are in 256ths of what was learned: doublings of hours or points, or levels.

    `low` and `high` are how far below and above its estimate four of five were; `cuts` part the estimates of the
    history as its values were parted; `error` and `usual_error` are the mean distances to the truth, with and without
    the text; `agreement` is the weighted kappa of the parts in percent, 0 for chance.
    """

    table: Table
    usual: int
    trust: int
    low: int
    high: int
    cuts: tuple[int, ...]
    rows: int
    error: int
    usual_error: int
    agreement: int

    def fits(self) -> bool:
        return self.table.fits(1) and self.low <= 0 <= self.high and 0 <= self.trust <= 100

    def estimate(self, values: Text) -> int:
        """The likely value for a text."""
        return self.usual + self.added(values) * self.trust // 100

    def part(self, values: Text) -> int:
        """Between which cuts the estimate lies: 0 below the first."""
        return bisect_right(self.cuts, self.estimate(values))

    def added(self, values: Text) -> int:
        """What the text adds to the usual value."""
        return self.table.scores(values)[0] // _PER_VALUE


# What an error costs for values that grow by doubling, such as hours.
DOUBLINGS = absolute(ONE)


def fit_scale(
    texts: Sequence[Text], values: Sequence[int], parts: Sequence[int], loss: Loss, trusts: Sequence[int] = TRUSTS
) -> Scale:
    """A scale from texts in the order of time, the oldest first, with their true values and the parts these belong to.

    Parts count from 0; as many estimates lie below each cut as true values do.
    """
    added = [*_cross_checked(texts, values, loss)]
    usual = _median(values)
    errors = {trust: _mean_error(values, usual, added, trust) for trust in (0, *trusts)}
    trust = min(trusts, key=lambda each: (errors[each], each))
    estimates = [usual + more * trust // 100 for more in added]
    ascending = sorted(estimates)
    cuts = tuple(_at(ascending, sum(part <= cut for part in parts)) for cut in range(max(parts)))
    missed = sorted(value - estimate for value, estimate in zip(values, estimates, strict=True))
    return Scale(
        table=_table(texts, values, loss),
        usual=usual,
        trust=trust,
        low=min(0, _share(missed, _LOW)),
        high=max(0, _share(missed, _HIGH)),
        cuts=cuts,
        rows=len(texts),
        error=errors[trust],
        usual_error=errors[0],
        agreement=_agreement([bisect_right(cuts, each) for each in estimates], parts),
    )


def _cross_checked(texts: Sequence[Text], values: Sequence[int], loss: Loss) -> Iterator[int]:
    tables = []
    for fold in range(_FOLDS):
        kept = [number for number in range(len(texts)) if number % _FOLDS != fold]
        tables.append(_table([texts[n] for n in kept], [values[n] for n in kept], loss))
    for number, text in enumerate(texts):
        yield tables[number % _FOLDS].scores(text)[0] // _PER_VALUE


def _table(texts: Sequence[Text], values: Sequence[int], loss: Loss) -> Table:
    keys, rows = rows_of(texts, _LEAST_TEXTS)
    middle = _median(values)
    weights = fit(rows, [(value - middle) * _PER_VALUE for value in values], len(keys), loss, _ROUNDS)
    return table_of(keys, [weights])


def _mean_error(values: Sequence[int], usual: int, added: Sequence[int], trust: int) -> int:
    wrong = sum(abs(value - usual - more * trust // 100) for value, more in zip(values, added, strict=True))
    return wrong // max(1, len(values))


def _agreement(said: Sequence[int], wanted: Sequence[int]) -> int:
    """Cohen's kappa with quadratic weights, in percent."""
    many, names = len(said), range(max(*said, *wanted) + 1)
    seen = many * sum((one - other) ** 2 for one, other in zip(said, wanted, strict=True))
    chance = sum((one - other) ** 2 * said.count(one) * wanted.count(other) for one in names for other in names)
    return 100 - 100 * seen // chance if chance else 0


def _at(ascending: Sequence[int], place: int) -> int:
    return ascending[min(place, len(ascending) - 1)]


def _median(values: Sequence[int]) -> int:
    return _share(sorted(values), 50)


def _share(ascending: Sequence[int], percent: int) -> int:
    return ascending[min(len(ascending) - 1, len(ascending) * percent // 100)] if ascending else 0
