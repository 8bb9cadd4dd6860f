"""The test's end of `killed_hub.py`: starts lives of hubs, and hears how each ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import msgspec

from tests.doubles.hub import Launcher
from tests.doubles.hub_points import Plan
from tests.doubles.killed_hub import Start, Started, State, Wait

_PATIENCE = 60.0


class Nursery:
    """Between `with` and its end. It is a `Launcher`, of lives that nothing is planned for."""

    def __init__(self, root: Path) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.doubles.killed_hub"],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        with self._process:  # closes its input, which ends it
            pass

    def __call__(self, environ: Mapping[str, str], role: str, log: Path) -> Life:
        return self._start(environ, role, log, Plan())

    def planned(self, plan: Plan) -> Launcher:
        """A launcher of lives in which something happens."""
        return lambda environ, role, log: self._start(environ, role, log, plan)

    def state(self, pid: int, seconds: float) -> State:
        return msgspec.json.decode(self._asked(Wait(pid=pid, seconds=seconds)), type=State)

    def _start(self, environ: Mapping[str, str], role: str, log: Path, plan: Plan) -> Life:
        settings = {name: value for name, value in environ.items() if name.startswith("AI_CRM_")} | {"AI_CRM_PORT": "0"}
        answer = self._asked(Start(environ=settings, role=role, log=str(log), plan=plan))
        started = msgspec.json.decode(answer, type=Started)
        assert started.url, f"the hub did not start: {log.read_text()[-4000:]}"
        return Life(self, started)

    def _asked(self, request: Start | Wait) -> bytes:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(msgspec.json.encode(request) + b"\n")
            self._process.stdin.flush()
            return self._process.stdout.readline()


class Life:
    """One process of a hub, as hub.Process has it."""

    def __init__(self, nursery: Nursery, started: Started) -> None:
        self.url = started.url
        self._pid = started.pid
        self._nursery = nursery
        self._ended: int | None = None

    def end(self, how: signal.Signals) -> int:
        if self._ended is None:
            os.kill(self._pid, how)
            self.died()
        assert self._ended is not None
        return self._ended

    def died(self) -> int:
        """Its status, once it has ended by itself."""
        state = self._nursery.state(self._pid, _PATIENCE)
        assert state.status is not None, "it lives on"
        self._ended = state.status
        return state.status
