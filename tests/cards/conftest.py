"""Tasks to show, and the vendors' own programs to show them with."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ai_crm.cards.elements import Card
from ai_crm.cards.task_card import analysis_card, task_card
from ai_crm.model.analysis import (
    AgentMatch,
    Analysis,
    Complexity,
    Effort,
    Evidence,
    Priority,
    TypeOfWork,
    Urgency,
    WorkType,
)
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.task import AgentChoice, HistoryEntry, RuleId, Task, TaskId, TaskStatus
from tests.doubles import answer_cards

NAMES = ("task", "analysis", "hostile", *answer_cards.NAMES)

HOSTILE = (
    "<!channel> @acme/team closes #1 [bank](https://evil.example) <at>Boss</at> **bold** | ${title} "
    "</details><img src=x> \u202e\x1b[31m::error::x\n# heading"
)


def analysis_of(seen: str, agent: str) -> Analysis:
    evidence = (Evidence(seen, "title", 200), Evidence("login", "body", 100))
    return Analysis(
        type=TypeOfWork(WorkType.FEATURE, 80, evidence[:1]),
        effort=Effort(Complexity.MODERATE, 8, 6, 12, 60, ()),
        urgency=Urgency(Priority.HIGH, 70, evidence),
        agents=(AgentMatch(agent, 82, evidence), AgentMatch("backend-architect", 40, evidence[1:])),
        analyst="test",
    )


@pytest.fixture(scope="session")
def analysis() -> Analysis:
    """What the analyst says about the example of the first plan."""
    return analysis_of("authentication", "security-auditor")


@pytest.fixture(scope="session")
def task(analysis: Analysis) -> Task:
    return Task(
        id=TaskId("AICRM-42"),
        rule=RuleId("feature-intake"),
        item=ItemRef(PlatformName.GITHUB, "acme/app", ItemKind.ISSUE, "42"),
        title="Implement user authentication system",
        description="People cannot log in yet.\n\n- passwords\n- `OAuth` with @octocat's help, see #7\n",
        status=TaskStatus.IN_PROGRESS,
        priority=Priority.HIGH,
        agent=AgentChoice(
            name="security-auditor",
            assigned=True,
            because="best match of the analysis",
            runner_up="backend-architect",
            confidence=82,
        ),
        assignees=("octocat", "hubot"),
        analysis=analysis,
        url="https://hub.example/tasks/AICRM-42",
        history=(
            HistoryEntry(at=datetime(2026, 11, 24, 8, 0, tzinfo=UTC), actor="octocat", what="created", because="rule"),
        ),
    )


@pytest.fixture(scope="session")
def hostile_task() -> Task:
    return Task(
        id=TaskId("AICRM-7"),
        rule=RuleId(HOSTILE),
        item=ItemRef(PlatformName.GITHUB, "acme/app", ItemKind.PUSH, HOSTILE),
        title=HOSTILE,
        description=f"```\n{HOSTILE}\n````\n",
        priority=Priority.URGENT,
        agent=AgentChoice(name=HOSTILE, assigned=False, because=HOSTILE, runner_up=HOSTILE, confidence=1),
        assignees=(HOSTILE,),
        analysis=analysis_of(HOSTILE, HOSTILE),
        url="javascript:alert(1)",
    )


@pytest.fixture(scope="session")
def cards(task: Task, hostile_task: Task, analysis: Analysis) -> dict[str, Card]:
    """Each card that the product can show, by a short name."""
    return {
        "task": task_card(task, answered=True),
        "analysis": analysis_card(task.title, analysis),
        "hostile": task_card(hostile_task, answered=True),
        **answer_cards.cards(HOSTILE),
    }


class Templating:
    """Microsoft's templating library in a Node.js that stays open."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def expand(self, template: Any, data: Any) -> dict[str, Any]:
        """`{"value": …}`, or `{"error": …}` where the library throws."""
        asking, answering = self._process.stdin, self._process.stdout
        assert asking is not None
        assert answering is not None
        asking.write(json.dumps({"template": template, "data": data}) + "\n")
        asking.flush()
        answer: dict[str, Any] = json.loads(answering.readline())
        return answer


@pytest.fixture(scope="session")
def vendor(node: str, node_modules: Path) -> Iterator[Templating]:
    script = Path(__file__).with_name("templating.cjs")
    with subprocess.Popen(
        [node, str(script), str(node_modules)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Templating(process)
