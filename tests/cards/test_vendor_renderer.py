"""What a person sees of our cards in Chromium with Microsoft's renderer. The pictures stay in pytest's folder."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ai_crm.cards import adaptive
from ai_crm.cards.elements import Card
from ai_crm.cards.picture import draw, figures_of, told
from ai_crm.commands.presses import parse_press
from tests.cards.conftest import HOSTILE, NAMES
from tests.doubles.answer_cards import PICTURE, report

pytestmark = [pytest.mark.browser, pytest.mark.node]


@pytest.fixture(scope="module")
def seen(
    node: str, node_modules: Path, chromium: str, cards: dict[str, Card], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """For each card: the texts before and after unfolding, the buttons, what they send, and what was live."""
    pictures = tmp_path_factory.mktemp("cards")
    (pictures / "fetched.png").write_bytes(draw(figures_of(report(HOSTILE, 7))))
    command = [node, str(Path(__file__).with_name("render.cjs")), str(node_modules), chromium, str(pictures)]
    asked = json.dumps({name: adaptive.render(card) for name, card in cards.items()})
    shown = subprocess.run(command, input=asked, capture_output=True, text=True, check=True, timeout=110)
    found: dict[str, dict[str, Any]] = json.loads(shown.stdout)
    assert all((pictures / f"{name}.png").stat().st_size > 1000 for name in cards)
    return found


def test_the_renderer_has_nothing_to_complain_about(seen: dict[str, dict[str, Any]]) -> None:
    assert {name: card["events"] for name, card in seen.items()} == {name: [] for name in NAMES}


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
        {"task": "AICRM-42", "status": "in-review", "version": "1"},
        {"task": "AICRM-42", "status": "done", "version": "1"},
    ]
    assert seen["analysis"]["buttons"] == ["Create Task", "Get More Analysis"]


def test_a_strangers_words_are_words(seen: dict[str, dict[str, Any]]) -> None:
    hostile = seen["hostile"]
    assert hostile["live"] == 0
    assert hostile["asked"] == []
    assert hostile["buttons"] == ["Start", "Done", "Why"]
    assert "closes #1 [bank](https://evil.example)" in hostile["before"]


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("hostile-")])
def test_a_strangers_words_are_words_in_every_answer(seen: dict[str, dict[str, Any]], name: str) -> None:
    assert seen[name]["live"] == 0
    assert seen[name]["asked"] == []
    assert "<!channel>" in seen[name]["before"].replace("\u200b", "")


def test_the_picture_opens_and_says_in_words_what_it_shows(seen: dict[str, dict[str, Any]]) -> None:
    pictured = seen["pictured"]
    figures = figures_of(report(HOSTILE, 7))
    assert pictured["asked"] == [PICTURE]
    assert pictured["live"] == 1
    ((words, width, height, shown),) = pictured["pictures"]
    assert (words, width, height) == (told(figures), 640, 278)
    assert 460 <= shown <= 500  # as wide as the card
    assert all(f"{bar.name} {bar.count:,}" in words for bar in (*figures.platforms, *figures.workflows))
    assert [name for name in NAMES if seen[name]["asked"] and name != "pictured"] == []


def test_every_button_of_an_answer_says_what_our_own_parser_understands(seen: dict[str, dict[str, Any]]) -> None:
    sent = [action for card in seen.values() for action in card["sent"] if action["type"] == "Action.Execute"]
    assert {action["verb"] for action in sent} >= {"set_status", "undo", "show_task", "create_task", "page"}
    for action in sent:
        if action["data"] != {"action": "detailed_analysis"}:  # the example of the first plan knows no text
            assert parse_press(action["verb"], action["data"])
