"""The cards that only Teams has, before Microsoft's schema and in Microsoft's renderer: form, opener, welcome, renewed tasks."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cards.conftest import HOSTILE
from tests.doubles.teams_room import Room, contents
from tests.doubles.teams_server import CHAT, GROUP

_CARDS = Path(__file__).parents[2] / "cards"


@pytest.fixture(scope="module")
def shown(shared: Room) -> Mapping[str, dict[str, Any]]:
    """Each by a short name."""
    room = shared

    def form(value: object, name: str = "task/fetch") -> dict[str, Any]:
        card: dict[str, Any] = room.invoke(name, value, GROUP)["task"]["value"]["card"]["content"]
        return card

    room.send(room.activity(CHAT, type="installationUpdate", action="add"))
    welcome = room.teams.activities[-1][1]
    payload = {"messagePayload": {"body": {"contentType": "text", "content": HOSTILE * 3}}}
    return {
        "welcome": contents(welcome)[0],
        "opener": contents(room.say(f'task create --description "{HOSTILE[:60]}"'))[0],
        "form": form(
            {"data": {"title": "Fix the login", "agent": "debugger", "priority": "HIGH", "due": "2026-12-31"}}
        ),
        "mended": form({"data": {"title": "", "description": HOSTILE, "due": HOSTILE}}, "task/submit"),
        "hostile-form": form(payload, "composeExtension/fetchTask"),
        "task": contents(room.say('task create "Implement user auth"'))[0],
    }


def test_every_card_is_an_adaptive_card_of_version_1_5(shown: Mapping[str, dict[str, Any]]) -> None:
    schema = json.loads((_CARDS / "adaptive-card-1.5.schema.json").read_text())
    validator = jsonschema.Draft6Validator(schema)
    found = {
        name: [f"{list(error.absolute_path)}: {error.message[:200]}" for error in validator.iter_errors(_known(card))]
        for name, card in shown.items()
    }
    assert found == {name: [] for name in shown}


def _known(card: dict[str, Any]) -> dict[str, Any]:
    """Without what Teams shows in a card of 1.5 although the schema has it later (1.6) or forgot it (`filtered`)."""
    body = [
        {name: each[name] for name in each if (name, each[name]) != _STYLE and name != _SEARCH} for each in card["body"]
    ]
    return {**card, "body": body}


_STYLE, _SEARCH = ("style", "filtered"), "choices.data"
_LATER = 'Property "choices.data" is supported in version 1.6, but you are using version 1.5.'


@pytest.mark.browser
@pytest.mark.node
def test_a_person_sees_what_is_meant_and_nothing_is_alive(
    node: str, node_modules: Path, chromium: str, shown: Mapping[str, dict[str, Any]], tmp_path: Path
) -> None:
    command = [node, str(_CARDS / "render.cjs"), str(node_modules), chromium, str(tmp_path)]
    asked = subprocess.run(command, input=json.dumps(shown), capture_output=True, text=True, check=True, timeout=110)
    seen = json.loads(asked.stdout)
    assert {event for card in seen.values() for event in card["events"]} == {_LATER}
    assert {name: (card["live"], card["asked"]) for name, card in seen.items()} == {name: (0, []) for name in shown}
    for label in ("Title", "Description", "Agent", "Priority", "Assignees", "Labels", "Due", "Show the task"):
        assert label in seen["form"]["before"]
    assert seen["form"]["buttons"] == ["Create"]
    assert "A task needs a title" in seen["mended"]["before"]
    assert seen["opener"]["buttons"] == ["Fill in the form"]
    assert "Hello, I am AI-CRM" in seen["welcome"]["before"]
