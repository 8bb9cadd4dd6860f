"""`ai-crm analysis`: learning from a team's own closed work, likely duplicates in a list, and the parts of a task."""

from __future__ import annotations

import os
import sys

import click
import msgspec

from ai_crm.analysis import shipped_lexicon
from ai_crm.analysis.duplicates import Entry, duplicates
from ai_crm.analysis.history import read_history
from ai_crm.analysis.learned import Learned, decode, encode
from ai_crm.analysis.learning import learn
from ai_crm.analysis.split import Part, split_task
from ai_crm.cli.advice import describe
from ai_crm.cli.files import read_file
from ai_crm.cli.screen import show, show_json, show_table
from ai_crm.config.agents import load_agents
from ai_crm.errors import PayloadInvalid

_FORMAT = click.Choice(["text", "json"])


@click.group()
def analysis() -> None:
    """What the analysis can learn from your own work, and what it sees across several texts."""


analysis.add_command(describe)


@analysis.command("learn")
@click.argument("history")
@click.option("--output", default="ai-crm-analysis.json", show_default=True, help="Where to write what was learned.")
@click.option("--also", metavar="FILE", help="Closed issues of your other repositories: they help while you have few.")
def learn_from(history: str, output: str, also: str | None) -> None:
    """Learn type, size, priority and agents from HISTORY, a file of closed issues, one JSON object a line.

    `gh issue list --state closed --limit 1000 --json title,body,labels,closedAt --jq '.[]'` writes such a file. Your own
    exports may add the fields type, agent, hours, points and priority. `-` reads the standard input. What the texts
    do not teach is left as it was, and said.
    """
    data = sys.stdin.buffer.read() if history == "-" else read_file(history, "a history of closed issues")
    lexicon, agents = shipped_lexicon(), load_agents()
    others = read_history(read_file(also, "a history of closed issues"), also, lexicon, agents) if also else ()
    learned = learn(read_history(data, history, lexicon, agents), lexicon, agents, others)
    written = encode(learned)
    _write(output, written)
    show("\n".join(learned.notes))
    show(f"{output}: {len(written)} bytes from {learned.rows} issues")
    show(f"Try it with `ai-crm analyze --learned {output}`; a hub uses it as analysis.json in its data folder.")


@analysis.command("show")
@click.argument("file")
def show_learned(file: str) -> None:
    """Say what a learned FILE knows and how good it was on issues that it had not seen."""
    learned = read_learned(file)
    show(f"learned from {learned.rows} issues")
    show("\n".join(learned.notes))


@analysis.command("duplicates")
@click.argument("file")
@click.option("--format", "form", type=_FORMAT, default="text", show_default=True)
def show_duplicates(file: str, form: str) -> None:
    """Show likely duplicates in FILE, a list of open tasks, one JSON object with id, title and body a line."""
    data = sys.stdin.buffer.read() if file == "-" else read_file(file, "a list of open tasks")
    pairs = duplicates(_entries(data, file))
    if form == "json":
        show_json(msgspec.json.format(msgspec.json.encode(pairs)))
    elif pairs:
        rows = [(pair.first, pair.second, f"{pair.score} %", ", ".join(pair.shared)) for pair in pairs]
        show_table(("task", "like", "alike", "both say"), rows)
    else:
        show("No two of them look alike.")


@analysis.command("split")
@click.argument("text")
@click.option("--format", "form", type=_FORMAT, default="text", show_default=True)
def show_parts(text: str, form: str) -> None:
    """Show the subtasks that TEXT itself lists, with what each waits for. `-` reads the standard input."""
    parts = split_task(sys.stdin.read() if text == "-" else text)
    if form == "json":
        show_json(msgspec.json.format(msgspec.json.encode(parts)))
    elif parts:
        show("\n".join(_told(part) for part in parts))
    else:
        show("The text lists no parts.")


def read_learned(path: str) -> Learned:
    """What a file learned. Raises PayloadInvalid."""
    return decode(read_file(path, "a learned analysis"), path)


def _told(part: Part) -> str:
    box = "x" if part.done else " "
    under = f" ({part.section})" if part.section else ""
    after = f", after {', '.join(map(str, part.after))}" if part.after else ""
    return f"{part.number:3}. [{box}] {part.title}{under}{after}"


def _entries(data: bytes, where: str) -> tuple[Entry, ...]:
    return tuple(_entry(line, f"{where}:{at}") for at, line in enumerate(data.splitlines(), 1) if line.strip())


def _entry(line: bytes, where: str) -> Entry:
    try:
        return msgspec.json.decode(line, type=Entry)
    except msgspec.DecodeError as error:
        hint = 'Write one object a line, such as {"id": "AICRM-1", "title": "…", "body": "…"}'
        raise PayloadInvalid(f"this line is no task: {error}", where=where, hint=hint) from error


def _write(path: str, data: bytes) -> None:
    """Whole or not at all, so that a reader never sees half a file."""
    beside = f"{path}.new"
    try:
        with open(beside, "wb") as file:
            file.write(data)
        os.replace(beside, path)
    except OSError as error:
        raise PayloadInvalid(f"it cannot be written: {error.strerror}", where=path, hint="Name another file") from error
