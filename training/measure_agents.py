"""How often a right agent is named first, or among the first three: with no history and with the tracker's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ai_crm.model.analysis import RECOMMENDED_FROM
from ai_crm.ports import Analyst
from training.desk import WITHOUT_HISTORY, analyst_of, asked, closed
from training.figures import Figure, three
from training.metrics import calibration_error, mean
from training.sources import Row, read

_PER_FAMILY = 12


class _Hits:
    """What was found for texts: whether the first and whether one of the first three was right, and how sure it was."""

    def __init__(self, analyst: Analyst, rows: Sequence[Row]) -> None:
        self.first: list[bool] = []
        self.third: list[bool] = []
        self.sure: list[int] = []
        for row in rows:
            found = asked(analyst, row).agents
            names = [match.name for match in found]
            self.first.append(bool({*names[:1]} & {*row["accept"]}))
            self.third.append(bool({*names[:3]} & {*row["accept"]}))
            self.sure.append(found[0].confidence if found else 0)


def agent_figures() -> Iterator[Figure]:
    rows = read("agent_eval")
    for part in ("val", "train"):
        hits = _Hits(WITHOUT_HISTORY, _balanced([row for row in rows if row["split"] == part]))
        yield Figure(
            "agents with no history, hit@1 / hit@3",
            f"part {part}, at most {_PER_FAMILY} a source and family, {len(hits.first)} texts",
            three(mean(hits.first), mean(hits.third)),
            "keyword selector 0.19 / 0.40, MiniLM 0.31 / 0.49, both on val",
        )
        sure = [right for right, percent in zip(hits.first, hits.sure, strict=True) if percent >= RECOMMENDED_FROM]
        shown = f"{100 * len(sure) / len(hits.first):.0f} % of them, {mean(sure):.3f} right"
        yield Figure("the same, where somebody is recommended", f"part {part}", shown)
    learned = [*_learned(rows)]
    first, third = [each for hits in learned for each in hits.first], [each for hits in learned for each in hits.third]
    yield Figure(
        "agents learned from the same tracker, hit@1 / hit@3",
        f"part val, the same sample, {len(first)} texts",
        three(mean(first), mean(third)),
        "hashed words with the lexicon 0.63 / 0.77",
    )
    percents = [each for hits in learned for each in hits.sure]
    yield Figure("the same, calibration error", "part val", three(calibration_error(percents, first)))


def _learned(rows: Sequence[Row]) -> Iterator[_Hits]:
    """Each source is asked about by what its own training part taught; the first acceptable agent stands for a row."""
    for source in sorted({row["src"] for row in rows}):
        own = [row for row in rows if row["src"] == source]
        past = _mixed([row for row in own if row["split"] == "train"])
        analyst = analyst_of([closed(row, agent=row["accept"][0]) for row in past])
        yield _Hits(analyst, _balanced([row for row in own if row["split"] == "val"]))


def _balanced(rows: Sequence[Row]) -> list[Row]:
    counts: dict[tuple[str, str], int] = {}
    kept = []
    for row in _mixed(rows):
        key = (row["src"], row["families"][0])
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= _PER_FAMILY:
            kept.append(row)
    return kept


def _mixed(rows: Sequence[Row]) -> list[Row]:
    """Rows in an order that has nothing to do with what they say and is always the same."""
    return sorted(rows, key=lambda row: str(row["id"])[::-1])
