"""How people's patterns are matched in linear time: gitignore globs, branch globs and regular expressions.

The engines are imported by the first pattern that needs them: a file without patterns does not pay for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

MAX_PATTERNS = 200
MAX_LENGTH = 200

# Instructions of a compiled expression. At worst each is looked at for every character of the text: at this size that
# is 0.7 s for the longest body that GitHub allows (RE2 of 2025-11, measured 2026-11).
_MAX_PROGRAM = 2_000
_CACHED = 2_048


# What can be a pattern for paths: https://git-scm.com/docs/gitignore, where # starts a comment.
PATH = r"(?!#)[!/ ]*[^!/ ][\s\S]*"


def path_problem(glob: str) -> str:
    """What else keeps this from being a pattern for paths; empty when nothing does."""
    if re.search(r"(?<!\\)\{[^}]*,", glob):
        return "has { }, which .gitignore does not know; write one pattern for each"
    if not any(special in glob for special in "[\\"):
        return ""  # nothing in it can be malformed, so that no engine is needed to say so
    return _bracket_problem(glob)


def _bracket_problem(glob: str) -> str:
    import warnings  # noqa: PLC0415 - cold start

    import re2  # noqa: PLC0415 - cold start

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # `[a&&b]`, which RE2 and Python read differently
            _paths((glob,))
    except (ValueError, Warning, re.error, re2.error):
        return "has a [ ] or a \\ that cannot be read"
    return ""


@lru_cache(maxsize=_CACHED)
def path_matcher(globs: tuple[str, ...]) -> Callable[[str], bool]:
    """Says whether a path is meant by these patterns; as in a .gitignore the last one that fits it wins.

    `*.py` fits in every folder, `/setup.py` and `docs/*.md` count from the top, `docs/` is all below it, `!` takes away.
    """
    match = _paths(globs).match_file
    return lambda path: bool(match(_encodable(path).replace("\n", "\ufffd")))  # git allows \n, `.` in RE2 does not


def _paths(globs: tuple[str, ...]) -> Any:
    import pathspec  # noqa: PLC0415 - cold start

    return pathspec.PathSpec.from_lines("gitignore", globs, backend="re2")


# What can be a pattern for branches and tags: https://git-scm.com/docs/git-check-ref-format, and no braces or `!`.
BRANCH = r"(?!!)[^\x00-\x20~^:\\\[\]{}\x7f]+"


@lru_cache(maxsize=_CACHED)
def branch_matcher(glob: str) -> Callable[[str], bool]:
    """Says whether a branch or tag is called so. `*` and `?` stop at a slash, `**` does not; the whole name must fit.

    Unlike a path, `main` does not mean `feature/main` as well.
    """
    if not any(special in glob for special in "*?"):
        return lambda name: name == glob
    parts = re.split(r"(\*\*|\*|\?)", glob)
    fits = _compiled("".join(_WILDCARDS.get(part) or re.escape(part) for part in parts), case_sensitive=True).fullmatch
    return lambda name: fits(_encodable(name)) is not None


_WILDCARDS = {"**": ".*", "*": "[^/]*", "?": "[^/]"}


def expression_problem(pattern: str) -> str:
    """Why this is no regular expression of RE2 (no look-around, no back-references); empty when it is one."""
    import re2  # noqa: PLC0415 - cold start

    try:
        program: int = _compiled(pattern, case_sensitive=False).programsize
    except re2.error as error:
        return f"is no regular expression: {error.args[0].decode(errors='replace')}"
    return "" if program <= _MAX_PROGRAM else "repeats so much that it would be slow; make its counts smaller"


@lru_cache(maxsize=_CACHED)
def expression_matcher(pattern: str) -> Callable[[str], bool]:
    """Says whether a text contains the expression. Case does not matter, unless it starts with `(?-i)`."""
    search = _compiled(pattern, case_sensitive=False).search
    return lambda text: search(_encodable(text)) is not None


def _compiled(pattern: str, *, case_sensitive: bool) -> Any:
    import re2  # noqa: PLC0415 - cold start

    options = re2.Options()
    options.case_sensitive = case_sensitive
    options.log_errors = False  # it writes to the standard error stream, into a workflow's log
    options.never_capture = True
    return re2.compile(pattern, options)


def _encodable(text: str) -> str:
    """JSON can carry halves of characters, which no encoder accepts."""
    return text if text.isascii() else text.encode(errors="replace").decode()
