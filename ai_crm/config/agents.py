"""The catalogue of agents that the product ships, read from `templates/agents.yml`."""

from __future__ import annotations

import msgspec
import yaml
from msgspec import Struct

from ai_crm import resources
from ai_crm.errors import ConfigError, Problem
from ai_crm.model.agent import Agent

_FILE = "templates/agents.yml"
# The product promises so many (README); a file with more or fewer is a broken build.
_PROMISED = 59


class _Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    category: str
    role: str
    skills: tuple[str, ...]


def load_agents() -> tuple[Agent, ...]:
    """The 59 agents in the file's order. Raises ConfigError when the file that was shipped is damaged."""
    return read_agents(resources.read("templates", "agents.yml"))


def read_agents(text: bytes) -> tuple[Agent, ...]:
    """The agents of a catalogue file. The file is ours: no guard against hostile YAML, only against our mistakes."""
    try:
        entries = msgspec.convert(yaml.load(text, yaml.CSafeLoader), tuple[_Entry, ...])
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise ConfigError((_problem(str(error)),)) from error
    names = [entry.name for entry in entries]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ConfigError((_problem(f"agents that are listed twice: {', '.join(doubled)}"),))
    if len(names) != _PROMISED:
        raise ConfigError((_problem(f"{len(names)} agents, not {_PROMISED}"),))
    return tuple(
        Agent(name=entry.name, category=entry.category, role=entry.role, skills=entry.skills) for entry in entries
    )


def _problem(what: str) -> Problem:
    return Problem(_FILE, 0, 0, what, "install AI-CRM again: this file is part of it")
