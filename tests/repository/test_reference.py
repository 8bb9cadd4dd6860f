"""The reference is what the schema says today."""

from __future__ import annotations

from pathlib import Path

from ai_crm.reference import reference


def test_the_reference_is_made_from_the_schema(root: Path) -> None:
    assert (root / "docs" / "reference.md").read_text(encoding="utf-8") == reference()
