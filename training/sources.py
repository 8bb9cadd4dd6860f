"""Where the public data comes from that the analysis is trained and measured on, and what its licences allow."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

Row = dict[str, Any]


class Source(NamedTuple):
    """One file of the data folder. `ships` says whether weights that we distribute may come from it."""

    name: str
    origin: str
    licence: str
    ships: bool
    what: str


SOURCES = (
    Source("sp16", "awsm-research/gpt2sp@1117294 sp_dataset/marked_data", "MIT", True, "story points of 13 projects"),
    Source("hadoop_priority", "av9ash/gitbugs@eadf2d6 hadoop", "CC BY 4.0", True, "priorities of 2,503 issues"),
    Source(
        "nlbse24_train", "nlbse2024/issue-report-classification@2927bc6", "none stated", False, "types, 5 repositories"
    ),
    Source("sip", "Derek-Jones/SiP_dataset@eb5fedc", "none stated", False, "hours of 6,602 tasks"),
    Source("jira_msr15", "morakotch/datasets@133a5f5, MSR'15", "none stated", False, "priorities of 3,404 issues"),
    Source(
        "agent_eval",
        "GitLab, Kubernetes, CPython, Jira and SiP labels",
        "by source: CC BY-NC-SA 4.0, Apache-2.0, PSF-2.0, none stated",
        False,
        "agents of 12,807 texts",
    ),
    Source("neo", "giseldo/neodataset@35503ad", "CC BY-NC-SA 4.0", False, "story points of GitLab projects"),
    Source(
        "tickettagger", "ChristianBirchler/ticket-tagger-analysis@5ec53ee", "GPL-3.0", False, "types, many repositories"
    ),
)


def read(name: str) -> list[Row]:
    """The rows of a source, in the order of its file. Ends the process with what to do when the file is not there."""
    path = os.path.join(folder(), f"{name}.jsonl.gz")
    if not os.path.isfile(path):
        sys.exit(f"{path} is not there.\n{_help()}")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def digest(name: str) -> str:
    """The SHA-256 of a source's file, which says exactly what was read."""
    with open(os.path.join(folder(), f"{name}.jsonl.gz"), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder() -> str:
    """The folder that PM_DATA names."""
    named = os.environ.get("PM_DATA", "")
    if not named:
        sys.exit(f"PM_DATA names no folder.\n{_help()}")
    return named


def projects(rows: list[Row]) -> dict[str, list[Row]]:
    """Rows by project, in alphabetical order of their names."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(str(row["project"]), []).append(row)
    return dict(sorted(found.items()))


def _help() -> str:
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "Say `make train PM_DATA=folder`; the folder holds gzipped JSON lines with title, body and, by source:"
    for source in SOURCES:
        use = "weights that ship" if source.ships else "evaluation only"
        yield f"  {source.name}.jsonl.gz  {source.what}; {source.origin}; licence: {source.licence}; {use}"
    yield "docs/analysis.md says which fields each has."
