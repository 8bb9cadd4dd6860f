"""Patterns that people write: what they mean, which are refused, and that no text makes them slow."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.rules.patterns import (
    BRANCH,
    PATH,
    branch_matcher,
    expression_matcher,
    expression_problem,
    path_matcher,
    path_problem,
)

PATHS = (
    "a.py",
    "b.PY",
    "src/a.py",
    "src/deep/er/a.py",
    "src/a.pyc",
    "docs/index.md",
    "docs/guide/start.md",
    "lib/docs/index.md",
    "README.md",
    "package-lock.json",
    "app/package-lock.json",
    "a.py/inner.txt",
    ".github/workflows/ci.yml",
    "naïve/größe.py",
    "space in name.py",
    "x[1].py",
    "#hash.py",
)
GLOBS = (
    "*.py",
    "/*.py",
    "src/*.py",
    "src/**/*.py",
    "**/*.md",
    "docs/",
    "/docs/",
    "docs/**",
    "docs",
    "**/docs/**",
    "package-lock.json",
    "/package-lock.json",
    "?.py",
    "[ab].py",
    "[!a].py",
    "**",
    "*",
    "a.*",
    ".github/workflows/*.yml",
    "größe.*",
    "space*",
    "\\#hash.py",
    "src/deep",
    "README*",
)


def test_paths_are_matched_as_git_would(tmp_path: Path) -> None:
    """`git check-ignore` is asked the same questions."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True, env=_GIT)
    for glob in GLOBS:
        (tmp_path / ".git" / "info" / "exclude").write_text(glob + "\n", encoding="utf-8")
        command = ["git", "-c", "core.quotePath=false", "check-ignore", "--no-index", "--stdin", "-z"]
        asked = "\0".join(PATHS).encode()
        done = subprocess.run(command, cwd=tmp_path, env=_GIT, input=asked, capture_output=True, check=False)
        theirs = set(done.stdout.decode().split("\0")) - {""}
        assert re.fullmatch(PATH, glob)
        assert path_problem(glob) == ""
        assert {path for path in PATHS if path_matcher((glob,))(path)} == theirs, glob


def test_a_star_behind_a_slash_means_what_is_in_that_folder_itself() -> None:
    """As in CODEOWNERS. Git would ignore what is further below too, since it ignores the folders in between."""
    fits = path_matcher(("docs/*",))
    assert [path for path in PATHS if fits(path)] == ["docs/index.md"]


