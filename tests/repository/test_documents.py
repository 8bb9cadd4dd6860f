"""What a reader may rely on: every module says what it knows, every contract is explained, no command is a secret."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml


def test_every_module_opens_with_the_sentence_that_says_what_it_knows(sources: Sequence[Any]) -> None:
    silent = [source.name for source in sources if not _opens_with_a_sentence(source)]
    assert silent == []


def test_every_contract_is_explained(sources: Sequence[Any]) -> None:
    ports = [source for source in sources if source.name.startswith("ai_crm/ports/")]
    assert len(ports) > 1
    assert [name for port in ports for name, node in _public(port.tree) if not _is_explained(node)] == []


def test_every_function_of_the_model_is_explained(sources: Sequence[Any]) -> None:
    silent = [
        f"{source.name} {node.name}"
        for source in sources
        if source.name.startswith("ai_crm/model/")
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and ast.get_docstring(node) is None
    ]
    assert silent == []


def test_the_readme_names_every_word_that_make_understands(root: Path) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    words = set(re.findall(r"^([a-z]+):.*##", makefile, re.MULTILINE)) - {"help"}
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert [word for word in sorted(words) if f"make {word}" not in readme] == []


def test_the_documentation_explains_every_input_and_output(root: Path) -> None:
    action = yaml.safe_load((root / "action.yml").read_text(encoding="utf-8"))
    text = (root / "docs" / "action.md").read_text(encoding="utf-8")
    assert [name for name in (*action["inputs"], *action["outputs"]) if f"`{name}`" not in text] == []


def _opens_with_a_sentence(source: Any) -> bool:
    words = ast.get_docstring(source.tree)
    return words is not None and words.split("\n\n")[0].rstrip().endswith((".", "!", "?"))


def _is_explained(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """By a sentence of its own, or by one for each thing that can be asked of it."""
    if ast.get_docstring(node) is not None or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return ast.get_docstring(node) is not None
    methods = [one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    return bool(methods) and all(map(_is_explained, methods))


def _public(tree: ast.Module) -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name, node
