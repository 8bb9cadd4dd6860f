"""Runs a private PostgreSQL for tests: `python postgres.py` prints its URL and serves until its input ends.

It is a program of its own, so that the server dies with the test session however that ends. Exit status 3 says that
this machine has no PostgreSQL.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
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
    settings = (f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", *_FAST)
    options = [word for setting in settings for word in ("-c", setting)]
    log = folder / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            (binaries / "postgres", "-D", data, *options), stdout=output, stderr=output, cwd=folder, **person
        ) as server,
    ):
        try:
            _wait_until_ready(binaries, port, log)
            print(f"postgresql://tests@127.0.0.1:{port}/postgres", flush=True)  # noqa: T201 - this is how it is asked
            sys.stdin.read()
        finally:
            server.send_signal(3)  # SIGQUIT: stop at once, nothing here is worth keeping


# What is lost in a crash does not matter here.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60", "shared_buffers=32MB")


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
