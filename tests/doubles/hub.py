"""A hub as an operator runs it: the command in a process of its own, with a data folder, on loopback."""

from __future__ import annotations

import hashlib
import hmac
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, Self

import msgspec

from tests.doubles.http import Answer, ask

SECRET = "hub-test-secret"
CONNECTION = "main"

_PATIENCE = 60.0


class Process(Protocol):
    """A hub that takes calls at `url`."""

    @property
    def url(self) -> str: ...

    def end(self, how: signal.Signals) -> int:
        """Its status, once it has ended by this signal."""
        ...


class Launcher(Protocol):
    """Starts a hub with exactly this environment; it appends to the file `log`."""

    def __call__(self, environ: Mapping[str, str], role: str, log: Path) -> Process: ...


class Hub:
    """`environ` is added to what the process gets. It is started by `with`, and what it wrote stays in `data`."""

    def __init__(
        self, data: Path, environ: Mapping[str, str] | None = None, role: str = "all", launcher: Launcher | None = None
    ) -> None:
        self.data = data
        self.url = ""
        self._role = role
        self._launcher = launcher or Command
        self._environ = {
            "PATH": os.environ["PATH"],
            "AI_CRM_DATA": str(data),
            "AI_CRM_GITHUB_WEBHOOK_SECRET": SECRET,
            "AI_CRM_GITHUB_TOKEN": "ghs_canary_0123456789abcdefghijklmnop",
            **(environ or {}),
        }
        self._process: Process | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs `ai-crm` beside the hub."""
        return subprocess.run(
            [sys.executable, "-I", "-m", "ai_crm.cli", *arguments],
            env=self._environ,
            check=check,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def connect(self, api_url: str) -> None:
        """Connects GitHub under the name `main`."""
        self.command("connections", "add-github", CONNECTION, "--api-url", api_url)

    def key(self, role: str = "operator") -> str:
        return self.command("keys", "create", "tester", "--role", role).stdout.strip()

    def start(self, launcher: Launcher | None = None) -> Process:
        """`launcher` is for this life alone."""
        self._process = (launcher or self._launcher)(self._environ, self._role, self._log_file)
        self.url = self._process.url
        return self._process

    def stop(self) -> int:
        """Tells it to end in order; its status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        return self._end(signal.SIGKILL)

    def log(self) -> str:
        return self._log_file.read_text(encoding="utf-8")

    @property
    def _log_file(self) -> Path:
        return self.data / f"hub-{self._role}.log"

    def send(
        self, event: str, body: bytes, delivery: str = "", *, secret: str = SECRET, connection: str = CONNECTION
    ) -> Answer:
        """Sends a signed webhook, as GitHub would."""
        path, headers = signed(event, body, delivery, secret=secret, connection=connection)
        return ask("POST", self.url + path, body, headers)

    def ask(self, path: str, key: str, method: str = "GET", body: Any = None, **headers: str) -> Answer:
        sent = None if body is None else msgspec.json.encode(body)
        return ask(
            method,
            self.url + path,
            sent,
            {"authorization": f"Bearer {key}", "content-type": "application/json", **headers},
        )

    def settled(self, event: str, key: str) -> Any:
        """The event's record once nothing of it waits any more."""
        end, answer = time.monotonic() + _PATIENCE, Answer(0, {}, b"")
        while time.monotonic() < end:
            answer = self.ask(f"/api/v1/events/{event}", key)
            if answer.status == 200 and answer.json()["settled"]:
                return answer.json()
            time.sleep(0.05)
        raise AssertionError(f"{event} did not settle: {answer.status} {answer.body!r}\n{self.log()}")

    def _end(self, how: signal.Signals) -> int:
        process, self._process = self._process, None
        return process.end(how) if process else 0


class Command:
    """`ai-crm serve`, from the start of the interpreter on."""

    def __init__(self, environ: Mapping[str, str], role: str, log: Path) -> None:
        self._log = open(log, "a", encoding="utf-8")  # noqa: SIM115 - until it stops
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "ai_crm.cli", "serve", "--role", role, "--port", "0"],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert "http://" in line, f"the hub did not start: {line}{log.read_text()}"
        self.url = line.split()[2]

    def end(self, how: signal.Signals) -> int:
        self._process.send_signal(how)
        status = self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()
        return status


def signed(
    event: str, body: bytes, delivery: str = "", *, secret: str = SECRET, connection: str = CONNECTION
) -> tuple[str, dict[str, str]]:
    """Path and headers of a webhook, as GitHub sends them."""
    signature = hmac.digest(secret.encode(), body, "sha256").hex()
    return f"/webhooks/github/{connection}", {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": delivery or hashlib.sha256(event.encode() + body).hexdigest()[:36],
        "x-hub-signature-256": f"sha256={signature}",
    }
