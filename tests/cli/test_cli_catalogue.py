"""What the command line shows of what is shipped: agents, rule templates, schemas, and the analysis of a text."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_all_agents_are_listed(ai_crm: Run) -> None:
    status, out, err = ai_crm("agents", "list")
    assert (status, err, len(out.splitlines())) == (0, "", 59)


def test_colours_and_headers_appear_on_a_terminal_only(ai_crm: Run, folder: Path) -> None:
    seen = _on_a_terminal(folder, "agents", "list")
    assert "\x1b[1m" in seen
    assert "role" in seen.splitlines()[0]
    assert "\x1b" not in ai_crm("agents", "list").out


def test_agents_can_be_narrowed_to_a_category(ai_crm: Run) -> None:
    _, out, _ = ai_crm("agents", "list", "--format", "json")
    category = json.loads(out)[0]["category"]
    _, out, _ = ai_crm("agents", "list", "--category", category.upper(), "--format", "json")
    chosen = json.loads(out)
    assert 0 < len(chosen) < 59
    assert {agent["category"] for agent in chosen} == {category}


def test_an_unknown_category_is_answered_with_the_nearest(ai_crm: Run) -> None:
    _, out, _ = ai_crm("agents", "list", "--format", "json")
    category = json.loads(out)[0]["category"]
    status, out, err = ai_crm("agents", "list", "--category", category[:-1])
    assert (status, out) == (2, "")
    assert f'did you mean "{category}"?' in err


def test_a_text_is_analysed_with_no_network(ai_crm: Run) -> None:
    status, out, err = ai_crm("analyze", "Implement user authentication system")
    assert (status, err) == (0, "")
    for word in ("MODERATE", "8 hours", "security-auditor", "HIGH"):
        assert word in out


def test_an_analysis_says_on_request_what_it_rests_on(ai_crm: Run) -> None:
    short = ai_crm("analyze", "Implement user authentication system").out
    long = ai_crm("analyze", "--why", "Implement user authentication system").out
    assert long.startswith(short)
    assert "authentication" in long[len(short) :]


def test_an_analysis_is_the_same_bytes_every_time(ai_crm: Run, program: Run) -> None:
    words = ("analyze", "--format", "json", "Crash when saving\n\nIt loses my work.")
    assert ai_crm(*words) == program(*words)
    assert json.loads(ai_crm(*words).out)["type"]["value"] == "bug"


@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
def test_nothing_to_analyse_is_answered_with_a_sentence(ai_crm: Run, text: str) -> None:
    status, out, err = ai_crm("analyze", text)
    assert (status, out) == (2, "")
    assert "there is nothing to analyse" in err


def test_a_hostile_text_cannot_steer_the_terminal(ai_crm: Run) -> None:
    _, out, _ = ai_crm("analyze", "--why", "\x1b]0;owned\x07 \u202e crash\r\nbody \x9b31m")
    assert not any(sign in out for sign in "\x1b\x07\x9b\r\u202e")


def test_every_rule_template_is_listed_with_what_it_is_for(ai_crm: Run, root: Path) -> None:
    names = sorted(path.stem for path in (root / "templates" / "rules").glob("*.yml"))
    _, out, _ = ai_crm("templates", "list")
    rows = [line.split(maxsplit=1) for line in out.splitlines()]
    assert [row[0] for row in rows] == names
    assert all(len(row) == 2 for row in rows)


def test_a_rule_template_is_printed_as_it_is(ai_crm: Run, root: Path) -> None:
    file = next((root / "templates" / "rules").glob("*.yml"))
    assert ai_crm("templates", "show", file.stem).out == file.read_text(encoding="utf-8")


def test_every_schema_is_printed_as_it_is(ai_crm: Run, root: Path) -> None:
    files = tuple((root / "schemas").glob("*.schema.json"))
    assert files
    for file in files:
        out = ai_crm("schema", file.name.removesuffix(".schema.json")).out
        assert json.loads(out) == json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "words", [("schema", "decison"), ("templates", "show", "bug-triag"), ("schema", "../../LICENSE"), ("schema", "")]
)
def test_a_name_that_is_not_shipped_is_answered_with_those_that_are(ai_crm: Run, words: tuple[str, ...]) -> None:
    status, out, err = ai_crm(*words)
    assert (status, out) == (2, "")
    assert "did you mean" in err or "there are" in err


def test_the_version_is_the_one_of_the_package(ai_crm: Run) -> None:
    import ai_crm as package

    assert ai_crm("--version").out == f"ai-crm, version {package.__version__}\n"


@pytest.mark.parametrize("command", ["validate", "explain", "analyze", "agents", "templates", "schema", "doctor"])
def test_every_command_explains_itself(ai_crm: Run, command: str) -> None:
    status, out, _ = ai_crm(command, "--help")
    assert status == 0
    assert f"Usage: ai-crm {command}" in out
    assert command in ai_crm("--help").out


def _on_a_terminal(folder: Path, *words: str) -> str:
    """What a person sees: everything that the program writes to a screen of its own."""
    ours, theirs = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "COLUMNS": "120"}
    command = [sys.executable, "-I", "-m", "ai_crm.cli", *words]
    running = subprocess.Popen(command, cwd=folder, env=environment, stdin=theirs, stdout=theirs)
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 65_536):
            seen += part
    except OSError:  # Linux says so when the last writer has gone
        pass
    os.close(ours)
    assert running.wait() == 0
    return seen.decode()
