"""`ai-crm agents`: who is in the catalogue that work can be given to."""

from __future__ import annotations

import click
import msgspec

from ai_crm.cli.screen import show_json, show_table
from ai_crm.config.agents import load_agents
from ai_crm.rules.source import did_you_mean


@click.group()
def agents() -> None:
    """The agents that work can be given to."""


@agents.command("list")
@click.option("--category", help="Only the agents of this category.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_agents(category: str | None, form: str) -> None:
    """List the agents with their category and role."""
    every = load_agents()
    chosen = tuple(agent for agent in every if category is None or agent.category == category.lower())
    if not chosen:
        known = sorted({agent.category for agent in every})
        raise click.BadParameter(_no_category(category or "", known), param_hint="--category")
    if form == "json":
        show_json(msgspec.json.format(msgspec.json.encode(chosen)))
        return
    show_table(("agent", "category", "role"), [(agent.name, agent.category, agent.role) for agent in chosen])


def _no_category(word: str, known: list[str]) -> str:
    near = did_you_mean(word.lower(), known)
    return f'no agent is in the category "{word}"; {near or "the categories are " + ", ".join(known)}'
