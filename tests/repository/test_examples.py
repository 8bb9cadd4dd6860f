"""What the documents tell people to write works as it stands there."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from ai_crm.config.policy import load_policy
from ai_crm.rules.rule import Defaults
from tests.conftest import ROOT


def _rules_in(document: Path) -> bytes:
    """The document's YAML blocks about rules, as the one file that they are pieces of."""
    blocks = re.findall(r"^ *```yaml\n(.*?)^ *```", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return "".join(block for block in map(textwrap.dedent, blocks) if "jobs:" not in block).encode()


@pytest.mark.parametrize("name", ["README.md", "docs/rules.md"])
def test_the_rules_of_a_document_are_valid(root: Path, name: str) -> None:
    assert load_policy(_rules_in(root / name), name, Defaults()).rules


@pytest.mark.parametrize("path", sorted((ROOT / "templates" / "examples").glob("*.yml")), ids=lambda path: path.name)
def test_every_example_file_is_valid(path: Path) -> None:
    assert load_policy(path.read_bytes(), path.name, Defaults()).rules
