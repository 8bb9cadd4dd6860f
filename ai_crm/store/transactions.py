"""How work reaches the database: each job in a transaction of its own, or many writes in one that is committed once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ai_crm.errors import StoreError, StoreUnavailable
from ai_crm.ports import Offload
from ai_crm.store.database import in_our_words, reading, writing
from ai_crm.store.migrations import migrate

# More would make the first job of a batch wait for longer than a commit takes.
_MOST = 256
_READERS = 4
# PostgreSQL's class of transactions that ran into each other: deadlocks, and what could not be put into an order.
_COLLISION = "40"

T = TypeVar("T")


class Transactions(Protocol):
    """Runs a job with a connection. A job may run more than once until it succeeds, so it only changes the database.

    Every method raises what the job raises, and StoreUnavailable when the database is locked or unreachable.
    """

    async def read(self, work: Callable[[Connection], T]) -> T:
        """The job sees one moment of the database, and writes nothing."""
        ...

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What the job wrote is on the disk when this returns; when it raises, nothing of the job is there."""
        ...

    def close(self) -> None:
        """Finishes what waits and lets go of all connections."""
        ...


class Direct:
    """One transaction for each job, wherever the Offload runs it."""

    def __init__(self, engine: Engine, offload: Offload) -> None:
        self._tables = _Tables(engine)
        self._engine = engine
        self._offload = offload

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self._offload(lambda: self._tables.read(work))

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await self._offload(lambda: self._tables.write(work))

    def close(self) -> None:
        self._engine.dispose()


class Grouped:
    """One thread writes. It takes all jobs that wait, commits them together, and only then tells who waits for them.

    A commit takes as long for two hundred jobs as for one. When one of them fails, all are run again, each with a
    savepoint of its own: it takes nothing from the others. Whoever stops waiting for one takes nothing from it either.
    """

    def __init__(self, engine: Engine) -> None:
        self._tables = _Tables(engine)
        self._engine = engine
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="ai-crm-read")
        self._writer = threading.Thread(target=self._work, name="ai-crm-write", daemon=True)
        self._gate = threading.Lock()
        self._closed = False
        self._writer.start()

    async def read(self, work: Callable[[Connection], T]) -> T:
        with self._gate:
            self._refuse_if_closed()
            reading_it = asyncio.get_running_loop().run_in_executor(self._readers, self._tables.read, work)
        return await reading_it

    async def write(self, work: Callable[[Connection], T]) -> T:
        job = _Job(work, asyncio.get_running_loop())
        with self._gate:
            self._refuse_if_closed()
            self._jobs.put(job)
        result: T = await job.told
        return result

    def close(self) -> None:
        with self._gate:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._writer.join()
        self._readers.shutdown()
        self._engine.dispose()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is being closed", hint="Try again after the restart")

    def _work(self) -> None:
        more = True
        while more:
            waiting = self._waiting()
            more = None not in waiting
            jobs = [job for job in waiting if job]
            if _error_of(lambda: self._together(jobs)):  # noqa: B023 - runs at once
                _fail(jobs, StoreUnavailable("the writer failed in a way that nobody foresaw", hint="Try again"))
            _tell(jobs)

    def _waiting(self) -> list[_Job | None]:
        """At least one job, and all that came meanwhile; None at the end, after which nothing comes."""
        waiting = [self._jobs.get()]
        with suppress(Empty):
            while len(waiting) < _MOST:
                waiting.append(self._jobs.get_nowait())
        return waiting

    def _together(self, jobs: list[_Job]) -> None:
        try:
            if jobs and not self._at_once(jobs):
                self._tables.write(lambda connection: _run_all(jobs, connection))
        except _TransactionLost:
            for job in jobs:
                job.run_alone(self._tables)
        except StoreError as error:
            _fail(jobs, _unavailable(error))

    def _at_once(self, jobs: list[_Job]) -> bool:
        """Without savepoints, which nearly every group can do without. False when a job failed: then nothing is kept.

        Raises StoreError for a commit that failed: nobody knows what became of it, so nothing may be run again.
        """
        ran: list[_Job] = []

        def run(connection: Connection) -> None:
            for job in jobs:
                job.run_plainly(connection)
                ran.append(job)

        error = _error_of(lambda: self._tables.write(run))
        if error and len(ran) == len(jobs):
            raise error
        return error is None


