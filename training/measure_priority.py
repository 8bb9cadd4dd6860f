"""How well priority is told from a text, with a tracker's own history and without one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ai_crm.model.analysis import Priority
from ai_crm.ports import Analyst
from training.desk import WITHOUT_HISTORY, analyst_of, asked, closed, level_of
from training.figures import Figure, three
from training.metrics import kappa
from training.sources import Row, read

_LEVELS = tuple(Priority)


def priority_figures() -> Iterator[Figure]:
    jira = read("jira_msr15")
    for name, rows in (
        ("Hadoop", read("hadoop_priority")),
        ("Duraspace", [row for row in jira if row["project"].startswith("duraspace")]),
    ):
        past, test = [row for row in rows if row["split"] != "test"], [row for row in rows if row["split"] == "test"]
        learned = analyst_of([closed(row, priority=level_of(row["priority"])) for row in past])
        yield Figure(
            "priority, weighted kappa: no history / learned",
            f"{name}, test",
            three(_agreement(WITHOUT_HISTORY, test), _agreement(learned, test)),
            "trained on other trackers -0.03 to 0.05",
        )


def _agreement(analyst: Analyst, rows: Sequence[Row]) -> float:
    said = [_LEVELS.index(asked(analyst, row).urgency.value) for row in rows]
    return kappa(said, [_LEVELS.index(level_of(row["priority"])) for row in rows], len(_LEVELS))
