"""The Action with a hub: it decides and writes to GitHub itself, the hub keeps the tasks and sends the messages."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from ai_crm.model.access import Role
from ai_crm.model.item import PlatformName
from ai_crm.model.secret import Secret
from ai_crm.ports.receiver import Connection
from ai_crm.store.connections import SqlConnections
from ai_crm.store.database import engine_for
from ai_crm.store.keys import SqlKeys
from ai_crm.store.transactions import Grouped
from ai_crm.store.vault import Vault, vault_key
from ai_crm.wiring import SystemClock
from tests.doubles.github_server import FakeGitHub, Fault
from tests.doubles.hub import CONNECTION, SECRET, Hub
from tests.doubles.loopback import Reply, Request
from tests.doubles.relay import Relay
from tests.doubles.slack_server import TOKEN, SlackServer
from tests.hub_end_to_end.conftest import UNPACED, opened

RULES = """
auto_task_creation:
  rules:
    - name: triage
      trigger: issue_opened
      task: {title_template: "Triage: {issue.title}", priority: high}
workflows:
  greet:
    trigger: {platform: github, event: issues.opened}
    actions:
      - {action: create_ai_crm_task, params: {title: "Greet {issue.author}"}}
      - {action: github_comment, params: {message: "Thank you, {issue.author}"}}
      - {action: slack_notification, params: {channel: "#dev-team", message: "New: {task.id} {task.url}"}}
"""


class Result(Struct, frozen=True):
    """What a run of the step left behind."""

    status: int
    log: str
    outputs: dict[str, str]


class Step:
    """Runs the real program, as a runner would, with a hub behind a relay, a GitHub and a Slack of its own."""

    def __init__(
        self, github: FakeGitHub, slack: SlackServer, hub: Hub, relay: Relay, keys: Mapping[Role, str]
    ) -> None:
        self.github = github
        self.slack = slack
        self.hub = hub
        self.relay = relay
        self.keys = keys
        self._folder = hub.data
        self.python: tuple[str, ...] = ()
        self._given = {"github_token": github.token, "api_url": relay.url, "api_key": self.keys[Role.ACTION]}

    def run(self, body: bytes, attempt: int = 1, run: str = "7001", /, **inputs: str) -> Result:
        files = {name: self._folder / name for name in ("event.json", "output", "summary")}
        for path in files.values():
            path.write_bytes(b"")
        files["event.json"].write_bytes(body)
        environment = {
            "PATH": os.environ["PATH"],
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.github.url,
            "GITHUB_GRAPHQL_URL": self.github.graphql_url,
            "GITHUB_EVENT_NAME": "issues",
            "GITHUB_EVENT_PATH": str(files["event.json"]),
            "GITHUB_OUTPUT": str(files["output"]),
            "GITHUB_STEP_SUMMARY": str(files["summary"]),
            "GITHUB_REPOSITORY": "octo/hello",
            "GITHUB_RUN_ATTEMPT": str(attempt),
            "GITHUB_RUN_ID": run,
            "GITHUB_JOB": "ai-crm-sync",
            **{f"INPUT_{name.upper()}": value for name, value in {**self._given, **inputs}.items()},
        }
        command = [sys.executable, "-I", *self.python, "-m", "action"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        found = re.findall(r"^(\w+)<<(\S+)\n(.*?)\n\2$", files["output"].read_text(), re.MULTILINE | re.DOTALL)
        return Result(done.returncode, done.stdout + done.stderr, {name: value for name, _, value in found})

    def by_webhook(self, body: bytes) -> None:
        """The hub hears of the same event, and is done with it."""
        self.hub.settled(self.hub.send("issues", body).json()["event_id"], self.keys[Role.OPERATOR])

    def ask(self, path: str) -> Any:
        answer = self.hub.ask(f"/api/v1{path}", self.keys[Role.OPERATOR])
        assert answer.status == 200, answer
        return answer.json()

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """The hub's, by rule."""
        found: list[dict[str, Any]] = self.ask("/tasks")["tasks"]
        return sorted(found, key=lambda task: str(task["rule"]))

    @property
    def seen(self) -> tuple[int, int]:
        """How many greetings and how many cards issue 1 has."""
        texts = self.github.comments_of(1)
        greetings = sum("Thank you" in text for text in texts)
        return greetings, len(texts) - greetings

    def told(self, count: int = 1) -> list[str]:
        """The messages, once there are so many; then a moment more, for one too many."""
        end = time.monotonic() + 20
        while len(self.slack.messages) < count and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.5)
        return [json.dumps(message) for message in self.slack.messages]


