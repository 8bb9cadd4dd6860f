"""`use: repository-setup`: a set-up task of each new repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.rules.conftest import Ask, Happens

USE = "auto_task_creation: {rules: [{use: repository-setup}]}"
MINE = "auto_task_creation: {rules: [{use: repository-setup, with: {agent: cloud-architect, priority: low}}]}"


@pytest.mark.parametrize(
    ("rules", "lines"),
    [
        (USE, ['task "Set up Hello-World" (MEDIUM, dx-optimizer assigned)']),
        (MINE, ['task "Set up Hello-World" (LOW, cloud-architect assigned)']),
    ],
)
def test_repository_setup(ask: Ask, happens: Happens, rules: str, lines: list[str]) -> None:
    assert ask(rules, happens("repository.created")) == lines


def test_a_repository_that_only_gets_a_new_name_is_set_up_already(ask: Ask, happens: Happens) -> None:
    assert ask(USE, happens("repository.created", ("repository.renamed",))) == []
