"""Every row of tests/rules/golden_analysis.md, and the hostile texts that are too long for a table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec import Struct

from ai_crm.model.agent import Agent
from ai_crm.model.analysis import Analysis, Complexity, Priority, WorkType
from ai_crm.ports import Analyst

_TABLE = Path(__file__).parents[2] / "rules" / "golden_analysis.md"


class Case(Struct, frozen=True):
    title: str
    body: str
    labels: tuple[str, ...]
    type: str
    size: str
    urgency: str
    agent: str
    runner_up: str
    sure: str


def _cases() -> list[Case]:
    rows = [line for line in _TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return [_case(row) for row in rows if not row.startswith(("| title", "|---"))]


def _case(row: str) -> Case:
    title, body, labels, *wanted = (_plain(cell.strip()) for cell in row.strip("|").split("|"))
    return Case(title, body, tuple(label.strip() for label in labels.split(",") if label.strip()), *wanted)


def _plain(cell: str) -> str:
    return re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), cell.replace("\\n", "\n"))


CASES = _cases()


@pytest.mark.parametrize("case", CASES, ids=[f"{number}: {case.title[:50]!a}" for number, case in enumerate(CASES)])
def test_the_analysis_says_what_the_table_says(case: Case, analyst: Analyst, catalogue: tuple[Agent, ...]) -> None:
    analysis = analyst.analyse(case.title, case.body, case.labels, catalogue)
    seen = {
        "type": analysis.type.value.value,
        "size": analysis.effort.complexity.value,
        "urgency": analysis.urgency.value.value,
        "agent": analysis.recommended.name if analysis.recommended else "-",
        "runner_up": analysis.runner_up.name if analysis.runner_up else "-",
    }
    wanted = {name: getattr(case, name) for name in seen if getattr(case, name)}
    assert {name: seen[name] for name in wanted} == wanted
    if case.sure:
        assert _surest(analysis) <= int(case.sure.removeprefix("sure <= "))


def _surest(analysis: Analysis) -> int:
    return max(
        analysis.type.confidence, analysis.urgency.confidence, *(match.confidence for match in analysis.agents[:1]), 0
    )


def test_the_table_covers_every_type_size_urgency_and_agent(catalogue: tuple[Agent, ...]) -> None:
    assert {case.type for case in CASES} - {""} == {kind.value for kind in WorkType}
    assert {case.size for case in CASES} - {""} == {size.value for size in Complexity}
    assert {case.urgency for case in CASES} - {""} == {level.value for level in Priority}
    assert {case.agent for case in CASES} - {"", "-"} == {agent.name for agent in catalogue}


def test_the_example_of_the_seed_document_takes_eight_hours(analyst: Analyst, catalogue: tuple[Agent, ...]) -> None:
    analysis = analyst.analyse("Implement user authentication system", "", (), catalogue)
    assert analysis.effort.hours == 8
    assert analysis.effort.low < 8 < analysis.effort.high
    assert [evidence.seen for evidence in analysis.urgency.evidence] == ["authentication"]


def test_a_word_repeated_a_thousand_times_counts_as_one(analyst: Analyst, catalogue: tuple[Agent, ...]) -> None:
    once = analyst.analyse("Change the list order", "crash", (), catalogue)
    stuffed = analyst.analyse("Change the list order", "crash " * 1000, (), catalogue)
    assert (stuffed.urgency, stuffed.agents) == (once.urgency, once.agents)


def test_a_body_that_names_every_trade_leaves_nobody_sure(analyst: Analyst, catalogue: tuple[Agent, ...]) -> None:
    stuffed = " , ".join(skill for agent in catalogue for skill in agent.skills)
    analysis = analyst.analyse("Do it", stuffed, (), catalogue)
    assert all(match.confidence <= 40 for match in analysis.agents)


def test_what_stands_behind_the_longest_body_github_takes_is_not_read(
    analyst: Analyst, catalogue: tuple[Agent, ...]
) -> None:
    filler = "lorem ipsum " * 6000
    assert analyst.analyse("Lorem", filler + " outage data loss", (), catalogue).urgency.evidence == ()


@pytest.mark.parametrize(
    "piece", ["<!--", "```\n", "`", "<a ", "![", "- [ ] ", "a.", "::", "\u200b", "\ufdfa", "# ", ">"]
)
def test_sixty_kilobytes_of_any_mark_are_read_to_the_end(
    piece: str, analyst: Analyst, catalogue: tuple[Agent, ...]
) -> None:
    analysis = analyst.analyse("Lorem ipsum", piece * (65_000 // len(piece)), (), catalogue)
    assert analysis.urgency.value is Priority.MEDIUM
    assert analysis.agents == ()


def test_a_lone_surrogate_does_not_reach_the_answer(analyst: Analyst, catalogue: tuple[Agent, ...]) -> None:
    analysis = analyst.analyse("fix \ud800.py", "\udfff", ("bug\ud800",), catalogue)
    shown = [evidence.seen for evidence in (*analysis.type.evidence, *analysis.agents[0].evidence)]
    assert "bug" in shown
    assert all(text.isprintable() for text in shown)
