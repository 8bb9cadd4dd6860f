"""A team's own names of statuses, from the file that has them to the tasks that are found and changed by them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.commands.grammar import parse
from ai_crm.commands.query import parse_query
from ai_crm.config.hub_settings import read_hub_settings
from ai_crm.config.policy import load_policy
from ai_crm.flow.commands import answer
from ai_crm.model.status_name import StatusName, in_one_spelling
from ai_crm.model.task import TaskStatus
from ai_crm.rules.rule import Defaults
from ai_crm.wiring.hub import assemble, command_desk
from tests.conftest import Finish
from tests.doubles.command_desk import TestDesk, asker

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TODAY = date(2026, 11, 24)


def names_in(statuses: dict[str, str]) -> tuple[StatusName, ...]:
    text = json.dumps({"statuses": statuses}, ensure_ascii=False)
    return load_policy(text.encode(), "rules.yml", Defaults()).statuses


@st.composite
def other_spellings(draw: st.DrawFn, name: str) -> str:
    """The name with other blanks, hyphens and underscores, and in capitals where these have small letters of their own."""
    spelled = re.sub(r"[\s_-]+", lambda _: draw(st.sampled_from((" ", "_", "-", " - "))), name)
    return spelled.upper() if draw(st.booleans()) and spelled.upper().lower() == spelled.lower() else spelled


MARKS = ",<>\\\"'‘’“”„«»"  # noqa: RUF001 - these are what a name cannot have
LETTERS = st.characters(categories=("L", "M", "N", "P", "S", "Zs"), exclude_characters=MARKS)
NAMES = st.text(LETTERS, min_size=1, max_size=50).filter(
    lambda name: name == re.sub(r"^[\s_-]+|[\s_-]+$", "", name) and in_one_spelling(name) not in set(TaskStatus)
)


@given(st.data(), NAMES, st.sampled_from(TaskStatus))
@settings(max_examples=200, deadline=None)
def test_every_name_finds_and_sets_what_the_status_finds_and_sets(
    data: st.DataObject, name: str, status: TaskStatus
) -> None:
    names = names_in({name: status})
    typed = data.draw(other_spellings(name))

    assert parse_query(f'status:"{typed}"', "", TODAY, statuses=names) == parse_query(f"status:{status}", "", TODAY)
    for command in ("task list {}", "my tasks {}", "task update 42 {}"):
        ours = parse(command.format(f"--status {status}"), "ann", TODAY)
        assert parse(command.format(f'--status "{typed}"'), "ann", TODAY, names) == ours
    assert parse(f'task list status:"{typed}"', "", TODAY, names) == parse(f"task list status:{status}", "", TODAY)


@pytest.fixture
def desk(finish: Finish) -> Iterator[TestDesk]:
    made = TestDesk(finish)
    yield made
    made.engine.dispose()


def test_tasks_are_found_and_moved_by_a_workspaces_own_names_and_shown_with_ours(desk: TestDesk) -> None:
    desk.statuses = names_in({"doing": "in-progress", "qa check": "in-review"})
    for number, status in enumerate(TaskStatus, start=1):
        desk.say(f"task create Task{number}")
        desk.say(f"task update {number} --status {status}")

    for name in desk.statuses:
        theirs, ours = desk.say(f"task list --status {name.name}"), desk.say(f"task list status:{name.status}")
        assert [task.id for task in theirs.tasks] == [task.id for task in ours.tasks]
        assert theirs == ours
        assert len(theirs.tasks) == 1
    moved = desk.say('task update AICRM-1 --status "QA Check"')
    assert moved.tasks[0].status is TaskStatus.IN_REVIEW
    assert "qa" not in repr(moved.cards).lower()


def test_a_slip_is_answered_with_the_workspaces_own_names_too(desk: TestDesk) -> None:
    desk.statuses = names_in({"doing": "in-progress"})

    reply = desk.say("task list --status dong")

    assert not reply.ok
    assert 'Did you mean "doing"? Possible are todo,' in reply.text


class Noon:
    def now(self) -> datetime:
        return NOON


def test_a_hub_knows_the_names_of_its_own_rules_and_ours_while_they_are_broken(tmp_path: Path) -> None:
    folder = tmp_path / "rules" / "default"
    folder.mkdir(parents=True)
    (folder / "a.yml").write_text("statuses: {doing: in-progress}")
    (folder / "b.yml").write_text("statuses: {Doing: blocked, qa: in-review}")

    async def work() -> None:
        hub = assemble(read_hub_settings({"AI_CRM_DATA": str(tmp_path)}), Noon())
        try:
            desk = command_desk(hub, lambda: None)
            assert hub.statuses("default") == (
                StatusName("doing", TaskStatus.IN_PROGRESS),
                StatusName("qa", TaskStatus.IN_REVIEW),
            )
            assert (await answer("task list --status QA", asker(), desk, "0" * 32)).ok
            (folder / "b.yml").write_text("statuses: {qa: in-revew}")
            assert hub.statuses("default") == ()
            assert (await answer("task list --status done", asker(), desk, "0" * 32)).ok
        finally:
            hub.close()

    asyncio.run(work())
