"""The programs that are compared: how each is started in a fresh folder, when it is ready, and how much memory it holds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECRET = "benchmark-secret"  # noqa: S105 - of nobody
_PEERS = ROOT / "benchmarks" / "peers"
_OURS = (sys.executable, "-I", "-m", "ai_crm.cli")
_PATIENCE = 60.0


@dataclass(frozen=True)
class Running:
    """`ready` is how many seconds the program took until it answered; `path` is where it takes webhooks."""

    process: subprocess.Popen[str]
    port: int
    path: str
    ready: float

    def memory(self) -> float:
        """MiB that it and its children hold."""
        return sum(_resident(pid) for pid in _tree(self.process.pid)) / 1024


Program = Callable[[str, str], AbstractContextManager[Running]]  # an empty folder, the address of the sink


@contextmanager
def database() -> Iterator[str]:
    """A PostgreSQL of our own, with the durability that it comes with."""
    command = (sys.executable, str(ROOT / "tests" / "doubles" / "postgres.py"), "--durable")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None  # noqa: S101 - a pipe was asked for
        url = server.stdout.readline().strip()
        if not url:
            raise SystemExit("there is no PostgreSQL on this machine")
        yield url


def hub(role: str = "all", *, postgresql: bool = False) -> Program:
    @contextmanager
    def started(folder: str, sink: str) -> Iterator[Running]:
        environ = {
            "AI_CRM_DATA": folder,
            "AI_CRM_GITHUB_TOKEN": "none",
            "AI_CRM_GITHUB_WEBHOOK_SECRET": SECRET,
            "AI_CRM_GITHUB_PER_MINUTE": "9999999",
            "AI_CRM_GITHUB_PER_HOUR": "9999999",
        }
        with ExitStack() as open_:
            if postgresql:
                environ["AI_CRM_DATABASE_URL"] = open_.enter_context(database())
            add = (*_OURS, "connections", "add-github", "main", "--api-url", sink)
            subprocess.run(add, env={**os.environ, **environ}, check=True, stdout=subprocess.DEVNULL)
            serve = (*_OURS, "serve", "--role", role, "--port", "0")
            yield open_.enter_context(_started(serve, environ, "/webhooks/github/main", "/readyz"))

    return started


def bare(name: str, *, postgresql: bool = False) -> Program:
    """`bare_ingest` or `bare_hub`: the least that it can be."""

    @contextmanager
    def started(folder: str, sink: str) -> Iterator[Running]:
        with ExitStack() as open_:
            where = open_.enter_context(database()) if postgresql else os.path.join(folder, "bare.db")
            command = (sys.executable, str(_PEERS / f"{name}.py"), where, SECRET, sink)
            yield open_.enter_context(_started(command, {}, "/webhooks/github/main", "/"))

    return started


def python_peer(name: str, python: str) -> Program:
    """A program of `peers/` on a Python that has what it needs."""

    @contextmanager
    def started(folder: str, sink: str) -> Iterator[Running]:
        command = (python, str(_PEERS / f"{name}.py"), SECRET, sink, os.path.join(folder, "peer.db"))
        with _started(command, {}, "/", "/") as running:
            yield running

    return started


@contextmanager
def _started(command: tuple[str, ...], environ: Mapping[str, str], path: str, probe: str) -> Iterator[Running]:
    """A program that prints its address."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **environ}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    try:
        lines = iter(process.stdout.readline, "")
        address = next((word for line in lines for word in line.split() if word.startswith("http://")), "")
        if not address:
            raise SystemExit(f"{' '.join(command)} did not start")
        port = int(address.rsplit(":", 1)[1])
        _wait_for(f"http://127.0.0.1:{port}{probe}", begun + _PATIENCE)
        yield Running(process, port, path, time.perf_counter() - begun)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _wait_for(url: str, end: float) -> None:
    """Until it answers anything: not every program has a page for it."""
    while time.perf_counter() < end:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - loopback
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 503:
                return
        except OSError:
            pass
        else:
            return
        time.sleep(0.005)
    raise SystemExit(f"{url} does not answer")


def _tree(pid: int) -> list[int]:
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [pid, *(each for child in children for each in _tree(child))]


def _resident(pid: int) -> int:
    """KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
