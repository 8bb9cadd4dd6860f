"""How text becomes words."""

from __future__ import annotations

import pytest

from ai_crm.analysis.words import ANSWER, BREAK, JOINED, fold, split, stem

SAME_STEM = [
    ("cache", "caches", "cached", "caching"),
    ("crash", "crashes", "crashed", "crashing"),
    ("query", "queries", "queried", "querying"),
    ("stop", "stops", "stopped", "stopping"),
    ("test", "tests", "tested", "testing"),
    ("size", "sizes", "sized", "sizing"),
    ("save", "saves", "saved", "saving"),
    ("fix", "fixes", "fixed", "fixing"),
    ("add", "adds", "added", "adding"),
    ("use", "uses", "used", "using"),
    ("index", "indexes", "indices"),
    ("api", "apis"),
    ("setting", "settings"),
    ("process", "processes", "processed", "processing"),
]
OTHER_STEM = [
    ("new", "news"),
    ("window", "windows"),
    ("not", "note"),
    ("pip", "pipe"),
    ("sit", "site"),
    ("car", "care"),
    ("set", "setting"),
    ("authentication", "authenticate"),
    ("access", "acces"),
    ("redis", "redi"),
]


@pytest.mark.parametrize("forms", SAME_STEM, ids=[forms[0] for forms in SAME_STEM])
def test_plain_inflections_share_a_stem(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1


@pytest.mark.parametrize(("one", "other"), OTHER_STEM)
def test_different_words_keep_different_stems(one: str, other: str) -> None:
    assert stem(one) != stem(other)


@pytest.mark.parametrize("text", ["front end", "front-end", "front_end", "front/end", "Front\nEnd", "front **end**"])
def test_hyphens_slashes_and_line_ends_join_words(text: str) -> None:
    words = split(fold(text))
    assert words.seen == ("front", "end")
    assert words.gaps == (BREAK, JOINED)


@pytest.mark.parametrize(
    "text", ["front. End", "front, end", "front; end", "front (end)", "front\n\nend", "front | end"]
)
def test_punctuation_and_blank_lines_part_words(text: str) -> None:
    assert split(fold(text)).gaps[1] == BREAK


@pytest.mark.parametrize("text", ["Regression: no", "Regression? No", "regression = no"])
def test_a_colon_or_question_mark_announces_an_answer(text: str) -> None:
    assert split(fold(text)).gaps[1] == ANSWER


def test_names_with_signs_stay_whole() -> None:
    words = split(fold("C++ and C# on .NET, node.js, the user's can\u2019t"))
    assert words.seen == ("c++", "and", "c#", "on", ".net", "node", "js", "the", "user", "can't")


def test_invisible_characters_width_and_case_do_not_hide_a_word() -> None:
    assert fold("\u202eS\u200bE\u00adC\u2060ure\ufeff \uff33\uff31\uff2c") == "secure sql"
