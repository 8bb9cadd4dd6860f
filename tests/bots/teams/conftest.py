"""A team with its bot: for each test a new one, or one for many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.teams_room import Room
from tests.doubles.teams_server import TeamsServer


@pytest.fixture
def teams() -> Iterator[TeamsServer]:
    with TeamsServer() as server:
        yield server


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """One team for tests that do not look at what others left behind."""
    with TeamsServer() as server, Room(tmp_path_factory.mktemp("shared"), server) as made:
        yield made


@pytest.fixture
def room(tmp_path: Path, teams: TeamsServer) -> Iterator[Room]:
    with Room(tmp_path, teams) as made:
        yield made
