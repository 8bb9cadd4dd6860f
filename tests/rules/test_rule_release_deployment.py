"""`use: release-deployment`: a deployment task of each release that is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.rules.conftest import Ask, Happens

USE = "auto_task_creation: {rules: [{use: release-deployment}]}"
MINE = """\
auto_task_creation:
  rules:
    - use: release-deployment
      with: {prerelease: true, tags: [v2.*, nightly], agent: cloud-architect, priority: urgent}
"""
FACTS = {"name": "", "target_commitish": "main", "draft": "false"}


@pytest.mark.parametrize(
    ("rules", "tag", "prerelease", "lines"),
    [
        (USE, "v1.2.0", "false", ['task "Deploy v1.2.0" (HIGH, deployment-engineer assigned)']),
        (USE, "v1.3.0-rc1", "true", []),
        (MINE, "v2.0-rc1", "true", ['task "Deploy v2.0-rc1" (URGENT, cloud-architect assigned)']),
        (MINE, "nightly", "true", ['task "Deploy nightly" (URGENT, cloud-architect assigned)']),
        (MINE, "v1.9-rc1", "true", []),
        (MINE, "v2.0", "false", []),
    ],
)
def test_release_deployment(
    ask: Ask, happens: Happens, rules: str, tag: str, prerelease: str, lines: list[str]
) -> None:
    assert ask(rules, happens("release.published", facts={**FACTS, "tag_name": tag, "prerelease": prerelease})) == lines


def test_a_release_that_is_only_created_is_not_deployed(ask: Ask, happens: Happens) -> None:
    assert ask(USE, happens("release.published", ("release.created",))) == []