def prepared(data: Path, github_url: str) -> dict[Role, str]:
    """A key of each role and a connection, made without the command, which takes a second for each."""
    clock = SystemClock()
    transactions = Grouped(engine_for(f"sqlite:///{data}/hub.db"))
    connections = SqlConnections(transactions, Vault(vault_key(Secret(""), str(data / "secret.key"))), clock)
    made = SqlKeys(transactions, clock)
    connection = Connection(
        workspace="default",
        id=CONNECTION,
        platform=PlatformName.GITHUB,
        settings={"api_url": github_url},
        secrets={"webhook_secret": Secret(SECRET), "token": Secret("ghs_canary_0123456789abcdefghijklmnop")},
    )

    async def create() -> dict[Role, str]:
        await connections.add(connection)
        return {role: await made.create("default", role, role, None, clock.now()) for role in Role}

    try:
        return asyncio.run(create())
    finally:
        transactions.close()


@pytest.fixture
def step(tmp_path: Path) -> Iterator[Step]:
    with FakeGitHub() as github, SlackServer() as slack:
        github.put_file(".github/ai-crm.yml", RULES)
        chat = {"AI_CRM_SLACK_BOT_TOKEN": TOKEN, "AI_CRM_SLACK_API_URL": slack.url}
        hub = Hub(tmp_path, {"AI_CRM_LEASE_SECONDS": "2", **UNPACED, **chat})
        keys = prepared(hub.data, github.url)
        with hub, Relay(lambda: hub.url) as relay:
            yield Step(github, slack, hub, relay, keys)


@pytest.fixture
def body(step: Step, root: Path) -> bytes:
    """A newly opened issue."""
    return opened(step.github, root, "It crashes")


def test_the_step_decides_and_writes_and_the_hub_keeps_and_tells(step: Step, body: bytes) -> None:
    done = step.run(body)

    assert done.status == 0, done.log
    assert json.loads(done.outputs["task_ids"]) == ["AICRM-1", "AICRM-2"]
    assert [task["rule"] for task in step.tasks] == ["greet", "triage"]
    assert all(task["url"].startswith("http") for task in step.tasks)
    assert step.seen == (1, 1)
    assert "left to the hub" in done.log
    (message,) = step.told()
    assert step.tasks[0]["id"] in message
    assert "issuecomment" in message  # it waited for the card
    decision = json.loads(done.outputs["decision"])
    (record,) = step.ask(f"/events/{decision['event']}/decisions")["decisions"]
    assert record["decision"] == decision


def test_running_the_job_again_changes_nothing(step: Step, body: bytes) -> None:
    step.run(body)
    before = (step.github.comments_of(1), step.github.labels_of(1), step.tasks, step.told())

    again = step.run(body, 2)

    assert again.status == 0, again.log
    assert again.outputs["tasks_created"] == "0"
    assert (step.github.comments_of(1), step.github.labels_of(1), step.tasks, step.told()) == before


def test_a_hub_that_is_down_is_done_without_and_takes_the_tasks_over_later(step: Step, body: bytes) -> None:
    step.hub.kill()
    without = step.run(body)
    assert without.status == 0, without.log
    assert "::warning" in without.log
    assert "went on without the hub" in without.log
    assert step.seen == (1, 1)
    assert json.loads(without.outputs["task_ids"]) == ["AICRM-1", "AICRM-1-2"]

    step.hub.start()
    again = step.run(body, 2)

    assert again.status == 0, again.log
    assert step.seen == (1, 1)
    assert [task["born_of"] for task in step.tasks] == [json.loads(without.outputs["decision"])["event"]] * 2
    assert "AICRM-2" in next(text for text in step.github.comments_of(1) if "Thank you" not in text)
    assert len(step.told()) == 1


def test_a_later_event_brings_what_a_run_without_the_hub_left_on_the_card(step: Step, body: bytes) -> None:
    step.hub.kill()
    step.run(body)
    step.hub.start()
    closed = json.loads(body)
    closed["action"] = "closed"
    closed["issue"] |= {"state": "closed", "state_reason": "completed", "updated_at": "2026-11-24T12:00:00Z"}

    done = step.run(json.dumps(closed).encode(), 1, "7002")

    assert done.status == 0, done.log
    assert [(task["id"], task["status"]) for task in step.tasks] == [("AICRM-2", "done"), ("AICRM-1", "done")]
    assert [entry["what"] for entry in step.tasks[0]["history"]] == ["created", "status: todo → done"]
    assert step.seen == (1, 1)


def test_without_its_hub_the_step_fails_where_every_problem_shall(step: Step, body: bytes) -> None:
    step.hub.kill()

    done = step.run(body, fail_on="any")

    assert done.status == 1
    assert step.seen == (0, 0)


def test_a_hub_that_dies_before_it_hears_the_decision_is_done_without(step: Step, body: bytes) -> None:
    def die(request: Request) -> Reply | None:
        if request.path == "/api/v1/items/tasks":
            return None
        step.hub.kill()
        return Reply(503, b'{"type": "about:blank#store-unavailable", "detail": "the disk is full"}')

    step.relay.before = die
    without = step.run(body)
    assert without.status == 0, without.log
    assert "the disk is full" in without.log
    assert step.seen == (1, 1)
    step.relay.before = lambda _request: None
    step.hub.start()

    again = step.run(body, 2)

    assert again.status == 0, again.log
    assert step.seen == (1, 1)
    assert len(step.tasks) == 2
    assert len(step.told()) == 1


