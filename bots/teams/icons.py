"""The two pictures of the app, drawn here: a check mark, in colour and as an outline. The same bytes everywhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from ai_crm.cards.png import rgba

Pixel = tuple[int, int, int, int]
ACCENT = (0x1F, 0x29, 0x37)
_WHITE = (255, 255, 255)
# The corners of the check mark and half the width of its line, in parts of the picture's side.
_MARK = ((0.24, 0.53), (0.43, 0.71), (0.77, 0.32))
_HALF = 0.065


def color_icon() -> bytes:
    """192 × 192, on the app's colour: https://learn.microsoft.com/en-us/microsoftteams/platform/concepts/build-and-test/apps-package (2026-11)."""  # noqa: RUF002 - what people write

    def pixel(cover: float) -> Pixel:
        red, green, blue = (round(below + (255 - below) * cover) for below in ACCENT)
        return red, green, blue, 255

    return _drawn(192, pixel)


def outline_icon() -> bytes:
    """32 × 32, white on nothing."""  # noqa: RUF002 - what people write
    return _drawn(32, lambda cover: (*_WHITE, round(255 * cover)))


def _drawn(side: int, pixel: Callable[[float], Pixel]) -> bytes:
    pixels = (bytes(pixel(_cover(column, row, side))) for row in range(side) for column in range(side))
    return rgba(side, side, b"".join(pixels))


def _cover(column: int, row: int, side: int) -> float:
    """How much of a pixel the check mark covers, from 0 to 1: its edge is one pixel soft."""
    x, y = (column + 0.5) / side, (row + 0.5) / side
    distance = min(_distance(x, y, one, two) for one, two in pairwise(_MARK))
    return min(1.0, max(0.0, (_HALF - distance) * side + 0.5))


def _distance(x: float, y: float, one: tuple[float, float], two: tuple[float, float]) -> float:
    """From a point to a line between two points."""
    along_x, along_y = two[0] - one[0], two[1] - one[1]
    share = ((x - one[0]) * along_x + (y - one[1]) * along_y) / (along_x * along_x + along_y * along_y)
    share = min(1.0, max(0.0, share))
    return math.sqrt((x - one[0] - share * along_x) ** 2 + (y - one[1] - share * along_y) ** 2)
