"""`ai-crm analysis`: learning from a file and using it, likely duplicates, and the parts that a text lists."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def history(folder: Path) -> str:
    kinds = (("bug", "zorbulate"), ("question", "quaddle"))
    lines = [
        {
            "title": f"{kinds[n % 2][1]} panel {n}",
            "body": None,
            "labels": [{"name": kinds[n % 2][0]}],
            "hours": 1 + n % 5,
        }
        for n in range(40)
    ]
    (folder / "closed.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return "closed.jsonl"


def test_what_was_learned_is_written_told_and_used(ai_crm: Run, history: str, folder: Path) -> None:
    status, out, err = ai_crm("analysis", "learn", history, "--output", "learned.json")
    assert (status, err) == (0, "")
    assert "type: learned from 40 issues" in out
    assert "agents: not learned" in out
    assert [path.name for path in sorted(folder.glob("*.json*"))] == ["closed.jsonl", "learned.json"]
    assert "learned from 40 issues" in ai_crm("analysis", "show", "learned.json").out
    answer = json.loads(ai_crm("analyze", "quaddle lever", "--learned", "learned.json", "--format", "json").out)
    assert answer["type"]["value"] == "question"
    assert answer["analyst"].startswith("learned-1-40-")
    assert f"called {answer['analyst'][-12:]} in each analysis" in out


def test_why_says_which_parts_were_learned_and_from_how_many(ai_crm: Run, history: str) -> None:
    ai_crm("analysis", "learn", history, "--output", "learned.json")
    out = ai_crm("analyze", "quaddle lever", "--learned", "learned.json", "--why").out
    assert "learned.json (" in out
    assert "  type: learned from 40 issues, 100 % right where" in out
    assert "  agents: not learned" in out
    assert "quaddle" in out.partition("Type: question")[2]


def test_a_history_that_is_none_is_refused_with_its_line(ai_crm: Run, folder: Path) -> None:
    (folder / "closed.jsonl").write_text('{"title": "x"}\n{"titel": "y"}\n', encoding="utf-8")
    status, _, err = ai_crm("analysis", "learn", "closed.jsonl")
    assert status == 1
    assert "closed.jsonl:2" in err


def test_a_file_that_was_not_learned_is_refused(ai_crm: Run, folder: Path) -> None:
    (folder / "learned.json").write_text("{}", encoding="utf-8")
    status, _, err = ai_crm("analyze", "Login page", "--learned", "learned.json")
    assert status == 1
    assert "ai-crm analysis learn" in err


def test_a_place_that_cannot_be_written_is_named(ai_crm: Run, history: str) -> None:
    status, _, err = ai_crm("analysis", "learn", history, "--output", "no/such/folder.json")
    assert status == 1
    assert "no/such/folder.json" in err


def test_likely_duplicates_are_shown_with_what_both_say(ai_crm: Run, folder: Path) -> None:
    lines = [
        {"id": "T-1", "title": "Export to CSV fails for large reports"},
        {"id": "T-2", "title": "CSV export of large reports fails"},
        {"id": "T-3", "title": "Dark mode"},
    ]
    (folder / "open.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    status, out, _ = ai_crm("analysis", "duplicates", "open.jsonl")
    assert status == 0
    assert out.startswith("T-1  T-2")
    assert "csv" in out
    (folder / "open.jsonl").write_text(json.dumps(lines[0]), encoding="utf-8")
    assert "No two of them" in ai_crm("analysis", "duplicates", "open.jsonl").out


def test_the_parts_of_a_text_are_listed_with_what_they_wait_for(ai_crm: Run) -> None:
    _, out, _ = ai_crm("analysis", "split", "# Plan\n1. Add the column\n2. Fill it\n")
    assert [line.strip() for line in out.splitlines()] == [
        "1. [ ] Add the column (Plan)",
        "2. [ ] Fill it (Plan), after 1",
    ]
    assert ai_crm("analysis", "split", "Nothing to see").out.strip() == "The text lists no parts."


def test_why_says_why_nobody_is_recommended(ai_crm: Run) -> None:
    assert "nobody, nothing in the text speaks for any agent" in ai_crm("analyze", "Category of the goods", "--why").out
