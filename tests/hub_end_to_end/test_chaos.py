"""kill -9 while load runs: everything that was accepted has its effects, each once, and nothing is stuck.

`AI_CRM_CHAOS_KILLS` says how often; `make chaos` kills a thousand times.
"""

from __future__ import annotations

import os
import random
import threading
import time
import urllib.error
from pathlib import Path
from typing import Any, Self

import pytest

from tests.doubles.github_server import FakeGitHub
from tests.doubles.hub import Hub
from tests.hub_end_to_end.conftest import RULES, UNPACED, opened

KILLS = int(os.environ.get("AI_CRM_CHAOS_KILLS", "10"))
SEED = int(os.environ.get("AI_CRM_CHAOS_SEED", "20261124"))


class Sender:
    """Sends events until it is told to stop, each again until it is acknowledged, as a patient platform would."""

    def __init__(self, hub: Hub, github: FakeGitHub, root: Path) -> None:
        self.accepted: dict[str, int] = {}
        self._hub = hub
        self._github = github
        self._root = root
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        count = 0
        while not self._stop.is_set():
            count += 1
            body = opened(self._github, self._root, f"Issue {count}")
            while not self._stop.is_set():
                try:
                    answer = self._hub.send("issues", body)
                except (urllib.error.URLError, OSError):
                    time.sleep(0.05)
                    continue
                if answer.status == 202:
                    self.accepted[answer.json()["event_id"]] = count
                    break
                time.sleep(0.05)
            self._stop.wait(0.1)  # some ten a second: more than are carried out between two kills


@pytest.mark.timeout(120 + KILLS * 20)
def test_nothing_that_was_accepted_is_lost_or_done_twice(tmp_path: Path, root: Path) -> None:
    chance = random.Random(SEED)  # noqa: S311 - to be repeated, not to be secret
    with FakeGitHub() as github:
        github.put_file(".github/ai-crm.yml", RULES)
        hub = Hub(tmp_path, {"AI_CRM_LEASE_SECONDS": "2", **UNPACED})
        hub.connect(github.url)
        key = hub.key()
        with hub:
            with Sender(hub, github, root) as sender:
                for _ in range(KILLS):
                    time.sleep(chance.uniform(0.05, 0.8))
                    hub.kill()
                    hub.start()
            for event in sender.accepted:
                record = hub.settled(event, key)
                assert record["state"] == "done", record
            assert hub.stop() == 0

        assert len(sender.accepted) >= KILLS // 2
        wrong = {number: _effects(github, number) for number in sender.accepted.values()}
        assert {number: seen for number, seen in wrong.items() if seen != (1, 1)} == {}
        checked = hub.command("db", "check", check=False)
        assert checked.returncode == 0, checked.stdout


def _effects(github: FakeGitHub, number: int) -> tuple[int, int]:
    """How many greetings and how many cards an issue got."""
    texts: Any = github.comments_of(number)
    greetings = sum("Thank you" in text for text in texts)
    return greetings, len(texts) - greetings
