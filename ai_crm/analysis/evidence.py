"""What was seen in a text for each target, and how much it counts: labels most, the title next, the body least."""

from __future__ import annotations

from collections.abc import Iterator

from ai_crm.analysis.lexicon import Vocabulary
from ai_crm.analysis.reading import Label, Reading
from ai_crm.analysis.terms import Found
from ai_crm.model.analysis import Evidence

TITLE, BODY, LABEL, STRUCTURE = "title", "body", "label", "structure"
PLATFORM = "platform"
# How many times a list's weight a word counts in each place.
TIMES = {TITLE: 2, BODY: 1, LABEL: 3}
_SHOWN = 6


class Sightings:
    """Collects evidence per target. The same word in the same place counts once, however often it is repeated."""

    def __init__(self) -> None:
        self._of: dict[str, dict[tuple[str, str], Evidence]] = {}

    def add(self, target: str, seen: str, where: str, weight: int, key: str = "") -> None:
        """Notes one thing seen. `key` tells what counts as the same thing; without it that is what was seen."""
        known = self._of.setdefault(target, {})
        known.setdefault((key or seen, where), Evidence(seen, where, weight))

    def found(self, found: Found, where: str) -> None:
        key = " ".join(found.term.stems)
        for target, weight in found.term.meanings:
            self.add(target, found.seen, where, weight * TIMES[where], key)

    def targets(self) -> tuple[str, ...]:
        return tuple(self._of)

    def sum(self, target: str) -> int:
        return sum(evidence.weight for evidence in self._of.get(target, {}).values())

    def shown(self, *targets: str) -> tuple[Evidence, ...]:
        """The strongest evidence for the targets, for people to read."""
        return tuple(sorted(self.all(*targets), key=lambda evidence: -evidence.weight)[:_SHOWN])

    def all(self, *targets: str) -> tuple[Evidence, ...]:
        return tuple(evidence for target in targets for evidence in self._of.get(target, {}).values())


def gather(reading: Reading, vocabulary: Vocabulary) -> Sightings:
    """What title, body and labels claim; inline code claims nothing."""
    sightings = Sightings()
    for where, words in ((TITLE, reading.title), (BODY, reading.body)):
        for found in vocabulary.text.claims(words):
            sightings.found(found, where)
    for label in reading.labels:
        for found in _in_label(label, vocabulary):
            sightings.found(found, LABEL)
    return sightings


def _in_label(label: Label, vocabulary: Vocabulary) -> Iterator[Found]:
    whole = vocabulary.labels.whole(label.words)
    if whole is not None:
        yield Found(whole, label.name)
        return
    yield from (Found(found.term, label.name) for found in vocabulary.text.claims(label.words))
