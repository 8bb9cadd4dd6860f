"""`ai-crm explain`: the decision about a recorded event, for people and as data, and the sentences for what is not one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ai_crm.analysis import fingerprint_of
from tests.doubles.taught import taught_file

Run = Callable[..., Any]


def test_a_person_sees_what_each_condition_wanted_and_saw(ai_crm: Run, rules_file: Path, issue_opened: Path) -> None:
    assert rules_file.exists()
    status, out, err = ai_crm("explain", "--event", str(issue_opened), "--name", "issues")
    assert (status, err) == (0, "")
    assert "issue_opened" in out
    assert "pull_request_opened" in out
    assert "bug" in out


def test_what_a_matching_rule_would_do_is_listed(ai_crm: Run, rules_file: Path, issue_opened: Path) -> None:
    rules_file.write_text("auto_task_creation: {rules: [{trigger: issue_opened, task: {}}]}\n", encoding="utf-8")
    status, out, err = ai_crm("explain", "--event", str(issue_opened), "--name", "issues")
    assert (status, err) == (0, "")
    assert "would create the task" in out


def test_a_program_gets_the_decision_that_the_schema_describes(
    ai_crm: Run, rules_file: Path, issue_opened: Path, root: Path
) -> None:
    from jsonschema import Draft202012Validator

    status, out, _ = ai_crm("explain", "--event", str(issue_opened), "--name", "issues", "--format", "json")
    decision = json.loads(out)
    schema = json.loads((root / "schemas" / "decision.schema.json").read_text(encoding="utf-8"))
    assert status == 0
    assert list(Draft202012Validator(schema).iter_errors(decision)) == []
    assert {verdict["rule"] for verdict in decision["verdicts"]} == {"issue_opened", "pull_request_opened"}
    assert rules_file.exists()


def test_the_same_event_and_rules_give_the_same_bytes(
    program: Run, ai_crm: Run, rules_file: Path, issue_opened: Path
) -> None:
    words = (
        "explain",
        "--event",
        str(issue_opened),
        "--name",
        "issues",
        "--format",
        "json",
        "--rules",
        str(rules_file),
    )
    assert program(*words) == ai_crm(*words)


def test_what_cannot_be_seen_is_kept_in_the_data_and_kept_from_people(
    ai_crm: Run, rules_file: Path, issue_opened: Path, folder: Path
) -> None:
    rules_file.write_text("auto_task_creation: {rules: [{trigger: issue_opened, task: {}}]}\n", encoding="utf-8")
    event = json.loads(issue_opened.read_bytes())
    event["issue"]["title"] = "\x1b[31mred"
    event["issue"]["labels"][0]["name"] = "a\u200bb"
    (folder / "event.json").write_text(json.dumps(event), encoding="utf-8")
    words = ("explain", "--event", "event.json", "--name", "issues")
    assert not any(sign in ai_crm(*words).out for sign in ("\x1b", "\u200b"))
    assert "a\u200bb" in json.dumps(json.loads(ai_crm(*words, "--format", "json").out), ensure_ascii=False)


def test_the_action_answers_the_same_bytes(ai_crm: Run, rules_file: Path, issue_opened: Path, folder: Path) -> None:
    environment = {
        "GITHUB_EVENT_NAME": "issues",
        "GITHUB_EVENT_PATH": str(issue_opened),
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_REPOSITORY": "octo-org/octo-repo",
        "GITHUB_WORKSPACE": str(folder),
        "INPUT_CONFIG_SOURCE": "workspace",
        "INPUT_DRY_RUN": "true",
    }
    command = [sys.executable, "-I", "-m", "action"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    answer = ai_crm("explain", "--event", str(issue_opened), "--name", "issues", "--format", "json").out
    assert rules_file.exists()
    assert f"\n{answer}" in (folder / "output").read_text(encoding="utf-8")


def test_what_was_learned_is_used_like_the_action_uses_it_or_said_to_be_missing(
    ai_crm: Run, rules_file: Path, issue_opened: Path, folder: Path
) -> None:
    rules = "analysis: {learned: learned.json}\nworkflows: {a: {trigger: issue_opened, task: {pm_analysis: true}}}\n"
    rules_file.write_text(rules, encoding="utf-8")
    asked = ("explain", "--event", str(issue_opened), "--name", "issues", "--format", "json")
    status, out, err = ai_crm(*asked)
    assert (status, "learned-1" in out) == (0, False)
    assert "learned.json: there is no such file" in err
    (folder / "learned.json").write_bytes(taught_file())
    named = ai_crm(*asked)
    assert (f'"learned-1-40-{fingerprint_of(taught_file())}"' in named.out, named.err) == (True, "")
    (folder / "learned.json").rename(folder / "elsewhere.json")
    assert ai_crm(*asked, "--learned", "elsewhere.json").out == named.out
    assert ai_crm(*asked, "--learned", "nowhere.json").status == 1


def test_an_event_that_is_ignored_on_purpose_says_so(ai_crm: Run, rules_file: Path, folder: Path) -> None:
    (folder / "event.json").write_text('{"action": "started", "repository": {}, "sender": {}}', encoding="utf-8")
    status, out, err = ai_crm("explain", "--event", "event.json", "--name", "watch", "--format", "json")
    assert (status, out) == (0, "[]\n")
    assert "watch: " in err
    assert "No rule is asked about" in err
    assert rules_file.exists()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("issues.opened", "--name issues"),
        ("issue_opened", "--name issues"),
        ("isues", 'Did you mean "issues"?'),
        ("pull-request", 'Did you mean "pull_request"?'),
        ("", "Known are issues, "),
        ("\x1b[31mred", "Known are issues, "),
    ],
)
def test_a_wrong_event_name_is_answered_with_the_right_one(
    ai_crm: Run, rules_file: Path, issue_opened: Path, name: str, hint: str
) -> None:
    assert rules_file.exists()
    status, out, err = ai_crm("explain", "--event", str(issue_opened), "--name", name)
    assert (status, out) == (1, "")
    assert err.startswith("ai-crm: --name: there is no event called ")
    assert hint in err
    assert "\x1b" not in err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no such file"),
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"hello", "JSON"),
        (b"[]", ""),
        (b'{"action": "opened"', "JSON"),
        (b"[" * 100_000, ""),
        (b'{"action": "opened"}', ""),
        (b"\xff\xfe{\x00}\x00", "UTF-16"),
        (b'{"a": "\xe9"}', ""),
    ],
    ids=["missing", "empty", "blank", "text", "a list", "cut off", "deep", "half an event", "utf-16", "latin-1"],
)
def test_a_file_that_is_no_event_is_answered_with_a_sentence(
    ai_crm: Run, rules_file: Path, folder: Path, content: bytes | None, says: str
) -> None:
    assert rules_file.exists()
    if content is not None:
        (folder / "event.json").write_bytes(content)
    status, out, err = ai_crm("explain", "--event", "event.json", "--name", "issues")
    assert (status, out) == (1, "")
    assert err.startswith("ai-crm: ")
    assert says in err
    assert "Traceback" not in err
    assert len(err.splitlines()) == 1


def test_a_folder_is_no_event(ai_crm: Run, rules_file: Path) -> None:
    assert rules_file.exists()
    status, _, err = ai_crm("explain", "--event", ".", "--name", "issues")
    assert (status, err) == (1, "ai-crm: .: it is a folder. Name an event file inside it\n")


def test_a_byte_order_mark_before_an_event_is_no_problem(
    ai_crm: Run, rules_file: Path, issue_opened: Path, folder: Path
) -> None:
    assert rules_file.exists()
    (folder / "event.json").write_bytes(b"\xef\xbb\xbf" + issue_opened.read_bytes())
    assert ai_crm("explain", "--event", "event.json", "--name", "issues")[0] == 0


def test_broken_rules_end_with_the_status_of_a_configuration_error(
    ai_crm: Run, broken_rules_file: Path, issue_opened: Path
) -> None:
    assert broken_rules_file.exists()
    status, out, err = ai_crm("explain", "--event", str(issue_opened), "--name", "issues")
    assert (status, out) == (2, "")
    assert "not_lables" in err
