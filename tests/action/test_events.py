"""Each kind of event through the whole step, and what it costs in calls."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.action.conftest import Step
from tests.doubles.github_server import Fault

_PEOPLE = """
agents:
  - name: code-reviewer
    people: [hubot]
  - name: docs-architect
    people: [ann]
"""


def _pull_request(step: Step, *files: str) -> Any:
    payload = step.payload("pull_request.opened")
    step.github.open_issue("an issue that was there before")
    pull = payload["pull_request"]
    labels = [label["name"] for label in pull["labels"]]
    author = pull["user"]["login"]
    number = step.github.open_issue(pull["title"], pull["body"] or "", author=author, labels=labels, pull_request={})
    assert number == payload["number"]
    step.github.change_files(str(number), *files)
    return payload


def test_a_pull_request_that_changes_code_gets_a_review_task(step: Step, seed: str) -> None:
    step.rules(seed)
    done = step.run("pull_request", _pull_request(step, "README.md", "src/app.py"))
    assert done.status == 0, done.log
    (card,) = step.github.comments_of(2)
    assert "Code Review: Update the README with new information" in card
    assert "HIGH" in card
    assert step.github.calls() <= 6


def test_a_pull_request_that_changes_other_files_gets_none(step: Step, seed: str) -> None:
    step.rules(seed)
    done = step.run("pull_request", _pull_request(step, "README.md"))
    assert done.status == 0
    assert step.github.comments_of(2) == []
    assert "files_changed" in done.summary


def test_the_people_behind_an_agent_are_asked_for_the_review(step: Step, seed: str) -> None:
    step.rules(seed + _PEOPLE)
    done = step.run("pull_request", _pull_request(step, "src/app.py"))
    assert done.status == 0, done.log
    assert step.github.reviewers_of(2) == ["hubot"]
    assert step.github.calls() <= 6, [f"{seen.method} {seen.path}" for seen in step.github.requests]


def test_nobody_is_asked_twice_when_the_job_runs_again(step: Step, seed: str) -> None:
    step.rules(seed + _PEOPLE)
    payload = _pull_request(step, "src/app.py")
    step.run("pull_request", payload)
    asked = sum("requested_reviewers" in seen.path for seen in step.github.requests if seen.method == "POST")
    step.run("pull_request", payload, attempt=2)
    again = sum("requested_reviewers" in seen.path for seen in step.github.requests if seen.method == "POST")
    assert (asked, again) == (1, 1)


def test_a_merged_pull_request_ends_its_task(step: Step, seed: str) -> None:
    step.rules(seed)
    payload = _pull_request(step, "src/app.py")
    step.run("pull_request", payload)
    merged = json.loads(json.dumps(payload))
    merged["action"] = "closed"
    merged["pull_request"] |= {"state": "closed", "merged": True, "updated_at": "2026-11-24T12:00:00Z", "comments": 1}
    assert step.run("pull_request", merged).outputs["tasks_updated"] == "1"
    assert "Done" in step.github.comments_of(2)[0]


@pytest.mark.parametrize(
    ("event", "payload", "rule"),
    [
        ("release", "release.published", "release-deployment"),
        ("workflow_run", "workflow_run.completed", "ci-failure"),
    ],
)
def test_what_has_no_thread_gets_an_issue_of_its_own_and_only_one(
    step: Step, event: str, payload: str, rule: str
) -> None:
    step.rules(f"auto_task_creation:\n  rules:\n    - use: {rule}\n")
    told = step.payload(payload)
    told["repository"]["full_name"] = "Codertocat/Hello-World"
    if event == "workflow_run":
        told["workflow_run"] |= {"conclusion": "failure", "head_branch": told["repository"]["default_branch"]}
        told["workflow_run"] |= {"pull_requests": [], "event": "push"}
    first = step.run(event, told)
    assert first.status == 0, first.log
    assert first.outputs["tasks_created"] == "1", first.log
    assert step.github.calls() <= 6, [f"{seen.method} {seen.path}" for seen in step.github.requests]
    (issue,) = step.github.repo.issues.values()
    assert "ai-crm/task" in [label["name"] for label in issue["labels"]]
    again = step.run(event, told, attempt=2)
    assert again.outputs["tasks_created"] == "0"
    assert len(step.github.repo.issues) == 1


def test_the_issue_that_we_opened_ourselves_makes_no_task(step: Step) -> None:
    step.rules("auto_task_creation:\n  rules:\n    - trigger: issue_opened\n      task: {title: x}\n")
    payload = step.payload("issues.opened")
    payload["issue"]["body"] = "<!-- ai-crm:card github:Codertocat/Hello-World:release:1 -->\n\nAICRM-AAAAA"
    payload["issue"]["user"] = {"login": "github-actions[bot]", "type": "Bot"}
    assert step.run("issues", payload).decision["answer"] == "echo"


def test_a_stranger_who_pastes_our_mark_is_treated_like_anybody(step: Step) -> None:
    step.rules("auto_task_creation:\n  rules:\n    - trigger: issue_opened\n      task: {title: x}\n")
    payload = step.payload("issues.opened")
    payload["issue"]["body"] = "<!-- ai-crm:card github:Codertocat/Hello-World:issue:1 -->"
    payload["issue"] |= {"author_association": "NONE", "user": {"login": "mallory", "type": "User"}}
    step.github.open_issue(payload["issue"]["title"])
    assert step.run("issues", payload).outputs["tasks_created"] == "1"


def test_a_schedule_asks_about_what_nobody_touched(step: Step) -> None:
    step.rules("auto_task_creation:\n  rules:\n    - use: stale-escalation\n")
    old: dict[str, Any] = {"updated_at": "2025-01-01T00:00:00Z", "labels": ["bug"]}
    step.github.open_issue("forgotten", **old)
    step.github.open_issue("fresh", updated_at="2026-11-24T05:00:00Z")
    done = step.run("schedule", {"schedule": "17 6 * * 1-5"})
    assert done.status == 0, done.log
    assert "needs-attention" in step.github.labels_of(1)
    assert step.github.labels_of(2) == []
    assert "::warning" not in done.log


def test_the_seeds_second_file_works_as_printed_there(step: Step, root: Any) -> None:
    step.rules((root / "templates" / "examples" / "automation-rules.yml").read_text(encoding="utf-8"))
    payload = step.payload("issues.opened")
    payload["issue"] |= {"assignee": None, "assignees": []}
    step.github.open_issue(payload["issue"]["title"], labels=["bug"])
    done = step.run("issues", payload)
    card, comment = step.github.comments_of(1)
    assert "GitHub: Spelling error in the README file" in card
    assert "✅ AI-CRM task created: " in comment
    assert "issuecomment" in comment
    assert "Give the step slack_bot_token" in done.log
    assert done.status == 0
    assert step.github.calls() <= 6, [f"{seen.method} {seen.path}" for seen in step.github.requests]
    step.run("issues", payload, attempt=2)
    assert len(step.github.comments_of(1)) == 2


def test_what_could_not_be_done_is_not_called_done(step: Step, root: Any) -> None:
    step.rules((root / "templates" / "examples" / "automation-rules.yml").read_text(encoding="utf-8"))
    done = step.run("pull_request", _pull_request(step, "app.py"))
    assert "could not be done" in done.log
    assert "done before" not in done.log + done.summary


def test_a_team_that_the_token_must_not_see_stops_only_the_rules_that_ask_for_it(step: Step) -> None:
    step.rules(
        "auto_task_creation:\n  rules:\n"
        "    - {name: team, trigger: issue_opened, conditions: [{author_team: my-org/sec}], task: {title: x}}\n"
        "    - {name: any, trigger: issue_opened, task: {title: y}}\n"
    )
    step.github.teams_visible = False
    payload = step.payload("issues.opened")
    step.github.open_issue(payload["issue"]["title"])
    done = step.run("issues", payload)
    assert json.loads(done.outputs["matched_rules"]) == ["any"]
    assert "my-org/sec" in done.summary
    assert (done.status, done.outputs["tasks_created"]) == (1, "1")


def test_a_schedule_stops_at_a_limit_that_every_item_would_meet(step: Step) -> None:
    step.rules("auto_task_creation:\n  rules:\n    - {trigger: schedule, task: {title: x}}\n")
    for number in range(5):
        step.github.open_issue(f"old {number}", updated_at="2025-01-01T00:00:00Z")
    limited = Fault(status=429, headers={"Retry-After": "60"})
    step.github.fail(limited, "POST", "/comments", times=5)
    done = step.run("schedule", {"schedule": "17 6 * * 1-5"})
    assert "4 more items were not asked about" in done.log
    assert step.github.calls("POST") == 1


@pytest.mark.parametrize(("variable", "kept"), [("output", "summary"), ("summary", "output")])
def test_a_file_that_cannot_be_written_takes_nothing_else_with_it(
    step: Step, seed: str, variable: str, kept: str
) -> None:
    step.rules(seed)
    payload = step.payload("issues.opened")
    step.github.open_issue(payload["issue"]["title"], labels=["bug"])
    done = step.run("issues", payload, unwritable=variable)
    assert done.status == 1
    assert len(step.github.comments_of(1)) == 1
    assert "created 1 task" in done.summary if kept == "summary" else done.outputs["tasks_created"] == "1"


def test_a_commit_that_fixes_an_issue_number_means_no_task_of_that_number(step: Step, seed: str) -> None:
    """O9: GitHub's numbers and ours are two things."""
    step.rules(seed)
    payload = step.payload("issues.opened")
    step.github.open_issue(payload["issue"]["title"], labels=["bug"])
    step.run("issues", payload)
    before = step.github.comments_of(1)
    push = step.payload("push")
    push["head_commit"] = {"id": "f" * 40, "message": "fixes #1, closes AICRM-1", "timestamp": "2026-11-24T12:00:00Z"}
    assert step.run("push", push).outputs["tasks_updated"] == "0"
    assert step.github.comments_of(1) == before


