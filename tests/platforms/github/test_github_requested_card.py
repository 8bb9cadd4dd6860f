"""What a person changes through the hub shows in the card that is there already, under an issue and for a release."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ai_crm.cards.state import read_state
from ai_crm.commands.command import ChangeTask
from ai_crm.flow.requests import Request, changed_task
from ai_crm.model.change import CreateTask, ShowCard, change_key
from ai_crm.model.decision import Answer, Decision
from ai_crm.model.item import ItemKind, ItemRef, PlatformName, Project
from ai_crm.model.task import RuleId, Task, TaskPatch, TaskStatus
from ai_crm.platforms.github import GitHub
from ai_crm.store.memory import MemoryStore
from tests.doubles.github_server import FakeGitHub

if TYPE_CHECKING:
    from tests.conftest import Finish
    from tests.platforms.github.conftest import NewGitHub

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
PROJECT = Project(name="octo/hello", url="https://github.example/octo/hello", default_branch="main")
ASKED = Request(id="a" * 32, actor="ann", workspace="ours", at=NOON)


def begun(item: ItemRef) -> Decision:
    """What a rule wants of a new item: a task, and the card that shows it."""
    rule = RuleId("triage")
    create = CreateTask(key=change_key(rule, item, "task", ""), rule=rule, item=item, because="x", title="It crashes")
    card = ShowCard(key=change_key(rule, item, "card", "e1"), rule=rule, item=item, because="x", project=PROJECT)
    return Decision(
        event="e1",
        platform=PlatformName.GITHUB,
        names=("issues.opened",),
        actor="octocat",
        item=item,
        answer=Answer.ACT,
        rules="f" * 64,
        verdicts=(),
        changes=(create, card),
        skips=(),
    )


def carry_out(decision: Decision, store: MemoryStore, github: GitHub, finish: Finish) -> Task:
    """The task afterwards, with where it shows."""
    tasks: tuple[Task, ...] = ()
    for planned in finish(store.commit(decision, NOON)).outbox:
        change = finish(store.refresh(planned))
        assert change
        tasks = finish(store.settle(change, finish(github.apply(change))))
    return tasks[0]


@pytest.mark.parametrize(("kind", "number"), [(ItemKind.ISSUE, "1"), (ItemKind.RELEASE, "77")])
def test_a_change_renews_the_card_in_place(
    new_github: NewGitHub, fake_github: FakeGitHub, finish: Finish, kind: ItemKind, number: str
) -> None:
    issue = fake_github.open_issue("It crashes")
    item, store = ItemRef(PlatformName.GITHUB, "octo/hello", kind, number), MemoryStore()
    task = carry_out(begun(item), store, new_github(), finish)
    wanted = ChangeTask(task=task.id, patch=TaskPatch(status=TaskStatus.IN_REVIEW), version=task.version)
    changed = carry_out(changed_task(task, wanted, ASKED, ()), store, new_github(), finish)

    body = fake_github.comments_of(issue)[0] if kind is ItemKind.ISSUE else fake_github.repo.issues[2]["body"]
    state = read_state(body)
    assert state
    (shown,) = state.tasks
    assert (shown.status, shown.version) == (TaskStatus.IN_REVIEW, 2)
    assert (changed.status, changed.url) == (TaskStatus.IN_REVIEW, task.url)
    assert len(fake_github.comments_of(issue)) == (kind is ItemKind.ISSUE)
    assert len(fake_github.repo.issues) == 1 + (kind is ItemKind.RELEASE)
