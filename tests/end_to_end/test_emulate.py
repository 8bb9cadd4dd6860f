"""Whole steps against somebody else's GitHub, whose signed webhooks about our own writing come back to us."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec
import pytest

from ai_crm.cards.state import read_state
from tests.doubles.emulate import OURS, PROJECT, Delivery, Emulate, emulated
from tests.end_to_end.conftest import Done, Program, Running

pytestmark = pytest.mark.node


class Start(Protocol):
    """Starts a step for a delivery, as a workflow that listens to everything would."""

    def __call__(self, delivery: Delivery, *, attempt: int = 1) -> Running: ...


_RULES = ".github/ai-crm.yml"
_REVIEW = """
auto_task_creation:
  rules:
    - trigger: pull_request_opened
      task: {title_template: "Look: {pr.title}"}
"""
_TRIAGE = """
auto_task_creation:
  rules:
    - name: triage
      trigger: [issue_opened, issue_labeled]
      conditions: [{labels: [bug]}]
      task: {title_template: "Triage: {issue.title}"}
"""


@pytest.fixture(scope="module")
def emulator(node: str, node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulate]:
    with emulated(node, node_modules, tmp_path_factory.mktemp("emulate")) as github:
        yield github


@pytest.fixture
def github(emulator: Emulate, root: Path) -> Emulate:
    """With the seed's own rules on the default branch, and all that was said about it heard."""
    emulator.put_file(_RULES, (root / "templates" / "examples" / "ai-crm.yml").read_text(encoding="utf-8"))
    emulator.webhook.settled()
    return emulator


@pytest.fixture
def start(github: Emulate, program: Program, tmp_path_factory: pytest.TempPathFactory) -> Start:
    def begin(delivery: Delivery, *, attempt: int = 1) -> Running:
        environ = {
            "GITHUB_API_URL": github.url,
            "GITHUB_GRAPHQL_URL": f"{github.url}/graphql",
            "GITHUB_REPOSITORY": PROJECT,
            "GITHUB_RUN_ATTEMPT": str(attempt),
            "INPUT_AUTO_ASSIGN": "true",
            "INPUT_GITHUB_TOKEN": OURS,
        }
        return program.start(tmp_path_factory.mktemp("run"), delivery.event, delivery.body, environ)

    return begin


def run(start: Start, delivery: Delivery, *, attempt: int = 1) -> Done:
    done = start(delivery, attempt=attempt).done()
    assert (done.status, done.errors) == (0, ""), done.log.decode()
    return done


def decision(done: Done) -> str:
    """The answer that later steps of the workflow read."""
    line = next(line for line in done.output.splitlines() if '"answer":' in line)
    return str(msgspec.json.decode(line)["answer"])


def told(github: Emulate, name: str) -> Delivery:
    """The one delivery with that name among those that just came."""
    (found,) = [delivery for delivery in github.webhook.settled() if delivery.name == name]
    assert github.webhook.refused == []
    return found


def seen(github: Emulate, number: int) -> tuple[list[str], set[str]]:
    return github.comments(number), github.labels(number)


def test_an_issue_becomes_one_card_and_our_own_webhooks_change_nothing(github: Emulate, start: Start) -> None:
    number = github.open_issue("Login fails on Safari", "It says 500 and nothing else", "bug")
    opened = told(github, "issues.opened")
    run(start, opened)
    before = seen(github, number)
    (card,) = before[0]
    assert f"AICRM-{number}" in card
    assert {"bug"} < before[1]

    echoes = github.webhook.settled()
    assert "issue_comment.created" in {delivery.name for delivery in echoes}
    answers = {delivery.name: decision(run(start, delivery)) for delivery in echoes}
    assert answers["issue_comment.created"] == "echo"
    assert "act" not in answers.values()
    assert seen(github, number) == before

    assert "Nothing changed" in run(start, opened, attempt=2).log.decode()
    assert seen(github, number) == before
    assert github.webhook.settled() == ()


def test_closing_the_issue_finishes_the_task_in_the_same_card(github: Emulate, start: Start) -> None:
    number = github.open_issue("Typo in the manual", "It says teh", "bug")
    run(start, told(github, "issues.opened"))
    github.webhook.settled()
    github.ask("PATCH", f"issues/{number}", {"state": "closed", "state_reason": "completed"})
    done = run(start, told(github, "issues.closed"))
    (card,) = github.comments(number)
    assert f"updated AICRM-{number}" in done.log.decode()
    assert "done" in card.lower()


def test_a_pull_request_gets_its_card_as_well(github: Emulate, start: Start) -> None:
    github.put_file(_RULES, _REVIEW)
    github.webhook.settled()
    number = github.open_pull_request("Faster start", "faster")
    run(start, told(github, "pull_request.opened"))
    before = seen(github, number)
    (card,) = before[0]
    assert "Look: Faster start" in card
    for delivery in github.webhook.settled():
        run(start, delivery)
    assert seen(github, number) == before


def test_two_events_at_the_same_moment_make_one_card_with_one_task(github: Emulate, start: Start) -> None:
    github.put_file(_RULES, _TRIAGE)
    github.webhook.settled()
    number = github.open_issue("Crash on start", "At once", "bug")
    github.ask("POST", f"issues/{number}/labels", {"labels": ["urgent"]})
    pair = [delivery for delivery in github.webhook.settled() if delivery.name in {"issues.opened", "issues.labeled"}]
    running = [start(delivery) for delivery in pair]
    assert len({delivery.name for delivery in pair}) == 2
    for done in [one.done() for one in running]:
        assert (done.status, done.errors) == (0, ""), done.log.decode()
    assert task_ids(github, number) == [f"AICRM-{number}"]
    for delivery in github.webhook.settled():
        run(start, delivery)
    assert task_ids(github, number) == [f"AICRM-{number}"]


def task_ids(github: Emulate, number: int) -> list[str]:
    """What the one card on the issue holds."""
    (card,) = github.comments(number)
    state = read_state(card)
    assert state is not None
    return [task.id for task in state.tasks]
