"""What each sink gets to see of a text; that nothing of it comes alive is proved in tests/security."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.cards.inert import address, clean, gfm, gfm_block, mrkdwn, one_line, plain, teams

any_text = st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=40)


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        ("plain words, 1 < 2 & more", "plain words, 1 < 2 & more"),
        ("a\r\nb\rc\u2028d\u2029e\x85f\x0bg\x0ch", "a\nb\nc\nd\ne\nf\ng\nh"),
        ("tab\tstays", "tab\tstays"),
        ("a\x00b\x1bc\x7fd\x9be", "abcde"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),
        ("pass\u200bword\u2060\ufeff", "password"),
        ("hi\U000e0068\U000e0069", "hi"),
        ("half\ud83d", "half"),
        ("⚠\ufe0f \U0001f469\u200d\U0001f680", "⚠ \U0001f469\U0001f680"),
        ("Grüße, 日本語, עברית, 🚀", "Grüße, 日本語, עברית, 🚀"),
    ],
)
def test_what_cannot_be_seen_is_taken_away_and_nothing_else(raw: str, seen: str) -> None:
    assert clean(raw) == seen


@pytest.mark.parametrize(
    ("limit", "cut"), [(11, "hello world"), (10, "hello wor…"), (7, "hello…"), (1, "…"), (0, ""), (None, "hello world")]
)
def test_a_long_text_is_cut_and_says_so(limit: int | None, cut: str) -> None:
    assert clean("hello world", limit) == cut


@settings(max_examples=200, deadline=None)
@given(any_text)
def test_cleaning_twice_is_cleaning_once_and_any_encoder_takes_the_result(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert clean(cleaned) == cleaned
    assert len(clean(text, 10)) <= 10


@settings(max_examples=200, deadline=None)
@given(any_text)
def test_every_inline_form_is_one_line_whatever_comes_in(text: str) -> None:
    for function in (gfm, mrkdwn, teams, plain, one_line):
        assert len(function(text).splitlines()) <= 1
        function(text).encode()


@pytest.mark.parametrize(
    ("raw", "markdown"),
    [
        ("Crash on start", "Crash on start"),
        ("@octocat see #1", "@&#8203;octocat see #&#8203;1"),
        ("[BUG] a_b *c*", r"\[BUG\] a\_b \*c\*"),
        ("<b> & $5", "&lt;b&gt; &amp; &#36;5"),
        ("a | b", r"a \| b"),
        ("1. first", r"1\. first"),
        ("# head", r"\# head"),
        ("two\n lines", "two lines"),
        ("fixed in a5c3785ed8", "fixed in a5c378&#8203;5ed8&#8203;"),
        ("https://example.com", "https:/&#8203;/example.com"),
        ("10/12 done, C#", "10/12 done, C#&#8203;"),
        ("", ""),
    ],
)
def test_github_shows_the_words_as_they_were_written(raw: str, markdown: str) -> None:
    assert gfm(raw) == markdown


def test_a_block_keeps_its_lines_and_none_of_them_ends_a_fence() -> None:
    assert gfm_block("a ```\n````\n\t ~~~x\n``\n") == "```text\na ```\n\u200b````\n\t \u200b~~~x\n``\n```"


def test_a_block_wraps_long_lines_between_words_and_loses_none() -> None:
    text = " ".join(f"word{number}" for number in range(60))
    lines = gfm_block(text).split("\n")[1:-1]
    assert len(lines) > 1
    assert all(len(line) <= 100 for line in lines)
    assert " ".join(lines) == text


def test_a_line_without_blanks_is_broken_where_it_must() -> None:
    lines = gfm_block("x" * 250).split("\n")[1:-1]
    assert [len(line) for line in lines] == [100, 100, 50]


@pytest.mark.parametrize("nothing", ["", "\n\n", "  \t ", "\u200b"])
def test_a_block_of_nothing_is_nothing(nothing: str) -> None:
    assert gfm_block(nothing) == ""


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("<!channel> a & b", "&lt;!channel&gt; a &amp; b"),
        ("snake_case 2*3 `x` ~y~", "snake_case 2∗3 ˋxˋ ∼y∼"),  # noqa: RUF001 - look-alikes
        ("> quoted", "› quoted"),  # noqa: RUF001 - a look-alike
        ("&lt;", "&amp;lt;"),
    ],
)
def test_slack_shows_the_words_as_they_were_written(raw: str, message: str) -> None:
    assert mrkdwn(raw) == message


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("<at>Boss</at>", "<\u200bat>Boss<\u200b/at>"),
        ("[x](y)", "[x]\u200b(y)"),
        ("- item", "\u200b- item"),
        ("{{DATE(x)}}", "{\u200b{DATE(x)}}"),
        ("snake_case **bold**", "snake_case ∗∗bold∗∗"),  # noqa: RUF001 - look-alikes
    ],
)
def test_teams_shows_the_words_as_they_were_written(raw: str, message: str) -> None:
    assert teams(raw) == message


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("::error::x", ": :error::x"),
        ("a ##[group]x", "a ## [group]x"),
        ("one\ntwo", "one two"),
        ("std::io", "std::io"),
    ],
)
def test_a_log_line_is_a_line_and_no_command(raw: str, line: str) -> None:
    assert plain(raw) == line


def test_an_address_is_taken_whole_or_not_at_all() -> None:
    assert address("https://github.com/acme/app/issues/1?x=y#z") == "https://github.com/acme/app/issues/1?x=y#z"
    assert address("https://github.com@evil.example/") == ""
    assert address("javascript:alert(1)") == ""
    assert address("https://example.com/" + "x" * 3000) == ""
