"""`ai-crm analyze`: the PM analysis of a text, and on request what each conclusion rests on."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click
import msgspec

from ai_crm.analysis import fingerprint_of, offline_analyst, taught_analyst
from ai_crm.analysis.learned import decode
from ai_crm.cards import text as text_face
from ai_crm.cards.task_card import analysis_card
from ai_crm.cli.files import read_file
from ai_crm.cli.screen import show, show_json
from ai_crm.config.agents import load_agents
from ai_crm.model.analysis import Analysis, Evidence


@click.command()
@click.argument("text")
@click.option("--learned", metavar="FILE", help="What `ai-crm analysis learn` made of your own history.")
@click.option("--why", is_flag=True, help="Show the evidence for each conclusion.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def analyze(text: str, *, learned: str | None, why: bool, form: str) -> None:
    """Analyse a text as a project manager would.

    Says what kind of work TEXT asks for, how much, how urgent, and for whom. Its first line is the title, the rest the
    description; `-` reads both from the standard input. The same text always gets the same answer, with no network.
    """
    title, _, body = (sys.stdin.read() if text == "-" else text).strip().partition("\n")
    if not title:
        raise click.BadParameter("there is nothing to analyse; give a sentence in quotes", param_hint="TEXT")
    file = read_file(learned, "a learned analysis") if learned else b""
    analyst = taught_analyst(file, learned) if learned else offline_analyst()
    analysis = analyst.analyse(title, body, (), load_agents())
    if form == "json":
        show_json(msgspec.json.format(msgspec.json.encode(analysis)))
        return
    show(text_face.render(analysis_card(title, analysis)))
    if why:
        show("\n".join(_reasons(analysis)))
    if why and learned:
        show("\n".join(_learned_parts(file, learned)))


def _learned_parts(file: bytes, where: str) -> Iterator[str]:
    """What the file knows of each part, and from how many issues. What a label or an alarm says still wins over it."""
    yield f"\nLearned from your own issues: {where} ({fingerprint_of(file)})"
    yield from (f"  {note}" for note in decode(file, where).notes)


def _reasons(analysis: Analysis) -> Iterator[str]:
    yield from _reason("Type", analysis.type.value, analysis.type.confidence, analysis.type.evidence)
    yield from _reason("Complexity", analysis.effort.complexity, analysis.effort.confidence, analysis.effort.evidence)
    yield from _reason("Priority", analysis.urgency.value, analysis.urgency.confidence, analysis.urgency.evidence)
    if analysis.nobody:
        yield f"\nAgent: nobody, {analysis.nobody}"
    for agent in analysis.agents[:2]:
        yield from _reason("Agent", agent.name, agent.confidence, agent.evidence)


def _reason(what: str, value: str, confidence: int, evidence: tuple[Evidence, ...]) -> Iterator[str]:
    yield f"\n{what}: {value} ({confidence} % sure)"
    for one in evidence:
        yield f"  {one.weight / 100:+5.1f}  {one.where}: {one.seen}"