@pytest.mark.parametrize(("sender", "answer"), [("octocat", "act"), ("github-actions[bot]", "echo")])
def test_an_issue_that_a_rule_opened_is_work_like_any_other_once_a_person_takes_it_up(
    step: Step, sender: str, answer: str
) -> None:
    step.rules("auto_task_creation:\n  rules:\n    - {trigger: issue_labeled, task: {title: x}}\n")
    payload = step.payload("issues.labeled")
    payload["issue"]["body"] = f"<!-- ai-crm:key {'0' * 32} -->\n\nCheck the licences"
    payload["issue"]["user"] = {"login": "github-actions[bot]", "type": "Bot"}
    payload["sender"] = {"login": sender, "type": "Bot" if sender.endswith("[bot]") else "User"}
    step.github.open_issue(payload["issue"]["title"])
    assert step.run("issues", payload).decision["answer"] == answer


def test_an_event_that_makes_no_tasks_is_said_to_be_none(step: Step) -> None:
    done = step.run("watch", {"action": "started"})
    assert done.status == 0
    assert "watch" in done.log
    assert step.github.calls() == 0


def test_an_event_that_nobody_here_knows_is_told_and_harmless(step: Step) -> None:
    done = step.run("brand_new_event", {"action": "created"})
    assert done.status == 0
    assert "brand_new_event" in done.log


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\ufeff{}", '{"action": 5}', "x" * 1000, "[" * 5000])
def test_an_event_file_that_is_not_one_ends_in_a_sentence(step: Step, content: str) -> None:
    done = step.run("issues", content)
    assert done.status == 1
    assert "::error title=AI-CRM::" in done.log
    assert "Traceback" not in done.log
