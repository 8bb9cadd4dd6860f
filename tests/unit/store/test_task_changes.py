"""The pure half of every store: how a task is born, changes, and is left alone by what comes late or again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ai_crm.model.analysis import Priority
from ai_crm.model.change import AnyChange, ChangeKey, Comment, CreateTask, Later, Text, UpdateTask
from ai_crm.model.decision import Answer, Decision
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.task import AgentChoice, RuleId, Task, TaskId, TaskPatch, TaskStatus
from ai_crm.store.tasks import created, follow, located, updated

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ITEM = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.ISSUE, "12")
RULE = RuleId("triage")
CREATE = CreateTask(
    key=ChangeKey("k"), rule=RULE, item=ITEM, because="a bug", title="Fix it", labels=("bug",), seen_at=NOON
)
DONE = TaskPatch(status=TaskStatus.DONE)


def decision(*changes: AnyChange, event: str = "e1") -> Decision:
    return Decision(
        event=event,
        platform=PlatformName.GITHUB,
        names=("issues.opened",),
        actor="octocat",
        item=ITEM,
        answer=Answer.ACT,
        rules="",
        verdicts=(),
        changes=changes,
        skips=(),
    )


def update(patch: TaskPatch, minute: int | None = None, key: str = "u") -> UpdateTask:
    seen = None if minute is None else NOON + timedelta(minutes=minute)
    return UpdateTask(key=ChangeKey(key), rule=RULE, item=ITEM, because="closed", patch=patch, seen_at=seen)


def new_id(change: CreateTask, tasks: tuple[Task, ...]) -> TaskId:
    return TaskId(f"{change.rule}-{len(tasks)}")


@pytest.fixture
def task() -> Task:
    return created(CREATE, decision(CREATE), TaskId("AICRM-1"))


def test_a_new_task_remembers_its_event_and_begins_its_history(task: Task) -> None:
    assert (task.version, task.born_of, task.seen_at, task.status) == (1, "e1", NOON, TaskStatus.TODO)
    (birth,) = task.history
    assert (birth.what, birth.actor, birth.because, birth.at) == ("created", "octocat", "a bug", NOON)


def test_a_field_that_the_patch_leaves_out_stays(task: Task) -> None:
    after = updated(task, update(DONE, 1), decision())

    assert after.status is TaskStatus.DONE
    assert replace(after, status=task.status, version=1, seen_at=NOON, history=task.history) == task


def test_each_field_that_became_different_is_one_entry_and_all_are_one_version(task: Task) -> None:
    agent = AgentChoice(name="tester", assigned=False, because="tests")
    patch = TaskPatch(status=TaskStatus.BLOCKED, priority=Priority.URGENT, agent=agent, assignees=("mona",), labels=())

    after = updated(task, update(patch, 1), decision())

    assert after.version == 2
    assert [entry.what for entry in after.history[1:]] == [
        "status: todo → blocked",
        "priority: MEDIUM → URGENT",
        "agent: none → tester (recommended)",
        "assignees: none → mona",
        "labels: bug → none",
    ]


def test_nothing_different_is_the_very_same_task(task: Task) -> None:
    assert updated(task, update(TaskPatch(status=TaskStatus.TODO)), decision()) is task
    assert updated(task, update(TaskPatch(), 0), decision()) is task


def test_an_event_that_brings_nothing_new_still_makes_what_lies_between_late(task: Task) -> None:
    seen = updated(task, update(TaskPatch(status=TaskStatus.TODO), 5), decision())

    assert (seen.version, seen.seen_at) == (1, NOON + timedelta(minutes=5))
    assert updated(seen, update(DONE, 3), decision()) is seen


def test_of_the_same_second_the_one_that_comes_last_counts(task: Task) -> None:
    assert updated(task, update(DONE, 0), decision()).status is TaskStatus.DONE


def test_an_event_without_a_time_counts_and_keeps_the_time_that_was_known(task: Task) -> None:
    after = updated(task, update(DONE), decision())

    assert (after.status, after.seen_at, after.history[-1].at) == (TaskStatus.DONE, NOON, None)


def test_all_orders_of_a_history_end_in_its_newest_state(task: Task) -> None:
    steps = [update(TaskPatch(status=status), minute) for minute, status in enumerate(TaskStatus)]

    for order in permutations(steps):
        after = task
        for step in order:
            after = updated(after, step, decision())
        assert after.status is list(TaskStatus)[-1]


def test_a_long_title_is_shortened_in_the_history_only(task: Task) -> None:
    after = updated(task, update(TaskPatch(title="x" * 5_000), 1), decision())

    assert len(after.title) == 5_000
    assert after.history[-1].what == f"title: Fix it → {'x' * 119}…"


def test_the_first_event_keeps_its_rules_effects_and_a_later_one_loses_them(task: Task) -> None:
    comment = Comment(key=ChangeKey("c"), rule=RULE, item=ITEM, because="", text=Text((Later("id"),)))

    assert follow(decision(CREATE, comment, event="e1"), (task,), (), new_id).outbound == (comment,)
    assert follow(decision(CREATE, comment, event="e2"), (task,), (), new_id).outbound == ()
    assert follow(decision(comment, event="e2"), (task,), (), new_id).outbound == (comment,)


def test_a_task_can_be_created_and_updated_by_one_decision() -> None:
    followed = follow(decision(CREATE, update(DONE, 1)), (), (), new_id)

    assert [(task.status, task.version) for task in followed.created] == [(TaskStatus.DONE, 2)]
    assert (followed.updated, followed.tasks) == ((), followed.created)


def test_an_update_of_a_task_that_there_is_not_does_nothing() -> None:
    assert follow(decision(update(DONE)), (), (), new_id).tasks == ()


def test_an_update_that_was_handled_before_does_nothing(task: Task) -> None:
    followed = follow(decision(update(DONE)), (task,), {ChangeKey("u")}, new_id)

    assert (followed.tasks, followed.updated) == ((task,), ())


def test_an_address_is_given_once_and_is_no_change(task: Task) -> None:
    (there,) = located((task,), "https://github.example/1")

    assert (there.url, there.version, there.history) == ("https://github.example/1", 1, task.history)
    assert located((there,), "https://github.example/2") == (there,)
    assert located((task,), "") == (task,)


patches = st.builds(TaskPatch, status=st.sampled_from(TaskStatus), priority=st.sampled_from(Priority))


@settings(max_examples=100, deadline=None)
@given(steps=st.lists(st.tuples(patches, st.none() | st.integers(-3, 3))))
def test_versions_and_history_only_grow_and_time_never_goes_back(steps: list[tuple[TaskPatch, int | None]]) -> None:
    before = created(CREATE, decision(CREATE), TaskId("AICRM-1"))
    for patch, minute in steps:
        after = updated(before, update(patch, minute), decision())
        assert after.version in {before.version, before.version + 1}
        assert after.history[: len(before.history)] == before.history
        assert (after.version > before.version) == (len(after.history) > len(before.history))
        assert after.seen_at
        assert before.seen_at
        assert after.seen_at >= before.seen_at
        before = after
