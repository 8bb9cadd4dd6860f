"""The sources of the product as the tests of its shape see them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]


class Source:
    """One module of ours: where it is, its text and its syntax tree."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.tree = ast.parse(self.text)

    @property
    def name(self) -> str:
        """Its place from the root, such as `ai_crm/errors.py`."""
        return self.path.relative_to(_ROOT).as_posix()

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))

    def classes(self) -> Iterator[ast.ClassDef]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))


@pytest.fixture(scope="session")
def sources() -> tuple[Source, ...]:
    """Every module that is shipped."""
    paths = (path for package in ("ai_crm", "action", "bots") for path in (_ROOT / package).rglob("*.py"))
    return tuple(map(Source, sorted(paths)))
