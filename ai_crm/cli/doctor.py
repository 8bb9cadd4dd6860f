"""`ai-crm doctor`: a mistake in workflow files that GitHub never tells you about, because the workflow just never runs."""

from __future__ import annotations

import os
import sys

import click

from ai_crm.cli.files import read_file
from ai_crm.cli.screen import show
from ai_crm.config.rules_file import read_document
from ai_crm.errors import PayloadInvalid, Problem, RulesInvalid
from ai_crm.model.trigger import TRIGGERS
from ai_crm.rules.source import Entry, Mapping, Problems, Scalar, Sequence

_FOLDER = os.path.join(".github", "workflows")
_WITH_TYPES = frozenset(trigger.name.partition(".")[0] for trigger in TRIGGERS if "." in trigger.name)


@click.command()
@click.argument("files", nargs=-1, type=click.Path())
def doctor(files: tuple[str, ...]) -> None:
    """Look for workflows that GitHub refuses.

    An event takes its list under `types:`. With `issues: [opened]` GitHub refuses the whole file, and nothing ever runs.
    Without a name, all workflow files of this repository are looked at.
    """
    chosen = files or _workflows()
    problems = tuple(problem for file in chosen for problem in _problems(file))
    for problem in problems:
        show(str(problem))
    if not problems:
        show(f"{', '.join(chosen)}: every list of activities stands under `types:`")
    sys.exit(2 if problems else 0)


def _workflows() -> tuple[str, ...]:
    try:
        names = sorted(name for name in os.listdir(_FOLDER) if name.endswith((".yml", ".yaml")))
    except OSError:
        names = []
    if not names:
        hint = "Run this at the root of a repository that has some, or name a file"
        raise PayloadInvalid("there are no workflow files", where=_FOLDER, hint=hint)
    return tuple(os.path.join(_FOLDER, name) for name in names)


def _problems(file: str) -> tuple[Problem, ...]:
    try:
        document = read_document(read_file(file, "a workflow file"), file)
    except RulesInvalid as error:
        return error.problems
    problems = Problems(file)
    on = document.get("on")
    if on is not None and isinstance(on.value, Mapping):
        for entry in on.value.entries:
            _look(entry, problems)
    return problems.found


def _look(entry: Entry, problems: Problems) -> None:
    if entry.key.text in _WITH_TYPES and isinstance(entry.value, Sequence):
        words = ", ".join(item.text for item in entry.value.items if isinstance(item, Scalar))
        what = f"`{entry.key.text}` has a list without `types:`, so GitHub refuses the whole workflow"
        problems.add(entry.value.at, what, f"write `{entry.key.text}: {{types: [{words}]}}`")
