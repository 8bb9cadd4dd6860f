"""The five faces of every card that there is, of the first plan's example and of hostile ones, byte for byte.

After a change that is meant: `AI_CRM_GOLDEN=write python -m pytest tests/cards/test_golden_cards.py`, and read the diff.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from ai_crm.cards import adaptive, blockkit, html, markdown, text
from ai_crm.cards.elements import Card
from ai_crm.cards.sticky import sticky_body
from ai_crm.model.change import ChangeKey
from ai_crm.model.task import Task
from tests.cards.conftest import NAMES

GOLDEN = Path(__file__).parent / "golden"

FACES: dict[str, Callable[[Card], str]] = {
    "teams.json": lambda card: pretty(adaptive.render(card)),
    "slack.json": lambda card: pretty(msgspec.to_builtins(blockkit.render(card))),
    "github.md": lambda card: f"{markdown.render(card)}\n",
    "terminal.txt": lambda card: f"{text.render(card)}\n",
    "web.html": lambda card: f"{html.render(card)}\n",
    "line.txt": lambda card: f"{text.line(card)}\n",
}


def pretty(document: object) -> str:
    return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n"


def check(name: str, found: str) -> None:
    file = GOLDEN / name
    if os.environ.get("AI_CRM_GOLDEN") == "write":
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("name", NAMES)
def test_a_card_looks_as_it_did(cards: dict[str, Card], name: str, face: str) -> None:
    check(f"{name}.{face}", FACES[face](cards[name]))


def test_the_comment_on_an_item_looks_as_it_did(task: Task, hostile_task: Task) -> None:
    body = sticky_body(task.item, (task, hostile_task), (ChangeKey("0123456789abcdef0123456789abcdef"),))
    check("sticky.md", f"{body}\n")


def test_every_golden_file_is_compared() -> None:
    names = {f"{name}.{face}" for name in NAMES for face in FACES}
    assert {file.name for file in GOLDEN.iterdir()} == {*names, "sticky.md"}
