"""Training: the same data gives the same bytes, in this process, in another one, and from the public data folder."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ai_crm import resources
from ai_crm.analysis.features import features
from ai_crm.analysis.sizing import load_sizes
from training import sources
from training.train import shipped

_ROOT = Path(__file__).parents[3]
_SLICE = Path(__file__).parent / "recordings" / "story_points.jsonl"
# What the recorded slice must give on every machine and with every Python: a change here is a change of the model.
_WANTED = "a0b56d3a11f966bda95fbe94ea6da2f62148cdc2778bdb5a186c0f3bfc3ebaa2"


def _rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in _SLICE.read_text(encoding="utf-8").splitlines()]


def test_a_recorded_slice_gives_the_same_bytes_on_every_machine() -> None:
    assert hashlib.sha256(shipped(_rows())).hexdigest() == _WANTED


def test_another_process_with_another_hash_seed_gives_the_same_bytes() -> None:
    code = (
        "import hashlib, json, sys\n"
        "from training.train import shipped\n"
        "rows = [json.loads(line) for line in open(sys.argv[1], encoding='utf-8')]\n"
        "print(hashlib.sha256(shipped(rows)).hexdigest())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(_SLICE)],
        cwd=_ROOT,
        env={**os.environ, "PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == _WANTED


def test_the_shipped_weights_are_small_and_lean_towards_more_for_larger_work() -> None:
    data = resources.read("templates", "analysis", "sizes.bin")
    sizes = load_sizes(data)
    small = features("Fix typo in label", "The label of the button has a typo, it should say Save. Trivial fix." * 2)
    large = features("Design new architecture", "Investigate and implement the migration of the framework, design." * 2)
    assert len(data) <= 1_500_000
    assert sizes.table.fits(1)
    assert sizes.leaning(small) < sizes.leaning(large)


def test_a_missing_data_folder_says_what_to_put_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PM_DATA", str(tmp_path))
    with pytest.raises(SystemExit, match=r"sp16\.jsonl\.gz.*licence: MIT"):
        sources.read("sp16")


def test_weights_that_ship_come_from_licences_that_allow_it() -> None:
    shipping = {source.name: source.licence for source in sources.SOURCES if source.ships}
    assert shipping["sp16"] == "MIT"
    assert not [licence for licence in shipping.values() if any(each in licence for each in ("none", "GPL", "NC"))]
