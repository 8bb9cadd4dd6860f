"""How words of a list are found, and when they are denied."""

from __future__ import annotations

import pytest

from ai_crm.analysis.terms import Terms, entry_of
from ai_crm.analysis.words import fold, split

_TERMS = Terms(
    [
        ("crash", "bug", 100),
        ("data loss", "bug", 200),
        ("urgent", "bug", 100),
        ("react", "web", 100),
        ("react native", "mobile", 100),
        ("not work", "bug", 200),
        ("=down", "bug", 100),
        ("^add", "feature", 100),
        ("error message", "bug", 0),
        ("error", "bug", 100),
    ]
)


def _claims(text: str, *, title: bool = False) -> list[str]:
    return [found.seen for found in _TERMS.claims(split(fold(text), title=title))]


def _topics(text: str) -> list[str]:
    return [found.seen for found in _TERMS.topics(split(fold(text)))]


@pytest.mark.parametrize(
    "text",
    [
        "no crash",
        "not urgent",
        "non-urgent",
        "without any data loss",
        "there is no crash or data loss",
        "this isn't urgent",
        "it doesn't crash",
        "this is not a crash",
        "not at all urgent",
        "never a crash",
        "nothing urgent",
        "Crash: no",
        "Is it urgent? No",
    ],
)
def test_a_denied_word_is_not_claimed(text: str) -> None:
    assert _claims(text) == []


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("No idea. Crash!", ["crash"]),
        ("not only urgent", ["urgent"]),
        ("no network, crash", ["crash"]),
        ("I cannot save, crash follows", ["crash"]),
        ("it does not work", ["not work"]),
        ("no crash but data loss", ["data loss"]),
        ("Crash? No idea why", []),
    ],
)
def test_a_denial_reaches_no_further_than_its_words(text: str, seen: list[str]) -> None:
    assert _claims(text) == seen


def test_the_longest_phrase_hides_the_words_inside_it() -> None:
    assert _claims("React Native and react") == ["react native", "react"]


def test_a_silent_phrase_hides_its_words_and_says_nothing() -> None:
    found = list(_TERMS.claims(split("error message , error")))
    assert [(one.seen, one.term.meanings) for one in found] == [("error message", ()), ("error", (("bug", 100),))]


def test_a_phrase_does_not_reach_across_sentences() -> None:
    assert _claims("lost data. Loss of sleep") == []


def test_an_exact_entry_takes_no_other_form() -> None:
    assert _claims("down") == ["down"]
    assert _claims("downed downs") == []


def test_an_entry_for_the_beginning_counts_in_titles_only() -> None:
    assert _claims("Add it", title=True) == ["add"]
    assert _claims("[UI] add it", title=True) == ["add"]
    assert _claims("please add it", title=True) == []
    assert _claims("add it") == []


def test_a_topic_stays_a_topic_when_something_is_missing() -> None:
    assert _topics("no crash") == ["crash"]
    assert _topics("not a crash") == []
    assert _topics("nothing to do with react") == []


def test_a_word_that_several_claim_counts_less_for_each() -> None:
    terms = Terms([("css", "one", 100), ("css", "two", 100), ("html", "one", 100), ("html", "two", 50)], (100, 80))
    meanings = [found.term.meanings for found in terms.topics(split("css , html"))]
    assert meanings == [(("one", 80), ("two", 80)), (("one", 100), ("two", 50))]


def test_a_whole_label_is_all_of_its_words() -> None:
    terms = Terms([("priority high", "HIGH", 200)])
    assert terms.whole(split("priority/high")) is not None
    assert terms.whole(split("priority higher")) is None
    assert terms.whole(split("priority high now")) is None
    assert terms.whole(split("")) is None


@pytest.mark.parametrize(("text", "entry"), [("Smart-Pointer", "smart pointer"), ("C++", "c++"), ("!!", "")])
def test_any_spelling_becomes_a_list_entry(text: str, entry: str) -> None:
    assert entry_of(text) == entry
