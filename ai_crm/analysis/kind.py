"""Which kind of work a text asks for: its words, what its form says, what bugs and questions look like, and how sure."""

from __future__ import annotations

from collections.abc import Mapping

from ai_crm.analysis.certainty import shares
from ai_crm.analysis.evidence import BODY, STRUCTURE, Sightings, gather
from ai_crm.analysis.features import log2
from ai_crm.analysis.lexicon import Vocabulary
from ai_crm.analysis.reading import Reading
from ai_crm.analysis.words import split
from ai_crm.model.analysis import TypeOfWork, WorkType

_TRACE = 300
_FORM = 200
_ASKS = 250
_CODE = 50
_ASKED = 100
_OWN_CASE = 100
# A form that asks for the kind is answered with "bug" by everybody who does not care.
_ANSWERED, _ANSWERED_BUG = 500, 100
# People who ask tell of themselves: bugs and wishes speak of the thing.
_FIRST_PERSON = frozenset(("i", "i'm", "i've", "my", "me"))
_TELLS = 3
# Questions are worded like everything else and so find less evidence than they deserve; in 256ths of a doubling.
# Like the steepness below it was set on public issues (docs/analysis.md, "What was measured").
_QUESTION_OWED = 100
# What every kind is given beforehand, so that the first words count most.
_DOUBT = 100
_STEEPNESS = 450
# Many bodies mention documents and chores, few are about them: their words count half there.
_MENTIONED = frozenset((WorkType.DOCUMENTATION, WorkType.TASK))


def type_of_work(sightings: Sightings) -> TypeOfWork:
    """The kind with most evidence; a task with low confidence where there is none."""
    strengths = type_strengths(sightings)
    if not any(strengths.values()):
        return TypeOfWork(WorkType.TASK, 100 // len(WorkType), ())
    value = max(WorkType, key=lambda kind: strengths[kind])
    confidence = shares(tuple(strengths.values()), _STEEPNESS)[tuple(strengths).index(value)]
    return TypeOfWork(value, confidence, sightings.shown(value))


def type_evidence(reading: Reading, vocabulary: Vocabulary) -> Sightings:
    sightings = gather(reading, vocabulary)
    _look_at_structure(reading, sightings)
    for answer in reading.marks.answers:
        _look_at_answer(answer, vocabulary, sightings)
    return sightings


def type_strengths(sightings: Sightings) -> Mapping[WorkType, int]:
    """How strongly each kind is spoken for, in 256ths of a doubling: the tenth word adds less than the first."""
    strengths = {kind: log2(_DOUBT + _evidence(sightings, kind)) - log2(_DOUBT) for kind in WorkType}
    if strengths[WorkType.QUESTION]:
        strengths[WorkType.QUESTION] += _QUESTION_OWED
    return strengths


def _evidence(sightings: Sightings, kind: WorkType) -> int:
    """What speaks for a kind, in hundredths."""
    if kind not in _MENTIONED:
        return sightings.sum(kind)
    return sum(each.weight // 2 if each.where == BODY else each.weight for each in sightings.all(kind))


def _look_at_structure(reading: Reading, sightings: Sightings) -> None:
    marks = reading.marks
    if marks.traces:
        sightings.add(WorkType.BUG, "stack trace", STRUCTURE, _TRACE)
    if marks.code_blocks:
        sightings.add(WorkType.BUG, "code block", STRUCTURE, _CODE)
    if reading.asks:
        sightings.add(WorkType.QUESTION, "title ends with a question mark", STRUCTURE, _ASKS)
    if reading.asked:
        sightings.add(WorkType.QUESTION, "question mark in the text", STRUCTURE, _ASKED)
    if sum(word in _FIRST_PERSON for word in reading.body.seen) >= _TELLS:
        sightings.add(WorkType.QUESTION, "tells of the writer's own case", STRUCTURE, _OWN_CASE)
    for kind in marks.forms:
        if kind:
            sightings.add(kind, f"{kind} form", STRUCTURE, _FORM)


def _look_at_answer(answer: str, vocabulary: Vocabulary, sightings: Sightings) -> None:
    words = split(answer)
    whole = vocabulary.labels.whole(words)
    for term in [whole] if whole else [found.term for found in vocabulary.labels.claims(words)]:
        for kind, _ in term.meanings:
            weight = _ANSWERED_BUG if kind == WorkType.BUG else _ANSWERED
            sightings.add(kind, f"the form says {' '.join(words.seen)}", STRUCTURE, weight)
