"""The reader of rules files: what it understands, what it refuses, and that every refusal points at its place."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ai_crm.config.rules_file import MAX_BYTES, MAX_NODES, read_document
from ai_crm.errors import Problem, RulesInvalid
from ai_crm.rules.source import Mapping, Mark, Node, Scalar, Sequence


def plain(node: Node) -> Any:
    """The value as JSON would have it."""
    match node:
        case Mapping():
            return {entry.key.text: plain(entry.value) for entry in node.entries}
        case Sequence():
            return [plain(item) for item in node.items]
        case Scalar():
            return node.value


def read(text: str) -> Any:
    return plain(read_document(textwrap.dedent(text).encode(), "ai-crm.yml"))


def refused(text: str | bytes) -> tuple[Problem, ...]:
    with pytest.raises(RulesInvalid) as refusal:
        read_document(text if isinstance(text, bytes) else text.encode(), "ai-crm.yml")
    return refusal.value.problems


def test_a_rules_file_is_read_with_the_place_of_everything() -> None:
    document = read_document(b"# rules\nversion: 1\nrules:\n  - trigger: issue_opened\n", "ai-crm.yml")
    rules = document.get("rules")
    assert rules is not None
    assert rules.key.at == Mark(3, 1)
    assert isinstance(rules.value, Sequence)
    rule = rules.value.items[0]
    assert rule.at == Mark(4, 5)
    assert isinstance(rule, Mapping)
    assert rule.entries[0].value == Scalar("issue_opened", "issue_opened", Mark(4, 14), "issue_opened")


def test_the_key_spelled_on_stays_a_word() -> None:
    assert read("on: yes") == {"on": "yes"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("true", True),
        ("FALSE", False),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("y", "y"),
        ("0", 0),
        ("-12", -12),
        ("+7", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("-.5", -0.5),
        ("1e3", 1000.0),
        ("2.", 2.0),
        ("017", "017"),
        ("007.5", "007.5"),
        ("12:30:45", "12:30:45"),
        ("2026-11-23", "2026-11-23"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e999", "1e999"),
        ("9" * 19, "9" * 19),
        ("9" * 5000, "9" * 5000),
        ("v1.2", "v1.2"),
        ("0b11", "0b11"),
        ("#dev-team", None),
        ('"#dev-team"', "#dev-team"),
        ('"true"', "true"),
        ("'null'", "null"),
        ('"12"', "12"),
        ('""', ""),
        ('"caf\\u00e9"', "café"),
        ("|\n  true", "true"),
        (">-\n  12\n  13", "12 13"),
        ("{a: 1, b: [x, y]}", {"a": 1, "b": ["x", "y"]}),
        ("[]", []),
    ],
)
def test_values_are_those_of_yaml_1_2(written: str, meant: object) -> None:
    found = read(f"value: {written}")["value"]
    assert found == meant
    assert type(found) is type(meant)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "# nothing but a remark\n",
        "---\n",
        "--- # x\n...\n",
        "null",
        "~",
        "{}",
        "\ufeff",
        "%YAML 1.2\n---\n",
    ],
)
def test_an_empty_file_says_nothing_and_is_no_mistake(text: str) -> None:
    assert read_document(text.encode(), "ai-crm.yml").entries == ()


def test_a_byte_order_mark_and_windows_line_endings_are_understood() -> None:
    document = read_document("\ufefftitle: Größe\r\nlabel: bug\r\n".encode(), "ai-crm.yml")
    assert plain(document) == {"title": "Größe", "label": "bug"}
    assert document.entries[1].key.at == Mark(2, 1)


# Without line breaks of other worlds, which YAML folds, and what no YAML file may contain.
texts = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufeff\ufffe\uffff"), max_size=20
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | texts,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdefgh_.", min_size=1, max_size=8), inner, max_size=4)
    ),
    max_leaves=15,
)


@settings(max_examples=200)
@given(st.dictionaries(st.text("abcdefgh", min_size=1, max_size=8), json_values, max_size=5))
def test_every_json_object_is_read_as_what_it_is(document: dict[str, Any]) -> None:
    assert plain(read_document(json.dumps(document, ensure_ascii=False).encode(), "ai-crm.yml")) == document


@settings(max_examples=300)
@given(st.binary(max_size=200) | st.text("ab:- \n\t{}[]&*!|>'\"#%@`?,<~0x1.", max_size=80).map(str.encode))
@example(b"\xff\xfe")
@example(b"? ")
def test_no_bytes_do_anything_but_become_a_document_or_be_refused_at_a_place(text: bytes) -> None:
    try:
        document = read_document(text, "ai-crm.yml")
    except RulesInvalid as refusal:
        for problem in refusal.problems:
            assert problem.line >= 1
            assert problem.column >= 1
            assert problem.what
    else:
        assert isinstance(document, Mapping)


# What is wrong, the line and column that are named, and words of the message.
BROKEN = [
    ("a: *.py", 1, 4, '"*.py"'),
    ("a: [*.py, *.js]", 1, 5, '"*.py"'),
    ("a: @octocat", 1, 4, '"@octocat"'),
    ("a: `x`", 1, 4, "quotes"),
    ("a: %x", 1, 4, "quotes"),
    ("a:\n\t- b", 2, 1, "tab"),
    ("a: |\n  x\n\ty\n", 3, 1, "tab"),
    ("a:\n  b\n\tc: d", 3, 1, "tab"),
    ("title: GitHub Issue: {issue.title}", 1, 20, "second colon"),
    ("title: {issue.title} is new", 1, 22, "needs quotes"),
    ("title: {issue.title}: new", 1, 21, "needs quotes"),
    ("{issue.title}: new\nb: x", 1, 1, "needs quotes"),
    ('a: "\\uZZZZ"', 1, 7, "backslash"),
    ('a: "\\ud83d\\ude00"', 1, 7, "backslash"),
    ('a: "\\0"', 1, 4, "escape"),
    ('a: "\\e[2J"', 1, 4, "escape"),
    ("a: [", 1, 5, "ends too early"),
    ("a: 'it's'", 1, 8, "closing quote"),
    ('a: "unclosed\nb: c', 1, 4, "not closed"),
    ("a: [1, 2\nb: c", 1, 4, "close it with ]"),
    ("a: {x: 1\nb: c", 1, 4, "close it with }"),
    ('pattern: "\\d+"', 1, 11, "single quotes"),
    ("a: - b", 1, 4, "next line"),
    ("a: > x", 1, 6, "YAML cannot be read"),
    ("- a\nb: c", 2, 1, "indentation"),
    ("a:\n  - b\n c: d", 3, 2, "indentation"),
    ("a: b\n  c: d", 2, 4, "indentation"),
    ("a:\n - b\n  - c", 2, 4, "same number of spaces"),
    ("a: 1\nb: 2\na: 3", 3, 1, "first in line 1"),
    ("x:\n  - a: 1\n    'a': 2", 3, 5, "twice"),
    ("a: &x 1", 1, 4, "anchor"),
    ("a: &x [1]\nb: *x", 1, 4, "anchor"),
    ("b: *x", 1, 4, "alias"),
    ("a: !!str 1", 1, 4, "tag"),
    ("a: !!python/object/apply:os.system ['id']", 1, 4, "tag"),
    ("a: ! x", 1, 4, "tag"),
    ("!x a: 1", 1, 1, "tag"),
    ("<<: {a: 1}", 1, 1, "merge key"),
    ("? [a]\n: 1", 1, 3, "cannot be a key"),
    ("{a: 1}: 2", 1, 1, "needs quotes"),
    ('"": 1', 1, 1, "no word before the colon"),
    ("null: 1\n~: 2\n? \n: 3", 3, 2, "no word"),
    ("a: 1\n---\nb: 2", 2, 1, "second document"),
    ("a: 1\n...\nb: 2", 3, 1, "YAML cannot be read"),
    ("%TAG ! tag:x,2026:\n---\na: 1", 1, 1, "%TAG"),
    ("%YAML 3.0\n---\na: 1", 1, 1, "YAML cannot be read"),
    ("- a\n- b", 1, 1, "a list"),
    ("hello", 1, 1, "a text"),
    ("[]", 1, 1, "a list"),
    ("42", 1, 1, "version: 1"),
    ("../.github/ai-crm.yml", 1, 1, "symbolic link"),
    ("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1", 1, 1, "LFS"),
    ("a: \u0000", 1, 4, "U+0000"),
    ("a: 1\nbb: \u001b[2J", 2, 5, "U+001B"),
    ("a: x\ufeffy", 1, 5, "U+FEFF"),
    ("a: \ufffe", 1, 4, "U+FFFE"),
]


@pytest.mark.parametrize(("text", "line", "column", "words"), BROKEN)
def test_what_is_broken_is_named_where_it_stands(text: str, line: int, column: int, words: str) -> None:
    problem = refused(text)[0]
    assert (problem.line, problem.column) == (line, column), problem
    assert words in str(problem)
    assert problem.file == "ai-crm.yml"


def test_all_that_can_be_seen_is_told_at_once() -> None:
    found = refused("a: &x 1\nb: *x\nc: !t 1\na: 2\n<<: 3\n? {}\n: 1\n")
    assert [problem.line for problem in found] == [1, 2, 3, 4, 5, 6]


def test_what_stands_before_a_syntax_error_is_still_told() -> None:
    found = refused("a: 1\na: 2\nb: [")
    assert [(problem.line, problem.column) for problem in found] == [(2, 1), (3, 5)]


def test_text_that_is_not_utf_8_is_refused_at_its_character() -> None:
    problem = refused("title: Größe".encode("latin-1"))[0]
    assert (problem.line, problem.column) == (1, 10)
    assert "UTF-8" in problem.hint
    assert "UTF-8" in refused("a: 1".encode("utf-16"))[0].hint
    assert refused(b"a: \xed\xa0\x80")[0].column == 4


def test_long_words_of_strangers_are_not_repeated_at_length() -> None:
    for text in (f"{'x' * 9000}: 1\n{'x' * 9000}: 2", f"a: &{'x' * 9000} 1", f"a: *{'x' * 9000}"):
        assert all(len(str(problem)) < 400 for problem in refused(text))


def test_a_file_may_have_64_kib_and_not_one_byte_more() -> None:
    start = b"a: "
    assert read_document(start + b"x" * (MAX_BYTES - len(start)), "ai-crm.yml").entries
    assert "bytes" in refused(start + b"x" * (MAX_BYTES - len(start) + 1))[0].what


def test_a_file_may_be_20_levels_deep_and_not_one_more() -> None:
    assert read_document(b"a: " + b"[" * 19 + b"]" * 19, "ai-crm.yml").entries
    problem = refused("a: " + "[" * 20 + "]" * 20)[0]
    assert "20 levels" in problem.what
    assert (problem.line, problem.column) == (1, 23)


def test_a_file_may_have_10_000_values_and_not_one_more() -> None:
    most = MAX_NODES // 2 - 1
    document = "".join(f"k{number}: 1\n" for number in range(most))
    assert len(read_document(document.encode(), "ai-crm.yml").entries) == most
    assert "values" in refused(document + "x: [1]\n")[0].what


# Each would cost a careless reader its memory, its stack or minutes of its time.
BOMBS = {
    "brackets": "[" * 65_000,
    "braces": "{" * 65_000,
    "mixed brackets": "[{" * 30_000,
    "dashes": "- " * 32_000,
    "question marks": "? " * 32_000,
    "deep blocks": "".join(" " * depth + "a:\n" for depth in range(300)),
    "aliases that double": "a: &a [x,x]\n" + "".join(f"b{n}: &b{n} [*a,*a]\n" for n in range(60)),
    "an alias of itself": "a: &a [*a]",
    "many keys": "".join(f"k{n}: 1\n" for n in range(6_000)),
    "one key again and again": "a: 1\n" * 6_000,
    "merge keys": "<<: {}\n" * 3_000,
    "a long key": "x" * 65_000 + ": 1",
    "colons": "a:" * 32_000,
    "anchors": "&a " * 20_000,
    "a long tag": "a: !" + "x" * 65_000,
    "commas": "a: [" + "1," * 32_000 + "]",
    "quotes": '"' * 65_000,
    "tabs": "\t" * 65_000,
    "directives": "%TAG !a! a:\n" * 5_000 + "---\n",
    "documents": "---\n" * 16_000,
}


@pytest.mark.timeout(10)
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_goes_off(name: str) -> None:
    assert refused(BOMBS[name])


_OFFENCES = (
    "*a", "&a x", "!t x", "!!python/name:os.system", "{<<: 1}", "{[x]: 1}", "{a: 1, a: 2}", "[" * 21 + "]" * 21, "@x", "[x",
    "\u0007",
)  # fmt: skip
_PLACES = (
    "{}", "a: {}", "a: [{}]", "a: [1, {}, 2]", "a: {{b: {}}}", "a:\n  - {}", "a:\n  - b: {}", "a:\n- - {}", "? {}\n: 1",
    "a: 1\nb:\n  c: {}", "- {}", "rules:\n  - conditions:\n      - labels: {}\n    task: x",
)  # fmt: skip


@pytest.mark.parametrize("offence", _OFFENCES)
def test_what_is_not_allowed_is_not_allowed_anywhere(offence: str) -> None:
    for place in _PLACES:
        assert all(problem.line >= 1 for problem in refused(place.format(offence)))


def test_the_place_of_a_character_inside_a_text_is_known_however_it_is_written() -> None:
    source = textwrap.dedent("""\
        plain: some {words} here
        long: some
          {words} here
        single: 'it''s {words}'
        double: "caf\\u00e9 {words}"
        literal: |
          first

            - {words}
        folded: >-
          first
          second {words}
        """)
    lines = source.splitlines()
    for entry in read_document(source.encode(), "ai-crm.yml").entries:
        assert isinstance(entry.value, Scalar)
        at = entry.value.mark(entry.value.text.index("{"))
        assert lines[at.line - 1][at.column - 1 :].startswith("{words}"), entry.key.text


def test_where_the_place_of_a_character_cannot_be_told_it_is_that_of_the_text() -> None:
    escaped = read_document(b'a: "\\x7bx}"', "ai-crm.yml").entries[0].value
    assert isinstance(escaped, Scalar)
    assert escaped.mark(0) == escaped.at


def test_without_the_c_library_the_same_is_read_and_the_same_refused(root: Path) -> None:
    """A build of PyYAML without libyaml is slower and must be no different."""
    script = textwrap.dedent("""\
        import json, sys
        sys.modules["yaml._yaml"] = None
        from ai_crm.config.rules_file import read_document
        from ai_crm.errors import RulesInvalid
        import yaml
        assert not yaml.__with_libyaml__
        for text in json.load(sys.stdin):
            try:
                print(len(read_document(text.encode(), "x").entries))
            except RulesInvalid as refusal:
                first = refusal.problems[0]
                print("refused", first.line)
        """)
    texts = [case[0] for case in BROKEN] + list(BOMBS.values()) + ["a: 1\nb: [x, {c: d}]", ""]
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, cwd=root, input=json.dumps(texts), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    refusals = [f"refused {line}" for _, line, _, _ in BROKEN]
    answers = done.stdout.splitlines()
    assert answers[: len(BROKEN)] == refusals
    assert all(answer.startswith("refused") for answer in answers[len(BROKEN) : -2])
    assert answers[-2:] == ["2", "0"]
