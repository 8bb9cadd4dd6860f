"""Weights as they are kept: sorted hashes beside columns of signed bytes, found by bisection without unpacking."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise

from msgspec import Struct

from ai_crm.analysis.linear import quantised


class Table(Struct, frozen=True, dict=True):
    """`keys` are 32-bit hashes in ascending order, little-endian; `columns` hold one signed byte for each of them.

    `steps` says what one of a column stands for, in 2^24ths.
    """

    keys: bytes
    columns: tuple[bytes, ...]
    steps: tuple[int, ...]

    def fits(self, columns: int) -> bool:
        """Whether the parts belong together. A file that people can touch is asked before it is used."""
        rows = len(self.keys) // 4
        same = len(self.columns) == len(self.steps) == columns and len(self.keys) == 4 * rows
        ascending = all(one < two for one, two in pairwise(self._hashes)) if same else False
        return ascending and all(len(column) == rows for column in self.columns)

    def scores(self, values: Mapping[int, int]) -> list[int]:
        """What each column says about the values of a text, in 2^24ths."""
        places = [(place, value) for key, value in values.items() if (place := self.place(key)) is not None]
        return [
            sum(column[place] * value for place, value in places) * step >> 12
            for column, step in zip(self._weights, self.steps, strict=True)
        ]

    def margin(self, key: int, column: int) -> int:
        """How much more a hash weighs in one column than in the mean of the others, in 2^24ths; 0 for an unknown one."""
        place = self.place(key)
        if place is None:
            return 0
        weights = [own[place] * step for own, step in zip(self._weights, self.steps, strict=True)]
        others = len(weights) - 1
        return weights[column] - (sum(weights) - weights[column]) // others if others else weights[0]

    def place(self, key: int) -> int | None:
        keys = self._hashes
        place = bisect_left(keys, key)
        return place if place < len(keys) and keys[place] == key else None

    @cached_property
    def _hashes(self) -> array[int]:
        hashes = array("I")
        hashes.frombytes(self.keys)
        if sys.byteorder == "big":
            hashes.byteswap()
        return hashes

    @cached_property
    def _weights(self) -> tuple[array[int], ...]:
        return tuple(array("b", column) for column in self.columns)


def table_of(keys: Sequence[int], columns: Sequence[Sequence[int]]) -> Table:
    """The table of weights in 2^24ths for ascending keys; rows without any weight left are dropped."""
    rounded = [quantised(column) for column in columns]
    kept = [place for place in range(len(keys)) if any(weights[place] for weights, _ in rounded)]
    return Table(
        b"".join(keys[place].to_bytes(4, "little") for place in kept),
        tuple(array("b", [weights[place] for place in kept]).tobytes() for weights, _ in rounded),
        tuple(step for _, step in rounded),
    )
