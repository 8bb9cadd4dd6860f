"""What counts as a writer's own words."""

from __future__ import annotations

import pytest

from ai_crm import resources
from ai_crm.analysis.lexicon import load_lexicon
from ai_crm.analysis.markdown import Prose, read_line, read_text
from ai_crm.analysis.words import fold

_FORMS = load_lexicon(lambda name: resources.read("templates", "analysis", name)).forms


def _read(text: str) -> Prose:
    return read_text(fold(text), _FORMS)


def _words(text: str) -> list[str]:
    return _read(text).text.replace(",", " ").split()


@pytest.mark.parametrize(
    "hidden",
    [
        "```python\nsecret\n```",
        "~~~\nsecret\n~~~",
        "\n    secret\n",
        "> secret",
        "<!-- secret -->",
        "<!--\nsecret\nsecret -->",
        "https://example.org/secret?x=secret",
        "![secret](secret.png)",
        '<img src="secret">',
        "@secret",
        "- [x] I have searched for secret",
        "### Describe the bug",
        "**Expected behavior:**",
        "A clear and concise description of the secret",
        "_No response_",
    ],
)
def test_what_is_not_written_by_hand_is_left_out(hidden: str) -> None:
    assert _words(f"before\n{hidden}\n\nafter") == ["before", "after"]


def test_an_unclosed_comment_or_fence_hides_the_rest() -> None:
    assert _words("before\n<!-- a\nb") == ["before"]
    assert _words("before\n```\nb") == ["before"]


def test_a_fence_on_one_line_is_inline_code() -> None:
    assert _words("```x``` after\nlast") == ["after", "last"]


def test_inline_code_is_kept_apart() -> None:
    prose = _read("rename the `urgent` label")
    assert prose.text == "rename the  ,  label"
    assert prose.code == "urgent"


def test_indented_lines_of_a_list_are_prose() -> None:
    assert _words("- one\n\n    more of one\n") == ["one", "more", "of", "one"]


def test_list_items_and_headings_are_counted_and_parted() -> None:
    prose = _read("# Title\n- [ ] first\n- [x] second\n1. third\ntext")
    assert (prose.marks.headings, prose.marks.checklist, prose.marks.list_items) == (1, 2, 1)
    assert "first\n\nsecond" in prose.text


@pytest.mark.parametrize(
    ("trace", "language"),
    [
        ('Traceback (most recent call last):\n  File "x.py", line 3', "python"),
        ("```\npanic: runtime error\n```", "go"),
        ('Exception in thread "main" java.lang.Error\n\tat a.B.c(B.java:12)', "java"),
        ("Uncaught TypeError: x is not a function\n    at f (app.js:1:2)", "javascript"),
        ("Segmentation fault", ""),
    ],
)
def test_a_stack_trace_is_a_mark_wherever_it_stands(trace: str, language: str) -> None:
    prose = _read(f"It broke:\n\n{trace}")
    assert prose.marks.traces[0] == language
    assert "it broke" in prose.text


def test_the_form_that_was_used_is_a_mark() -> None:
    prose = _read("### Steps to reproduce\n1. go\n### Expected behavior\nwork\n**Is this a regression?**\nno")
    assert prose.marks.forms == ("bug",)


def test_file_names_are_marks_without_their_folders_and_lines() -> None:
    assert _read("see src/app/Main.java:12, `go.mod` and (lib/x.py)").marks.files == ("main.java", "go.mod", "x.py")


def test_a_title_is_one_line_whatever_it_contains() -> None:
    assert read_line(fold("# no\nheading > here")).text == "# no heading > here"
