"""`ai-crm analysis`: learning from a team's own closed work, likely duplicates in a list, and the parts of a task."""

from __future__ import annotations

import os
import re
import sys

import click
import msgspec
from msgspec import Struct

from ai_crm.analysis import fingerprint_of, shipped_lexicon
from ai_crm.analysis.duplicates import Entry, duplicates
from ai_crm.analysis.history import read_history
from ai_crm.analysis.learned import decode, encode
from ai_crm.analysis.learning import learn
from ai_crm.analysis.split import Part, split_task
from ai_crm.cli.advice import describe
from ai_crm.cli.files import read_file, read_rules
from ai_crm.cli.screen import show, show_json, show_table
from ai_crm.config.agents import load_agents
from ai_crm.config.policy import load_policy
from ai_crm.config.settings import Reader
from ai_crm.errors import PayloadInvalid, Problem, SettingsInvalid
from ai_crm.model.address import parse_address
from ai_crm.model.agent import Agent
from ai_crm.rules.rule import CardSettings, Defaults
from ai_crm.wiring.analysis import closed_issues

_FORMAT = click.Choice(["text", "json"])
_HISTORY = "a history of closed issues"
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
_LIMIT = click.option(
    "--limit", type=click.IntRange(30, 10_000), default=1_000, show_default=True, help="How many issues to fetch."
)


@click.group()
def analysis() -> None:
    """What the analysis can learn from your own work, and what it sees across several texts."""


analysis.add_command(describe)


@analysis.command("learn")
@click.argument("history", required=False)
@click.option(
    "--repository", metavar="OWNER/NAME", help="Fetch the closed issues of this repository on GitHub instead."
)
@_LIMIT
@click.option("--output", default="ai-crm-analysis.json", show_default=True, help="Where to write what was learned.")
@click.option("--also", metavar="FILE", help="Closed issues of your other repositories: they help while you have few.")
@click.option("--rules", "rules_file", metavar="FILE", help="Your rules file, for agents of your own.")
def learn_from(
    history: str | None, repository: str | None, limit: int, output: str, also: str | None, rules_file: str | None
) -> None:
    """Learn type, size, priority and agents from closed issues: those of a HISTORY or of a repository.

    With --repository they are fetched as `ai-crm analysis fetch` does. A HISTORY is a file with one JSON object a line, as
    that command or `gh issue list --state closed --json title,body,labels,closedAt --jq '.[]'` writes it; your own exports
    may add the fields type, agent, hours, points and priority. `-` reads the standard input.

    What the issues do not teach is left as it was, and said. From half a list nothing is learned: where it breaks off,
    that is an error.
    """
    if bool(history) == bool(repository):
        raise click.UsageError("give either HISTORY, a file, or --repository OWNER/NAME")
    lexicon, team = shipped_lexicon(), _team(rules_file)
    data = _fetched(repository, limit) if repository else _read(history or "")
    where = repository or history or ""
    others = read_history(read_file(also, _HISTORY), also, lexicon, team.agents, team.labels) if also else ()
    learned = learn(read_history(data, where, lexicon, team.agents, team.labels), lexicon, team.agents, others)
    written = encode(learned)
    _write(output, written)
    show("\n".join(learned.notes))
    show(
        f"{output}: {len(written)} bytes from {learned.rows} issues, called {fingerprint_of(written)} in each analysis"
    )
    show(
        f"Try it with `ai-crm analyze --learned {output}`. The Action and a hub use it from the default branch where the"
    )
    show(
        f"rules file says `analysis: {{learned: {output}}}`; a hub for everything as analysis.json in its data folder."
    )


@analysis.command("fetch")
@click.argument("repository", metavar="OWNER/NAME")
@_LIMIT
def fetch(repository: str, limit: int) -> None:
    """Write the closed issues of a repository on GitHub, as a history that can be learned from.

    Those that were opened last, one JSON object a line, without pull requests and without issues that we opened. The
    token is read from GITHUB_TOKEN and needs `issues: read`; GITHUB_API_URL names an Enterprise Server (…/api/v3).
    """
    show_json(_fetched(repository, limit).rstrip(b"\n"))


class _Team(Struct, frozen=True):
    """Whose issues they are: the agents that they may name, and how labels of ours begin."""

    agents: tuple[Agent, ...]
    labels: str


def _team(rules_file: str | None) -> _Team:
    """Raises RulesInvalid."""
    if rules_file is None:
        return _Team(load_agents(), CardSettings().label_prefix)
    policy = load_policy(read_rules(rules_file), rules_file, Defaults())
    return _Team(policy.agents, policy.card.label_prefix)


def _read(history: str) -> bytes:
    return sys.stdin.buffer.read() if history == "-" else read_file(history, _HISTORY)


def _fetched(repository: str, limit: int) -> bytes:
    """The lines of a repository's closed issues. Raises SettingsInvalid and UpstreamError."""
    if not _REPOSITORY.fullmatch(repository):
        raise click.BadParameter(f"{repository!r} is not written OWNER/NAME")
    read = Reader(os.environ)
    api_url = read.url("GITHUB_API_URL", "https://api.github.com")
    token = read.secret("GITHUB_TOKEN")
    read.done()
    if not token:
        hint = "GitHub lists closed issues to nobody without one: export GITHUB_TOKEN=$(gh auth token)"
        raise SettingsInvalid((Problem("GITHUB_TOKEN", 0, 0, "is missing", hint),))
    lines = closed_issues(repository, limit, token, api_url, read.proxy(parse_address(api_url).host))
    all_of_them = " (all that there are)" if len(lines) < limit else ""
    show(f"{repository}: {len(lines)} closed issues read{all_of_them}", error=True)
    return b"".join(line + b"\n" for line in lines)


@analysis.command("show")
@click.argument("file")
def show_learned(file: str) -> None:
    """Say what a learned FILE knows and how good it was on issues that it had not seen."""
    learned = decode(read_file(file, "a learned analysis"), file)
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
