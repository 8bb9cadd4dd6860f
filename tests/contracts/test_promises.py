"""What people were told is heard, in both databases: kept once, taken over by one, and not carried about for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine

from ai_crm.model.item import PlatformName
from ai_crm.ports.promises import Promise
from ai_crm.store.promises import LEASE, LONGEST, MOST_ATTEMPTS, SqlPromises
from ai_crm.store.transactions import Direct

if TYPE_CHECKING:
    from tests.conftest import Finish
    from tests.contracts.conftest import Inline

SLACK, TEAMS = PlatformName.SLACK, PlatformName.TEAMS
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ASKED = Promise(platform=SLACK, id="13345224609.738474920.8088930838d88f008e0", body=b'{"text": "\xc3\xa4\x00"}')


@pytest.fixture
def promises(engine: Engine, inline: Inline) -> SqlPromises:
    return SqlPromises(Direct(engine, inline))


def test_what_somebody_is_at_is_nobody_elses(promises: SqlPromises, finish: Finish) -> None:
    finish(promises.give(ASKED, NOW))
    assert finish(promises.broken(SLACK, NOW + LEASE / 2)) == ()


def test_what_nobody_is_at_any_more_is_taken_over_once(promises: SqlPromises, finish: Finish) -> None:
    finish(promises.give(ASKED, NOW))
    assert finish(promises.broken(SLACK, NOW + LEASE)) == (ASKED,)
    assert finish(promises.broken(SLACK, NOW + LEASE)) == ()
    assert finish(promises.broken(SLACK, NOW + 2 * LEASE)) == (ASKED,)


def test_what_is_done_is_gone(promises: SqlPromises, finish: Finish) -> None:
    finish(promises.give(ASKED, NOW))
    finish(promises.keep(ASKED))
    finish(promises.keep(ASKED))
    assert finish(promises.broken(SLACK, NOW + LEASE)) == ()


def test_a_request_that_comes_twice_is_one_promise(promises: SqlPromises, finish: Finish) -> None:
    assert finish(promises.give(ASKED, NOW)) is True
    assert finish(promises.give(ASKED, NOW + LEASE / 2)) is False
    assert finish(promises.broken(SLACK, NOW + LEASE)) == (ASKED,)


def test_each_bot_takes_its_own(promises: SqlPromises, finish: Finish) -> None:
    finish(promises.give(ASKED, NOW))
    assert finish(promises.broken(TEAMS, NOW + LEASE)) == ()


def test_what_is_too_old_is_given_up(promises: SqlPromises, finish: Finish) -> None:
    finish(promises.give(ASKED, NOW))
    assert finish(promises.give_up(SLACK, NOW + LONGEST)) == 0
    assert finish(promises.give_up(TEAMS, NOW + LONGEST + LEASE)) == 0
    assert finish(promises.give_up(SLACK, NOW + LONGEST + LEASE)) == 1
    assert finish(promises.broken(SLACK, NOW + LONGEST + LEASE)) == ()


def test_what_ends_whoever_is_at_it_is_given_up(promises: SqlPromises, finish: Finish) -> None:
    finish(promises.give(ASKED, NOW))
    for turn in range(1, MOST_ATTEMPTS):
        assert finish(promises.give_up(SLACK, NOW + turn * LEASE)) == 0
        assert finish(promises.broken(SLACK, NOW + turn * LEASE)) == (ASKED,)
    assert finish(promises.give_up(SLACK, NOW + MOST_ATTEMPTS * LEASE)) == 1


def test_what_processes_may_have_died_of_takes_nothing_else_with_it(promises: SqlPromises, finish: Finish) -> None:
    others = [Promise(platform=SLACK, id=f"request {number}", body=b"{}") for number in range(3)]
    for each in (ASKED, *others):
        finish(promises.give(each, NOW))
    assert len(finish(promises.broken(SLACK, NOW + LEASE))) == 4
    later = NOW + 2 * LEASE  # that process died as well
    alone = [finish(promises.broken(SLACK, later)) for _ in range(5)]
    assert [len(taken) for taken in alone] == [1, 1, 1, 1, 0]
    assert {taken[0].id for taken in alone[:4]} == {ASKED.id, *(each.id for each in others)}


def test_of_many_who_look_at_once_each_promise_has_one(engine: Engine, inline: Inline, finish: Finish) -> None:
    promises = SqlPromises(Direct(engine, inline))
    given = {f"request {number}" for number in range(20)}
    for id_ in sorted(given):
        finish(promises.give(Promise(platform=SLACK, id=id_, body=b"{}"), NOW))

    def look(_number: int) -> list[str]:
        return [each.id for each in finish(promises.broken(SLACK, NOW + LEASE))]

    with ThreadPoolExecutor(4) as pool:
        taken = [id_ for found in pool.map(look, range(8)) for id_ in found]
    assert sorted(taken) == sorted(given)
