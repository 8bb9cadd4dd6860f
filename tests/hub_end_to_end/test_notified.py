"""Work that one process brings wakes the others: on PostgreSQL nobody has to look for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from ai_crm.config.hub_settings import read_hub_settings
from ai_crm.errors import StoreError
from ai_crm.hub.worker import Bell, Naps, Worker
from ai_crm.model.delivery import Delivery, event_id
from ai_crm.model.item import PlatformName
from ai_crm.store.database import CHANNEL, engine_for
from ai_crm.store.inbox import SqlInbox
from ai_crm.store.listener import Listener
from ai_crm.store.transactions import Grouped
from ai_crm.wiring import SystemClock
from ai_crm.wiring.hub import assemble
from tests.doubles.github_server import FakeGitHub
from tests.doubles.hub import Hub
from tests.hub_end_to_end.conftest import UNPACED, opened

pytestmark = pytest.mark.postgres

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
# Whoever sleeps so long does nothing in this test unless somebody wakes it.
FOR_EVER = Naps(hearing=3600, deaf=3600)


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "AI_CRM_DATA": str(tmp_path),
        "AI_CRM_DATABASE_URL": database_url,
        "AI_CRM_SECRET_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        **UNPACED,
    }


@pytest.fixture
def web(tmp_path: Path, environ: dict[str, str], github: FakeGitHub) -> Iterator[Hub]:
    """Another process, which only takes in."""
    running = Hub(tmp_path, environ, "web")
    running.connect(github.url)
    with running:
        yield running


class Sleeper:
    """A worker that never wakes by itself. `listening` is set while it would hear of others."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.listening = asyncio.Event()
        self._hub = assemble(read_hub_settings(environ), SystemClock())
        self._worker = Worker(self._hub.desk, self._hub.holder, Bell(), lambda _: None, naps=FOR_EVER)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        listener, stop = self._hub.listener(self._worker.wake, self._state), asyncio.Event()
        assert listener is not None
        running = (asyncio.create_task(self._worker.run()), asyncio.create_task(listener.run(stop)))
        try:
            yield
        finally:
            stop.set()
            self._worker.stop()
            await asyncio.gather(*running)
            self._hub.close()

    def _state(self, problem: str) -> None:
        if problem:
            self.listening.clear()
        else:
            self.listening.set()


async def _done(web: Hub, key: str, body: bytes) -> None:
    event = (await asyncio.to_thread(web.send, "issues", body)).json()["event_id"]
    assert (await asyncio.to_thread(web.settled, event, key))["state"] == "done"


def test_what_another_process_accepted_is_done_without_waiting_for_a_nap_to_end(
    web: Hub, environ: dict[str, str], github: FakeGitHub, root: Path
) -> None:
    key = web.key()

    async def work() -> None:
        sleeper = Sleeper(environ)
        async with sleeper.at_work():
            await sleeper.listening.wait()
            for number in range(3):
                await _done(web, key, opened(github, root, f"Issue {number}"))

    asyncio.run(work())
    assert all(len(github.comments_of(number)) == 2 for number in (1, 2, 3))


def test_a_listener_whose_connection_is_cut_listens_again_and_misses_nothing(
    web: Hub, environ: dict[str, str], database_url: str, github: FakeGitHub, root: Path
) -> None:
    key = web.key()

    async def work() -> None:
        sleeper = Sleeper(environ)
        async with sleeper.at_work():
            for number in range(2):
                await sleeper.listening.wait()
                await _done(web, key, opened(github, root, f"Before {number}"))
                sleeper.listening.clear()
                assert _cut(database_url) == 1
                await _done(web, key, opened(github, root, f"While nobody listens {number}"))

    asyncio.run(work())


def test_a_group_of_deliveries_says_so_once_and_what_brings_no_work_says_nothing(database_url: str) -> None:
    transactions = Grouped(engine_for(database_url))
    inbox = SqlInbox(transactions)

    async def work() -> None:
        await inbox.accept(_delivery(0))
        with _hearing(database_url) as ear:
            await asyncio.gather(*(inbox.accept(_delivery(number)) for number in range(1, 40)))
            said = _said(ear)
            assert set(said) == {""}
            assert len(said) <= 2  # the first may have gone before the others came
            assert await inbox.accept(_delivery(1)) is not None
            await inbox.take("somebody", NOW, 10)
            assert _said(ear) == []

    asyncio.run(work())
    transactions.close()


def test_a_job_of_the_group_that_fails_takes_nobodys_word_away(database_url: str) -> None:
    transactions = Grouped(engine_for(database_url))
    inbox = SqlInbox(transactions)
    broken = _delivery(2, vendor_id="\0")  # no text for PostgreSQL

    async def work() -> None:
        await inbox.accept(_delivery(0))
        with _hearing(database_url) as ear:
            alone = await asyncio.gather(inbox.accept(broken), return_exceptions=True)
            assert isinstance(alone[0], StoreError | ValueError)
            assert _said(ear) == []
            await asyncio.gather(inbox.accept(_delivery(1)), inbox.accept(broken), return_exceptions=True)
            assert set(_said(ear)) == {""}

    asyncio.run(work())
    transactions.close()


def test_a_listener_stops_when_it_is_told_to_whether_it_listens_or_not(database_url: str) -> None:
    async def work(url: str) -> list[str]:
        states: list[str] = []
        stop, known = asyncio.Event(), asyncio.Event()

        def state(problem: str) -> None:
            states.append(problem)
            known.set()

        engine = engine_for(url)
        running = asyncio.create_task(Listener(engine, lambda: None, state).run(stop))
        await known.wait()
        stop.set()
        await running
        engine.dispose()
        return states

    assert asyncio.run(work(database_url)) == [""]
    (problem,) = asyncio.run(work("postgresql://nobody:secret@127.0.0.1:1/nowhere"))
    assert "connection" in problem
    assert "secret" not in problem


def _delivery(number: int, vendor_id: str = "") -> Delivery:
    body = f'{{"number": {number}}}'.encode()
    return Delivery(
        id=event_id("issues", body),
        workspace="w",
        connection="c",
        platform=PlatformName.GITHUB,
        name="issues",
        vendor_id=vendor_id,
        lane=f"lane {number}",
        headers={},
        body=body,
        received_at=NOW,
    )


def _hearing(url: str) -> psycopg.Connection:
    ear = psycopg.connect(url, autocommit=True)
    ear.execute(f"LISTEN {CHANNEL}")
    return ear


def _said(ear: psycopg.Connection) -> list[str]:
    """What was said so far: an answer brings everything along that was said before it."""
    ear.execute("SELECT 1")
    return [each.payload for each in ear.notifies(timeout=0)]


def _cut(url: str) -> int:
    with psycopg.connect(url) as connection:
        cut = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        ).fetchall()
    return len(cut)
