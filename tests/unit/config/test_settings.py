"""Settings: read once, checked, and everything that is wrong told at once without a value."""

from __future__ import annotations

from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.config.settings import Reader
from ai_crm.errors import SettingsInvalid

CANARY = "canary-7e1f0b9c2d"


class _Colour(StrEnum):
    RED = "red"
    DARK_BLUE = "dark_blue"


def problems(reader: Reader, prefix: str = "") -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        reader.done(prefix)
    assert CANARY not in f"{caught.value} {caught.value!r}"
    return [str(problem) for problem in caught.value.problems]


def test_a_text_is_taken_without_the_blanks_around_it() -> None:
    reader = Reader({"AI_CRM_NAME": "  two words \n"})
    assert reader.text("AI_CRM_NAME") == "two words"
    reader.done("AI_CRM_")


@pytest.mark.parametrize("environ", [{}, {"X": ""}, {"X": "  "}])
def test_an_empty_value_is_an_absent_one(environ: dict[str, str]) -> None:
    reader = Reader(environ)
    assert reader.text("X", "usual") == "usual"
    assert reader.text("X", "") == ""
    assert reader.flag("X", default=True) is True
    assert reader.choice("X", _Colour.RED) is _Colour.RED
    assert reader.url("X", "https://example.org/") == "https://example.org"
    assert reader.url("X") == ""
    assert not reader.secret("X")
    reader.done()


def test_a_text_without_a_default_must_be_there() -> None:
    reader = Reader({})
    assert reader.text("X") == ""
    assert problems(reader) == ["X: is missing"]


@pytest.mark.parametrize(
    "value", [f"{CANARY}\nb", f"{CANARY}\0", f"{CANARY}\x1b[1m", f"{CANARY}\u202e", f"{CANARY}\udcff"]
)
def test_a_text_of_more_than_one_line_is_a_problem(value: str) -> None:
    reader = Reader({"X": value})
    assert reader.text("X", "usual") == ""
    assert problems(reader) == ["X: holds a line break or another control character"]


def test_a_secret_is_read_without_the_line_break_that_was_copied_with_it() -> None:
    reader = Reader({"X": f"{CANARY}\n"})
    assert reader.secret("X", required=True).reveal() == CANARY
    reader.done()


@pytest.mark.parametrize(
    "value", [f"{CANARY}\n{CANARY}", f"{CANARY} b", f"{CANARY}ü", f"{CANARY}\0", f"{CANARY}\udcff"]
)
def test_a_secret_that_no_header_can_hold_is_a_problem(value: str) -> None:
    reader = Reader({"X": value})
    assert not reader.secret("X")
    assert problems(reader)[0].startswith("X: holds a character that no token has")


def test_a_required_secret_must_be_there() -> None:
    reader = Reader({})
    assert not reader.secret("X", required=True)
    assert problems(reader) == ["X: is missing"]


@pytest.mark.parametrize(
    ("word", "means"), [("true", True), ("True", True), ("TRUE", True), ("false", False), ("FALSE", False)]
)
def test_a_flag_speaks_the_words_of_yaml(word: str, means: bool) -> None:  # noqa: FBT001 - a table
    reader = Reader({"X": word})
    assert reader.flag("X", default=not means) is means
    reader.done()


@pytest.mark.parametrize("word", ["yes", "on", "1", "tRUE", CANARY])
def test_a_flag_is_not_guessed(word: str) -> None:
    reader = Reader({"X": word})
    assert reader.flag("X", default=False) is False
    assert problems(reader) == ["X: is neither true nor false"]


def test_a_choice_is_one_of_its_words() -> None:
    reader = Reader({"X": "dark_blue"})
    assert reader.choice("X", _Colour.RED) is _Colour.DARK_BLUE
    reader.done()


def test_a_choice_that_is_misspelt_names_the_words_and_the_nearest() -> None:
    reader = Reader({"X": "dark-blue", "Y": CANARY})
    assert reader.choice("X", _Colour.RED) is _Colour.RED
    assert reader.choice("Y", _Colour.RED) is _Colour.RED
    assert problems(reader) == [
        'X: is none of: red, dark_blue (did you mean "dark_blue"?)',
        "Y: is none of: red, dark_blue",
    ]


@pytest.mark.parametrize(
    "value", [f"http://{CANARY}.example", f"https://me:{CANARY}@host", CANARY, f"https://host/{CANARY}?x", "ftp://x"]
)
def test_an_address_is_https_or_this_machine(value: str) -> None:
    reader = Reader({"X": value, "Y": "http://127.0.0.1:4800/", "Z": "https://ghe.example/api/v3/"})
    assert (reader.url("X"), reader.url("Y"), reader.url("Z")) == (
        "",
        "http://127.0.0.1:4800",
        "https://ghe.example/api/v3",
    )
    assert problems(reader)[0].startswith("X: ")


def test_every_problem_is_told_at_once_and_in_order() -> None:
    reader = Reader({"B": CANARY, "C": "a\nb"})
    reader.flag("B", default=True)
    reader.secret("C")
    reader.text("A")
    assert [problem.partition(":")[0] for problem in problems(reader)] == ["A", "B", "C"]


def test_an_input_is_named_as_its_workflow_spells_it() -> None:
    reader = Reader({"INPUT_API_KEY": f"{CANARY} ", "INPUT_DRY_RUN": CANARY, "INPUT_PM_ANALYSES": "true"})
    reader.secret("INPUT_API_KEY")
    reader.flag("INPUT_DRY_RUN", default=False)
    reader.flag("INPUT_PM_ANALYSIS", default=True)
    assert problems(reader, "INPUT_") == [
        "input dry_run: is neither true nor false",
        'input pm_analyses: is not known (did you mean "input pm_analysis"?)',
    ]


def test_an_unknown_variable_of_ours_is_a_problem_and_a_strangers_is_not() -> None:
    reader = Reader({"AI_CRM_DATABASE_URI": CANARY, "AI_CRM_ZZZ": CANARY, "PATH": "/bin"})
    reader.text("AI_CRM_DATABASE_URL", "")
    assert problems(reader, "AI_CRM_") == [
        'AI_CRM_DATABASE_URI: is not known (did you mean "AI_CRM_DATABASE_URL"?)',
        "AI_CRM_ZZZ: is not known",
    ]


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, ""),
        ({"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ({"https_proxy": "http://p:1", "HTTPS_PROXY": "http://q:1"}, "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.slack.example"}, ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.example, Slack.Example"}, ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".slack.example"}, ""),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": "*.slack.example:443"}, ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "lack.example,,. "}, "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.slack.example.org"}, "http://p:1"),
    ],
)
def test_a_proxy_is_used_for_a_host_unless_it_is_excepted(environ: dict[str, str], proxy: str) -> None:
    assert Reader(environ).proxy("API.slack.example").reveal() == proxy


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=4))
def test_no_value_comes_back_in_a_problem(noise: str) -> None:
    reader = Reader(dict.fromkeys("ABCDEF", CANARY + noise))
    reader.text("A")
    reader.secret("B")
    reader.flag("C", default=True)
    reader.choice("D", _Colour.RED)
    reader.url("E")
    assert problems(reader, "F")
