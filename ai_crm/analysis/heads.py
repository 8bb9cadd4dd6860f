"""How a choice between names is learned from labelled texts, and how sure each choice may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from ai_crm.analysis.certainty import shares
from ai_crm.analysis.features import log2
from ai_crm.analysis.linear import ONE, Row, fit, hinge, rows_of
from ai_crm.analysis.table import Table, table_of

Text = Mapping[int, int]

_ROUNDS = 6
_COST = ONE // 2
_LEAST_TEXTS = 2
_FOLDS = 3
_OWN = 0x5BD1E995
# A strength in the word lists is believed outright, too, as much as this many texts teach; the more of the team's own
# there are, the less. Neighbours count a tenth. At most so much, in 2^24ths.
_BELIEF, _MOST_BELIEF = 190 * ONE, 5 * ONE
# Steepnesses tried for the confidence, in 256ths of a doubling per 2^16 of a score.
_STEEPNESSES = (32, 40, 48, 56, 64, 72, 80, 88, 96, 112, 128, 144, 160, 192, 224, 256, 320, 384, 512)
_PER_STRENGTH = 16


class Head(Struct, frozen=True, kw_only=True):
    """One column of weights for each name.

    `right` is the percentage of the `rows` texts of the history that it named rightly when it had not seen them.
    With `own` the table has a second weight for each hash, which holds for the team's own texts beside the first.
    """

    names: tuple[str, ...]
    table: Table
    steepness: int
    rows: int
    right: int
    own: bool = False

    def fits(self) -> bool:
        return len(self.names) > 1 and self.table.fits(len(self.names)) and 0 < self.steepness < 1 << 16

    def strengths(self, values: Text) -> tuple[int, ...]:
        """How much speaks for each name, in 2^16ths."""
        return tuple(score >> 8 for score in self.table.scores(with_own(values) if self.own else values))

    def confidences(self, values: Text) -> tuple[int, ...]:
        """The belief that each name deserves, in percent."""
        return shares(_coarse(self.strengths(values)), self.steepness)


def with_own(values: Text) -> dict[int, int]:
    """The values of one of the team's own texts: each counts for everybody and for the team."""
    return {**values, **{own(key): value for key, value in values.items()}}


def own(key: int) -> int:
    """The hash that holds the team's own weight of a hash."""
    return key ^ _OWN


def fit_head(
    texts: Sequence[Text], wanted: Sequence[str], said: Mapping[str, int], neighbours: Sequence[tuple[Text, str]] = ()
) -> Head:
    """A head for the names that occur. `said` are the hashes under which the texts have what word lists say of names.

    `neighbours` are texts of other teams with their names: they teach what is common, the team's own what is not.
    """
    names = tuple(sorted({*wanted, *(name for _, name in neighbours)}))
    if neighbours:
        texts = [with_own(text) for text in texts]
    lesson = _Lesson(names, said, min(_MOST_BELIEF, _BELIEF // (len(texts) + len(neighbours) // 10 + 1)), neighbours)
    strengths = [*_cross_checked(texts, wanted, lesson)]
    steepness = min(_STEEPNESSES, key=lambda each: (_surprise(strengths, wanted, names, each), each))
    right = sum(names[said.index(max(said))] == want for said, want in zip(strengths, wanted, strict=True))
    return Head(
        names=names,
        table=_table(texts, wanted, lesson),
        steepness=steepness,
        rows=len(texts),
        right=100 * right // max(1, len(texts)),
        own=bool(neighbours),
    )


class _Lesson(Struct, frozen=True):
    """What stays the same whichever texts are kept back."""

    names: tuple[str, ...]
    said: Mapping[str, int]
    belief: int
    neighbours: Sequence[tuple[Text, str]]

    def fixed(self) -> frozenset[int]:
        """The hashes that are not weighed by how often they stand where."""
        return frozenset((*self.said.values(), *(own(key) for key in self.said.values())))


def _cross_checked(texts: Sequence[Text], wanted: Sequence[str], lesson: _Lesson) -> Iterator[tuple[int, ...]]:
    """The strengths of every text from a table that was fitted without it."""
    folds = _folds(wanted)
    tables = []
    for fold in range(_FOLDS):
        kept = [number for number, its in enumerate(folds) if its != fold]
        tables.append(_table([texts[n] for n in kept], [wanted[n] for n in kept], lesson))
    for text, fold in zip(texts, folds, strict=True):
        yield tuple(score >> 8 for score in tables[fold].scores(text))


def _folds(wanted: Sequence[str]) -> list[int]:
    """Which fold each text belongs to: every name is spread over all of them."""
    seen: dict[str, int] = {}
    folds = []
    for name in wanted:
        seen[name] = seen.get(name, 0) + 1
        folds.append(seen[name] % _FOLDS)
    return folds


def _table(texts: Sequence[Text], wanted: Sequence[str], lesson: _Lesson) -> Table:
    keys, rows = rows_of([*texts, *(text for text, _ in lesson.neighbours)], _LEAST_TEXTS)
    named = [*wanted, *(name for _, name in lesson.neighbours)]
    fixed = lesson.fixed()
    columns = []
    for name in lesson.names:
        mine = [each == name for each in named]
        ratios = _ratios(rows, mine, [key in fixed for key in keys])
        scaled = [_scaled(row, ratios) for row in rows]
        weights = fit(scaled, [ONE if is_mine else -ONE for is_mine in mine], len(keys), hinge(_COST), _ROUNDS)
        believed = lesson.said.get(name)
        columns.append(
            [
                (weight * ratio >> 8) + (lesson.belief if key == believed else 0)
                for key, weight, ratio in zip(keys, weights, ratios, strict=True)
            ]
        )
    return table_of(keys, columns)


def _ratios(rows: Sequence[Row], mine: Sequence[bool], fixed: Sequence[bool]) -> list[int]:
    """How much more often a feature stands on one side than on the other, as a logarithm in 256ths (NB weighting)."""
    inside, outside = [1] * len(fixed), [1] * len(fixed)
    for row, is_mine in zip(rows, mine, strict=True):
        counts = inside if is_mine else outside
        for place in row.places:
            counts[place] += 1
    base = log2(max(1, sum(outside))) - log2(max(1, sum(inside)))
    return [
        256 if is_fixed else abs(log2(one) - log2(other) + base) * 177 // 256
        for one, other, is_fixed in zip(inside, outside, fixed, strict=True)
    ]


def _scaled(row: Row, ratios: Sequence[int]) -> Row:
    return Row(
        row.places, tuple(value * ratios[place] >> 8 for place, value in zip(row.places, row.values, strict=True))
    )


def _coarse(strengths: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(strength // _PER_STRENGTH for strength in strengths)


def _surprise(
    strengths: Sequence[tuple[int, ...]], wanted: Sequence[str], names: tuple[str, ...], steepness: int
) -> int:
    """How surprising the truth is to these confidences, in all; what a calibrated head keeps lowest."""
    places = {name: place for place, name in enumerate(names)}
    return sum(
        log2(100 * 100) - log2(100 * max(1, shares(_coarse(said), steepness)[places[want]]))
        for said, want in zip(strengths, wanted, strict=True)
    )
