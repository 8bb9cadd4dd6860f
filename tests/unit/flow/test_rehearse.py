"""Other rules are tried on an event that was, and what they would have had to look up is said."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from ai_crm.analysis import offline_analyst
from ai_crm.config.policy import load_policy
from ai_crm.flow.rehearse import Rehearsal, rehearse
from ai_crm.model.decision import Answer
from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemKind, ItemRef, Person, PlatformName, Project
from ai_crm.model.task import RuleId, Task, TaskId
from ai_crm.rules.rule import Defaults

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
PULL = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.PULL_REQUEST, "4")
OPENED = Event(
    id="e" * 32,
    platform=PlatformName.GITHUB,
    names=("pull_request.opened",),
    actor=Person("octocat"),
    project=Project(name="octo/hello", url="https://github.example/octo/hello"),
    item=Item(ref=PULL, title="Fix it", url="https://github.example/octo/hello/pull/4", author=Person("octocat")),
    at=NOON,
)


def tried(conditions: str, *tasks: Task, event: Event = OPENED) -> Rehearsal:
    when = f"conditions: [{conditions}], " if conditions else ""
    rules = f"rules: [{{name: r, trigger: pull_request_opened, {when}task: {{}}}}]"
    policy = load_policy(f"auto_task_creation: {{{rules}}}".encode(), "rules", Defaults())
    return rehearse(event, tasks, policy, offline_analyst(), NOON)


def task(born_of: str) -> Task:
    return Task(id=TaskId("AICRM-1"), rule=RuleId("r"), item=PULL, title="Fix it", born_of=born_of)


@pytest.mark.parametrize(
    ("conditions", "unknown"),
    [
        ("", ()),
        ("{files_changed: 'src/**'}", ("which files were changed",)),
        (
            "{author_team: [octo/core, octo/docs]}",
            tuple(f"whether the author is in octo/{n}" for n in ("core", "docs")),
        ),
        ("{title_matches: nothing}, {files_changed: 'src/**'}", ()),
    ],
)
def test_what_would_have_been_looked_up_is_said(conditions: str, unknown: tuple[str, ...]) -> None:
    found = tried(conditions)
    assert found.unknown == unknown
    assert (found.decision.answer is Answer.ACT) == (conditions == "")


def test_what_the_event_made_is_decided_anew_and_what_another_made_is_left_alone() -> None:
    assert tried("", task(OPENED.id)).decision.answer is Answer.ACT
    assert tried("", task("another")).decision.answer is Answer.NOTHING


def test_our_own_doing_asks_nothing() -> None:
    found = tried("{files_changed: 'src/**'}", event=msgspec.structs.replace(OPENED, echo=True))
    assert (found.decision.answer, found.unknown) == (Answer.ECHO, ())
