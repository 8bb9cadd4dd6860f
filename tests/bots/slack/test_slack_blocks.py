"""Everything that the bot shows, with strangers' words in it: made of Slack's own blocks, and with nothing in it that comes alive."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ai_crm.commands.catalogue import COMMANDS
from ai_crm.commands.words import quoted
from tests.bots.slack.conftest import BASE_URL, Pair, typed
from tests.doubles.slack_schema import made, problems, types
from tests.doubles.slack_server import alive
from tests.doubles.slack_workspace import ANN, DEV, GUEST, SlackWorkspace

CORPUS = Path(__file__).parents[2] / "security" / "corpus"
STRINGS = [
    text
    for name in ("slack", "mentions", "terminal", "hidden")
    for text in json.loads((CORPUS / f"{name}.json").read_text())
]


@pytest.fixture(scope="module")
def shown(over_http: Pair) -> SlackWorkspace:
    """A workspace in which everything was shown that there is, and every string of the corpus was a title once."""
    slack = over_http.slack
    slack.asks("link ann-gh")
    for command in COMMANDS:
        slack.asks(command.example)
        slack.asks(f"help {command.words}")
    for text in STRINGS:
        slack.asks(f"task create {quoted(typed(f'a {text}'))} --label hostile --assign ann-gh")
    for text in STRINGS[::8]:
        slack.asks(f"pm analyze {quoted(typed(f'a {text}'))} --share")
        slack.asks(f"task comment AICRM-1 {quoted(typed(f'a {text}'))}")
        slack.asks(typed(text))
    for asked in ("task list", "task list --label hostile", "my tasks", "task show AICRM-1", "digest now", "doctor"):
        slack.asks(asked)
    _windows(slack, STRINGS[::16])
    slack.opens_home()
    slack.opens_home(GUEST)
    links = [{"url": f"{BASE_URL}/tasks/AICRM-{number}"} for number in range(1, 9)]
    slack.event({"type": "link_shared", "user": ANN, "channel": DEV, "message_ts": "1.1", "links": links})
    slack.until(lambda: slack.unfurls, "an unfurl")
    return slack


def _windows(slack: SlackWorkspace, strings: list[str]) -> None:
    for text in strings:
        before, told = set(slack.views), len(slack.whispers)
        slack.shortcut(slack.says(typed(text)))
        name = slack.until(lambda: [each for each in slack.views if each not in before], "a window")[0]  # noqa: B023
        view = slack.until(lambda: slack.views[name]["hash"] != "" and slack.views[name], "the window")  # noqa: B023
        slack.choices(view, "", title=text)
        slack.choices(view, text[:10])
        if slack.submit(view, title=text).body == b"":
            slack.until(lambda: slack.whispers[told:], "the task")  # noqa: B023


def test_everything_keeps_the_limits_and_is_what_slacks_library_knows(shown: SlackWorkspace) -> None:
    everything = list(made(shown))
    assert {kind for each in everything for kind in each} == {"text", "blocks", "modal", "home", "options"}
    assert len(everything) > 300
    assert [problem for each in everything for problem in problems(each)] == []


@pytest.mark.node
def test_everything_is_made_of_slacks_own_types(
    shown: SlackWorkspace, node: str, node_modules: Path, tmp_path: Path
) -> None:
    validator = types(node, node_modules, tmp_path)
    assert not validator.is_valid({"blocks": [{"type": "nonsense"}]})
    assert not validator.is_valid({"modal": {"type": "modal", "blocks": []}})
    forms = {json.dumps(_form(each), sort_keys=True) for each in made(shown)}
    found = [
        f"{list(error.absolute_path)}: {error.message[:300]}"
        for each in forms
        for error in validator.iter_errors(json.loads(each))
    ]
    assert len(forms) > 20
    assert found == []


def _form(made: Any) -> Any:
    """Without the words, of which the types say nothing: what is of one form is looked at once."""
    if isinstance(made, list):
        return [_form(each) for each in made]
    if not isinstance(made, dict):
        return made
    free = {
        "text",
        "value",
        "action_id",
        "initial_value",
        "private_metadata",
        "url",
        "initial_date",
        "image_url",
        "alt_text",
    }
    kept = {name: value for name, value in made.items() if not ("blocks" in made and name == "text")}
    return {name: "x" if name in free and isinstance(value, str) else _form(value) for name, value in kept.items()}


def test_nothing_in_it_pings_links_or_is_looked_up(shown: SlackWorkspace) -> None:
    assert {found for each in _messages(shown) for found in alive(each)} == set()


def _messages(slack: SlackWorkspace) -> Iterator[dict[str, Any]]:
    yield from (each.asked for each in slack.calls if each.method in {"chat.postMessage", "chat.postEphemeral"})
    yield from slack.answers
    yield from ({"text": "", "parse": "none", "blocks": each["blocks"]} for each in slack.homes.values())


def test_every_button_that_is_shown_is_heard(shown: SlackWorkspace) -> None:
    heard = re.compile(r"(set_status|undo|show_task|create_task|detailed_analysis|page|help|watch|unwatch|open)(:|$)")
    pressed = [
        button
        for each in made(shown)
        for block in each.get("blocks", ())
        if block["type"] == "actions"
        for button in block["elements"]
    ]
    assert pressed
    assert [each["action_id"] for each in pressed if not heard.match(each["action_id"])] == []
