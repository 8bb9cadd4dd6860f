"""Keys of requests: who was first counts, on SQLite and on PostgreSQL, however many come at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ai_crm.ports.answers import KeptAnswer
from ai_crm.store.database import engine_for
from ai_crm.store.idempotency import SqlAnswers
from ai_crm.store.sql import SqlStore
from ai_crm.store.transactions import Grouped
from tests.doubles.decisions import ISSUE

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def answer(text: str, status: int = 201) -> KeptAnswer:
    return KeptAnswer(status=status, headers={"etag": '"v1"'}, body=text)


class Two:
    """Two processes with the same database, in which there is the workspace `w`."""

    def __init__(self, url: str) -> None:
        self.transactions = tuple(Grouped(engine_for(url)) for _ in range(2))
        self.one, self.other = (SqlAnswers(each) for each in self.transactions)

    async def begin(self) -> None:
        for workspace in ("w", "v"):
            await SqlStore(self.transactions[0], None, workspace).tasks_of(ISSUE)


@pytest.fixture
def two(new_empty_url: Callable[[], str]) -> Iterator[Two]:
    made = Two(new_empty_url())
    asyncio.run(made.begin())
    yield made
    for each in made.transactions:
        each.close()


def test_whoever_comes_later_learns_what_was_asked_first_and_when(two: Two) -> None:
    async def work() -> None:
        first = await two.one.claim("w", "k", "a", NOON)
        later = await two.other.claim("w", "k", "b", NOON + timedelta(seconds=1))
        assert first == later
        assert (first.request, first.since, first.answer) == ("a", NOON, None)

    asyncio.run(work())


def test_the_first_answer_counts(two: Two) -> None:
    async def work() -> None:
        await two.one.claim("w", "k", "a", NOON)
        assert await two.one.finish("w", "k", answer("first")) == answer("first")
        assert await two.other.finish("w", "k", answer("second", 200)) == answer("first")
        assert (await two.other.claim("w", "k", "a", NOON)).answer == answer("first")

    asyncio.run(work())


def test_a_key_is_a_key_in_its_workspace_alone(two: Two) -> None:
    async def work() -> None:
        await two.one.claim("w", "k", "a", NOON)
        await two.one.finish("w", "k", answer("x"))
        assert (await two.one.claim("v", "k", "b", NOON)).answer is None

    asyncio.run(work())


def test_of_sixteen_in_two_processes_one_is_first(two: Two) -> None:
    async def work() -> None:
        both = (two.one, two.other)
        claims = await asyncio.gather(*(both[each % 2].claim("w", "k", f"r{each}", NOON) for each in range(16)))
        assert len({each.request for each in claims}) == 1
        kept = await asyncio.gather(*(both[each % 2].finish("w", "k", answer(f"{each}")) for each in range(16)))
        assert len({each.body for each in kept}) == 1

    asyncio.run(work())


def test_an_answer_that_holds_anything_comes_back_as_it_was(two: Two) -> None:
    async def work() -> None:
        awkward = answer('{"title": "nul \\u0000 ü 🚀"}\0')
        await two.one.claim("w", "k", "a", NOON)
        assert await two.one.finish("w", "k", awkward) == awkward

    asyncio.run(work())


def test_what_retention_took_meanwhile_is_answered_all_the_same(two: Two) -> None:
    async def work() -> None:
        assert await two.one.finish("w", "gone", answer("x")) == answer("x")

    asyncio.run(work())
