"""What the weights for size see of a text: each word once, and lengths that grow by doubling."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.analysis.features import UNIT, features, hashed
from ai_crm.analysis.sizing_view import size_values


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.text(max_size=600))
def test_any_text_becomes_the_same_small_values(title: str, body: str) -> None:
    values = size_values(features(title, body))
    assert values == size_values(features(title, body))
    assert all(0 <= value <= UNIT and 0 <= key < 1 << 32 for key, value in values.items())


def test_a_word_that_is_repeated_counts_as_once() -> None:
    once, often = (size_values(features("Cache", f"migrate {'schema ' * count}")) for count in (1, 30))
    assert once[hashed("uschema")] == often[hashed("uschema")] == once[hashed("umigrate")]


def test_a_word_of_the_title_counts_as_a_word_of_the_title_too() -> None:
    values = size_values(features("Migrate schema", "Rename it"))
    assert hashed("tmigrate") in values
    assert hashed("trename") not in values
    assert hashed("urename") in values


def test_each_doubling_of_a_length_adds_the_same() -> None:
    short, longer, longest = (
        size_values(features("Cache", "\n".join(["- item"] * count)))[hashed("zcount items")] for count in (1, 3, 7)
    )
    assert longest - longer == longer - short > 0


def test_what_is_not_there_has_no_value() -> None:
    values = size_values(features("Cache", "One line"))
    assert hashed("zcount items") not in values
    assert hashed("zcount links") not in values
