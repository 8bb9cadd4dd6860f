"""API keys in both databases: told once, kept as a hash, refused when their time is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, event

from ai_crm.model.access import Principal, Role
from ai_crm.store.database import reading
from ai_crm.store.keys import SqlKeys
from ai_crm.store.tables import api_key
from ai_crm.store.transactions import Direct

if TYPE_CHECKING:
    from tests.conftest import Finish
    from tests.contracts.conftest import Inline

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class _Clock:
    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def keys(engine: Engine, inline: Inline, clock: _Clock) -> SqlKeys:
    return SqlKeys(Direct(engine, inline), clock)


def test_a_key_tells_whose_it_is(keys: SqlKeys, finish: Finish) -> None:
    key = finish(keys.create("default", "ci", Role.ACTION, None, NOON))

    id_ = key.split("_")[1]
    assert finish(keys.principal(key)) == Principal(name="ci", workspace="default", role=Role.ACTION, key=id_)


def test_the_key_itself_is_nowhere_in_the_database(keys: SqlKeys, finish: Finish, engine: Engine) -> None:
    key = finish(keys.create("default", "ci", Role.ACTION, None, NOON))

    with reading(engine) as connection:
        row = connection.execute(api_key.select()).one()
    assert key.startswith(f"aicrm_{row.id}_")
    secret = key.removeprefix(f"aicrm_{row.id}_")  # it may have such a stroke in itself
    assert not any(secret in str(value) for value in row)


def test_a_key_that_is_not_exactly_ours_is_nobodys(keys: SqlKeys, finish: Finish) -> None:
    key = finish(keys.create("default", "ci", Role.ACTION, None, NOON))
    another = key[:-1] + ("A" if key[-1] != "A" else "B")

    for wrong in ("", another, key + "x", key + "\n", key.upper(), "aicrm_" + "0" * 16 + key[22:], "\ud800\0é"):
        assert finish(keys.principal(wrong)) is None


def test_a_key_works_until_it_expires(keys: SqlKeys, finish: Finish, clock: _Clock) -> None:
    key = finish(keys.create("default", "ci", Role.VIEWER, NOON + timedelta(seconds=2), NOON))

    clock.time = NOON + timedelta(seconds=1)
    assert finish(keys.principal(key))
    clock.time = NOON + timedelta(seconds=2)
    assert finish(keys.principal(key)) is None


def test_a_revoked_key_is_refused_here_at_once_and_elsewhere_soon(
    keys: SqlKeys, finish: Finish, clock: _Clock, engine: Engine, inline: Inline
) -> None:
    elsewhere = SqlKeys(Direct(engine, inline), clock)
    key = finish(keys.create("default", "ci", Role.VIEWER, None, NOON))
    assert finish(elsewhere.principal(key))
    (shown,) = finish(keys.of("default"))

    assert finish(keys.revoke("default", shown.id, NOON))

    assert finish(keys.principal(key)) is None
    clock.time = NOON + timedelta(seconds=6)
    assert finish(elsewhere.principal(key)) is None
    assert finish(keys.of("default"))[0].revoked_at == NOON


def test_another_workspace_can_neither_see_nor_revoke_a_key(keys: SqlKeys, finish: Finish) -> None:
    key = finish(keys.create("default", "ci", Role.VIEWER, None, NOON))
    (shown,) = finish(keys.of("default"))

    assert finish(keys.of("other")) == ()
    assert not finish(keys.revoke("other", shown.id, NOON))
    assert finish(keys.principal(key))


def test_a_key_is_revoked_once(keys: SqlKeys, finish: Finish) -> None:
    finish(keys.create("default", "ci", Role.VIEWER, None, NOON))
    (shown,) = finish(keys.of("default"))

    assert [finish(keys.revoke("default", shown.id, NOON)) for _ in range(2)] == [True, False]


def test_many_requests_cost_one_read(keys: SqlKeys, finish: Finish, engine: Engine) -> None:
    key = finish(keys.create("default", "ci", Role.VIEWER, None, NOON))
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _u, statement, *_: statements.append(statement))

    for _ in range(50):
        finish(keys.principal(key))

    assert len([each for each in statements if "api_key" in each]) == 1
