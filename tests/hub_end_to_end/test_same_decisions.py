"""The Action and the hub decide the same: for every recorded event and every example of rules, to the byte."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from ai_crm.analysis import offline_analyst
from ai_crm.config.agents import load_agents
from ai_crm.config.policy import load_policy
from ai_crm.errors import DeliveryRejected
from ai_crm.flow.decide import decide
from ai_crm.flow.event_file import event_file_delivery
from ai_crm.model.delivery import event_id
from ai_crm.model.event import Event
from ai_crm.platforms.github.decode import decode
from ai_crm.platforms.github.receive import GitHubReceiver
from ai_crm.ports import RawRequest
from ai_crm.rules.merge import merged
from ai_crm.rules.rule import Defaults

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "templates" / "examples").glob("*.yml"))


def in_the_action(name: str, body: bytes) -> tuple[Event, ...]:
    return decode(event_file_delivery(name, body))


def in_the_hub(name: str, body: bytes) -> tuple[Event, ...]:
    """What the worker reads of what the receiver kept: see flow/work.py."""
    headers = {"x-github-event": name, "x-github-delivery": "8f2f0c70-0000-11ef-8d2d-0242ac120002"}
    envelope = GitHubReceiver().envelope(RawRequest(headers=headers, body=body))
    return decode(
        RawRequest(headers={**envelope.headers, "x-ai-crm-event-id": event_id(envelope.name, body)}, body=body)
    )


def recorded(packages: Path) -> Iterator[tuple[str, bytes]]:
    """All 329 examples of @octokit/webhooks-examples."""
    index = packages / "@octokit" / "webhooks-examples" / "api.github.com" / "index.json"
    for entry in msgspec.json.decode(index.read_bytes()):
        for example in entry["examples"]:
            yield entry["name"], msgspec.json.encode(example)


@pytest.mark.node
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_recorded_event_is_decided_to_the_same_bytes(example: Path, node_modules: Path) -> None:
    own = load_policy(example.read_bytes(), ".github/ai-crm.yml", Defaults())
    shared = merged(load_policy(example.read_bytes(), ".github/ai-crm.yml", Defaults()), (), load_agents())
    compared = 0
    for name, body in recorded(node_modules):
        try:
            here, there = in_the_action(name, body), in_the_hub(name, body)
        except DeliveryRejected:
            continue
        assert here == there
        for ours, theirs in zip(here, there, strict=True):
            action = decide(ours, ours.item, (), own, offline_analyst(), NOON).to_json()
            hub = decide(theirs, theirs.item, (), shared, offline_analyst(), NOON).to_json()
            assert action == hub
            compared += 1
    assert compared > 150
