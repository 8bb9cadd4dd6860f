"""The word lists in `templates/analysis/` and the form they take in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec
from msgspec import Struct

from ai_crm.analysis.markdown import Forms
from ai_crm.analysis.terms import Entry, Terms
from ai_crm.model.analysis import Complexity, Priority, WorkType

# Hundredths. A word counts double in a title, three times in a label (evidence.py).
STRONG, PLAIN, WEAK = 200, 100, 50


class WordList(Struct, frozen=True, forbid_unknown_fields=True):
    """Words that speak for one target, by how much they say. `labels` count only as a whole label.

    `silent` phrases say nothing, so that a word inside them is not heard: `error message` is no error.
    """

    strong: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def entries(self, target: str) -> Iterator[Entry]:
        for words, weight in ((self.silent, 0), (self.strong, STRONG), (self.plain, PLAIN), (self.weak, WEAK)):
            for word in words:
                yield word, target, weight


class AgentWords(Struct, frozen=True, forbid_unknown_fields=True):
    """Words of one agent. `silent` are its skills that say nothing when they stand alone in a text.

    `files` are endings or names of files, `languages` what a code block or a stack trace calls its language.
    """

    strong: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


class Vocabulary(Struct, frozen=True):
    """The terms of one conclusion: those of texts, and those that must be a whole label."""

    text: Terms
    labels: Terms


class Lexicon(Struct, frozen=True, kw_only=True):
    types: Vocabulary
    effort: Vocabulary
    urgency: Vocabulary
    agents: Mapping[str, AgentWords]
    forms: Forms


class _FormsFile(Struct, frozen=True, forbid_unknown_fields=True):
    headings: dict[str, tuple[str, ...]]
    within: dict[str, tuple[str, ...]]
    asking: frozenset[str]
    instructions: tuple[str, ...]
    traces: dict[str, tuple[str, ...]]


def load_lexicon(read: Callable[[str], bytes]) -> Lexicon:
    """The lexicon from its files; `read` gives the bytes of one by name. Raises msgspec.ValidationError."""
    return Lexicon(
        types=_vocabulary(msgspec.json.decode(read("types.json"), type=dict[WorkType, WordList])),
        effort=_vocabulary(msgspec.json.decode(read("effort.json"), type=dict[Complexity, WordList])),
        urgency=_vocabulary(msgspec.json.decode(read("urgency.json"), type=dict[Priority, WordList])),
        agents=msgspec.json.decode(read("agents.json"), type=dict[str, AgentWords]),
        forms=_forms(msgspec.json.decode(read("forms.json"), type=_FormsFile)),
    )


def _vocabulary(
    lists: Mapping[WorkType, WordList] | Mapping[Complexity, WordList] | Mapping[Priority, WordList],
) -> Vocabulary:
    return Vocabulary(
        Terms(entry for target, words in lists.items() for entry in words.entries(target.value)),
        Terms((label, target.value, STRONG) for target, words in lists.items() for label in words.labels),
    )


def _forms(file: _FormsFile) -> Forms:
    return Forms(
        {heading: kind for kind, headings in file.headings.items() for heading in headings},
        file.instructions,
        {start: language for language, starts in file.traces.items() for start in starts},
        {words: kind for kind, each in file.within.items() for words in each},
        file.asking,
    )
