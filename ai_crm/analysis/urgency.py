"""How soon something must be looked at: words for harm and haste against words that take it back."""

from __future__ import annotations

from ai_crm.analysis.evidence import Sightings, gather
from ai_crm.analysis.lexicon import Vocabulary
from ai_crm.analysis.reading import Reading
from ai_crm.model.analysis import Priority, Urgency

# How much evidence a level needs, in hundredths: one plain word of a title, or one strong word anywhere.
_ENOUGH = 200
_DOUBT = 300
# Priorities do not carry over between teams (docs/analysis.md): words alone never make us surer than this.
_MOST_CONFIDENT = 80
_NOTHING_SEEN = 15


def urgency(reading: Reading, vocabulary: Vocabulary) -> Urgency:
    """The highest level whose evidence outweighs what speaks for LOW; MEDIUM where nothing decides."""
    sightings = gather(reading, vocabulary)
    low, medium, high, urgent = (sightings.sum(level) for level in Priority)
    if medium > max(low, high, urgent):
        return _concluded(Priority.MEDIUM, medium, low + high + urgent, sightings)
    if urgent - low >= _ENOUGH:
        return _concluded(Priority.URGENT, urgent, low, sightings)
    if urgent + high - low >= _ENOUGH:
        return _concluded(Priority.HIGH, urgent + high, low, sightings)
    if low - urgent - high >= _ENOUGH:
        return _concluded(Priority.LOW, low, urgent + high, sightings)
    return Urgency(Priority.MEDIUM, _NOTHING_SEEN, sightings.shown(*Priority))


def _concluded(level: Priority, for_it: int, against_it: int, sightings: Sightings) -> Urgency:
    confidence = min(_MOST_CONFIDENT, 100 * max(for_it - against_it, 0) // (for_it + against_it + _DOUBT))
    levels = (level,) if level is not Priority.HIGH else (Priority.HIGH, Priority.URGENT)
    return Urgency(level, confidence, sightings.shown(*levels))
