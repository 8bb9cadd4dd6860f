import os
from pathlib import Path

import pytest

from ai_crm.config.hub_rules import HubRules
from ai_crm.errors import RulesInvalid

RULES = """
workflows:
  triage:
    trigger: {platform: github, event: issues.opened}
    actions: [{action: create_ai_crm_task, params: {title: "New: {issue.title}"}}]
"""


def test_no_folder_means_no_rules(tmp_path: Path) -> None:
    assert HubRules(str(tmp_path / "rules")).of("default") == ()


def test_files_are_read_in_alphabetical_order_for_their_workspace_alone(tmp_path: Path) -> None:
    (tmp_path / "default").mkdir()
    (tmp_path / "default" / "b.yml").write_text(RULES.replace("triage", "second"))
    (tmp_path / "default" / "a.yaml").write_text(RULES)
    (tmp_path / "default" / "notes.txt").write_text("not rules")

    found = HubRules(str(tmp_path)).of("default")

    assert [rule.id for policy in found for rule in policy.rules] == ["triage", "second"]
    assert HubRules(str(tmp_path)).of("other") == ()


def test_a_file_that_changed_counts_at_once_and_one_that_did_not_is_not_read_again(tmp_path: Path) -> None:
    (tmp_path / "default").mkdir()
    file = tmp_path / "default" / "a.yml"
    file.write_text(RULES)
    rules = HubRules(str(tmp_path))
    first = rules.of("default")
    assert rules.of("default") is first

    file.write_text(RULES.replace("triage", "later"))
    os.utime(file, ns=(1, 1))

    assert [rule.id for rule in rules.of("default")[0].rules] == ["later"]


def test_a_broken_file_stops_everything_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "default").mkdir()
    (tmp_path / "default" / "a.yml").write_text(RULES.replace("trigger", "triger"))

    with pytest.raises(RulesInvalid, match=r"a\.yml:\d+:\d+"):
        HubRules(str(tmp_path)).of("default")
