"""How much work a text asks for: a class from its words and its shape, and hours as a range."""

from __future__ import annotations

from types import MappingProxyType

from ai_crm.analysis.deciding import deciding
from ai_crm.analysis.evidence import STRUCTURE, Sightings, gather
from ai_crm.analysis.features import Features
from ai_crm.analysis.lexicon import Vocabulary
from ai_crm.analysis.reading import Reading
from ai_crm.analysis.sizing import LEAST_WORDS, Sizes
from ai_crm.model.analysis import Complexity, Effort

# (likely hours, and the range of them when the text says nothing more). The likely ones are ours by convention; how
# often the ranges held on recorded hours is in docs/analysis.md.
HOURS = MappingProxyType(
    {
        Complexity.SIMPLE: (2, 1, 16),
        Complexity.MODERATE: (8, 1, 24),
        Complexity.COMPLEX: (24, 2, 80),
        Complexity.EPIC: (80, 8, 320),
    }
)

# Each class pulls towards its place on a line; MODERATE pulls a little even when nothing was seen.
_PLACES = MappingProxyType(
    {Complexity.SIMPLE: -200, Complexity.MODERATE: 0, Complexity.COMPLEX: 200, Complexity.EPIC: 400}
)
_UPPER_BOUNDS = ((Complexity.SIMPLE, -100), (Complexity.MODERATE, 100), (Complexity.COMPLEX, 250))
_PRIOR = 150
# Text says little about hours, so no text makes us surer than this; measured figures are in docs/analysis.md.
_MOST_CONFIDENT = 75
_LEAST_CONFIDENT = 10
# (at least so many, evidence for COMPLEX)
_CHECKLIST = ((12, 400), (6, 200), (3, 100))
_WORDS = ((800, 150), (300, 75))


def effort(reading: Reading, vocabulary: Vocabulary, sizes: Sizes, seen: Features) -> Effort:
    """The class where the evidence balances: no single word decides against all others."""
    sightings = gather(reading, vocabulary)
    _look_at_structure(reading, sightings)
    if len(reading.title.seen) + len(reading.body.seen) >= LEAST_WORDS:
        _look_at_wording(sizes, seen, sightings)
    sums = {size: sightings.sum(size) for size in Complexity}
    total = sum(sums.values()) + _PRIOR
    place = sum(_PLACES[size] * weight for size, weight in sums.items()) // total
    value = next((size for size, bound in _UPPER_BOUNDS if place <= bound), Complexity.EPIC)
    confidence = max(_LEAST_CONFIDENT, min(_MOST_CONFIDENT, 100 * sums[value] // (total + _PRIOR)))
    likely, low, high = _hours(value, confidence)
    # A balance of small and big has no evidence of its own: then people see what was balanced.
    return Effort(value, likely, low, high, confidence, sightings.shown(value) or sightings.shown(*Complexity))


def _hours(value: Complexity, confidence: int) -> tuple[int, int, int]:
    """Likely, low and high. Full confidence would take away half of the range on either side."""
    likely, low, high = HOURS[value]
    return likely, low + (likely - low) * confidence // 200, high - (high - likely) * confidence // 200


def _look_at_structure(reading: Reading, sightings: Sightings) -> None:
    boxes, words = reading.marks.checklist, len(reading.body.seen)
    _measure(boxes, f"{boxes} check boxes", _CHECKLIST, sightings)
    _measure(words, f"{words} words", _WORDS, sightings)


def _look_at_wording(sizes: Sizes, seen: Features, sightings: Sightings) -> None:
    """What trained weights say, with the words that count most for it."""
    leaning = sizes.leaning(seen)
    value, weight = sizes.verdict(leaning)
    words = deciding(sizes.table, 0, seen, 1 if leaning >= 0 else -1)
    if words and weight:
        named = ", ".join(evidence.seen for evidence in words)
        than = "larger" if leaning >= 0 else "smaller"
        sightings.add(value, f"worded like {than} tasks: {named}", STRUCTURE, weight)


def _measure(count: int, seen: str, steps: tuple[tuple[int, int], ...], sightings: Sightings) -> None:
    weight = next((weight for least, weight in steps if count >= least), 0)
    if weight:
        sightings.add(Complexity.COMPLEX, seen, STRUCTURE, weight)
