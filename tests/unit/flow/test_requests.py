"""What a person asks for directly becomes a decision like any other."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from ai_crm.analysis import offline_analyst
from ai_crm.commands.command import ChangeTask, NewTask
from ai_crm.config.agents import load_agents
from ai_crm.errors import Misunderstood
from ai_crm.flow.requests import MOST_NAMES, Request, changed_task, new_task
from ai_crm.model.analysis import Priority
from ai_crm.model.change import CreateTask, ShowCard, UpdateTask
from ai_crm.model.decision import Answer, Decision
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.task import AgentChoice, RuleId, Task, TaskId, TaskPatch, TaskStatus
from ai_crm.rules.explain import explain

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ASKED = Request(id="a" * 32, actor="ann", workspace="ours", at=NOON)
AGENTS = load_agents()
ISSUE = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.ISSUE, "12")
TASK = Task(
    id=TaskId("AICRM-7"),
    rule=RuleId("triage"),
    item=ISSUE,
    title="It crashes",
    assignees=("octocat",),
    labels=("bug",),
    agent=AgentChoice(name="house-agent", assigned=False, because="a rule of the project"),
    url="https://github.example/octo/hello/issues/12#card",
    version=3,
)


def created(wanted: NewTask, request: Request = ASKED) -> CreateTask:
    (change,) = new_task(wanted, request, offline_analyst(), AGENTS).changes
    assert isinstance(change, CreateTask)
    return change


def changed(patch: TaskPatch, *, agent: str = "", task: Task = TASK, version: int = 0) -> Decision:
    wanted = ChangeTask(task=task.id, patch=patch, agent=agent, version=version)
    return changed_task(task, wanted, ASKED, AGENTS)


def patch_of(decision: Decision) -> TaskPatch:
    change = decision.changes[0]
    assert isinstance(change, UpdateTask)
    return change.patch


def test_what_nobody_named_is_what_the_analysis_found() -> None:
    task = created(NewTask(title="SQL injection in the login form", description="Urgent: production is down"))

    assert task.analysis is not None
    assert task.priority is task.analysis.urgency.value
    assert task.agent is not None
    assert task.analysis.recommended is not None
    assert (task.agent.name, task.agent.assigned) == (task.analysis.recommended.name, False)
    assert task.agent.because.startswith("the analysis found")
    assert task.agent.confidence == task.analysis.recommended.confidence


def test_what_somebody_named_is_theirs() -> None:
    due = date(2026, 12, 1)
    task = created(
        NewTask(
            title="Write the guide",
            agent="Backend Architect",
            priority=Priority.LOW,
            assignees=("@octocat", "Octocat"),
            labels=("docs", "docs"),
            due=due,
        )
    )

    assert task.agent is not None
    assert (task.agent.name, task.agent.assigned) == ("backend-architect", True)
    assert task.agent.because == "asked for by ann"
    assert (task.priority, task.assignees, task.labels, task.due) == (Priority.LOW, ("Octocat",), ("docs",), due)
    assert (task.asked_at, task.seen_at) == (NOON, None)


def test_the_item_of_what_was_asked_for_is_the_request() -> None:
    decision = new_task(NewTask(title="Water the plants"), ASKED, offline_analyst(), AGENTS)

    assert decision.item == ItemRef(PlatformName.HUB, "ours", ItemKind.REQUEST, ASKED.id)
    assert (decision.event, decision.actor, decision.answer) == (ASKED.id, "ann", Answer.ACT)
    assert decision.changes[0].rule == "request"


def test_it_is_explained_as_what_somebody_asked_for() -> None:
    told = explain(new_task(NewTask(title="Water the plants"), ASKED, offline_analyst(), AGENTS))
    assert "no rule was asked" in told
    assert "create_task: asked for by ann" in told


def test_the_same_request_is_the_same_decision_and_another_is_another() -> None:
    wanted = NewTask(title="Water the plants")
    other = msgspec.structs.replace(ASKED, id="b" * 32)

    once, again = (new_task(wanted, ASKED, offline_analyst(), AGENTS).to_json() for _ in range(2))
    assert once == again
    assert created(wanted).key != created(wanted, other).key


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (NewTask(title=" \u200b\n "), "needs a title"),
        (NewTask(title="x" * 257), "257 characters"),
        (NewTask(title="x", description="y" * 4001), "4001 characters"),
        (NewTask(title="x", labels=("l" * 51,)), "label of 51"),
        (NewTask(title="x", labels=tuple(map(str, range(MOST_NAMES + 1)))), "too many"),
        (NewTask(title="x", assignees=("not a login",)), "no login"),
        (NewTask(title="x", agent="backend-architekt"), 'Did you mean "backend-architect"'),
        (NewTask(title="x", agent="qqq"), "agents list"),
    ],
)
def test_what_no_task_can_have_is_refused_with_what_to_do(wanted: NewTask, told: str) -> None:
    with pytest.raises(Misunderstood) as refused:
        created(wanted)
    assert told in str(refused.value)
    assert refused.value.hint


def test_only_what_is_different_is_changed_and_the_card_is_renewed() -> None:
    decision = changed(TaskPatch(title="It crashes", status=TaskStatus.DONE, labels=("bug",)), version=3)

    update, card = decision.changes
    assert isinstance(update, UpdateTask)
    assert update.patch == TaskPatch(status=TaskStatus.DONE)
    assert (update.version, update.rule, update.asked_at) == (3, "triage", NOON)
    assert isinstance(card, ShowCard)
    assert (card.item, card.project.name) == (ISSUE, "octo/hello")
    assert decision.item == ISSUE


@pytest.mark.parametrize(
    "task",
    [
        msgspec.structs.replace(TASK, url=""),
        msgspec.structs.replace(TASK, item=ItemRef(PlatformName.HUB, "ours", ItemKind.REQUEST, "c" * 32)),
    ],
)
def test_a_card_that_was_never_shown_is_not_shown_by_a_change(task: Task) -> None:
    (update,) = changed(TaskPatch(status=TaskStatus.BLOCKED), task=task).changes
    assert isinstance(update, UpdateTask)


def test_a_change_that_changes_nothing_is_a_decision_that_says_so() -> None:
    decision = changed(TaskPatch(title=TASK.title, status=TASK.status, assignees=TASK.assignees, due=None))
    assert (decision.answer, decision.changes) == (Answer.NOTHING, ())


def test_a_recommended_agent_is_assigned_when_somebody_says_so_even_one_that_only_the_project_knows() -> None:
    choice = patch_of(changed(TaskPatch(), agent="House Agent")).agent
    assert isinstance(choice, AgentChoice)
    assert (choice.name, choice.assigned, choice.because) == ("house-agent", True, "asked for by ann")

    assigned = msgspec.structs.replace(TASK, agent=choice)
    assert changed(TaskPatch(), agent="house-agent", task=assigned).answer is Answer.NOTHING


@pytest.mark.parametrize("before", list(TaskStatus))
@pytest.mark.parametrize("after", list(TaskStatus))
def test_every_status_may_follow_every_other(before: TaskStatus, after: TaskStatus) -> None:
    decision = changed(TaskPatch(status=after), task=msgspec.structs.replace(TASK, status=before))
    assert (decision.answer is Answer.NOTHING) == (before is after)


def test_a_due_date_can_be_taken_away_and_one_that_is_not_named_stays() -> None:
    task = msgspec.structs.replace(TASK, due=date(2026, 12, 1))
    assert patch_of(changed(TaskPatch(due=None), task=task)).due is None
    assert patch_of(changed(TaskPatch(status=TaskStatus.DONE), task=task)).due is UNSET


@settings(max_examples=60, deadline=None)
@given(title=st.text(max_size=300), actor=st.text(max_size=150), label=st.text(max_size=60))
def test_whatever_is_typed_is_refused_or_a_decision_that_can_be_stored(title: str, actor: str, label: str) -> None:
    try:
        decision = new_task(
            NewTask(title=title, labels=(label,)),
            Request(id="a" * 32, actor=actor, workspace="ours", at=NOON),
            offline_analyst(),
            AGENTS,
        )
    except Misunderstood:
        return
    assert msgspec.json.decode(decision.to_json(), type=Decision) == decision
    (task,) = decision.changes
    assert isinstance(task, CreateTask)
    assert task.title
    assert "\n" not in task.title + task.because