_GIT = {"PATH": "/usr/bin:/bin:/usr/local/bin", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


def test_the_last_pattern_that_fits_wins() -> None:
    fits = path_matcher(("*.py", "!gen/", "gen/keep.py"))
    assert fits("src/a.py")
    assert not fits("gen/a.py")
    assert fits("gen/keep.py")
    assert not fits("a.js")


def test_a_path_with_a_line_break_or_half_a_character_is_still_a_path() -> None:
    assert path_matcher(("*.py",))("src\nx/a.py")
    assert path_matcher(("*.py",))("\ud800/a.py")
    assert path_matcher(("secret/**",))("secret/a\nb")


@pytest.mark.parametrize(
    ("glob", "reason"),
    [
        ("*.{js,ts}", "one pattern for each"),
        ("src/{a,b}/*.py", "one pattern for each"),
        ("[z-a]", "cannot be read"),
        ("[[:alpha:]]", "cannot be read"),
        ("[a&&b]", "cannot be read"),
        ("ends\\", "cannot be read"),
    ],
)
def test_what_is_no_pattern_for_paths_is_refused_with_the_reason(glob: str, reason: str) -> None:
    assert reason in path_problem(glob)


@pytest.mark.parametrize("glob", ["/", "!", "!/", "!!", "  ", "# docs"])
def test_what_names_no_path_is_no_pattern(glob: str) -> None:
    assert not re.fullmatch(PATH, glob)


@settings(max_examples=200)
@given(st.text("ab/*?.!-_{} é", min_size=1, max_size=12), st.text("ab/.-é\n", min_size=1, max_size=12))
def test_a_pattern_that_is_accepted_can_always_be_asked(glob: str, path: str) -> None:
    if re.fullmatch(PATH, glob) and not path_problem(glob):
        assert path_matcher((glob,))(path) in (True, False)


@settings(max_examples=200)
@given(st.text("a[]\\!^-/z*", min_size=1, max_size=8), st.text("a[]!^-/z", min_size=1, max_size=6))
def test_brackets_are_refused_or_can_always_be_asked(glob: str, path: str) -> None:
    if re.fullmatch(PATH, glob) and not path_problem(glob):
        assert path_matcher((glob,))(path) in (True, False)


@pytest.mark.timeout(20)
def test_the_patterns_that_other_engines_choke_on_take_no_time() -> None:
    nested = tuple("**/" + "/**/".join(f"*{letter}*" for letter in "abcdefab") for _ in range(20))
    stars = tuple("*a" * 60 + str(number) for number in range(100))
    path = "/".join(["a" * 60] * 50)
    for _ in range(30):
        assert path_matcher(nested)(path) is False
        assert path_matcher(stars)(path) is False
    assert expression_matcher("(a+)+$")("a" * 60_000 + "b") is False
    assert expression_matcher("(x+x+)+y")("x" * 60_000) is False


@pytest.mark.parametrize(
    ("glob", "fitting", "others"),
    [
        ("main", ("main",), ("Main", "feature/main", "main/x", "mainline", "xmain", "")),
        ("release/*", ("release/1", "release/"), ("release", "release/1/2", "x/release/1")),
        ("release/**", ("release/1", "release/1/2"), ("release",)),
        ("**", ("main", "a/b"), ()),
        ("*", ("main",), ("a/b",)),
        ("v?.*", ("v1.0", "v2.x"), ("v10.0", "v1")),
        ("**/hotfix-*", ("a/hotfix-1", "a/b/hotfix-2"), ("hotfix-1",)),
        ("a.b+c(d)|e$", ("a.b+c(d)|e$",), ("axb+c(d)|e$", "a.b+c(d)")),
        ("*.x(y", ("a.x(y",), ("aqx(y",)),
        ("größe/*", ("größe/1",), ("grosse/1",)),
    ],
)
def test_a_branch_must_fit_as_a_whole(glob: str, fitting: tuple[str, ...], others: tuple[str, ...]) -> None:
    fits = branch_matcher(glob)
    assert re.fullmatch(BRANCH, glob)
    assert [name for name in fitting if not fits(name)] == []
    assert [name for name in others if fits(name)] == []


@settings(max_examples=200)
@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters=" ~^:?*[]\\{}"), min_size=1, max_size=20)
)
def test_a_branch_fits_its_own_name_whatever_it_is(name: str) -> None:
    assert re.fullmatch(BRANCH, name) or name.startswith("!")
    assert branch_matcher(name)(name)
    assert branch_matcher(f"{name}*")(f"{name}x")
    assert not branch_matcher(f"{name}?")(name)


@pytest.mark.parametrize("glob", ["!main", "a b", "a~1", "a^", "a:b", "a\\b", "[ab]", "{a,b}", "a\tb"])
def test_what_no_branch_is_called_is_refused(glob: str) -> None:
    assert not re.fullmatch(BRANCH, glob)


def test_expressions_are_found_anywhere_and_in_any_case() -> None:
    assert expression_matcher("crash")("It CRASHES here")
    assert expression_matcher(r"^fix\b")("Fix the build")
    assert not expression_matcher(r"^fix\b")("A fix")
    assert not expression_matcher("(?-i)Fix")("fix the build")
    assert expression_matcher("größe")("Falsche GRÖSSE, falsche Größe")
    assert expression_matcher("(?m)^/triage")("first line\n/triage now")
    assert expression_matcher("x")("\ud800x")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("[", "missing ]"),
        ("(?=x)", "(?="),
        (r"(a)\1", r"\1"),
        ("*", "no argument"),
        ("a{1001}", "repetition"),
        (r"(\pL{0,300}){3}$", "too large"),
        ("(.?){900}z", "slow"),
    ],
)
def test_what_is_no_expression_of_re2_is_refused_with_its_reason(pattern: str, reason: str) -> None:
    assert reason in expression_problem(pattern)


def test_a_file_loads_the_engines_of_those_patterns_only_that_need_one(root: Path) -> None:
    script = textwrap.dedent("""\
        import sys
        from ai_crm.rules.patterns import branch_matcher, expression_problem, path_problem
        def loaded():
            return [name for name in ("re2", "pathspec", "warnings") if name in sys.modules]
        start = loaded()
        assert not any(map(path_problem, ("*.py", "src/**", "!docs/")))
        assert branch_matcher("main")("main")
        assert loaded() == start, loaded()
        assert branch_matcher("release/*")("release/1")
        assert not expression_problem("x")
        assert "pathspec" not in sys.modules
        """)
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
