"""One measured figure, as the model card shows it."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """`shown` is the value as people read it, `beside` what it should be compared with."""

    measure: str
    data: str
    shown: str
    beside: str = ""


def three(*values: float) -> str:
    """Values with three decimals, parted by slashes."""
    return " / ".join(f"{value:.3f}" for value in values)
