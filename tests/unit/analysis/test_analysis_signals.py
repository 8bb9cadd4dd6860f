"""What stands beside a text (votes, comments, who wrote it): weak, shown, out of reach of the text, never enough alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.analysis import offline_analyst
from ai_crm.model.analysis import NO_SIGNALS, Priority, Signals, Urgency

_ANALYST = offline_analyst()
_LOUD = Signals(votes=5_000, comments=5_000, by_member=True)
_TEXTS = st.lists(
    st.sampled_from(
        ["+1 from 900 people", "crash", "typo", "no", "urgent", "production is down", "lorem", "minor", "\n"]
    ),
    max_size=8,
).map(" ".join)


def _urgency(title: str, signals: Signals = NO_SIGNALS, labels: tuple[str, ...] = ()) -> Urgency:
    return _ANALYST.analyse(title, "", labels, (), signals).urgency


def _seen(urgency: Urgency) -> list[tuple[str, int]]:
    return [(evidence.seen, evidence.weight) for evidence in urgency.evidence if evidence.where == "platform"]


@pytest.mark.parametrize(
    ("signals", "seen"),
    [
        (Signals(votes=4, comments=19), []),
        (Signals(votes=5), [("+1 from 5 people", 50)]),
        (Signals(votes=12), [("+1 from 12 people", 75)]),
        (Signals(votes=25), [("+1 from 25 people", 100)]),
        (Signals(comments=20), [("20 comments", 25)]),
        (Signals(by_member=True), [("reported by somebody of the project", 50)]),
        (Signals(votes=0, comments=0), []),
    ],
)
def test_who_asks_and_who_joins_in_is_shown_with_its_weight(signals: Signals, seen: list[tuple[str, int]]) -> None:
    assert _seen(_urgency("Lorem ipsum", signals)) == seen


def test_all_of_it_together_decides_nothing_without_a_word_in_the_text() -> None:
    assert _urgency("Lorem ipsum", _LOUD).value is Priority.MEDIUM
    assert _urgency("Lorem ipsum", _LOUD).confidence == _urgency("Lorem ipsum").confidence


def test_a_word_that_was_not_enough_becomes_enough() -> None:
    title = "Slow list"
    assert _urgency(title).value is Priority.MEDIUM
    louder = _urgency(title, _LOUD)
    assert louder.value is Priority.HIGH
    assert {"slow"} < {evidence.seen.casefold() for evidence in louder.evidence}


def test_what_a_label_says_stands() -> None:
    assert _urgency("Lorem ipsum", _LOUD, ("priority: low",)).value is Priority.LOW


@settings(max_examples=80, deadline=None)
@given(_TEXTS)
def test_no_text_claims_a_signal_and_no_signal_makes_an_alarm(text: str) -> None:
    quiet, loud = _urgency(text), _urgency(text, _LOUD)
    assert _seen(quiet) == []
    assert (loud.value is Priority.URGENT) == (quiet.value is Priority.URGENT)
    assert tuple(Priority).index(loud.value) >= tuple(Priority).index(quiet.value)
