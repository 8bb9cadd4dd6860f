"""Connections in both databases: what is changed is sealed anew, seen at once, and never half there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from ai_crm.errors import SettingsInvalid
from ai_crm.model.item import PlatformName
from ai_crm.model.secret import Secret
from ai_crm.ports.receiver import Connection
from ai_crm.store.connections import SqlConnections
from ai_crm.store.database import engine_for
from ai_crm.store.transactions import Grouped
from ai_crm.store.vault import Vault

KEY = bytes(range(32))
GIVEN = Connection(
    workspace="w",
    id="main",
    platform=PlatformName.GITHUB,
    settings={"api_url": "https://github.example"},
    secrets={"webhook_secret": Secret("canary-old"), "token": Secret("canary-token")},
)


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


NewConnections = Callable[[], SqlConnections]


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def new_connections(new_empty_url: Callable[[], str], watch: Watch) -> Iterator[NewConnections]:
    """As each process has them, over one database."""
    url, made = new_empty_url(), list[Grouped]()

    def new() -> SqlConnections:
        made.append(Grouped(engine_for(url)))
        return SqlConnections(made[-1], Vault(KEY), watch)

    yield new
    for transactions in made:
        transactions.close()


def with_secret(secret: str) -> Callable[[Connection], Connection]:
    return lambda known: replace(known, secrets={**known.secrets, "webhook_secret": Secret(secret)})


def test_what_one_process_changes_another_one_sees_within_seconds(
    new_connections: NewConnections, watch: Watch
) -> None:
    ours, theirs = new_connections(), new_connections()

    async def work() -> None:
        await ours.add(GIVEN)
        assert await theirs.find("main") == GIVEN
        assert await ours.change("w", "main", with_secret("canary-new"))
        assert await ours.find("main") == with_secret("canary-new")(GIVEN)
        watch.at += timedelta(seconds=6)
        assert await theirs.find("main") == with_secret("canary-new")(GIVEN)

    asyncio.run(work())


def test_two_changes_at_once_are_both_there_afterwards(new_connections: NewConnections) -> None:
    def with_setting(name: str) -> Callable[[Connection], Connection]:
        return lambda known: replace(known, settings={**known.settings, name: "x"})

    async def work() -> None:
        both = (new_connections(), new_connections())
        await both[0].add(GIVEN)
        names = [f"s{number}" for number in range(20)]
        changes = (both[at % 2].change("w", "main", with_setting(name)) for at, name in enumerate(names))
        assert all(await asyncio.gather(*changes))
        found = await new_connections().find("main")
        assert found
        assert set(found.settings) == {"api_url", *names}

    asyncio.run(work())


def test_a_change_that_is_refused_changes_nothing(new_connections: NewConnections) -> None:
    def refuse(_known: Connection) -> Connection:
        raise SettingsInvalid(())

    async def work() -> None:
        connections = new_connections()
        await connections.add(GIVEN)
        with pytest.raises(SettingsInvalid):
            await connections.change("w", "main", refuse)
        assert await connections.find("main") == GIVEN

    asyncio.run(work())


@pytest.mark.parametrize("which", [("w", "nobody"), ("another", "main")])
def test_a_connection_of_somebody_else_is_none(new_connections: NewConnections, which: tuple[str, str]) -> None:
    async def work() -> None:
        connections = new_connections()
        await connections.add(GIVEN)
        assert not await connections.change(*which, with_secret("canary-new"))
        assert await connections.find("main") == GIVEN

    asyncio.run(work())
