"""The one comment on an item: what it shows, what it remembers, and that it is never too long."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.cards.state import card_mark, has_mark, read_state
from ai_crm.cards.sticky import LIMIT, sticky_body
from ai_crm.errors import Unsupported
from ai_crm.model.analysis import Evidence
from ai_crm.model.change import ChangeKey
from ai_crm.model.item import ItemRef
from ai_crm.model.task import HistoryEntry, RuleId, Task, TaskId

A_TASK = Callable[..., Task]
KEY = ChangeKey("0123456789abcdef0123456789abcdef")


def test_it_begins_with_the_mark_and_ends_with_what_it_remembers(a_task: A_TASK, item: ItemRef) -> None:
    body = sticky_body(item, (a_task(),), (KEY,))
    lines = body.split("\n")
    assert lines[0] == card_mark(item)
    assert lines[-1].startswith("<!-- ai-crm:state v1 ")
    assert has_mark(lines[0])
    state = read_state(body)
    assert state is not None
    assert (state.tasks, state.applied) == ((a_task(),), (KEY,))


def test_each_task_of_the_item_has_a_section(a_task: A_TASK, item: ItemRef) -> None:
    body = sticky_body(item, (a_task(), a_task(id=TaskId("AICRM-42-2"), rule=RuleId("second"), title="Other")), ())
    assert body.index("**AICRM-42** ·") < body.index("\n\n---\n\n") < body.index("**AICRM-42-2** ·")


def test_it_says_what_it_is_and_how_to_silence_it(a_task: A_TASK, item: ItemRef) -> None:
    footer = sticky_body(item, (a_task(),), ()).split("\n")[-3]
    assert "AI-CRM" in footer
    assert "`card: {comment: false}`" in footer


def test_it_shows_the_description_folded_and_as_it_was_written(a_task: A_TASK, item: ItemRef) -> None:
    body = sticky_body(item, (a_task(description="# head\n@octocat\n```\nx"),), ())
    assert (
        "<details><summary>Description</summary>\n\n```text\n# head\n@octocat\n\u200b```\nx\n```\n\n</details>" in body
    )
    assert "Description" not in sticky_body(item, (a_task(description=" \n"),), ())


def test_it_leads_to_a_dashboard_but_not_back_to_itself(a_task: A_TASK, item: ItemRef) -> None:
    here = a_task(url="https://github.com/acme/app/issues/42#issuecomment-1")
    assert "[Open]" not in sticky_body(item, (here,), ())
    assert "[Open](https://hub.example/t/42)" in sticky_body(item, (a_task(url="https://hub.example/t/42"),), ())


def test_the_same_tasks_make_the_same_bytes(a_task: A_TASK, item: ItemRef) -> None:
    assert sticky_body(item, (a_task(),), (KEY,)) == sticky_body(item, (a_task(),), (KEY,))


def test_a_body_without_tasks_is_still_a_card(item: ItemRef) -> None:
    assert read_state(sticky_body(item, (), (KEY,))) is not None


@pytest.mark.parametrize("filler", ["x", "<", "@", "`", "\n", "-", "🚀", "\ud800", "a b "])
@pytest.mark.parametrize("count", [1, 5, 20])
def test_it_is_never_too_long_and_keeps_every_rule(a_task: A_TASK, item: ItemRef, filler: str, count: int) -> None:
    entry = HistoryEntry(at=None, actor="octocat", what="status", because="closed " * 20)
    tasks = tuple(
        a_task(id=TaskId(f"AICRM-{number}"), rule=RuleId(f"rule-{number}"), description=filler * 70_000, title=filler * 300, history=(entry,) * 200)
        for number in range(count)
    )  # fmt: skip
    body = sticky_body(item, tasks, (KEY,) * 200)
    state = read_state(body)
    assert len(body) <= LIMIT
    assert state is not None
    assert [task.rule for task in state.tasks] == [task.rule for task in tasks]
    assert [task.id for task in state.tasks] == [task.id for task in tasks]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=2000), st.integers(1, 60))
def test_any_text_of_any_length_fits(text: str, times: int) -> None:
    task = Task(id=TaskId("AICRM-1"), rule=RuleId("r"), item=_ITEM, title=text, description=text * times)
    body = sticky_body(_ITEM, (task,), ())
    assert len(body) <= LIMIT
    assert read_state(body) is not None


def test_descriptions_are_cut_before_anything_else(a_task: A_TASK, item: ItemRef) -> None:
    entry = HistoryEntry(at=None, actor="octocat", what="status", because="closed")
    state = read_state(sticky_body(item, (a_task(description="word " * 14_000, history=(entry,) * 20),), ()))
    assert state is not None
    assert state.tasks[0].description.endswith("…")
    assert len(state.tasks[0].history) == 20
    assert state.tasks[0].analysis == a_task().analysis


def test_evidence_that_fills_the_comment_is_forgotten(a_task: A_TASK, item: ItemRef) -> None:
    analysis = a_task().analysis
    assert analysis is not None
    much = tuple(Evidence("x" * 9_000, "title", number) for number in range(10))
    heavy = msgspec.structs.replace(analysis, urgency=msgspec.structs.replace(analysis.urgency, evidence=much))
    state = read_state(sticky_body(item, (a_task(analysis=heavy),), ()))
    assert state is not None
    assert state.tasks[0].analysis is not None
    assert state.tasks[0].analysis.urgency.value is analysis.urgency.value
    assert state.tasks[0].analysis.urgency.evidence == ()


def test_more_tasks_than_a_comment_can_hold_are_refused_with_a_way_out(a_task: A_TASK, item: ItemRef) -> None:
    tasks = tuple(a_task(id=TaskId(f"AICRM-{number}"), rule=RuleId(f"rule-{number}")) for number in range(400))
    with pytest.raises(Unsupported, match=r"400 tasks.*database_url"):
        sticky_body(item, tasks, ())


_ITEM = msgspec.convert({"platform": "github", "project": "acme/app", "kind": "issue", "id": "1"}, ItemRef)
