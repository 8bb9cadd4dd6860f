"""The word lists as data: every entry can match, and none is there twice."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from ai_crm import resources
from ai_crm.analysis.lexicon import AgentWords, WordList, load_lexicon
from ai_crm.analysis.terms import entry_of
from ai_crm.analysis.words import fold, stem
from ai_crm.model.agent import Agent

_FILES = ("agents", "effort", "forms", "types", "urgency")


def _read(name: str) -> bytes:
    return resources.read("templates", "analysis", name)


_LEXICON = load_lexicon(_read)
_LISTS = {
    f"{file} {target}": words
    for file in ("effort", "types", "urgency")
    for target, words in msgspec.json.decode(_read(f"{file}.json"), type=dict[str, WordList]).items()
}
_ALL: dict[str, WordList | AgentWords] = {**_LISTS, **_LEXICON.agents}


def _entries(words: WordList | AgentWords) -> tuple[str, ...]:
    return (*words.strong, *words.plain, *words.weak, *words.silent)


def test_the_folder_holds_these_files_and_no_others() -> None:
    assert resources.names("templates", "analysis", suffix=".json") == _FILES


@pytest.mark.parametrize("name", _ALL)
def test_entries_are_spelled_the_way_texts_are_read(name: str) -> None:
    labels = getattr(_ALL[name], "labels", ())
    bare = [entry.lstrip("=^") for entry in (*_entries(_ALL[name]), *labels)]
    assert bare == [entry_of(entry) for entry in bare]


@pytest.mark.parametrize("name", _ALL)
def test_no_entry_is_listed_twice(name: str) -> None:
    assert [entry for entry, count in Counter(_entries(_ALL[name])).items() if count > 1] == []


def test_the_plural_of_every_listed_noun_is_found_with_it() -> None:
    listed = {word for words in _ALL.values() for entry in _entries(words) for word in entry.lstrip("=^").split(" ")}
    regular = {word for word in listed if len(word) > 3 and word.isalpha() and word[-1] not in "szxhyiu"}
    no_nouns = {"window", "using"}
    assert {word for word in regular if stem(word + "s") != stem(word)} == no_nouns


def test_every_agent_of_the_catalogue_has_words_and_no_other_agent_has(catalogue: tuple[Agent, ...]) -> None:
    assert set(_LEXICON.agents) == {agent.name for agent in catalogue}


def test_a_label_means_one_thing_only() -> None:
    for file in ("effort", "types", "urgency"):
        labels = [label for name, words in _LISTS.items() if name.startswith(file) for label in words.labels]
        assert [label for label, count in Counter(labels).items() if count > 1] == []


def test_forms_are_spelled_the_way_lines_are_read() -> None:
    forms = _LEXICON.forms
    for entry in (*forms.headings, *forms.instructions, *forms.traces):
        assert entry == fold(entry)
        assert entry.strip()


def test_a_file_with_an_unknown_group_is_refused() -> None:
    def damaged(name: str) -> bytes:
        return b'{"bug": {"storng": []}}' if name == "types.json" else _read(name)

    with pytest.raises(msgspec.ValidationError, match="storng"):
        load_lexicon(damaged)
