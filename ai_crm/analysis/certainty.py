"""How strengths of evidence become percentages, in whole numbers so that every machine says the same."""

from __future__ import annotations

from functools import lru_cache

_ONE = 1 << 16
# 2 to the power of 1/256, 2/256, 4/256 ... 128/256, in 65536ths.
_ROOTS = (65714, 65892, 66250, 66971, 68438, 71468, 77936, 92682)


def shares(strengths: tuple[int, ...], steepness: int) -> tuple[int, ...]:
    """What percentage of belief each strength deserves. Both count in 256ths: a steepness of 256 doubles per 256."""
    most = max(strengths)
    parts = [power((strength - most) * steepness >> 8) for strength in strengths]
    return tuple(100 * part // sum(parts) for part in parts)


@lru_cache(maxsize=1024)
def power(exponent: int) -> int:
    """2 to the power of an exponent in 256ths that is not above nought, in 65536ths."""
    whole, fraction = divmod(exponent, 256)
    result = _ONE
    for bit, root in enumerate(_ROOTS):
        if fraction >> bit & 1:
            result = result * root >> 16
    return result >> -whole
