"""How soon something must be looked at: words for harm and haste, who asks and who joins in, against what takes it back."""

from __future__ import annotations

from ai_crm.analysis.evidence import PLATFORM, Sightings, gather
from ai_crm.analysis.lexicon import Vocabulary
from ai_crm.analysis.reading import Reading
from ai_crm.model.analysis import NO_SIGNALS, Priority, Signals, Urgency

# How much evidence a level needs, in hundredths: one plain word of a title, or one strong word anywhere.
_ENOUGH = 200
_DOUBT = 300
# Priorities do not carry over between teams (docs/analysis.md): words alone never make us surer than this.
_MOST_CONFIDENT = 80
_NOTHING_SEEN = 15
# What stands beside the text speaks for HIGH. All of it together is less than enough: without a word in the text it
# decides nothing, and accounts that somebody made for the purpose do not either.
_VOTES = ((25, 100), (10, 75), (5, 50))
_COMMENTS = ((20, 25),)
_MEMBER = 50


def urgency(reading: Reading, vocabulary: Vocabulary, signals: Signals = NO_SIGNALS) -> Urgency:
    """The highest level whose evidence outweighs what speaks for LOW; MEDIUM where nothing decides."""
    sightings = gather(reading, vocabulary)
    _beside(sightings, signals)
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


def _beside(sightings: Sightings, signals: Signals) -> None:
    """Notes what the platform says about the text."""
    votes, comments = signals.votes or 0, signals.comments or 0
    for seen, weight in (
        (f"+1 from {votes} people", _weight(votes, _VOTES)),
        (f"{comments} comments", _weight(comments, _COMMENTS)),
        ("reported by somebody of the project", _MEMBER if signals.by_member else 0),
    ):
        if weight:
            sightings.add(Priority.HIGH, seen, PLATFORM, weight)


def _weight(count: int, steps: tuple[tuple[int, int], ...]) -> int:
    return next((weight for least, weight in steps if count >= least), 0)


def _concluded(level: Priority, for_it: int, against_it: int, sightings: Sightings) -> Urgency:
    confidence = min(_MOST_CONFIDENT, 100 * max(for_it - against_it, 0) // (for_it + against_it + _DOUBT))
    levels = (level,) if level is not Priority.HIGH else (Priority.HIGH, Priority.URGENT)
    return Urgency(level, confidence, sightings.shown(*levels))
