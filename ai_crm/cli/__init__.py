"""The `ai-crm` command: what a person asks of the rules from a terminal, and how it ends (0 well, 1 not, 2 config)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import entry_points

import click

import ai_crm
from ai_crm.cli.agents import agents
from ai_crm.cli.analysis import analysis
from ai_crm.cli.analyze import analyze
from ai_crm.cli.connections import connections
from ai_crm.cli.db import db
from ai_crm.cli.do import do
from ai_crm.cli.doctor import doctor
from ai_crm.cli.explain import explain
from ai_crm.cli.keys import keys
from ai_crm.cli.serve import serve
from ai_crm.cli.sessions import sessions
from ai_crm.cli.shipped import schema, templates
from ai_crm.cli.sign_in import sign_in
from ai_crm.cli.validate import validate
from ai_crm.errors import AiCrmError, ConfigError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(ai_crm.__version__, prog_name="ai-crm")
def cli() -> None:
    """Checks and explains AI-CRM's rules with no server, no account and no network; and runs a hub for who wants one."""


for command in (
    validate,
    explain,
    analyze,
    analysis,
    agents,
    templates,
    schema,
    doctor,
    serve,
    do,
    sign_in,
    sessions,
    connections,
    keys,
    db,
):
    cli.add_command(command)
# Bots stand above the command line, which therefore must not import them: what is installed adds itself.
for installed in sorted(entry_points(group="ai_crm.commands"), key=lambda each: each.name):
    cli.add_command(installed.load())


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and ends the process: status 2 for what a file or an argument got wrong, 1 for the rest."""
    try:
        cli.main(args=arguments, prog_name="ai-crm")
    except AiCrmError as error:
        click.echo(f"ai-crm: {error}", err=True)
        sys.exit(2 if isinstance(error, ConfigError) else 1)
