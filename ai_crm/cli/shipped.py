"""`ai-crm templates` and `ai-crm schema`: the data files that the product ships, to read and to copy."""

from __future__ import annotations

import click

from ai_crm import resources
from ai_crm.cli.screen import show, show_table
from ai_crm.config.policy import load_rule_templates
from ai_crm.rules.source import did_you_mean

_RULES = ("templates", "rules")
_TEMPLATE = ".yml"
_SCHEMA = ".schema.json"


@click.group()
def templates() -> None:
    """Ready rules that a rules file takes in with `use:`."""


@templates.command("list")
def list_templates() -> None:
    """List the rule templates, each with what it is for."""
    show_table(("template", "what it is for"), [(one.name, one.description) for one in load_rule_templates()])


@templates.command("show")
@click.argument("name")
def show_template(name: str) -> None:
    """Print a rule template with its parameters."""
    show(_file(*_RULES, name=name, suffix=_TEMPLATE))


@click.command()
@click.argument("name")
def schema(name: str) -> None:
    """Print a JSON Schema.

    Such as `ai-crm` for rules files, or `decision` for what explain answers.
    """
    show(_file("schemas", name=name, suffix=_SCHEMA))


def _file(*folder: str, name: str, suffix: str) -> str:
    names = resources.names(*folder, suffix=suffix)
    if name not in names:
        near = did_you_mean(name, names) or "there are " + ", ".join(names)
        raise click.BadParameter(f'there is no "{name}"; {near}', param_hint="NAME")
    return resources.read(*folder, name + suffix).decode().rstrip("\n")
