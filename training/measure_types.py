"""How often the type of work is right: with no history, with a repository's own, and by how much history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from zlib import crc32

from ai_crm.analysis.history import Closed
from ai_crm.ports import Analyst
from training.desk import WITHOUT_HISTORY, analyst_of, asked, closed, type_of
from training.figures import Figure, three
from training.metrics import calibration_error, macro_f1, mean, right_when_sure
from training.sources import Row, projects, read

_NAMES = ("bug", "feature", "question")
_FOLDS = 5
_SURE = 80
# How few issues fall to a repository is luck: figures for few are means over so many draws.
_DRAWS = 5


_HALF = f"NLBSE'24 train, the other half, mean of {_DRAWS} draws"


class _Answers:
    """What was said about texts, how sure it was, and what was wanted."""

    def __init__(self, analyst: Analyst, rows: Sequence[Row]) -> None:
        found = [asked(analyst, row).type for row in rows]
        self.said = [each.value.value for each in found]
        self.sure = [each.confidence for each in found]
        self.wanted = [str(row["type"]) for row in rows]

    @property
    def right(self) -> list[bool]:
        return [one == other for one, other in zip(self.said, self.wanted, strict=True)]

    @property
    def f1(self) -> float:
        return macro_f1(self.said, self.wanted, _NAMES)


def type_figures() -> Iterator[Figure]:
    repositories = [_mixed(rows) for rows in projects(read("nlbse24_train")).values()]
    plain = [_Answers(WITHOUT_HISTORY, rows) for rows in repositories]
    yield _f1(
        "type with no history, macro-F1",
        "NLBSE'24 train, mean of 5 repositories",
        plain,
        "trained on four other repositories 0.61",
    )
    yield Figure("the same, calibration error", "NLBSE'24 train", three(_error(plain)))
    tickets = [_Answers(WITHOUT_HISTORY, [row for row in read("tickettagger") if row["split"] == "train"])]
    yield _f1("type with no history, macro-F1", "Ticket-Tagger sample, train part", tickets, "trained on it 0.717")
    drawn = [_mixed(rows, draw) for draw in range(_DRAWS) for rows in repositories]
    for many in (15, 30, 60, 120):
        few = [_Answers(_taught(rows[:many]), rows[150:]) for rows in drawn]
        yield _f1(f"type learned from {many} own issues, macro-F1", _HALF, few)
    helped = [_Answers(_taught(rows[:60], _others(repositories, rows)), rows[150:]) for rows in drawn]
    yield _f1(
        "type learned from 60 own issues and 1,200 of four other repositories, macro-F1",
        _HALF,
        helped,
        "a research model in the same place 0.72",
    )
    crossed = [_crossed(rows) for rows in repositories]
    flat = [answers for folds in crossed for answers in folds]
    yield Figure(
        "type learned from 240 own issues, macro-F1",
        "NLBSE'24 train, 5-fold, mean of 5 repositories",
        three(mean(_joined(folds) for folds in crossed)),
        "on the official test, from 300 issues: fastText 0.718, RoBERTa 0.792, GPT-4o fine-tuned 0.807, SetFit 0.827",
    )
    yield Figure("the same, calibration error", "NLBSE'24 train, 5-fold", three(_error(flat)))
    sure, right = [each for one in flat for each in one.sure], [each for one in flat for each in one.right]
    share, accuracy = right_when_sure(sure, right, _SURE)
    yield Figure(f"the same, right where at least {_SURE} % sure", f"{100 * share:.0f} % of them", three(accuracy))


def _f1(measure: str, data: str, answers: Sequence[_Answers], beside: str = "") -> Figure:
    return Figure(measure, data, three(mean(each.f1 for each in answers)), beside)


def _error(answers: Sequence[_Answers]) -> float:
    sure = [each for one in answers for each in one.sure]
    return calibration_error(sure, [each for one in answers for each in one.right])


def _taught(rows: Sequence[Row], others: Sequence[Row] = ()) -> Analyst:
    return analyst_of(_typed(rows), _typed(others))


def _typed(rows: Sequence[Row]) -> list[Closed]:
    return [closed(row, type=type_of(row["type"])) for row in rows]


def _others(repositories: Sequence[Sequence[Row]], own: Sequence[Row]) -> list[Row]:
    return [row for rows in repositories if rows[0]["project"] != own[0]["project"] for row in rows]


def _crossed(rows: Sequence[Row]) -> list[_Answers]:
    return [
        _Answers(_taught([row for at, row in enumerate(rows) if at % _FOLDS != fold]), rows[fold::_FOLDS])
        for fold in range(_FOLDS)
    ]


def _joined(folds: Sequence[_Answers]) -> float:
    said = [each for one in folds for each in one.said]
    return macro_f1(said, [each for one in folds for each in one.wanted], _NAMES)


def _mixed(rows: Sequence[Row], draw: int = 0) -> list[Row]:
    """Rows in an order that has nothing to do with their type and is always the same, another one for each draw."""
    if not draw:
        return sorted(rows, key=lambda row: str(row["id"])[::-1])
    return sorted(rows, key=lambda row: (crc32(f"{draw} {row['id']}".encode()), str(row["id"])))
