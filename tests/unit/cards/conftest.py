"""A task to change one field of at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

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
from ai_crm.model.task import AgentChoice, RuleId, Task, TaskId


@pytest.fixture(scope="session")
def item() -> ItemRef:
    return ItemRef(PlatformName.GITHUB, "acme/app", ItemKind.ISSUE, "42")


@pytest.fixture(scope="session")
def analysis() -> Analysis:
    evidence = (Evidence("authentication", "title", 200), Evidence("login", "body", 100))
    return Analysis(
        type=TypeOfWork(WorkType.FEATURE, 80, evidence[:1]),
        effort=Effort(Complexity.MODERATE, 8, 6, 12, 60, ()),
        urgency=Urgency(Priority.HIGH, 70, evidence),
        agents=(AgentMatch("security-auditor", 82, evidence), AgentMatch("backend-architect", 40, evidence[1:])),
        analyst="test",
    )


@pytest.fixture(scope="session")
def a_task(item: ItemRef, analysis: Analysis) -> Callable[..., Task]:
    task = Task(
        id=TaskId("AICRM-42"),
        rule=RuleId("intake"),
        item=item,
        title="Implement user authentication system",
        description="People cannot log in yet.",
        priority=Priority.HIGH,
        agent=AgentChoice(
            name="security-auditor", assigned=False, because="best match", runner_up="backend-architect", confidence=82
        ),
        assignees=("octocat",),
        analysis=analysis,
    )

    def changed(**changes: Any) -> Task:
        return msgspec.structs.replace(task, **changes)

    return changed
