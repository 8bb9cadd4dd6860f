"""Load on a hub while it is killed: genuine events, each sent until it is acknowledged, and what became of each of them."""

from __future__ import annotations

import http.client
import itertools
import socket
import threading
import time
import urllib.error
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec

from ai_crm.model.delivery import event_id
from tests.doubles.github_server import FakeGitHub
from tests.doubles.hub import Hub, signed

GREETING = "Thank you"
_RESTED = 20.0  # seconds; ten leases of four seconds take forty
RULES = f"""
auto_task_creation:
  rules:
    - name: triage
      trigger: issue_opened
      task: {{title_template: "Triage: {{issue.title}}", priority: high}}
workflows:
  greet:
    trigger: {{platform: github, event: issues.opened}}
    actions: [{{action: github_comment, params: {{message: "{GREETING}, {{issue.author}}"}}}}]
"""
# A GitHub of our own has no limits.
UNPACED = {"AI_CRM_GITHUB_PER_MINUTE": "100000", "AI_CRM_GITHUB_PER_HOUR": "100000"}


class Load:
    """Sends to the doors in turn until its end, `pause` seconds after each acknowledgement in each of two threads.

    It waits when about `ahead` events are accepted and not carried out yet: there is always a backlog, and it never grows.
    Every `hang_up`th call is not waited for: its sender leaves as soon as it is sent, and nobody knows what became of it.
    """

    def __init__(
        self,
        doors: Sequence[Hub],
        github: FakeGitHub,
        root: Path,
        *,
        pause: float = 0.1,
        hang_up: int = 10,
        ahead: int = 30,
    ) -> None:
        self.accepted: dict[str, int] = {}  # event -> issue
        self.left: dict[str, int] = {}  # the same for calls that nobody waited for: they may have been accepted
        self._doors = doors
        self._github = github
        self._payload: Any = msgspec.json.decode(
            (root / "tests" / "platforms" / "github" / "payloads" / "issues.opened.json").read_bytes()
        )
        self._pause, self._hang_up, self._ahead = pause, hang_up, ahead
        self._count = itertools.count(1)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._quiet = threading.Event()
        self._done: dict[str, int] = {}
        self._rested = time.monotonic()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(2)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more: int, seconds: float = 60) -> None:
        """Until so many more were accepted."""
        wanted, end = len(self.accepted) + more, time.monotonic() + seconds
        while len(self.accepted) < wanted:
            assert time.monotonic() < end, "nothing is accepted any more"
            time.sleep(0.01)

    def settle(self, hub: Hub, key: str) -> None:
        """Sends nothing until all that was accepted is done, and says what has not exactly one greeting and one card."""
        self._quiet.set()
        for event in [event for event in self.accepted if event not in self._done]:
            record = hub.settled(event, key)
            assert record["state"] == "done", record
            self._done[event] = self.accepted[event]
        for event in [event for event in self.left if event not in self._done]:
            if hub.ask(f"/api/v1/events/{event}", key).status == 200:
                assert hub.settled(event, key)["state"] == "done"
                self._done[event] = self.left[event]
        wrong = self._wrong()
        assert not wrong, f"issues with another number of greetings and cards than one each: {wrong}"
        self._rested = time.monotonic()
        self._quiet.clear()

    def rest(self, hub: Hub, key: str) -> None:
        """Settles every few seconds, so that no lease runs out ten times in a row: then an event is a poison message."""
        if time.monotonic() - self._rested > _RESTED:
            self.settle(hub, key)

    def _wrong(self) -> dict[int, tuple[int, int]]:
        texts: dict[int, list[str]] = {}
        for comment in list(self._github.repo.comments.values()):
            texts.setdefault(comment["issue"], []).append(comment["body"])
        seen = {number: _effects(texts.get(number, [])) for number in self._done.values()}
        return {number: effects for number, effects in seen.items() if effects != (1, 1)}

    def _run(self, sender: int) -> None:
        while not self._stop.is_set():
            with self._lock:
                count = next(self._count)
            number, body = self._opened(f"Issue {count} of {sender}")
            door = self._doors[count % len(self._doors)]
            if self._hang_up and count % self._hang_up == 0:
                self.left[event_id("issues", body)] = number
                _send_and_leave(door, body)
            else:
                self._send(door, number, body)
            self._stop.wait(self._pause)
            while self._is_enough() and not self._stop.is_set():
                self._stop.wait(0.01)

    def _is_enough(self) -> bool:
        return self._quiet.is_set() or len(self.accepted) - len(self._github.repo.comments) / 2 > self._ahead

    def _send(self, door: Hub, number: int, body: bytes) -> None:
        """A platform that is patient: the same again, until it is acknowledged."""
        while not self._stop.is_set():
            try:
                answer = door.send("issues", body)
            except (urllib.error.URLError, http.client.HTTPException, OSError):
                self._stop.wait(0.02)
                continue
            if answer.status == 202:
                self.accepted[answer.json()["event_id"]] = number
                return
            assert answer.status == 503, answer
            self._stop.wait(0.05)
        self.left[event_id("issues", body)] = number

    def _opened(self, title: str) -> tuple[int, bytes]:
        number = self._github.open_issue(title)
        issue = self._payload["issue"] | {"number": number, "title": title, "comments": 0}
        repository = self._payload["repository"] | {"full_name": self._github.project, "default_branch": "main"}
        return number, msgspec.json.encode(self._payload | {"issue": issue, "repository": repository})


def _effects(texts: list[str]) -> tuple[int, int]:
    greetings = sum(GREETING in text for text in texts)
    return greetings, len(texts) - greetings


def _send_and_leave(door: Hub, body: bytes) -> None:
    path, headers = signed("issues", body)
    address = urlsplit(door.url)
    lines = [f"POST {path} HTTP/1.1", f"Host: {address.netloc}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    try:
        with socket.create_connection((address.hostname or "", address.port or 0), 5) as caller:
            caller.sendall("\r\n".join((*lines, "", "")).encode() + body)
    except OSError:
        return  # it was not even there
