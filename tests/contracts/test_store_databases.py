"""Databases that are new, old, newer than we, somebody else's, locked, broken or not there; and what errors tell."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, MetaData, UniqueConstraint, event, inspect, text

from ai_crm.errors import AiCrmError, SettingsInvalid, StoreError, StoreUnavailable, VersionClash
from ai_crm.store.database import engine_for, reading, writing
from ai_crm.store.migrations import VERSION, migrate
from ai_crm.store.sql import SqlStore
from ai_crm.store.tables import metadata

if TYPE_CHECKING:
    from tests.conftest import Finish
    from tests.contracts.conftest import Inline
    from tests.doubles.decisions import Decisions

NewStore = Callable[[str], SqlStore]


@pytest.fixture
def new_store(inline: Inline, request: pytest.FixtureRequest) -> NewStore:
    def new(url: str) -> SqlStore:
        store = SqlStore(url, inline, "w")
        request.addfinalizer(store.close)
        return store

    return new


@pytest.fixture
def empty_url(new_empty_url: Callable[[], str]) -> str:
    return new_empty_url()


def test_the_tables_that_are_made_are_those_that_statements_know(empty_url: str) -> None:
    engine = engine_for(empty_url)
    migrate(engine)

    with reading(engine) as connection:
        made = MetaData()
        made.reflect(connection, only=[*metadata.tables])
        assert _shape(made, connection) == _shape(metadata, connection)
    engine.dispose()


def test_a_database_is_prepared_once_and_found_prepared_afterwards(
    empty_url: str, new_store: NewStore, finish: Finish, decisions: Decisions
) -> None:
    for _ in range(3):
        assert finish(new_store(empty_url).tasks_of(decisions.issue)) == ()

    engine = engine_for(empty_url)
    with reading(engine) as connection:
        assert connection.execute(text("SELECT version FROM schema_version")).all() == [(VERSION,)]
        assert connection.execute(text("SELECT id, last_number FROM workspace")).all() == [("w", 0)]
    engine.dispose()


def test_tables_of_a_newer_program_are_left_alone(
    empty_url: str, new_store: NewStore, finish: Finish, decisions: Decisions
) -> None:
    finish(new_store(empty_url).tasks_of(decisions.issue))
    _execute(empty_url, "UPDATE schema_version SET version = version + 1")

    with pytest.raises(StoreError, match=f"version {VERSION + 1}, and this ai-crm knows version {VERSION}") as caught:
        finish(new_store(empty_url).commit(decisions.opened("e1", "triage"), decisions.noon))

    assert not caught.value.retry
    assert "newer ai-crm" in caught.value.hint


def test_another_programs_tables_are_left_alone(
    empty_url: str, new_store: NewStore, finish: Finish, decisions: Decisions
) -> None:
    _execute(empty_url, "CREATE TABLE task (id INTEGER)")

    with pytest.raises(StoreError, match="the database refused a statement") as caught:
        finish(new_store(empty_url).tasks_of(decisions.issue))

    assert "a database of its own" in caught.value.hint
    engine = engine_for(empty_url)
    with reading(engine) as connection:
        assert inspect(connection).get_table_names() == ["task"]
    engine.dispose()


def test_a_row_that_somebody_damaged_is_named_and_not_guessed_at(
    empty_url: str, new_store: NewStore, finish: Finish, decisions: Decisions
) -> None:
    finish(new_store(empty_url).commit(decisions.opened("e1", "triage"), decisions.noon))
    _execute(empty_url, "UPDATE task SET payload = '{\"id\": 7}'")

    with pytest.raises(StoreError, match="cannot be read"):
        finish(new_store(empty_url).tasks_of(decisions.issue))


def test_what_another_wrote_first_is_a_clash_that_fresh_data_solves(empty_url: str) -> None:
    engine = engine_for(empty_url)
    migrate(engine)
    add = text("INSERT INTO workspace (id, last_number) VALUES ('w', 0)")

    def add_twice() -> None:
        with writing(engine) as connection:
            connection.execute(add)
            connection.execute(add)

    with pytest.raises(VersionClash) as caught:
        add_twice()

    assert caught.value.retry
    with reading(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM workspace")).scalar() == 0
    engine.dispose()


def test_a_database_that_is_locked_too_long_can_be_tried_again(
    tmp_path: Path, new_store: NewStore, finish: Finish, decisions: Decisions
) -> None:
    store = new_store(f"sqlite:///{tmp_path}/tasks.db?timeout=0.05")
    finish(store.tasks_of(decisions.issue))
    other = sqlite3.connect(tmp_path / "tasks.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreUnavailable, match="database is locked") as caught:
        finish(store.commit(decisions.opened("e1", "triage"), decisions.noon))
    newcomer = new_store(f"sqlite:///{tmp_path}/tasks.db?timeout=0.05")
    assert finish(newcomer.tasks_of(decisions.issue)) == ()  # who only reads need not wait

    assert caught.value.retry
    assert "no other program keeps it locked" in caught.value.hint
    other.execute("ROLLBACK")
    other.close()
    assert len(finish(store.commit(decisions.opened("e1", "triage"), decisions.noon)).created) == 1


def test_a_file_whose_journal_cannot_be_switched_now_is_used_as_it_is(
    tmp_path: Path, new_store: NewStore, finish: Finish, decisions: Decisions
) -> None:
    """As when several open a new file at once: one switches it, the others find it busy."""
    first = new_store(f"sqlite:///{tmp_path}/tasks.db")
    finish(first.commit(decisions.opened("e1", "triage"), decisions.noon))
    first.close()
    reader = sqlite3.connect(tmp_path / "tasks.db", isolation_level=None)
    reader.execute("PRAGMA journal_mode = DELETE")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM task").fetchone()

    assert len(finish(new_store(f"sqlite:///{tmp_path}/tasks.db?timeout=0.05").tasks_of(decisions.issue))) == 1
    reader.close()


@pytest.mark.postgres
def test_a_row_that_is_locked_too_long_can_be_tried_again(
    postgres_url: str, inline: Inline, finish: Finish, decisions: Decisions
) -> None:
    engine = engine_for(postgres_url)
    store = SqlStore(engine, inline, "locked")
    finish(store.commit(decisions.opened("e1", "triage"), decisions.noon))
    engine.dispose()
    event.listen(engine, "connect", _impatient)

    other = engine_for(postgres_url)
    with other.connect() as connection:
        connection.execute(text("SELECT 1 FROM item_card WHERE workspace = 'locked' FOR UPDATE"))
        with pytest.raises(StoreUnavailable, match="lock timeout") as caught:
            finish(store.commit(decisions.opened("e2", "later"), decisions.noon))

    assert caught.value.retry
    assert len(finish(store.commit(decisions.opened("e2", "later"), decisions.noon)).created) == 1
    other.dispose()
    store.close()


def _impatient(connection: Any, _record: object) -> None:
    connection.execute("SET lock_timeout = '50ms'")
    connection.commit()


@pytest.mark.postgres
def test_a_server_that_dropped_the_connection_is_asked_anew(
    postgres_url: str, new_store: NewStore, finish: Finish, decisions: Decisions
) -> None:
    store = new_store(postgres_url)
    finish(store.tasks_of(decisions.issue))
    _execute(
        postgres_url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
    )

    assert isinstance(finish(store.tasks_of(decisions.issue)), tuple)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda path: path / "no such folder" / "tasks.db", StoreUnavailable),
        (lambda path: path, StoreUnavailable),
        (lambda path: _file(path, b"this is no database, although it is long enough to be one" * 100), StoreError),
    ],
    ids=["no folder", "is a folder", "no database"],
)
def test_a_file_that_cannot_be_used_says_where_and_what_to_do(
    tmp_path: Path,
    new_store: NewStore,
    finish: Finish,
    decisions: Decisions,
    make: Callable[[Path], Path],
    error: type[StoreError],
) -> None:
    path = make(tmp_path)
    with pytest.raises(StoreError) as caught:
        finish(new_store(f"sqlite:///{path}").tasks_of(decisions.issue))

    assert type(caught.value) is error
    assert caught.value.where == str(path)
    assert caught.value.hint


def test_a_server_that_is_not_there_says_so_without_the_password(
    new_store: NewStore, finish: Finish, decisions: Decisions
) -> None:
    store = new_store("postgresql://crm:hunter2-hunter2@127.0.0.1:1/tasks")

    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1/tasks: the database cannot be used now") as caught:
        finish(store.tasks_of(decisions.issue))

    shown = "".join(traceback.format_exception(caught.value)) + repr(store) + repr(vars(store))
    assert "hunter2" not in shown
    assert "Check that the server runs" in caught.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "",
        "tasks.db",
        "mysql://u:p@h/d",
        "sqlite+aiosqlite:///x",
        "postgresql+asyncpg://u:p@h/d",
        "http://h/d",
        "sqlite://host/tasks.db",
        "sqlite:///tasks.db?timeout=soon",
        "sqlite:///tasks\0.db",
    ],
)
def test_what_is_no_database_of_ours_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(SettingsInvalid, match="database_url: not the URL of a database"):
        engine_for(url)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_spoken_to_through_psycopg_however_its_url_begins(scheme: str) -> None:
    assert engine_for(f"{scheme}://u:p@h/d").driver == "psycopg"


@settings(max_examples=60, deadline=None)
@given(password=st.text("abcXYZ019@/:?#[]%&= é", min_size=6, max_size=16))
def test_no_error_shows_any_part_of_a_password_that_was_not_encoded(
    password: str, inline: Inline, finish: Finish, decisions: Decisions
) -> None:
    secret = f"s3cr3t{password}s3cr3t"

    with pytest.raises(AiCrmError) as caught:
        finish(SqlStore(f"postgresql://user:{secret}@127.0.0.1:1/tasks", inline, "w").tasks_of(decisions.issue))

    assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))


def _execute(url: str, statement: str) -> None:
    engine = engine_for(url)
    with writing(engine) as connection:
        connection.execute(text(statement))
    engine.dispose()


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "tasks.db"
    path.write_bytes(content)
    return path


def _shape(tables: MetaData, connection: Connection) -> dict[str, Any]:
    """Everything about tables that a statement relies on."""
    return {
        name: (
            [(column.name, column.type.compile(connection.dialect), column.nullable) for column in table.columns],
            [column.name for column in table.primary_key],
            sorted((sorted(key.column_keys), key.referred_table.name) for key in table.foreign_key_constraints),
            sorted((index.name, [column.name for column in index.columns]) for index in table.indexes),
            sorted(
                [column.name for column in each.columns]
                for each in table.constraints
                if isinstance(each, UniqueConstraint)
            ),
        )
        for name, table in tables.tables.items()
    }
