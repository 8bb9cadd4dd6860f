"""Somebody else's GitHub sends its signed webhooks to a hub, and hears back: the closed loop of a real installation."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doubles.emulate import OURS, Emulate, emulated
from tests.doubles.hub import CONNECTION, SECRET, Hub
from tests.hub_end_to_end.conftest import RULES, UNPACED

pytestmark = pytest.mark.node


def until(holds: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return False


def test_an_issue_becomes_one_task_and_one_comment_and_our_own_writing_starts_nothing(
    node: str, node_modules: Path, tmp_path: Path
) -> None:
    with emulated(node, node_modules, tmp_path) as github:
        hub = Hub(tmp_path, {"AI_CRM_GITHUB_TOKEN": OURS, **UNPACED})
        hub.connect(github.url)
        key = hub.key()
        with hub:
            github.put_file(".github/ai-crm.yml", RULES)
            _tell(github, f"{hub.url}/webhooks/github/{CONNECTION}")

            number = github.open_issue("It crashes", "On start")
            assert until(lambda: len(github.comments(number)) == 2), hub.log()
            github.webhook.settled()

            events = hub.ask("/api/v1/events", key).json()["events"]
            for event in events:
                hub.settled(event["id"], key)
            assert len(events) > 1  # its own comments and labels came back
            assert len(github.comments(number)) == 2
            (task,) = hub.ask("/api/v1/tasks", key).json()["tasks"]
            assert task["title"] == "Triage: It crashes"

            github.ask("PATCH", f"issues/{number}", {"state": "closed"})
            assert until(lambda: hub.ask(f"/api/v1/tasks/{task['id']}", key).json()["status"] == "done")


def _tell(github: Emulate, url: str) -> None:
    config = {"url": url, "content_type": "json", "secret": SECRET}
    github.ask("POST", "hooks", {"name": "web", "active": True, "events": ["*"], "config": config})
