"""Children that commit decisions into one SQLite file until they are killed: `killed_writer.py FILE KILLS SEED`.

Prints the event of every commit that was answered, one a line: a child tells over a pipe before it goes on, so what is
printed here was promised to somebody. It is a program of its own because it forks, and a test session has threads.
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from itertools import count
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import sqlalchemy.dialects.sqlite  # noqa: F401 - loaded once, here, so that children are killed in our code

from ai_crm.model.change import Applied, Outcome
from ai_crm.store.sql import SqlStore

if TYPE_CHECKING:
    from tests.doubles.decisions import Decisions
else:
    from decisions import Decisions

T = TypeVar("T")
_AT_ONCE = 2


def main(path: str, kills: int, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - when to kill is no secret
    for life in range(kills):
        early = life % 5 == 0  # some die while they still open the file, the others in the middle of their work
        children = [_child(path, f"{life}-{twin}") for twin in range(_AT_ONCE)]
        if not early:
            select.select([answers for _, answers in children], [], [])
        time.sleep(chance.uniform(0, 0.08))
        for pid, answers in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            with open(answers, "rb") as rest:
                sys.stdout.write(rest.read().decode())


def _child(path: str, name: str) -> tuple[int, int]:
    """Its process id, and where it answers."""
    answers, promises = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(answers)
        _work(path, name, promises)
    os.close(promises)
    return pid, answers


def _work(path: str, name: str, promises: int) -> NoReturn:
    decisions = Decisions()
    store = SqlStore(f"sqlite:///{path}", _inline, "killed")
    for number in count():
        event = f"{name}-{number}"
        item = decisions.branch(event)
        commit = _finish(store.commit(decisions.opened(event, "triage", "security", item=item), decisions.noon))
        os.write(promises, f"{event}\n".encode())
        for change in commit.outbox:
            _finish(store.refresh(change))
            _finish(store.settle(change, Applied(key=change.key, outcome=Outcome.DONE, url="https://github.example/1")))
    raise AssertionError("counting has no end")


async def _inline(work: Callable[[], T]) -> T:
    return work()


def _finish(coroutine: Coroutine[Any, Any, T]) -> T:
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("nothing here waits")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
