"""Runs a private Redis for tests: `python redis_server.py` prints its URL and serves until its input ends.

It is a program of its own, so that the server dies with the test session however that ends. Exit status 3 says that
this machine has no Redis. It keeps an append-only file, as a hub needs it; what is lost in a crash does not matter here.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_MISSING = 3
_PATIENCE = 60  # seconds


def main() -> int:
    program = shutil.which("redis-server")
    if program is None:
        return _MISSING
    folder = Path(tempfile.mkdtemp(prefix="ai-crm-redis-"))
    try:
        _serve(program, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _serve(program: str, folder: Path) -> None:
    port = _free_port()
    place = ("--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder))
    kept = ("--save", "", "--appendonly", "yes", "--appendfsync", "always")
    log = folder / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen((program, *place, *kept), stdout=output, stderr=output, cwd=folder) as server,
    ):
        try:
            _wait_until_ready(port, log)
            print(f"redis://127.0.0.1:{port}", flush=True)  # noqa: T201 - this is how it is asked
            sys.stdin.read()
        finally:
            server.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(port: int, log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while not _answers(port):
        if time.monotonic() > end:
            raise SystemExit(f"Redis did not start: {log.read_text()[-2000:]}")
        time.sleep(0.05)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


if __name__ == "__main__":
    raise SystemExit(main())