class _TransactionLost(Exception):
    """A failing job took the whole transaction with it."""


class _Job:
    """A piece of work, what became of it, and who waits in which event loop."""

    def __init__(self, work: Callable[[Connection], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.told: asyncio.Future[Any] = loop.create_future()
        self.error: Exception | None = None
        self._work = work
        self._result: Any = None

    def run_plainly(self, connection: Connection) -> None:
        """Raises whatever the job raises."""
        self._keep(self._work(connection))

    def run_within(self, connection: Connection) -> None:
        """In a savepoint. Raises _TransactionLost when the jobs before it are gone too, StoreError when the server is."""
        self.error = _error_of(lambda: self._run_in_savepoint(connection))
        if self.error and (connection.invalidated or isinstance(self.error, _TransactionLost)):
            raise self.error

    def run_alone(self, own: _Tables) -> None:
        self.error = _error_of(lambda: self._keep(own.write(self._work)))

    def tell(self) -> None:
        """Runs in the loop of who waits, if anybody still does."""
        if self.told.done():
            return
        if self.error:
            self.told.set_exception(self.error)
        else:
            self.told.set_result(self._result)

    def _run_in_savepoint(self, connection: Connection) -> None:
        with in_our_words(connection.engine):
            try:
                with connection.begin_nested():
                    self._keep(self._work(connection))
            except SQLAlchemyError as error:
                if _is_lost(connection, error):
                    raise _TransactionLost from None
                raise

    def _keep(self, result: Any) -> None:
        self._result = result


class _Tables:
    """A database whose tables are brought to our version before the first job, once for each process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ready = False

    def read(self, work: Callable[[Connection], T]) -> T:
        self._prepare()
        with reading(self._engine) as connection:
            return work(connection)

    def write(self, work: Callable[[Connection], T]) -> T:
        self._prepare()
        with writing(self._engine) as connection:
            return work(connection)

    def _prepare(self) -> None:
        if not self._ready:
            migrate(self._engine)  # may run in several threads at once: it takes a lock in the database
            self._ready = True


def _error_of(run: Callable[[], None]) -> Exception | None:
    """Whatever a job raises is for who brought it; the thread goes on."""
    try:
        run()
    except Exception as error:  # noqa: BLE001 - see above
        return error
    return None


def _is_lost(connection: Connection, error: SQLAlchemyError) -> bool:
    """Whether more is gone than the savepoint: SQLite rolls everything back when its disk is full, for one."""
    if connection.invalidated:
        return False
    if connection.dialect.name == "sqlite":
        return not connection.connection.dbapi_connection.in_transaction  # type: ignore[union-attr]
    code = str(getattr(error.orig, "sqlstate", None) or "") if isinstance(error, DBAPIError) else ""
    return code.startswith(_COLLISION)


def _unavailable(error: StoreError) -> StoreError:
    """What a failed commit means for each of its jobs: none of them is to blame, and each may try again."""
    return error if error.retry else StoreUnavailable(error.what, where=error.where, hint=error.hint)


def _run_all(jobs: Iterable[_Job], connection: Connection) -> None:
    for job in jobs:
        job.run_within(connection)


def _fail(jobs: Iterable[_Job], error: StoreError) -> None:
    for job in jobs:
        job.error = error


def _tell(jobs: list[_Job]) -> None:
    """One message for each event loop. A loop that is gone has nobody in it who waits."""
    for loop in {job.loop for job in jobs}:
        here = [job for job in jobs if job.loop is loop]
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_tell_all, here)


def _tell_all(jobs: list[_Job]) -> None:
    for job in jobs:
        job.tell()
