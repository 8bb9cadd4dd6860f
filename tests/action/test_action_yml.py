"""What action.yml promises is what the code reads and writes: the same names, the same defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from action.inputs import INPUTS, OUTPUTS


@pytest.fixture(scope="module")
def promised(root: Path) -> Any:
    return yaml.safe_load((root / "action.yml").read_text(encoding="utf-8"))


def test_the_inputs_are_those_that_the_code_reads(promised: Any) -> None:
    assert list(promised["inputs"]) == list(INPUTS)


def test_the_defaults_are_those_of_the_code(promised: Any) -> None:
    assert {name: spec["default"] for name, spec in promised["inputs"].items()} == INPUTS


def test_the_outputs_are_those_that_the_code_writes(promised: Any) -> None:
    assert tuple(promised["outputs"]) == OUTPUTS


def test_the_inputs_of_the_seed_work_as_written_there(promised: Any) -> None:
    assert {"api_key", "pm_analysis", "auto_assign"} <= set(promised["inputs"])


def test_every_input_and_output_is_described_in_sentences(promised: Any) -> None:
    described = promised["inputs"] | promised["outputs"]
    assert [name for name, spec in described.items() if not spec["description"].rstrip().endswith(".")] == []


def test_no_input_is_required_because_every_one_has_a_default(promised: Any) -> None:
    assert [name for name, spec in promised["inputs"].items() if spec.get("required") or "default" not in spec] == []
