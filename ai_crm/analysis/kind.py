"""Which kind of work a text asks for: its words, and what bugs and questions look like."""

from __future__ import annotations

from ai_crm.analysis.evidence import STRUCTURE, Sightings, gather
from ai_crm.analysis.lexicon import Vocabulary
from ai_crm.analysis.reading import Reading
from ai_crm.model.analysis import TypeOfWork, WorkType

_TRACE = 300
_FORM = 200
_ASKS = 250
_CODE = 50
# What every kind is given beforehand, so that little evidence gives little confidence.
_DOUBT = 100


def type_of_work(reading: Reading, vocabulary: Vocabulary) -> TypeOfWork:
    """The kind with most evidence; a task with low confidence where there is none."""
    sightings = gather(reading, vocabulary)
    _look_at_structure(reading, sightings)
    sums = {kind: sightings.sum(kind) for kind in WorkType}
    total = sum(sums.values())
    if total == 0:
        return TypeOfWork(WorkType.TASK, 100 // len(WorkType), ())
    value = max(WorkType, key=lambda kind: sums[kind])
    confidence = 100 * (sums[value] + _DOUBT) // (total + _DOUBT * len(WorkType))
    return TypeOfWork(value, confidence, sightings.shown(value))


def _look_at_structure(reading: Reading, sightings: Sightings) -> None:
    marks = reading.marks
    if marks.traces:
        sightings.add(WorkType.BUG, "stack trace", STRUCTURE, _TRACE)
    if marks.code_blocks:
        sightings.add(WorkType.BUG, "code block", STRUCTURE, _CODE)
    if reading.asks:
        sightings.add(WorkType.QUESTION, "title ends with a question mark", STRUCTURE, _ASKS)
    for kind in marks.forms:
        if kind:
            sightings.add(kind, f"{kind} form", STRUCTURE, _FORM)
