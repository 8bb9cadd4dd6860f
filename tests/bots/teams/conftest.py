"""A team with its bot, for each test a new one."""

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


@pytest.fixture
def room(tmp_path: Path, teams: TeamsServer) -> Iterator[Room]:
    with Room(tmp_path, teams) as made:
        yield made
