"""What impact and urgency make of a priority, for people who would rather answer two questions than one. Pure."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from ai_crm.model.analysis import Priority


class Level(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


# Rows are impact (how many it touches, how badly), columns urgency (how soon it must be done).
MATRIX = MappingProxyType(
    {
        (Level.LOW, Level.LOW): Priority.LOW,
        (Level.LOW, Level.MEDIUM): Priority.LOW,
        (Level.LOW, Level.HIGH): Priority.MEDIUM,
        (Level.MEDIUM, Level.LOW): Priority.LOW,
        (Level.MEDIUM, Level.MEDIUM): Priority.MEDIUM,
        (Level.MEDIUM, Level.HIGH): Priority.HIGH,
        (Level.HIGH, Level.LOW): Priority.MEDIUM,
        (Level.HIGH, Level.MEDIUM): Priority.HIGH,
        (Level.HIGH, Level.HIGH): Priority.URGENT,
    }
)


def priority_of(impact: Level, urgency: Level) -> Priority:
    return MATRIX[impact, urgency]


def matrix_lines() -> tuple[str, ...]:
    """The matrix for people, a line for each impact: `high impact: MEDIUM, HIGH, URGENT`."""
    return tuple(
        f"{impact} impact: {', '.join(MATRIX[impact, urgency] for urgency in Level)}" for impact in reversed(Level)
    )
