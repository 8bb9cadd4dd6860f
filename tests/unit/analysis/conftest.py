"""The analyst as it is shipped, built once for all tests of this folder."""

from __future__ import annotations

import pytest

from ai_crm.analysis import offline_analyst
from ai_crm.config.agents import load_agents
from ai_crm.model.agent import Agent
from ai_crm.ports import Analyst


@pytest.fixture(scope="session")
def analyst() -> Analyst:
    return offline_analyst()


@pytest.fixture(scope="session")
def catalogue() -> tuple[Agent, ...]:
    return load_agents()
