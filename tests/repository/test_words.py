"""Words that must not stand anywhere in the tree: promises for later, and what is true of one machine only."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

# Written apart, so that this file does not name them either.
_BANNED = re.compile(
    "|".join(
        (
            r"(?:#|//|--).*\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|(?<![.\w])(?:TO" + r"DO|FIX" + r"ME)[:(]",
            "NotImplemented" + "Error",
            r"(?:pypi\.|files\.python" + r"hosted\.)org",
            r"registry\.(?:npmjs|yarn" + r"pkg)\.",
            r"(?:^|[\s\"'`=(:])/(?:work|root|tmp/l" + r"ab)/",
            r"\bpy" + r"env\b",
        )
    )
)
_RECORDED = re.compile(r"/payloads/|/recordings/")  # other people's words, kept as they were


def test_the_tree_holds_no_promise_for_later_and_no_trace_of_a_machine(root: Path) -> None:
    found = [f"{path}:{number}: {line.strip()[:120]}" for path, number, line in _lines(root) if _BANNED.search(line)]
    assert found == []


def _lines(root: Path) -> Iterator[tuple[str, int, str]]:
    for path in _ours(root):
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        for number, line in enumerate(text.splitlines(), 1):
            yield path, number, line


def _ours(root: Path) -> Iterator[str]:
    """Every file that is, or would be, committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")
    return (path for path in listed if path and (root / path).is_file() and not _RECORDED.search(path))
