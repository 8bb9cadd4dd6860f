"""The catalogue of agents that is shipped."""

from __future__ import annotations

import pytest

from ai_crm import resources
from ai_crm.config.agents import load_agents, read_agents
from ai_crm.errors import ConfigError

_TEXT = resources.read("templates", "agents.yml")


def test_the_catalogue_has_fifty_nine_agents_in_eight_categories() -> None:
    agents = load_agents()
    assert len({agent.name for agent in agents}) == len(agents) == 59
    assert len({agent.category for agent in agents}) == 8


def test_every_agent_has_a_role_and_skills_and_nobody_behind_it_yet() -> None:
    for agent in load_agents():
        assert agent.role.endswith(".")
        assert len(set(agent.skills)) == len(agent.skills) >= 5
        assert agent.people == ()


def test_names_are_what_a_command_can_spell() -> None:
    assert all(agent.name.replace("-", "").isalpha() and agent.name.islower() for agent in load_agents())


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (_TEXT + b"\n- name: debugger\n  category: x\n  role: x\n  skills: [x]\n", "listed twice: debugger"),
        (_TEXT + b"\n- name: newcomer\n  category: x\n  role: x\n  skills: [x]\n", "60 agents, not 59"),
        (_TEXT + b"\n- name: newcomer\n", "missing required field"),
        (_TEXT + b"\n- nmae: newcomer\n", "nmae"),
        (b"- name: [", "agents.yml"),
    ],
)
def test_a_damaged_catalogue_is_named_as_such(text: bytes, what: str) -> None:
    with pytest.raises(ConfigError, match=r"templates/agents\.yml") as refused:
        read_agents(text)
    assert what in str(refused.value)
