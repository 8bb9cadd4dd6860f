"""The two files that the product was asked for, as printed there, and what they do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ai_crm.model.task import RuleId, Task, TaskId

if TYPE_CHECKING:
    from tests.rules.conftest import Ask, Happens

Example = Callable[[str], str]


@pytest.fixture
def example(root: Path) -> Example:
    return lambda name: (root / "templates" / "examples" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("labels", "tasks"),
    [
        ("", 0),
        ("question", 0),
        ("wontfix", 0),
        ("bug, wontfix", 0),
        ("enhancement, duplicate", 0),
        ("debugging", 0),
        ("bug", 1),
        ("Bug", 1),
        ("enhancement, question", 1),
    ],
)
def test_the_first_file_makes_a_task_of_a_bug_or_an_enhancement_and_of_nothing_else(
    ask: Ask, happens: Happens, example: Example, labels: str, tasks: int
) -> None:
    event = happens("issues.opened", labels=tuple(filter(None, labels.split(", "))))
    made = [line for line in ask(example("ai-crm.yml"), event) if line.startswith("task ")]
    assert len(made) == tasks


def test_the_first_file_analyses_and_assigns(ask: Ask, happens: Happens, example: Example) -> None:
    title = "Implement user authentication system"
    event = happens("issues.opened", labels=("enhancement",), assignees=(), title=title, body="")
    assert ask(example("ai-crm.yml"), event) == [
        f'task "GitHub Issue: {title}" (HIGH, security-auditor assigned)',
        "assign sue",
    ]


@pytest.mark.parametrize(
    ("files", "lines"),
    [
        (
            ("src/app.py", "README.md"),
            ['task "Code Review: Update the README with new information." (HIGH, code-reviewer'],
        ),
        (("a/b/c.ts",), ['task "Code Review: Update the README with new information." (HIGH, code-reviewer']),
        (("README.md",), []),
        ((), []),
        (("happy", "pyproject.toml"), []),
    ],
)
def test_the_first_file_wants_a_review_of_code(
    ask: Ask, happens: Happens, example: Example, files: tuple[str, ...], lines: list[str]
) -> None:
    found = ask(example("ai-crm.yml"), happens("pull_request.opened", files=files))
    assert [line.partition(" recommended")[0] for line in found] == lines


def test_a_label_that_comes_a_day_later_makes_exactly_one_task(ask: Ask, happens: Happens, example: Example) -> None:
    first = happens("issues.opened", labels=())
    assert ask(example("ai-crm.yml"), first) == []
    labeled = happens("issues.labeled", labels=("bug",))
    (made, *_) = ask(example("ai-crm.yml"), labeled)
    assert made.startswith("task ")
    task = Task(id=TaskId("AICRM-1"), rule=RuleId("issue_opened"), item=first.item.ref, title="x")
    again = happens("issues.labeled", labels=("bug", "ui"))
    assert not any(line.startswith("task ") for line in ask(example("ai-crm.yml"), again, task))


@pytest.mark.parametrize(
    ("labels", "assignees", "lines"),
    [
        (
            ("feature",),
            (),
            [
                'task "GitHub: Spelling error in the README file" (',
                'tell slack #dev-team "New task created from GitHub issue: GitHub: Spelling error in the README file"',
                'comment "✅ AI-CRM task created: (task u"',
            ],
        ),
        (("feature",), ("ada",), []),
        (("question",), (), []),
    ],
)
def test_the_second_file_tells_people_about_tasks_of_issues_that_nobody_has(
    ask: Ask, happens: Happens, example: Example, labels: tuple[str, ...], assignees: tuple[str, ...], lines: list[str]
) -> None:
    found = ask(example("automation-rules.yml"), happens("issues.opened", labels=labels, assignees=assignees))
    found = [line for line in found if not line.startswith(("assign ", "not "))]
    assert len(found) == len(lines)
    assert all(line.startswith(start) for line, start in zip(found, lines, strict=True)), found


def test_the_second_file_asks_for_a_review_and_tells_the_author_in_their_chat(
    ask: Ask, happens: Happens, example: Example
) -> None:
    event = happens("pull_request.opened", files=("a.py",), reviewers=())
    people = "\npeople: [{github: Codertocat, teams: 11111111-2222-3333-4444-555555555555}]"
    assert ask(example("automation-rules.yml") + people, event) == [
        "ask ada, octo-org/reviewers",
        f'tell teams 11111111-2222-3333-4444-555555555555 "Your PR is ready for AI review: {event.item.url}"',
    ]


def test_the_second_file_says_who_is_missing_in_the_map_of_people(ask: Ask, happens: Happens, example: Example) -> None:
    event = happens("pull_request.opened", files=("a.py",), reviewers=())
    assert ask(example("automation-rules.yml"), event) == ["ask ada, octo-org/reviewers", "not teams_notification"]
