"""What is wrong with rules files, in the four languages of those who ask: people, programs, GitHub's log, SARIF."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from msgspec import Struct

import ai_crm
from ai_crm.errors import Problem


class Checked(Struct, frozen=True, kw_only=True):
    """One file after it was checked. `rules` are the names of its rules, () when it is broken."""

    file: str
    rules: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def as_text(checked: Sequence[Checked]) -> str:
    return "\n".join(line for one in checked for line in _text(one))


def as_json(checked: Sequence[Checked]) -> str:
    """A list of files, each `{file, valid, rules, warnings, problems: [{line, column, what, hint}]}`."""
    return json.dumps([_json(one) for one in checked], indent=2, ensure_ascii=False)


def as_annotations(checked: Sequence[Checked]) -> str:
    """Workflow commands, which GitHub shows beside the line that each is about."""
    return "\n".join(line for one in checked for line in _annotations(one))


def as_sarif(checked: Sequence[Checked]) -> str:
    """SARIF 2.1.0, as code scanning takes it. https://docs.oasis-open.org/sarif/sarif/v2.1.0/"""
    driver = {
        "name": "ai-crm",
        "version": ai_crm.__version__,
        "rules": [
            {"id": "invalid", "shortDescription": {"text": "The rules file is wrong here, so none of its rules act"}},
            {"id": "doubtful", "shortDescription": {"text": "Valid, and probably not what was meant"}},
        ],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [result for one in checked for result in _sarif_results(one)],
    }
    document = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False)


def _text(one: Checked) -> list[str]:
    if one.problems:
        return [
            *map(str, one.problems),
            f"{one.file}: {_count(len(one.problems), 'problem')}, so none of its rules act",
        ]
    return [
        *(f"{one.file}: warning: {text}" for text in one.warnings),
        f"{one.file}: {_count(len(one.rules), 'rule')}, valid",
    ]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _json(one: Checked) -> dict[str, Any]:
    problems = [{"line": p.line, "column": p.column, "what": p.what, "hint": p.hint} for p in one.problems]
    return {
        "file": one.file,
        "valid": not one.problems,
        "rules": one.rules,
        "warnings": one.warnings,
        "problems": problems,
    }


def _annotations(one: Checked) -> list[str]:
    errors = (_command("error", one.file, p.line, p.column, _sentence(p)) for p in one.problems)
    warnings = (_command("warning", one.file, 0, 0, text) for text in one.warnings)
    return [*errors, *warnings]


def _command(level: str, file: str, line: int, column: int, message: str) -> str:
    place = f",line={line},col={column}" if line else ""
    return f"::{level} title=AI-CRM rules,file={_property(file)}{place}::{_message(message)}"


def _message(text: str) -> str:
    """Without this, a line break in a key of the file would begin a command of its author's own."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def _sarif_results(one: Checked) -> list[dict[str, Any]]:
    errors = [_sarif_result("invalid", "error", p.file, p, _sentence(p)) for p in one.problems]
    warnings = [_sarif_result("doubtful", "warning", one.file, None, text) for text in one.warnings]
    return [*errors, *warnings]


def _sarif_result(rule: str, level: str, file: str, problem: Problem | None, text: str) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(file.replace("\\", "/"))}}
    if problem is not None and problem.line:
        place["region"] = {"startLine": problem.line, "startColumn": problem.column}
    return {"ruleId": rule, "level": level, "message": {"text": text}, "locations": [{"physicalLocation": place}]}


def _sentence(problem: Problem) -> str:
    return f"{problem.what} ({problem.hint})" if problem.hint else problem.what
