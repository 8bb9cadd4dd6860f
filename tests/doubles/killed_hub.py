"""A nursery of hubs: it imports the product once and forks one process for each life, so that a start costs little.

It reads one request a line from its input and answers each with a line: `Start` with the process and its address, `Wait`
with how the process is. It ends with its input, and takes all its children with it. What a child lacks beside
`ai-crm serve` is the start of the interpreter, the imports and the command line; from `hub.process.run` on it is the same.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import NoReturn

import msgspec
import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite  # noqa: F401 - these three are loaded here once, and not by each child
import uvloop  # noqa: F401 - as above
from msgspec import Struct

from ai_crm.config.hub_settings import Role, read_hub_settings
from ai_crm.hub.process import run
from tests.doubles.hub_points import Plan, assembled


class Start(Struct, frozen=True, kw_only=True, tag="start"):
    """The environment is all that the hub sees; what it logs goes to the end of the file `log`."""

    environ: Mapping[str, str]
    role: str
    log: str
    plan: Plan = Plan()


class Wait(Struct, frozen=True, kw_only=True, tag="wait"):
    """Until the process has ended, or for so many seconds."""

    pid: int
    seconds: float


class Started(Struct, frozen=True):
    """`url` is empty for one that did not start."""

    pid: int
    url: str


class State(Struct, frozen=True):
    """`status` is None while the process lives, and negative for a signal that ended it."""

    status: int | None


_REQUEST = msgspec.json.Decoder(Start | Wait)


def main() -> None:
    children: set[int] = set()
    try:
        for line in sys.stdin.buffer:
            answer = _answered(_REQUEST.decode(line), children)
            sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
            sys.stdout.buffer.flush()
    finally:
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _answered(request: Start | Wait, children: set[int]) -> Started | State:
    match request:
        case Start():
            started = _start(request)
            children.add(started.pid)
            return started
        case Wait():
            state = _wait(request)
            if state.status is not None:
                children.discard(request.pid)
            return state


def _start(request: Start) -> Started:
    heard, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(heard)
        _live(request, told)
    os.close(told)
    with open(heard, encoding="utf-8") as address:
        return Started(pid, address.readline().strip())


def _live(request: Start, told: int) -> NoReturn:
    """The child: input, output and environment are its own, and it never returns into the nursery's loop."""
    log = os.open(request.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDWR)
    for target, source in enumerate((nothing, nothing, log)):
        os.dup2(source, target)
    faulthandler.enable()
    os.environ.clear()
    os.environ.update(request.environ)

    def tell(url: str) -> None:
        os.write(told, f"{url}\n".encode())
        os.close(told)

    status = 1
    try:
        run(read_hub_settings(request.environ), Role(request.role), tell, partial(assembled, request.plan))
        status = 0
    except BaseException:  # noqa: BLE001 - this is the end of the process, whatever it is
        sys.excepthook(*sys.exc_info())
    sys.stderr.flush()
    os._exit(status)


def _wait(request: Wait) -> State:
    end = time.monotonic() + request.seconds
    while True:
        pid, status = os.waitpid(request.pid, os.WNOHANG)
        if pid:
            return State(os.waitstatus_to_exitcode(status))
        if time.monotonic() > end:
            return State(None)
        time.sleep(0.002)


if __name__ == "__main__":
    main()
