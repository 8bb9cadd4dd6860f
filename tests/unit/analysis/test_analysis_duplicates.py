"""Likely duplicates: the same matter in other words, told apart from the same words about other matters."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.analysis.duplicates import Entry, duplicates, like

_OPEN = (
    Entry("T-1", "Export to CSV fails for large reports", "With more than 10,000 rows the CSV export times out."),
    Entry("T-2", "Dark mode for the settings page"),
    Entry("T-3", "CSV export of big reports times out", "Exporting 20,000 rows never ends."),
    Entry("T-4", "Login page shows the wrong logo"),
    Entry("T-5", "Login fails with a wrong password message", "The password is right."),
    Entry("T-6", "Settings: support a dark theme", "A dark mode would be nice."),
    Entry("T-7", "Update the licence year"),
)


def test_the_same_matter_in_other_words_is_found_with_what_both_say() -> None:
    pairs = duplicates(_OPEN)
    assert (pairs[0].first, pairs[0].second) == ("T-1", "T-3")
    assert {"csv", "export"} <= set(pairs[0].shared)
    assert ("T-4", "T-5") not in [(pair.first, pair.second) for pair in pairs]


def test_a_new_task_is_compared_with_the_open_ones() -> None:
    found = like(Entry("new", "Exporting a large report as CSV runs into a timeout"), _OPEN)
    assert {pair.second for pair in found} <= {"T-1", "T-3"}
    assert like(Entry("new", "Translate the handbook into French"), _OPEN) == ()


def test_the_same_text_twice_is_wholly_alike() -> None:
    pairs = duplicates((Entry("a", "Rotate the keys"), Entry("b", "rotate the KEYS"), Entry("c", "Paint the shed")))
    assert [(pair.first, pair.second) for pair in pairs] == [("a", "b")]
    assert pairs[0].score >= 99


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=40), max_size=8))
def test_any_list_is_answered_with_scores_in_order(titles: list[str]) -> None:
    pairs = duplicates(tuple(Entry(str(number), title) for number, title in enumerate(titles)))
    assert [pair.score for pair in pairs] == sorted((pair.score for pair in pairs), reverse=True)
    assert all(0 <= pair.score <= 100 and pair.first != pair.second for pair in pairs)
