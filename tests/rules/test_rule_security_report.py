"""`use: security-report`: an urgent task of each issue that reports a weakness, and a word about where details go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.rules.conftest import Ask, Happens

USE = "auto_task_creation: {rules: [{use: security-report}]}"


@pytest.mark.parametrize(
    ("labels", "title", "is_reported"),
    [
        (("security",), "Odd behaviour", "yes"),
        (("Vulnerability",), "Odd behaviour", "yes"),
        ((), "CVE-2026-12345 in the parser", "yes"),
        ((), "Stored xss in comments", "yes"),
        ((), "SQL injection by a label's name", "yes"),
        ((), "Two vulnerabilities in uploads", "yes"),
        ((), "A security problem with tokens", "yes"),
        ((), "Path traversal when unpacking", "yes"),
        ((), "Dependency injection is slow", "no"),
        ((), "Add a search for sources", "no"),
        ((), "Insecurity about the roadmap", "no"),
        (("bug",), "Crash on start", "no"),
    ],
)
def test_security_report(ask: Ask, happens: Happens, labels: tuple[str, ...], title: str, is_reported: str) -> None:
    found = ask(USE, happens("issues.opened", labels=labels, title=title, body=""))
    assert found == (
        [
            f'task "Security: {title}" (URGENT, security-auditor assigned)',
            *(["label security"] if "security" not in labels else []),
            'comment "Thank you for the report. Ever"',
        ]
        if is_reported == "yes"
        else []
    )
