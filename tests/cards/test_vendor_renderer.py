"""What a person sees of our cards in Chromium with Microsoft's renderer. The pictures stay in pytest's folder."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ai_crm.cards import adaptive
from ai_crm.cards.elements import Card

pytestmark = [pytest.mark.browser, pytest.mark.node]


@pytest.fixture(scope="module")
def seen(
    node: str, node_modules: Path, chromium: str, cards: dict[str, Card], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """For each card: the texts before and after unfolding, the buttons, what they send, and what was live."""
    pictures = tmp_path_factory.mktemp("cards")
    script = Path(__file__).with_name("render.cjs")
    found = {}
    for name, card in cards.items():
        command = [node, str(script), str(node_modules), chromium, str(pictures / f"{name}.png")]
        shown = subprocess.run(
            command, input=json.dumps(adaptive.render(card)), capture_output=True, text=True, check=True, timeout=120
        )
        found[name] = json.loads(shown.stdout)
        assert (pictures / f"{name}.png").stat().st_size > 1000
    return found


def test_the_renderer_has_nothing_to_complain_about(seen: dict[str, dict[str, Any]]) -> None:
    assert {name: card["events"] for name, card in seen.items()} == {"task": [], "analysis": [], "hostile": []}


def test_the_facts_are_there_and_the_reasons_on_demand(seen: dict[str, dict[str, Any]]) -> None:
    before, after = seen["task"]["before"], seen["task"]["after"]
    for fact in (
        "AICRM-42",
        "In progress",
        "HIGH",
        "Implement user authentication system",
        "security-auditor",
        "8 hours",
    ):
        assert fact in before
    assert "authentication” (title)" not in before
    assert "authentication” (title)" in after


def test_the_buttons_send_our_own_words_and_nothing_else(seen: dict[str, dict[str, Any]]) -> None:
    assert seen["task"]["buttons"] == ["Open", "To review", "Done", "Why"]
    executed = [action for action in seen["task"]["sent"] if action["type"] == "Action.Execute"]
    assert [action["data"] for action in executed] == [
        {"task": "AICRM-42", "status": "in-review"},
        {"task": "AICRM-42", "status": "done"},
    ]
    assert seen["analysis"]["buttons"] == ["Create Task", "Get More Analysis"]


def test_a_strangers_words_are_words(seen: dict[str, dict[str, Any]]) -> None:
    hostile = seen["hostile"]
    assert hostile["live"] == 0
    assert hostile["asked"] == []
    assert hostile["buttons"] == ["Start", "Done", "Why"]
    assert "closes #1 [bank](https://evil.example)" in hostile["before"]
