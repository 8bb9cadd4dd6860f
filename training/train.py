"""`make train`: writes the weights that ship, from data whose licence allows it; the same data, the same bytes."""

from __future__ import annotations

import hashlib
import sys

from ai_crm.analysis.sizing import save_sizes
from training import sizes, sources

FILE = "templates/analysis/sizes.bin"


def shipped(rows: list[sources.Row]) -> bytes:
    """The bytes of the model file, from story points; test parts are left for the evaluation."""
    projects = {}
    for name, own in sources.projects([row for row in rows if row["split"] != "test"]).items():
        projects[name] = (sizes.texts_of(own), sizes.places([row["storypoint"] for row in own]))
    return save_sizes(sizes.sizes(projects))


def main() -> None:
    data = shipped(sources.read("sp16"))
    with open(FILE, "wb") as file:
        file.write(data)
    sys.stdout.write(f"{FILE}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}\n")
    sys.stdout.write(f"from sp16, sha256 {sources.digest('sp16')}\n")


if __name__ == "__main__":
    main()
