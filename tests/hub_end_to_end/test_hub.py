"""The hub as its operator starts it, with a GitHub on loopback: signed webhook in, exactly one effect out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ai_crm.analysis import fingerprint_of
from tests.doubles.github_server import FakeGitHub
from tests.doubles.hub import Hub
from tests.doubles.taught import taught_file
from tests.hub_end_to_end.conftest import RULES, opened


def test_a_signed_webhook_ends_as_a_task_a_decision_and_one_comment(
    hub: Hub, key: str, github: FakeGitHub, root: Path
) -> None:
    body = opened(github, root, "It crashes")

    answer = hub.send("issues", body)
    assert (answer.status, answer.json()["status"]) == (202, "queued")
    event = answer.json()["event_id"]
    assert answer.headers["location"] == f"/api/v1/events/{event}"

    record = hub.settled(event, key)
    assert record["state"] == "done"
    assert {stage["outcome"] for stage in record["stages"]} == {"stored", "act", "done"}
    tasks = hub.ask("/api/v1/tasks?q=crashes", key).json()["tasks"]
    assert [task["title"] for task in tasks] == ["Triage: It crashes"]
    (decision,) = hub.ask(f"/api/v1/events/{event}/decisions", key).json()["decisions"]
    assert decision["decision"]["answer"] == "act"
    comments = github.comments_of(1)
    assert len([text for text in comments if "Thank you" in text]) == 1
    assert len([text for text in comments if "AICRM-1" in text]) == 1


def test_replaying_a_delivery_changes_nothing(hub: Hub, key: str, github: FakeGitHub, root: Path) -> None:
    body = opened(github, root, "It crashes")
    event = hub.send("issues", body, "one").json()["event_id"]
    hub.settled(event, key)
    before = (github.comments_of(1), github.calls("POST"))

    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(lambda number: hub.send("issues", body, f"again-{number % 3}"), range(24)))

    assert {(answer.status, answer.json()["status"]) for answer in answers} == {(202, "duplicate")}
    assert {answer.json()["event_id"] for answer in answers} == {event}
    assert (github.comments_of(1), github.calls("POST")) == before


def test_what_was_accepted_before_a_kill_is_done_after_it_once(
    hub: Hub, key: str, github: FakeGitHub, root: Path
) -> None:
    bodies = [opened(github, root, f"Issue {number}") for number in range(20)]
    events = [hub.send("issues", body).json()["event_id"] for body in bodies]
    hub.kill()
    hub.start()

    for event in events:
        assert hub.settled(event, key)["state"] == "done"
    for number in range(1, 21):
        texts = github.comments_of(number)
        assert len([text for text in texts if "Thank you" in text]) == 1
        assert len(texts) == 2
    assert hub.command("db", "check").returncode == 0


def test_what_a_repositorys_history_taught_is_read_once_and_asked_for_when_something_is_analysed(
    hub: Hub, key: str, github: FakeGitHub, root: Path
) -> None:
    github.put_file(".github/ai-crm.yml", RULES + "analysis: {learned: learned.json}\n")
    github.put_file("learned.json", taught_file())
    for title in ("quaddle lever", "zorbulate lever"):
        event = hub.send("issues", opened(github, root, title)).json()["event_id"]
        hub.settled(event, key)
    made = [task["analysis"] for task in hub.ask("/api/v1/tasks?q=lever", key).json()["tasks"]]
    assert {analysis["analyst"] for analysis in made} == {f"learned-1-40-{fingerprint_of(taught_file())}"}
    asked = [seen for seen in github.requests if "learned.json" in seen.path]
    assert ["if-none-match" in seen.headers for seen in asked] == [False, True]

    github.put_file("learned.json", "{}")
    event = hub.send("issues", opened(github, root, "another lever")).json()["event_id"]
    assert hub.settled(event, key)["state"] == "done"
    (decision,) = hub.ask(f"/api/v1/events/{event}/decisions", key).json()["decisions"]
    (skip,) = decision["decision"]["skips"]
    assert "learned.json: it is no learned analysis" in skip["because"]


def test_sigterm_ends_in_order(hub: Hub) -> None:
    assert hub.stop() == 0


def test_nothing_is_taken_without_a_genuine_signature(hub: Hub, key: str, github: FakeGitHub, root: Path) -> None:
    body = opened(github, root, "It crashes")

    assert hub.send("issues", body, secret="wrong").status == 401
    assert hub.send("issues", body, connection="nobody").status == 401
    assert hub.ask("/api/v1/events", key).json()["events"] == []


def test_the_api_is_closed_without_a_key(hub: Hub) -> None:
    for path in ("/api/v1/tasks", "/api/v1/events", "/metrics"):
        assert hub.ask(path, "aicrm_no_key").status == 401


def test_a_half_set_configuration_lists_every_problem_and_exits_2(tmp_path: Path) -> None:
    broken = Hub(tmp_path, {"AI_CRM_PORT": "eighty", "AI_CRM_TEAMS_APP_ID": "app"})

    done = broken.command("serve", check=False)

    assert done.returncode == 2
    for name in ("AI_CRM_PORT", "AI_CRM_TEAMS_APP_PASSWORD", "AI_CRM_TEAMS_TENANT_ID"):
        assert name in done.stderr


def test_a_dead_letter_is_sent_on_once_its_cause_is_mended(hub: Hub, key: str, github: FakeGitHub, root: Path) -> None:
    github.put_file(".github/ai-crm.yml", RULES.replace("trigger: issue_opened", "trigger: isue_opened"))
    event = hub.send("issues", opened(github, root, "It crashes")).json()["event_id"]
    assert hub.settled(event, key)["state"] == "dead"
    (letter,) = hub.ask("/api/v1/dead-letters", key).json()["letters"]
    assert letter["reason"] == "rules_invalid"
    assert "issue_opened" in letter["detail"]

    github.put_file(".github/ai-crm.yml", RULES)
    sent = hub.ask(f"/api/v1/dead-letters/{letter['id']}/replay", key, "POST", {})

    assert sent.status in (200, 202)
    assert hub.settled(event, key)["state"] == "done"
    assert len(github.comments_of(1)) == 2