def test_a_hub_that_dies_with_the_decision_stops_the_step_and_the_next_run_finishes(step: Step, body: bytes) -> None:
    def die(request: Request) -> Reply | None:
        if request.path != "/api/v1/decisions":
            return None
        step.hub.kill()
        return Reply(502)

    step.relay.after = die
    lost = step.run(body)
    assert lost.status == 0, lost.log
    assert "Run the job again" in lost.log
    assert step.seen == (0, 0)
    step.relay.after = lambda _request: None
    step.hub.start()

    again = step.run(body, 2)

    assert again.status == 0, again.log
    assert step.seen == (1, 1)
    assert len(step.tasks) == 2
    assert len(step.told()) == 1


@pytest.mark.parametrize("moment", ["begin", "settle"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_hub_that_dies_at_a_change_fails_that_change_and_the_next_run_finishes_it(
    step: Step, body: bytes, moment: str, number: int
) -> None:
    count = 0

    def die(request: Request) -> Reply | None:
        nonlocal count
        count += request.path.endswith(moment)
        if count != number:
            return None
        step.hub.kill()
        return Reply(502)

    step.relay.before = die
    first = step.run(body)
    assert first.status == 0, first.log
    assert "::warning" in first.log
    step.relay.before = lambda _request: None
    step.hub.start()

    again = step.run(body, 2)

    assert again.status == 0, again.log
    assert "::warning" not in again.log
    assert step.seen == (1, 1)
    assert {"ai-crm/high", "ai-crm/medium"} & set(step.github.labels_of(1))
    assert len(step.tasks) == 2
    assert len(step.told()) == 1


def test_what_github_refused_is_done_when_the_job_is_run_again_at_once(step: Step, body: bytes) -> None:
    step.github.fail(Fault(status=502), "POST", "/labels")
    step.run(body)
    assert "ai-crm/high" not in step.github.labels_of(1)

    again = step.run(body, 2)

    assert again.status == 0, again.log
    assert "ai-crm/high" in step.github.labels_of(1)


@pytest.mark.parametrize("first", ["hub", "action"])
def test_hub_and_action_that_see_the_same_event_make_one_task_one_card_and_one_comment(
    step: Step, body: bytes, first: str
) -> None:

    if first == "hub":
        step.by_webhook(body)
    done = step.run(body)
    assert done.status == 0, done.log
    if first == "action":
        step.by_webhook(body)

    assert step.seen == (1, 1)
    assert [task["rule"] for task in step.tasks] == ["greet", "triage"]
    assert len(step.told()) == 1


@pytest.mark.parametrize("role", [None, Role.VIEWER])
def test_a_key_that_may_not_is_an_error_that_says_what_to_do(step: Step, body: bytes, role: Role | None) -> None:
    key = step.keys[role] if role else "aicrm_unknown"

    done = step.run(body, api_key=key)

    assert done.status == 1
    assert "ai-crm keys create NAME --role action" in done.log
    assert key not in done.log.replace(f"::add-mask::{key}", "")
    assert step.seen == (0, 0)


def test_a_dry_run_writes_nothing_into_the_hub(step: Step, body: bytes) -> None:
    done = step.run(body, dry_run="true")

    assert done.status == 0, done.log
    assert "would create the task" in done.log
    assert {request.method for request in step.relay.requests} == {"GET"}
    assert step.tasks == []


def test_a_redirect_is_not_followed_with_the_key(step: Step, body: bytes) -> None:
    with Relay(lambda: "http://127.0.0.1:1") as elsewhere:
        step.relay.before = lambda _request: Reply(307, b"", {"Location": f"{elsewhere.url}/api/v1/items/tasks"})

        done = step.run(body)

        assert done.status == 1
        assert elsewhere.requests == []
        assert "api_url" in done.log


@pytest.mark.parametrize(("given", "missing"), [("api_key", "api_url"), ("api_url", "api_key")])
def test_half_a_hub_is_told_and_done_without(step: Step, body: bytes, given: str, missing: str) -> None:
    done = step.run(body, **{missing: ""})

    assert done.status == 0, done.log
    assert f"{given} is given and {missing} is not" in done.log
    assert step.seen == (1, 1)
    assert step.relay.requests == []


def test_a_hub_costs_a_run_that_only_decides_no_library_but_that_for_http(step: Step, body: bytes) -> None:
    step.python = ("-X", "importtime")
    done = step.run(body, dry_run="true")
    assert done.status == 0, done.log
    loaded = set(re.findall(r"^import time:[^|]*\|[^|]*\|\s*([\w.]+)$", done.log, re.MULTILINE))
    heavy = {
        "asyncio",
        "dataclasses",
        "github",
        "jsonschema",
        "logging",
        "pathlib",
        "requests",
        "sqlalchemy",
        "starlette",
    }
    assert loaded & heavy == set()
    assert {"http.client", "ai_crm.store.remote"} <= loaded
