"""What tests of the hub's web side ask for: a hub, and what it wrote into its log."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from ai_crm.hub.telemetry import start_logging
from tests.doubles.hub_parts import Hub


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture(autouse=True)
def written() -> Iterator[io.StringIO]:
    """The log of this test, as it would stand on stderr."""
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    start_logging(stream)
    yield stream
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level


@pytest.fixture
def records(written: io.StringIO) -> Callable[[], list[dict[str, Any]]]:
    """The log's lines, read back."""
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]
