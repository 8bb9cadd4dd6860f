"""Asks a rules file about recorded events, and tells in one short line each what it would do: that is what tables compare."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ai_crm.analysis import offline_analyst
from ai_crm.config.policy import load_policy
from ai_crm.flow.decide import decide
from ai_crm.model.change import (
    AddLabels,
    AnyChange,
    Assign,
    CallWebhook,
    Comment,
    CreateTask,
    Notify,
    RequestReview,
    UpdateTask,
)
from ai_crm.model.event import Event
from ai_crm.model.task import Task
from ai_crm.platforms.github.decode import decode
from ai_crm.ports import RawRequest
from ai_crm.rules.rule import Defaults

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
_PAYLOADS = Path(__file__).parents[1] / "platforms" / "github" / "payloads"

Happens = Callable[..., Event]
Ask = Callable[..., list[str]]
PEOPLE = """
agents:
  - {name: debugger, people: [ada]}
  - {name: code-reviewer, people: [ada, octo-org/reviewers]}
  - {name: python-pro, people: [guido]}
  - {name: security-auditor, people: [sue]}
"""


def _payload(name: str) -> dict[str, Any]:
    """A payload that somebody recorded, such as `issues.opened`."""
    file = _PAYLOADS / f"{name}.json"
    if file.exists():
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return found
    event, _, action = name.partition(".")
    corpus = json.loads(gzip.decompress((_PAYLOADS / "octokit-webhooks-examples-7.6.1.json.gz").read_bytes()))
    examples = next(known["examples"] for known in corpus if known["name"] == event)
    return next(example for example in examples if example.get("action", "") == action)


@pytest.fixture
def happens() -> Happens:
    """A recorded event, with other names (`also`) or another item where a test is about these."""

    def event(name: str, also: tuple[str, ...] = (), **item: Any) -> Event:
        headers = {"x-github-event": name.partition(".")[0], "x-github-delivery": "delivery-1"}
        (found,) = decode(RawRequest(headers, json.dumps(_payload(name)).encode()))
        return msgspec.structs.replace(
            found, names=also or found.names, item=msgspec.structs.replace(found.item, **item)
        )

    return event


@pytest.fixture
def ask() -> Ask:
    """What the rules would do about an event, in lines such as `task "Bug: Crash" (HIGH, debugger recommended)`."""

    def lines(rules: str, event: Event, *tasks: Task, auto_assign: bool = False) -> list[str]:
        policy = load_policy(f"{rules}\n{PEOPLE}".encode(), "rules.yml", Defaults(auto_assign=auto_assign))
        assert policy.warnings == ()
        decision = decide(event, event.item, tasks, policy, offline_analyst(), NOW)
        own = (change for change in decision.changes if change.because.startswith("rule "))
        return [*(line for change in own for line in _line(change)), *(f"not {skip.action}" for skip in decision.skips)]

    return lines


def _line(change: AnyChange) -> Iterator[str]:
    match change:
        case CreateTask():
            word = "assigned" if change.agent and change.agent.assigned else "recommended"
            agent = f", {change.agent.name} {word}" if change.agent else ""
            yield f'task "{change.title}" ({change.priority}{agent})'
        case UpdateTask():
            fields = ((name, getattr(change.patch, name)) for name in change.patch.__struct_fields__)
            yield "update " + ", ".join(f"{name} {value}" for name, value in fields if value is not msgspec.UNSET)
        case AddLabels():
            yield f"label {', '.join(change.labels)}"
        case Assign():
            yield f"assign {', '.join(change.people)}"
        case RequestReview():
            yield f"ask {', '.join((*change.people, *change.teams))}"
        case Comment():
            yield f'comment "{change.text.filled(None)[:30].strip()}"'
        case Notify():
            yield f'tell {change.platform} {change.target} "{change.text.filled(None)}"'
        case CallWebhook():
            yield f'call {change.url} "{change.body.filled(None)}"'
        case _:
            yield type(change).__name__
