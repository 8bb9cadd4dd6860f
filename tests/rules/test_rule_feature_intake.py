"""`use: feature-intake`: a task of each feature request, so that somebody turns the wish into requirements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.rules.conftest import Ask, Happens

USE = "auto_task_creation: {rules: [{use: feature-intake}]}"
MINE = (
    "auto_task_creation: {rules: [{use: feature-intake, with: {labels: wish, agent: ui-ux-designer, priority: high}}]}"
)


@pytest.mark.parametrize(
    ("rules", "labels", "lines"),
    [
        (USE, ("enhancement",), ['task "Feature: Dark mode" (MEDIUM, business-analyst recommended)']),
        (USE, ("feature", "ui"), ['task "Feature: Dark mode" (MEDIUM, business-analyst recommended)']),
        (USE, ("feature", "wontfix"), []),
        (USE, ("bug",), []),
        (USE, (), []),
        (MINE, ("wish",), ['task "Feature: Dark mode" (HIGH, ui-ux-designer recommended)']),
        (MINE, ("feature",), []),
    ],
)
def test_feature_intake(ask: Ask, happens: Happens, rules: str, labels: tuple[str, ...], lines: list[str]) -> None:
    assert ask(rules, happens("issues.opened", labels=labels, title="Dark mode", body="")) == lines
