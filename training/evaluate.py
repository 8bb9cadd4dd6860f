"""`make evaluate`: measures what ships on public data and writes the model card, docs/analysis-card.md."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Iterable
from itertools import chain

from training import sources
from training.figures import Figure
from training.measure_agents import agent_figures
from training.measure_priority import priority_figures
from training.measure_sizes import size_figures
from training.measure_types import type_figures
from training.train import FILE

CARD = "docs/analysis-card.md"
_MEASURES: tuple[Callable[[], Iterable[Figure]], ...] = (type_figures, size_figures, priority_figures, agent_figures)


def main() -> None:
    figures = tuple(chain.from_iterable(_reported(measure) for measure in _MEASURES))
    with open(CARD, "w", encoding="utf-8") as file:
        file.write(card(figures))
    sys.stdout.write(f"{CARD} is written\n")


def card(figures: tuple[Figure, ...]) -> str:
    """The model card. It says nothing that changes from run to run, so that a difference is a difference."""
    with open(FILE, "rb") as file:
        model = file.read()
    rows = "\n".join(f"| {each.measure} | {each.data} | {each.shown} | {each.beside or '-'} |" for each in figures)
    used = "\n".join(
        f"| {each.name} | {each.origin} | {each.licence} | {'training' if each.name == 'sp16' else 'evaluation'} |"
        f" `{sources.digest(each.name)[:16]}` |"
        for each in sources.SOURCES
    )
    return _CARD.format(bytes=len(model), digest=hashlib.sha256(model).hexdigest(), rows=rows, used=used)


def _reported(measure: Callable[[], Iterable[Figure]]) -> Iterable[Figure]:
    started = time.monotonic()
    for figure in measure():
        sys.stdout.write(f"{time.monotonic() - started:6.0f} s  {figure.measure}, {figure.data}: {figure.shown}\n")
        sys.stdout.flush()
        yield figure


_CARD = """\
# Model card of the PM analysis

`make evaluate` writes this page; do not edit it. What the analysis does, and where it is wrong, is in
[analysis.md](analysis.md).

- **Model**: `templates/analysis/sizes.bin`, {bytes} bytes, SHA-256 `{digest}`; linear weights of one byte over hashed
  words, made by `make train` from the MIT-licensed story points alone. Type, urgency and agents without a history rest
  on word lists written by hand.
- **Learned heads**: made by `ai-crm analysis learn` on a team's own machine from its own closed issues; nothing of them
  is shipped. Where a row below says "learned", that command's code was run on the training part and asked about the
  rest.
- **Use**: suggestions to people who triage work in English. Not for judging people's performance.

## Figures

| measure | data | value | beside it |
|---|---|---|---|
{rows}

## Data

| name | source | licence | used for | SHA-256 begins |
|---|---|---|---|---|
{used}
"""


if __name__ == "__main__":
    main()
