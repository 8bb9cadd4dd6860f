"""The arithmetic under the models: logarithms, powers, weights that are found and kept in whole numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.analysis.certainty import power, shares
from ai_crm.analysis.features import UNIT, features, hashed, log2
from ai_crm.analysis.linear import ONE, Loss, absolute, fit, hinge, quantised, rows_of, squared
from ai_crm.analysis.table import table_of

_few = settings(max_examples=60, deadline=None)


@_few
@given(st.integers(1, 1 << 40))
def test_a_logarithm_is_right_to_a_256th(number: int) -> None:
    assert 0 <= math.log2(number) - log2(number) / 256 <= 1 / 256 + 1e-9


@_few
@given(st.integers(-4096, 0))
def test_a_power_is_right_to_a_thousandth(exponent: int) -> None:
    assert power(exponent) / 65536 == pytest.approx(2 ** (exponent / 256), abs=0.001)


@_few
@given(st.lists(st.integers(0, 5000), min_size=1, max_size=8), st.integers(1, 2000))
def test_shares_never_exceed_the_whole_and_the_strongest_has_most(strengths: list[int], steepness: int) -> None:
    found = shares(tuple(strengths), steepness)
    assert sum(found) <= 100
    assert max(found) == found[strengths.index(max(strengths))]


def test_more_evidence_never_lowers_the_share_of_what_it_speaks_for() -> None:
    assert shares((100, 100, 100), 256)[0] <= shares((200, 100, 100), 256)[0] <= shares((900, 100, 100), 256)[0]


@pytest.mark.parametrize("loss", [squared(ONE // 10), hinge(ONE), absolute(ONE)])
def test_every_loss_finds_what_separates_two_words(loss: Loss) -> None:
    texts = [{1: UNIT}, {2: UNIT}, {1: UNIT, 3: 100}, {2: UNIT, 3: 100}] * 5
    keys, rows = rows_of(texts, 2)
    weights = fit(rows, [ONE, -ONE] * 10, len(keys), loss, 10)
    assert keys == [1, 2, 3]
    assert weights[0] > ONE // 2 > -ONE // 2 > weights[1]
    assert abs(weights[2]) < ONE // 10


def test_the_median_is_not_moved_by_one_wild_value() -> None:
    rows = rows_of([{7: UNIT}] * 9, 1)[1]
    targets = [ONE] * 8 + [1000 * ONE]
    assert fit(rows, targets, 1, absolute(ONE), 40)[0] == pytest.approx(ONE, rel=0.1)


@_few
@given(st.lists(st.integers(-(1 << 30), 1 << 30), max_size=50))
def test_a_kept_weight_is_within_half_a_step_of_the_found_one(weights: list[int]) -> None:
    kept, step = quantised(weights)
    assert all(-128 < each < 128 for each in kept)
    assert all(abs(each * step - weight) <= step // 2 + 1 for each, weight in zip(kept, weights, strict=True))


def test_a_table_answers_for_its_own_hashes_only() -> None:
    table = table_of([3, 9, 4_000_000_000], [[ONE, 0, -ONE], [0, 0, ONE]])
    assert table.fits(2)
    assert table.place(9) is None
    assert table.scores({3: UNIT, 9: UNIT, 5: UNIT}) == [table.margin(3, 0), 0]
    assert table.margin(4_000_000_000, 0) < 0 < table.margin(4_000_000_000, 1)
    assert table.margin(9, 0) == 0


@_few
@given(st.text(max_size=60), st.text(max_size=600))
def test_any_text_becomes_the_same_small_numbers(title: str, body: str) -> None:
    first, second = features(title, body), features(title, body)
    assert first == second
    assert all(0 <= value <= UNIT and 0 <= key < 1 << 32 for key, value in (first.single | first.pairs).items())


def test_a_word_is_known_by_its_hash_and_the_place_where_it_stood() -> None:
    seen = features("Login crashes", "It crashes on start").seen
    assert seen[hashed("ucrashes")] == ("crashes", "title")
    assert seen[hashed("Bon start")] == ("on start", "body")


@pytest.mark.parametrize("piece", ["<!--", "```", "{code}", "**a ", "# x\n", "<a ", "https://", "- [ ] ", "?"])
def test_sixty_kilobytes_of_any_mark_become_few_features(piece: str) -> None:
    assert len(features(piece * 50, piece * (65_000 // len(piece))).single) < 200
