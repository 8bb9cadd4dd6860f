"""How a database is reached: its URL, the settings of each connection, transactions, and its errors in our words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from ai_crm.errors import Problem, SettingsInvalid, StoreError, StoreUnavailable, VersionClash

# Where PostgreSQL tells every process of the hub that there is work. Nothing is said but that.
CHANNEL = "ai_crm_work"

# Seconds to wait for a lock that somebody else holds; our own transactions hold theirs for milliseconds.
_PATIENCE = 10
_ANNOUNCED = "ai-crm-announced"

# What "not now" is called. SQLite: https://www.sqlite.org/rescode.html. PostgreSQL, by class (connection, authorization,
# database name, conflict, resources, operator, system) and one lock that was not to be had:
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_LATER = (
    *("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY"),
    *("08", "28", "3D", "40", "53", "57", "58", "55P03"),
)


def engine_for(url: str) -> Engine:
    """An engine for `sqlite:///path`, `sqlite://` (in memory) or `postgresql://…`. Connects to nothing yet.

    `?timeout=SECONDS` on a SQLite URL says how long to wait for a lock. Raises SettingsInvalid, which never repeats
    the URL: there is a password in it.
    """
    parsed = _parsed(url)
    return _sqlite(parsed) if parsed.drivername == "sqlite" else _postgresql(parsed)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one moment of the database, whatever others write meanwhile. Raises StoreError."""
    with in_our_words(engine), engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            yield connection.execution_options(isolation_level="REPEATABLE READ")
        else:
            yield connection.execution_options(reads_only=True)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that is committed at the end, or leaves nothing behind. Raises StoreError."""
    with in_our_words(engine), engine.begin() as connection:
        connection.info.pop(_ANNOUNCED, None)  # of a transaction that failed on the same connection
        yield connection
        if connection.info.pop(_ANNOUNCED, False):
            connection.exec_driver_sql(f"NOTIFY {CHANNEL}")


def announce(connection: Connection) -> None:
    """There is new work: its commit tells whoever listens on PostgreSQL, once however often this is called.

    Not at once, because a savepoint that is rolled back would take the word of others with it.
    """
    if connection.dialect.name == "postgresql":
        connection.info[_ANNOUNCED] = True


@contextmanager
def in_our_words(engine: Engine) -> Iterator[None]:
    """Foreign errors as ours. Without their chain: a driver's text may quote the password or a stranger's words."""
    try:
        yield
    except IntegrityError:
        raise VersionClash(
            "somebody else wrote the same at the same moment", where=_place(engine.url), hint="Try again"
        ) from None
    except PoolTimeout:
        raise StoreUnavailable("all connections are in use", where=_place(engine.url), hint="Try again") from None
    except DBAPIError as error:
        raise _refused(error, engine.url) from None


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):
        raise _not_a_url() from None  # the parser's error may quote a part of the password
    if parsed.drivername == "sqlite":
        if parsed.host or "\0" in (parsed.database or "") or not _is_patience(parsed.query.get("timeout", "0")):
            raise _not_a_url()
        return parsed
    # A second @ is one that belongs to the password, whose rest then passes for host and name, which errors show.
    if parsed.drivername not in {"postgres", "postgresql", "postgresql+psycopg"} or url.count("@") > 1:
        raise _not_a_url()
    return parsed.set(drivername="postgresql+psycopg")


def _is_patience(timeout: str | tuple[str, ...]) -> bool:
    return isinstance(timeout, str) and timeout.replace(".", "", 1).isdecimal()


def _not_a_url() -> SettingsInvalid:
    """Says nothing of what was given: a password with @, / or : in it may be anywhere in there."""
    what = "not the URL of a database: sqlite:///tasks.db, or postgresql://user:password@host/name"
    hint = "special characters in user and password are percent-encoded: @ is %40, / is %2F, : is %3A"
    return SettingsInvalid((Problem("database_url", 0, 0, what, hint),))


def _sqlite(url: URL) -> Engine:
    in_memory = url.database in {None, "", ":memory:"}
    engine = create_engine(
        url,
        hide_parameters=True,
        poolclass=QueuePool,
        # A database in memory is its connection: all threads take turns on the only one.
        pool_size=1 if in_memory else 5,
        max_overflow=0 if in_memory else 10,
        connect_args={"check_same_thread": False} | ({} if "timeout" in url.query else {"timeout": _PATIENCE}),
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we begin transactions ourselves
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    # The mode belongs to the file. Of several that open a new file at once one sets it, and SQLite tells the others
    # at once that it is busy, whatever their patience; what else is wrong with the file the next statement says too.
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = WAL")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes its turn at once: one that reads first and then wants to write could only fail."""
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def _postgresql(url: URL) -> Engine:
    connect_args = {} if "connect_timeout" in url.query else {"connect_timeout": _PATIENCE}
    try:
        engine = create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=connect_args)
    except ModuleNotFoundError as error:
        hint = 'install it: pip install "ai-crm[postgres]"'
        raise SettingsInvalid((Problem("database_url", 0, 0, "the PostgreSQL driver is missing", hint),)) from error
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_postgresql(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"SET lock_timeout = '{_PATIENCE}s'")
    cursor.close()
    connection.commit()


def _refused(error: DBAPIError, url: URL) -> StoreError:
    code = str(getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None) or "")
    unreachable = isinstance(error, OperationalError | InterfaceError) and not code
    if not unreachable and not code.startswith(_LATER):
        kind = type(error.orig).__name__
        return StoreError(
            f"the database refused a statement ({code or kind})",
            where=_place(url),
            hint="Its tables may belong to another program: give ai-crm a database of its own",
        )
    reason = str(error.orig).partition("\n")[0]
    if url.password:
        reason = reason.replace(str(url.password), "***")
    return StoreUnavailable(
        f"the database cannot be used now: {reason}",
        where=_place(url),
        hint="Check that its folder exists and may be written, and that no other program keeps it locked"
        if url.drivername == "sqlite"
        else "Check that the server runs and that host, user, password and name in the URL are right",
    )


def _place(url: URL) -> str:
    """Where the database is, without anything that may be secret."""
    if url.drivername == "sqlite":
        return url.database or "database in memory"
    port = f":{url.port}" if url.port else ""
    return f"{url.host or 'localhost'}{port}/{url.database or ''}"
