"""`ai-crm validate`: whether rules files are right, and every place where they are not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import click

from ai_crm.cli.files import find_rules, read_rules
from ai_crm.cli.findings import Checked, as_annotations, as_json, as_sarif, as_text
from ai_crm.cli.screen import show, show_json
from ai_crm.config.policy import load_policy
from ai_crm.errors import RulesInvalid
from ai_crm.rules.rule import Defaults

_FORMATS: dict[str, Callable[[Sequence[Checked]], str]] = {
    "text": as_text,
    "json": as_json,
    "github": as_annotations,
    "sarif": as_sarif,
}
_DATA = frozenset({"json", "sarif"})


@click.command()
@click.argument("files", nargs=-1, type=click.Path())
@click.option("--format", "form", type=click.Choice(list(_FORMATS)), default="text", show_default=True)
def validate(files: tuple[str, ...], form: str) -> None:
    """Check rules files.

    Shows every problem of every file, and ends with status 2 if there is one. Without a name, the file of this
    repository is checked.
    """
    checked = tuple(check(file) for file in files or (find_rules(),))
    text = _FORMATS[form](checked)
    if form in _DATA:
        show_json(text.encode())
    elif text:
        show(text)
    sys.exit(2 if any(one.problems for one in checked) else 0)


def check(file: str) -> Checked:
    """One file with everything that is wrong with it."""
    try:
        policy = load_policy(read_rules(file), file, Defaults())
    except RulesInvalid as error:
        return Checked(file=file, problems=error.problems)
    return Checked(file=file, rules=tuple(rule.id for rule in policy.rules), warnings=policy.warnings)
