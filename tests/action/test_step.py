"""The step without a server: what becomes of an event, seen where people look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.action.conftest import Result, Step


def _opened(step: Step, **fields: Any) -> Any:
    """A newly opened issue, as GitHub has it and as the event tells of it."""
    payload = step.payload("issues.opened")
    payload["issue"].update(fields)
    labels = [label["name"] for label in payload["issue"]["labels"]]
    number = step.github.open_issue(payload["issue"]["title"], payload["issue"]["body"], labels=labels)
    assert number == payload["issue"]["number"]
    return payload


def _again(step: Step, payload: Any, action: str, **changes: Any) -> Any:
    """A later event of the same issue."""
    later = json.loads(json.dumps(payload))
    later["action"] = action
    later["issue"]["comments"] = len(step.github.comments_of(1))
    later["issue"]["updated_at"] = "2026-11-24T12:00:00Z"
    later["issue"].update(changes)
    return later


def test_an_issue_that_fits_the_seeds_rule_gets_one_task_in_one_comment(step: Step, seed: str) -> None:
    step.rules(seed)
    done = step.run("issues", _opened(step))
    assert done.status == 0, done.log
    (card,) = step.github.comments_of(1)
    assert "AICRM-1" in card
    assert "GitHub Issue: Spelling error in the README file" in card
    assert done.outputs["tasks_created"] == "1"
    assert json.loads(done.outputs["task_ids"]) == ["AICRM-1"]
    assert json.loads(done.outputs["matched_rules"]) == ["issue_opened"]
    assert {label for label in step.github.labels_of(1) if label.startswith("ai-crm/")} == {
        "ai-crm/low",
        "ai-crm/docs-architect",
    }


def test_running_the_job_again_changes_nothing_and_says_so(step: Step, seed: str) -> None:
    step.rules(seed)
    payload = _opened(step)
    step.run("issues", payload)
    before = step.github.comments_of(1), step.github.labels_of(1)
    again = step.run("issues", payload, attempt=2)
    assert again.status == 0
    assert (step.github.comments_of(1), step.github.labels_of(1)) == before
    assert "Nothing changed" in again.log
    assert again.outputs["tasks_created"] == "0"


@pytest.mark.parametrize("labels", [[], ["question"], ["bug", "wontfix"], ["wontfix"]])
def test_an_issue_that_fits_no_rule_gets_nothing(step: Step, seed: str, labels: list[str]) -> None:
    step.rules(seed)
    done = step.run("issues", _opened(step, labels=[{"name": label} for label in labels]))
    assert done.status == 0
    assert step.github.comments_of(1) == []
    assert step.github.calls() == 1
    assert "no task created or changed" in done.summary


def test_a_label_that_comes_later_still_makes_the_task_and_only_one(step: Step, seed: str) -> None:
    step.rules(seed)
    payload = _opened(step, labels=[])
    step.run("issues", payload)
    labelled = _again(step, payload, "labeled", labels=[{"name": "bug"}])
    labelled["label"] = {"name": "bug"}
    assert step.run("issues", labelled).outputs["tasks_created"] == "1"
    other = _again(step, labelled, "labeled", labels=[{"name": "bug"}, {"name": "enhancement"}])
    other["label"] = {"name": "enhancement"}
    assert step.run("issues", other).outputs["tasks_created"] == "0"
    assert len(step.github.comments_of(1)) == 1


@pytest.mark.parametrize(
    ("reason", "shown"), [("completed", "Done"), ("not_planned", "Cancelled"), ("duplicate", "Cancelled")]
)
def test_a_closed_issue_ends_its_task(step: Step, seed: str, reason: str, shown: str) -> None:
    step.rules(seed)
    payload = _opened(step)
    step.run("issues", payload)
    before = step.github.calls()
    closed = step.run("issues", _again(step, payload, "closed", state="closed", state_reason=reason))
    assert closed.outputs["tasks_updated"] == "1"
    assert step.github.calls() - before <= 4
    (card,) = step.github.comments_of(1)
    assert shown in card


def test_a_reopened_issue_brings_its_task_back_and_a_late_close_does_not(step: Step, seed: str) -> None:
    step.rules(seed)
    payload = _opened(step)
    step.run("issues", payload)
    closing = _again(step, payload, "closed", state="closed", state_reason="completed")
    step.run("issues", closing)
    reopened = _again(step, payload, "reopened", state="open", updated_at="2026-11-24T13:00:00Z")
    step.run("issues", reopened)
    assert "Todo" in step.github.comments_of(1)[0]
    late = step.run("issues", _again(step, closing, "closed", closed_at="2026-11-24T12:00:00Z"))
    assert late.outputs["tasks_updated"] == "0"
    assert "Todo" in step.github.comments_of(1)[0]


def test_the_card_that_we_wrote_does_not_start_us_again(step: Step, seed: str) -> None:
    step.rules(seed)
    payload = _opened(step)
    step.run("issues", payload)
    comment = step.github.comments(1)[0]
    told = {**step.payload("issue_comment.created"), "issue": payload["issue"], "comment": comment}
    done = step.run("issue_comment", told)
    assert done.decision["answer"] == "echo"
    assert len(step.github.comments_of(1)) == 1


def test_a_dry_run_says_would_and_writes_nothing(step: Step, seed: str) -> None:
    step.rules(seed)
    done = step.run("issues", _opened(step), dry_run="true")
    assert done.status == 0
    assert "would create the task" in done.log
    assert "would have created 1 task" in done.summary
    assert step.github.calls("POST") == step.github.calls("PATCH") == 0


def test_a_pull_request_from_a_fork_is_looked_at_and_not_written_to(step: Step, seed: str) -> None:
    step.rules(seed)
    payload = step.payload("pull_request.opened")
    payload["pull_request"]["head"]["repo"]["full_name"] = "mallory/Hello-World"
    step.github.change_files(str(payload["number"]), "app.py")
    done = step.run("pull_request", payload)
    assert done.status == 0
    assert "fork" in done.log
    assert "would create the task" in done.log
    assert step.github.calls("POST") == 0


def test_without_a_rules_file_the_step_says_what_to_add(step: Step) -> None:
    done = step.run("issues", _opened(step))
    assert done.status == 0
    assert ".github/ai-crm.yml" in done.log
    assert done.outputs["tasks_created"] == "0"


def test_a_broken_rules_file_fails_the_step_at_its_line(step: Step) -> None:
    step.rules("auto_task_creation:\n  rules:\n    - trigger: issue_opend\n      task: {title: x}\n")
    done = step.run("issues", _opened(step))
    assert done.status == 2
    assert "::error title=AI-CRM,file=.github/ai-crm.yml,line=3,col=16::" in done.log
    assert 'did you mean "issue_opened"?' in done.log
    assert step.github.comments_of(1) == []


@pytest.mark.parametrize(("fail_on", "status"), [("config", 2), ("any", 2), ("none", 0)])
def test_fail_on_decides_what_a_broken_file_means(step: Step, fail_on: str, status: int) -> None:
    step.rules("nonsense: true\n")
    assert step.run("issues", _opened(step), fail_on=fail_on).status == status


def test_a_missing_permission_is_named_with_the_line_to_add(step: Step, seed: str) -> None:
    step.rules(seed)
    step.github.grant("contents: read", "issues: read")
    done = step.run("issues", _opened(step))
    assert done.status == 1
    assert "issues: write" in done.log
    assert "permissions:" in done.log


def test_an_outage_is_a_warning_unless_it_shall_fail(step: Step, seed: str) -> None:
    from tests.doubles.github_server import Fault

    step.rules(seed)
    payload = _opened(step)
    step.github.fail(Fault(status=502), "POST", "/comments")
    assert step.run("issues", payload).status == 0
    step.github.fail(Fault(status=502), "POST", "/comments")
    assert step.run("issues", payload, fail_on="any").status == 1
    assert step.run("issues", payload, attempt=2).outputs["tasks_created"] == "1"


def test_what_a_failed_run_left_undone_is_done_when_it_runs_again(step: Step, seed: str) -> None:
    from tests.doubles.github_server import Fault

    step.rules(seed)
    payload = _opened(step)
    step.github.fail(Fault(status=502), "POST", "/labels")
    step.run("issues", payload)
    assert "ai-crm/low" not in step.github.labels_of(1)
    again = step.run("issues", payload, attempt=2)
    assert again.status == 0, again.log
    assert "ai-crm/low" in step.github.labels_of(1)
    assert len(step.github.comments_of(1)) == 1


def test_a_label_that_a_person_took_off_stays_off(step: Step, seed: str) -> None:
    step.rules(seed)
    payload = _opened(step)
    step.run("issues", payload)
    step.github.repo.issues[1]["labels"] = [{"name": "bug"}]
    edited = _again(step, payload, "edited", title="Spelling error in the manual")
    edited["changes"] = {"title": {"from": "Spelling error in the README file"}}
    assert step.run("issues", edited).outputs["tasks_updated"] == "1"
    assert step.github.labels_of(1) == ["bug"]
    assert "GitHub Issue: Spelling error in the manual" in step.github.comments_of(1)[0]


def _calls(step: Step, run: Result) -> int:
    assert run.status == 0, run.log
    return step.github.calls()


def test_an_event_with_one_matching_rule_costs_at_most_six_calls(step: Step, seed: str) -> None:
    step.rules(seed)
    assert _calls(step, step.run("issues", _opened(step))) <= 6


def test_tasks_without_a_home_are_only_shown(step: Step, seed: str) -> None:
    step.rules(seed + "card: {comment: false}\n")
    done = step.run("issues", _opened(step))
    assert "would have no home" in done.log
    assert step.github.calls("POST") == 0


@pytest.mark.parametrize("event", ["issue_comment", "workflow_run", "check_suite", "deployment_status"])
def test_a_strangers_checkout_never_acts(step: Step, event: str) -> None:
    (step.folder / ".github").mkdir()
    rules = "auto_task_creation:\n  rules:\n    - trigger: issue_comment_created\n      task: {title: pwned}\n"
    (step.folder / ".github" / "ai-crm.yml").write_text(rules, encoding="utf-8")
    name = {"issue_comment": "issue_comment.created", "workflow_run": "workflow_run.completed"}.get(event)
    payload = step.payload(name or "deployment_status.created")
    step.github.open_issue("x")
    step.run(event, payload, config_source="workspace")
    assert step.github.calls("POST") == step.github.calls("PATCH") == 0


def test_a_key_without_a_hub_is_told_and_everything_works_without_one(step: Step, seed: str) -> None:
    step.rules(seed)
    done = step.run("issues", _opened(step), api_key="k")
    assert done.status == 0
    assert "::notice" in done.log
    assert "api_key is given and api_url is not, so no hub is used" in done.log
    assert done.outputs["tasks_created"] == "1"


def test_a_hub_and_a_database_are_one_home_too_many(step: Step, seed: str) -> None:
    step.rules(seed)
    done = step.run(
        "issues", _opened(step), api_key="k", api_url="https://hub.example", database_url="sqlite:///tasks.db"
    )
    assert done.status == 2
    assert "cannot stand beside api_url" in done.log


def test_a_key_is_only_sent_over_https(step: Step, seed: str) -> None:
    step.rules(seed)
    done = step.run("issues", _opened(step), api_key="k", api_url="http://hub.example")
    assert done.status == 2
    assert "only sent over https" in done.log


def test_a_failed_write_does_not_hide_the_decision(step: Step, seed: str) -> None:
    step.rules(seed)
    step.github.grant("contents: read")
    done = step.run("issues", _opened(step))
    assert done.status == 1
    assert "1 of 2 rules matched" in done.log
    assert "nothing: it could not be stored" in done.summary
    assert done.decision["answer"] == "act"
    assert done.outputs["tasks_created"] == "0"


def test_a_broken_file_is_in_the_summary_too(step: Step) -> None:
    step.rules("nonsense: true\n")
    assert "nonsense" in step.run("issues", _opened(step)).summary


@pytest.mark.parametrize("path", ["/etc/passwd", "../ai-crm.yml", ".github/../../x"])
def test_a_path_that_leads_out_of_the_repository_is_refused(step: Step, path: str) -> None:
    done = step.run("issues", _opened(step), config_path=path)
    assert done.status == 2
    assert "leads out of the repository" in done.log
    assert step.github.calls() == 0


def test_the_runner_gets_its_commands_back_at_the_very_end(step: Step, seed: str) -> None:
    step.rules(seed)
    log = step.run("issues", _opened(step), github_token="wrong").log.splitlines()
    (stop,) = {line.removeprefix("::stop-commands::") for line in log if line.startswith("::stop-commands::")} or {""}
    stopped = False
    for line in log:
        if line == f"::{stop}::":
            stopped = False
        elif line.startswith("::stop-commands::"):
            stopped = True
    assert not stopped
    assert any(line.startswith("::error title=AI-CRM::") for line in log)
