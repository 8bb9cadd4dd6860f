"""Every place where tasks can be kept, as the contract suite needs it: opened anew like by another process."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol, TypeVar

import pytest

from ai_crm.ports import Store
from ai_crm.store.card import CardStore
from ai_crm.store.database import engine_for
from ai_crm.store.memory import MemoryStore

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.doubles.action_hub import ActionHub
    from tests.doubles.card_platform import CardPlatform
    from tests.doubles.decisions import Decisions

T = TypeVar("T")
_DOUBLES = Path(__file__).resolve().parent.parent / "doubles"


class Place(Protocol):
    """Somewhere tasks are kept. `platform` is where their cards and messages go."""

    platform: CardPlatform

    def open(self) -> Store:
        """The store as a process that has just started finds it."""
        ...


NewPlace = Callable[[], Place]


class _CardPlace:
    def __init__(self, platform: CardPlatform) -> None:
        self.platform = platform

    def open(self) -> Store:
        return CardStore(self.platform)


class _MemoryPlace:
    """The twin does not outlive its process, so here every process is the same one."""

    def __init__(self, platform: CardPlatform) -> None:
        self.platform = platform
        self._store = MemoryStore()

    def open(self) -> Store:
        return self._store


class _SqlPlace:
    def __init__(self, platform: CardPlatform, engine: Engine, workspace: str) -> None:
        self.platform = platform
        self._engine = engine
        self._workspace = workspace

    def open(self) -> Store:
        from ai_crm.store.sql import SqlStore

        return SqlStore(self._engine, _inline, self._workspace)


class _RemotePlace:
    """A workspace of a hub on loopback; each process carries changes out under a name of its own."""

    def __init__(self, platform: CardPlatform, hub: ActionHub, workspace: str, running: ExitStack) -> None:
        self.platform = platform
        self._hub = hub
        self._workspace = workspace
        self._running = running
        self._processes = count()

    def open(self) -> Store:
        from ai_crm.wiring import hub_store

        store = hub_store(self._hub.access(self._workspace), f"process {next(self._processes)}", self.platform)
        self._running.callback(store.close)
        return store


class Inline(Protocol):
    async def __call__(self, work: Callable[[], T], /) -> T: ...


async def _inline(work: Callable[[], T]) -> T:
    return work()


@pytest.fixture
def engine(new_empty_url: Callable[[], str]) -> Iterator[Engine]:
    """Of an empty database, once for each kind of database."""
    made = engine_for(new_empty_url())
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def inline() -> Inline:
    """The Offload of a process without an event loop."""
    return _inline


@pytest.fixture(scope="session")
def decisions() -> Decisions:
    made: Decisions = _double("decisions").Decisions()
    return made


@pytest.fixture
def card_platform() -> CardPlatform:
    made: CardPlatform = _double("card_platform").CardPlatform()
    return made


@pytest.fixture(
    params=[
        "memory",
        "card",
        "sqlite file",
        "sqlite memory",
        "hub",
        pytest.param("postgres", marks=pytest.mark.postgres),
    ]
)
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewPlace]:
    """Makes a place that nobody used before, as often as it is asked; PostgreSQL has one database for all of them."""
    new_platform = _double("card_platform").CardPlatform
    engines: dict[str, Engine] = {}
    numbers = count()

    def sql(url: str) -> Place:
        from ai_crm.store.database import engine_for

        if url not in engines:
            engines[url] = engine_for(url)
        return _SqlPlace(new_platform(), engines[url], f"{request.node.nodeid} {next(numbers)}")

    @cache
    def hubs() -> ActionHub:
        from tests.doubles.action_hub import ActionHub

        return running.enter_context(ActionHub(f"sqlite:///{tmp_path}/hub.db"))

    def new() -> Place:
        match request.param:
            case "memory":
                return _MemoryPlace(new_platform())
            case "card":
                return _CardPlace(new_platform())
            case "sqlite file":
                return sql(f"sqlite:///{tmp_path}/tasks.db")
            case "sqlite memory":
                return sql("sqlite://")
            case "hub":
                return _RemotePlace(new_platform(), hubs(), f"workspace-{next(numbers)}", running)
            case _:
                return sql(request.getfixturevalue("postgres_url"))

    with ExitStack() as running:
        yield new
    for engine in engines.values():
        engine.dispose()


@pytest.fixture
def place(new_place: NewPlace) -> Place:
    return new_place()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def new_empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes databases in which there is nothing yet."""
    numbers = count()
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path}/empty {next(numbers)}.db"
    server: str = request.getfixturevalue("postgres_url")

    def new() -> str:
        from sqlalchemy import text

        from ai_crm.store.database import engine_for

        name = f"empty_{abs(hash(request.node.nodeid))}_{next(numbers)}"
        engine = engine_for(server)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return f"{server.rpartition('/')[0]}/{name}"

    return new


def _double(name: str) -> ModuleType:
    """A file of tests/doubles: tests are no package, so it is found by its place."""
    known = f"doubles_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, _DOUBLES / f"{name}.py")
        assert spec
        assert spec.loader
        sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]
