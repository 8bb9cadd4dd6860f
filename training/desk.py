"""The analysis as the evaluation uses it: through the same doors as everybody, with a history or without one."""

from __future__ import annotations

from collections.abc import Sequence

from ai_crm.analysis import offline_analyst, shipped_lexicon
from ai_crm.analysis.history import Closed
from ai_crm.analysis.learned import Learned
from ai_crm.analysis.learning import learn
from ai_crm.config.agents import load_agents
from ai_crm.model.analysis import Analysis, Priority, WorkType
from ai_crm.ports import Analyst
from training.sources import Row

AGENTS = load_agents()
LEXICON = shipped_lexicon()
WITHOUT_HISTORY = offline_analyst()


def closed(row: Row, **known: object) -> Closed:
    """A row as closed work that says of itself what is given here, and nothing else."""
    fields = {"type": None, "agent": None, "points": None, "hours": None, "priority": None, "labels": (), **known}
    return Closed(title=row["title"] or "", body=row["body"] or "", **fields)  # type: ignore[arg-type]


def taught(history: Sequence[Closed], neighbours: Sequence[Closed] = ()) -> Learned:
    return learn(history, LEXICON, AGENTS, neighbours)


def analyst_of(history: Sequence[Closed], neighbours: Sequence[Closed] = ()) -> Analyst:
    return offline_analyst(taught(history, neighbours))


def asked(analyst: Analyst, row: Row, labels: tuple[str, ...] = ()) -> Analysis:
    return analyst.analyse(row["title"] or "", row["body"] or "", labels, AGENTS)


def type_of(name: str) -> WorkType:
    return WorkType(name)


def level_of(name: str) -> Priority:
    """A Jira priority on our four levels."""
    return {
        "Blocker": Priority.URGENT,
        "Critical": Priority.HIGH,
        "Major": Priority.MEDIUM,
        "Minor": Priority.LOW,
        "Trivial": Priority.LOW,
    }[name]
