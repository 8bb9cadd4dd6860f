"""What the wording of a text says about its size: weights trained on story points of projects that are not yours."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from ai_crm.analysis.features import Features
from ai_crm.analysis.sizing_view import size_values
from ai_crm.analysis.table import Table
from ai_crm.model.analysis import Complexity

# Fewer words than this say nothing that the word lists do not say better.
LEAST_WORDS = 20


class Sizes(Struct, frozen=True):
    """`cuts` part texts of unseen projects: a fifth below the first, half below the second, four fifths below the last.

    A leaning counts in 256ths of the way from the middle of a project's points to their end.
    """

    table: Table
    cuts: tuple[int, int, int]

    def leaning(self, seen: Features) -> int:
        """How far above (or below) the middle the wording stands."""
        return (self.table.scores(size_values(seen))[0] >> 16) - self.cuts[1]

    def verdict(self, leaning: int) -> tuple[Complexity, int]:
        """What a leaning speaks for and how much, in hundredths; at the outer cuts it is enough to decide alone."""
        low, middle, high = self.cuts
        if leaning < 0:
            return Complexity.SIMPLE, _weight(-leaning, middle - low)
        return Complexity.COMPLEX, _weight(leaning, high - middle)


def load_sizes(data: bytes) -> Sizes:
    """The trained weights from their file. Raises msgspec.DecodeError."""
    return msgspec.msgpack.decode(data, type=Sizes)


def save_sizes(sizes: Sizes) -> bytes:
    return msgspec.msgpack.encode(sizes)


_ENOUGH, _MOST = 160, 240


def _weight(leaning: int, cut: int) -> int:
    return min(_MOST, leaning * _ENOUGH // max(1, cut))
