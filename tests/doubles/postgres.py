"""Runs a private PostgreSQL for tests: `python postgres.py` prints its URL and serves until its input ends.

It is a program of its own, so that the server dies with the test session however that ends. Exit status 3 says that
this machine has no PostgreSQL.

With `--durable` what it committed outlives its own death, and it dies on demand: a line `all` on its input kills every
process of it and starts it again, `backend` kills one that serves a client, after which PostgreSQL restarts the rest by
itself. Each is answered with a line once it serves again.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_MISSING = 3
_PATIENCE = 60  # seconds


def main() -> int:
    binaries = _binaries()
    if binaries is None:
        return _MISSING
    folder = Path(tempfile.mkdtemp(prefix="ai-crm-postgres-"))
    try:
        _serve(binaries, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _binaries() -> Path | None:
    """The newest installation that has a server; distributions keep it out of PATH."""
    versions = sorted(
        Path("/usr/lib/postgresql").glob("[0-9]*/bin"), key=lambda path: int(path.parent.name), reverse=True
    )
    on_path = shutil.which("postgres")
    places = (*versions, *((Path(on_path).parent,) if on_path else ()))
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


def _serve(binaries: Path, folder: Path) -> None:
    person = _person()
    if person:
        shutil.chown(folder, int(person["user"]), int(person["group"]))
    data = folder / "data"
    create = (binaries / "initdb", "-D", data, "-U", "tests", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    subprocess.run(create, check=True, stdout=subprocess.DEVNULL, cwd=folder, **person)
    port = _free_port()
    settings = (f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", *_chosen())
    options = [word for setting in settings for word in ("-c", setting)]
    log = folder / "log"

    def start() -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            server = subprocess.Popen(
                (binaries / "postgres", "-D", data, *options), stdout=output, stderr=output, cwd=folder, **person
            )
        try:
            _wait_until_ready(binaries, port, log)
        except BaseException:
            server.kill()
            raise
        return server

    server = start()
    try:
        print(f"postgresql://tests@127.0.0.1:{port}/postgres", flush=True)  # noqa: T201 - this is how it is asked
        for line in sys.stdin:
            if line.strip() == "all":
                _kill_all(server)
                server = start()
            else:
                _kill_one(server)
                _wait_until_ready(binaries, port, log)
            print("serves", flush=True)  # noqa: T201 - as above
    finally:
        server.send_signal(3)  # SIGQUIT: stop at once, nothing here is worth keeping
        server.wait()


def _kill_all(server: subprocess.Popen[bytes]) -> None:
    """A new server refuses to start while a process of the old one lives."""
    server.send_signal(signal.SIGSTOP)  # it makes no more children
    children = _children(server.pid)
    server.kill()
    server.wait()
    for pid in children:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while any(_lives(pid) for pid in children):
        time.sleep(0.01)


def _kill_one(server: subprocess.Popen[bytes]) -> None:
    """Waits until the server has seen it: before that it would still take calls."""
    victim = next(pid for pid, what in _children(server.pid).items() if "127.0.0.1(" in what)
    os.kill(victim, signal.SIGKILL)
    while victim in _children(server.pid):
        time.sleep(0.01)


def _children(parent: int) -> dict[int, str]:
    """Processes of a process, and what they say that they do."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it may be gone by now
            if int(_stat(folder)[1]) == parent:
                found[int(folder.name)] = (folder / "cmdline").read_text()
    return found


def _lives(pid: int) -> bool:
    """One that is dead and that nobody asked about is dead too."""
    try:
        return _stat(Path(f"/proc/{pid}"))[0] != "Z"
    except OSError:
        return False


def _stat(folder: Path) -> list[str]:
    """State, parent, …: what follows the name, in which anything may stand."""
    return (folder / "stat").read_text().rpartition(")")[2].split()


def _chosen() -> tuple[str, ...]:
    return _SMALL if "--durable" in sys.argv else (*_SMALL, *_FAST)


_SMALL = ("max_connections=60", "shared_buffers=32MB")
# What is lost in a crash does not matter here.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def _person() -> Mapping[str, Any]:
    """PostgreSQL refuses to run as root; then it runs as the least of the users that there are."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": ()}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(binaries: Path, port: int, log: Path) -> None:
    ask = (binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port))
    end = time.monotonic() + _PATIENCE
    while subprocess.run(ask, check=False).returncode != 0:
        if time.monotonic() > end:
            raise SystemExit(f"PostgreSQL did not start: {log.read_text()[-2000:]}")
        time.sleep(0.05)


if __name__ == "__main__":
    raise SystemExit(main())
