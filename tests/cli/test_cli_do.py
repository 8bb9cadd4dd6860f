"""The commands of the chats in a terminal, on a hub's data folder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ai_crm.cli.hub_options import with_hub
from ai_crm.wiring.hub import Hub
from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AI_CRM_DATA", str(tmp_path / "data"))
    return tmp_path


def test_a_task_is_made_changed_and_found(ai_crm: Run) -> None:
    made = ai_crm("do", "--as", "ann", 'task create "Fix the login" --due 2w --assign @me')
    assert made.status == 0
    assert "AICRM-1 · Todo" in made.out
    assert "Assignees   ann" in made.out

    changed = ai_crm("do", "--as", "ann", "task done 1")
    assert changed.out.startswith("AICRM-1: status: todo → done\n")

    assert "Fix the login" in ai_crm("do", "--as", "ann", "my tasks").out


def test_words_that_the_shell_took_apart_mean_the_same(ai_crm: Run) -> None:
    made = ai_crm("do", "task", "create", "Fix the login", "--agent", "debugger", "--label=a b")
    assert made.status == 0
    assert "Fix the login" in made.out
    assert "debugger" in made.out
    assert "Labels      a b" in made.out


def test_without_words_it_says_what_can_be_asked(ai_crm: Run) -> None:
    told = ai_crm("do")
    assert told.status == 0
    assert 'task create "TITLE"' in told.out


def test_a_mistake_ends_with_status_1_and_a_hint(ai_crm: Run) -> None:
    told = ai_crm("do", "task craete x")
    assert (told.status, told.out) == (1, "")
    assert 'Did you mean "task create"?' in told.err


def test_who_is_linked_in_a_terminal_is_told_nothing_elsewhere(ai_crm: Run) -> None:
    ai_crm("do", "--as", "ann", "link octocat")
    just_over = datetime.now(UTC) - timedelta(minutes=1)
    assert ai_crm("do", "--as", "ann", f"settings --digest {just_over:%H:%M}").status == 0
    ai_crm("do", "--as", "bob", "task create Hers --assign octocat")
    assert ai_crm("do", "--as", "bob", "task done 1").status == 0

    async def waiting(hub: Hub) -> int:
        await hub.digests()
        return sum(each.count for each in await hub.backlog())

    assert with_hub(waiting) == 0
