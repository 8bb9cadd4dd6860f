"""What the action `webhook` reads from a file and plans to send: JSON that no stranger can break out of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.model.analysis import Priority
from ai_crm.model.change import AnyChange, CallWebhook, CreateTask, change_key
from ai_crm.model.decision import Skip
from ai_crm.model.task import AgentChoice, RuleId, Task, TaskId
from ai_crm.rules.effects.webhook import Webhook
from ai_crm.rules.rule import Defaults, Place
from ai_crm.store.outbox import Current, informed
from tests.unit.rules.conftest import a_scene, an_event, an_item, problems, triggers, value

URL = "https://hooks.example.com/ai-crm"
TASK = Task(
    id=TaskId("AICRM-42"), rule=RuleId("issue_opened"), item=an_item().ref, title='Fix "it"', url="https://x.example/t"
)


def read(body: str = "", *, url: str = URL, task: bool = False) -> tuple[Webhook | None, tuple[str, ...]]:
    place = Place(triggers=triggers("issue_opened"), task=task, creates=task, agents=(), rules=(), defaults=Defaults())
    found = problems()
    params = {"url": url, **({"body": body} if body else {})}
    effect = Webhook.parse(value(json.dumps(params)), place, found)
    return effect, tuple(problem.what for problem in found.found)


def planned(body: str = "", *, item: dict[str, Any] | None = None, task: bool = False, **scene: Any) -> CallWebhook:
    effect, wrong = read(body, task=task)
    assert effect is not None, wrong
    step: AnyChange | Skip
    (step,) = effect.plan(a_scene(an_event(an_item(**(item or {}))), **scene), 0)
    assert isinstance(step, CallWebhook)
    return step


def sent(change: CallWebhook, task: Task | None = None) -> Any:
    return json.loads(change.body.filled(task))


def test_without_a_body_a_document_tells_what_happened() -> None:
    change = planned(item={"title": 'Quotes " and \\ and \n lines'})
    assert (change.url, change.content_type) == (URL, "application/json")
    document = sent(change)
    assert list(document) == ["type", "event", "rule", "item", "task"]
    assert document == {
        "type": "issues.opened",
        "event": {"id": "delivery-1", "actor": "octocat"},
        "rule": "issue_opened",
        "item": {
            "platform": "github",
            "project": "octocat/hello-world",
            "kind": "issue",
            "id": "42",
            "title": 'Quotes " and \\ and \n lines',
            "url": "https://github.com/octocat/hello-world/issues/42",
            "state": "open",
        },
        "task": None,
    }


def test_the_document_tells_about_the_task_that_is_about_to_be_stored() -> None:
    new = CreateTask(
        key=change_key(TASK.rule, TASK.item, "create", ""),
        rule=TASK.rule,
        item=TASK.item,
        because="x",
        title='Fix "it"',
        priority=Priority.HIGH,
        agent=AgentChoice(name="debugger", assigned=True, because="x"),
    )
    change = planned(planned=new, once=True)
    assert sent(change)["task"]["id"] == "(task id)"
    stored = informed(change, Current(tasks=(TASK,)))
    assert isinstance(stored, CallWebhook)
    assert sent(stored)["task"] == {
        "id": "AICRM-42",
        "url": "https://x.example/t",
        "title": 'Fix "it"',
        "priority": "HIGH",
        "agent": "debugger",
        "status": "todo",
    }


def test_a_rule_that_makes_no_task_tells_about_the_items_first() -> None:
    assert sent(planned(tasks=(TASK,)))["task"]["id"] == "AICRM-42"


def test_a_body_of_the_files_own_is_sent_as_it_is_written() -> None:
    change = planned('{{"text": "New: {issue.title}", "n": [1, 2]}}', item={"title": 'a"}, {"b": "c'})
    assert change.content_type == "application/json"
    assert sent(change) == {"text": 'New: a"}, {"b": "c', "n": [1, 2]}


def test_a_body_that_is_no_json_is_plain_text() -> None:
    change = planned("New: {issue.title}\nby {issue.author}", item={"title": "a\u202eb\x00"})
    assert change.content_type == "text/plain; charset=utf-8"
    assert change.body.filled(None) == "New: ab\nby octocat"


def test_a_body_can_name_the_task() -> None:
    effect, wrong = read('{{"id": "{task.id}"}}', task=True)
    assert wrong == ()
    assert effect is not None
    (step,) = effect.plan(a_scene(task=TASK, once=True), 0)
    assert isinstance(step, CallWebhook)
    assert sent(step, TASK) == {"id": "AICRM-42"}


@pytest.mark.parametrize(
    "body", ['{{"a": {issue.title}}}', "[{issue.title}]", '{{"a": "\\{issue.title}"}}', "{{", "[1,]", '{{"a": "x}}']
)
def test_json_that_a_value_could_break_is_refused_in_the_file(body: str) -> None:
    effect, wrong = read(body)
    assert effect is None
    assert wrong == ("body begins like JSON and is none: {names} stand between the quotes of its texts",)


@pytest.mark.parametrize("url", ["https://{issue.title}/", "https://x.example/{issue.id}", "https://u:p@x.example/"])
def test_nobody_but_the_file_chooses_what_is_called(url: str) -> None:
    effect, wrong = read(url=url)
    assert effect is None
    assert len(wrong) == 1


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_no_title_gets_out_of_its_quotes(title: str) -> None:
    assert list(sent(planned('{{"a": "{issue.title}", "b": 1}}', item={"title": title}))) == ["a", "b"]
    assert list(sent(planned(item={"title": title}))) == ["type", "event", "rule", "item", "task"]


def test_a_webhook_wants_no_analysis_and_makes_no_task() -> None:
    effect, _ = read()
    assert effect is not None
    assert not effect.wants_analysis
    assert not effect.creates
