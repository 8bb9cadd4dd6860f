"""Somebody else's GitHub on loopback (the npm package `emulate`), with a webhook that brings its deliveries back to us.

Where it differs from the real one, as of 0.12.2 (2026-11): unknown tokens are the first user; labelling tells `issues`
also for a pull request; deliveries are numbered and not named; the files of a pull request are an empty list; there is
no GraphQL. Its payloads do not follow the published schemas to the letter, which makes it a good test of reading.
"""

from __future__ import annotations

import base64
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import msgspec
from msgspec import Struct

from ai_crm.platforms.github.verify import verify
from ai_crm.ports import RawRequest
from tests.doubles.loopback import Loopback, Reply, Request

PROJECT = "octocat/hello-world"
OURS = "ghp_the_step"  # the owner's: emulate gives no token of its own to a workflow
STRANGER = "ghp_a_stranger"

_SECRET = "a webhook secret with an umlaut: ü"
_SEED = f"""
tokens:
  {OURS}: {{login: octocat, scopes: [repo, user, admin:repo_hook]}}
  {STRANGER}: {{login: hubot, scopes: [repo]}}
github:
  users:
    - {{login: octocat, name: The Octocat, email: octocat@example.com}}
    - {{login: hubot, name: Hubot, email: hubot@example.com}}
  repos:
    - {{owner: octocat, name: hello-world, auto_init: true, default_branch: main}}
"""
_QUIET = 0.5  # seconds without a delivery after which none is on its way: all travel on loopback
_PATIENCE = 10.0


class Delivery(Struct, frozen=True):
    """One webhook, its signature checked: what a workflow's event name and event file would be."""

    event: str
    body: bytes

    @property
    def payload(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def name(self) -> str:
        """Such as `issues.opened`."""
        return ".".join(filter(None, (self.event, self.payload.get("action"))))


class Webhook:
    """Where the repository's hook points to. A delivery with a wrong signature stays out and is kept as refused."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self._arrived: list[Delivery] = []
        self._server = Loopback(self._receive)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.__exit__(*exc)

    @property
    def url(self) -> str:
        return f"{self._server.url}/github"

    def settled(self) -> tuple[Delivery, ...]:
        """What arrived since the last look, once nothing more is coming."""
        seen, patience = -1, time.monotonic() + _PATIENCE
        while len(self._arrived) != seen and time.monotonic() < patience:
            seen = len(self._arrived)
            time.sleep(_QUIET)
        arrived, self._arrived = tuple(self._arrived), []
        return arrived

    def _receive(self, request: Request) -> Reply:
        try:
            verify(RawRequest(request.headers, request.body), _SECRET)
        except Exception as error:  # noqa: BLE001 - a thread of the server's: the test looks at what was refused
            self.refused.append(repr(error))
            return Reply(401)
        self._arrived.append(Delivery(request.headers["x-github-event"], request.body))
        return Reply(204)


class Emulate:
    """A running emulator and the webhook of its one repository."""

    def __init__(self, url: str, webhook: Webhook) -> None:
        self.url = url
        self.webhook = webhook

    def ask(self, method: str, place: str, sent: object = None, *, token: str = OURS) -> Any:
        """A call of its API about the repository; `place` such as `issues/1`."""
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.url}/repos/{PROJECT}/{place}",
            data=None if sent is None else msgspec.json.encode(sent),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310 - loopback
            body = answer.read()
        return msgspec.json.decode(body) if body else None

    def put_file(self, path: str, text: str, branch: str = "main") -> None:
        """Makes or replaces a file by a commit."""
        content = base64.b64encode(text.encode()).decode()
        old = next((one for one in self._folder(path, branch) if one["path"] == path), None)
        sent = {"message": f"Change {path}", "content": content, "branch": branch}
        self.ask("PUT", f"contents/{path}", {**sent, "sha": old["sha"]} if old else sent)

    def open_issue(self, title: str, body: str, *labels: str) -> int:
        """By somebody who is not us."""
        return int(
            self.ask("POST", "issues", {"title": title, "body": body, "labels": labels}, token=STRANGER)["number"]
        )

    def open_pull_request(self, title: str, branch: str) -> int:
        """By somebody who is not us, with a commit of its own."""
        head = self.ask("GET", "git/ref/heads/main")["object"]["sha"]
        self.ask("POST", "git/refs", {"ref": f"refs/heads/{branch}", "sha": head})
        self.put_file("app.py", "print()\n", branch)
        sent = {"title": title, "head": branch, "base": "main", "body": "Please look at it"}
        return int(self.ask("POST", "pulls", sent)["number"])

    def comments(self, number: int) -> list[str]:
        return [comment["body"] for comment in self.ask("GET", f"issues/{number}/comments?per_page=100")]

    def labels(self, number: int) -> set[str]:
        return {label["name"] for label in self.ask("GET", f"issues/{number}/labels")}

    def _folder(self, path: str, branch: str) -> list[Mapping[str, Any]]:
        try:
            found = self.ask("GET", f"contents/{path.rpartition('/')[0]}?ref={branch}")
        except urllib.error.HTTPError as error:
            error.close()
            return []
        return found if isinstance(found, list) else [found]


@contextmanager
def emulated(node: str, packages: Path, folder: Path) -> Iterator[Emulate]:
    """Starts it on a free port, with the webhook in place; stops it at the end."""
    seed = folder / "seed.yaml"
    seed.write_text(_SEED, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = packages / "emulate" / "dist" / "index.js"
    command = [node, str(program), "start", "--service", "github", "--port", str(port), "--seed", str(seed)]
    with Webhook() as webhook, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert any("Ready" in line for line in process.stdout), "the emulator did not start"
            github = Emulate(f"http://127.0.0.1:{port}", webhook)
            config = {"url": webhook.url, "content_type": "json", "secret": _SECRET}
            github.ask("POST", "hooks", {"name": "web", "active": True, "events": ["*"], "config": config})
            yield github
        finally:
            process.terminate()
