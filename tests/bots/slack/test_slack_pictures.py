"""What the bot shows, drawn in a browser: every word is there, nothing is alive, nothing sticks out. Pictures go to a folder."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.bots.slack.conftest import at_hub, images, titles, typed
from tests.doubles.http import ask
from tests.doubles.hub import Hub
from tests.doubles.slack_workspace import ANN, SlackWorkspace

pytestmark = [pytest.mark.node, pytest.mark.browser]

HOSTILE = "<!channel> <https://evil.example|bank> <script>alert(1)</script> " + "W" * 90


def drawn(views: dict[str, Any], node: str, node_modules: Path, chromium: str, folder: Path) -> dict[str, Any]:
    """What is seen of each. With AI_CRM_PICTURES=FOLDER the pictures stay there."""
    where = str(folder_of(folder))
    made = subprocess.run(
        [node, str(Path(__file__).with_name("show.cjs")), str(node_modules), chromium, where],
        input=json.dumps(views),
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    seen: dict[str, Any] = json.loads(made.stdout)
    return seen


def folder_of(folder: Path) -> Path:
    return Path(os.environ.get("AI_CRM_PICTURES") or folder)


def views_of(slack: SlackWorkspace) -> dict[str, Any]:
    slack.asks("link ann-gh")
    slack.asks('task create "Fix the login of the mobile app" --assign @me --due tomorrow --priority high --share')
    task = slack.messages[-1]
    slack.press(task, "Start")
    slack.until(lambda: "Undo" in titles(task), "the moved task")
    for title in ("Write the guide", "Plan the release", HOSTILE):
        slack.asks(f'task create "{typed(title)}" --assign @me --label docs')
    shown = {
        "task": {"blocks": task["blocks"]},
        **{
            name: slack.asks(command)
            for name, command in {
                "hostile": f'task create "{typed(HOSTILE)}"',
                "list": "task list --label docs",
                "analysis": 'pm analyze "Build recommendation engine with ML"',
                "dashboard": "status dashboard",
                "digest": "digest now",
                "help": "help",
                "whoami": "whoami",
                "misunderstood": "tsk create x",
            }.items()
        },
    }
    slack.command("task create --agent security-auditor --priority high")
    empty = slack.window()
    slack.enter(empty, title="Login crashes for everybody in production")
    filled = slack.until(
        lambda: next((v for v in slack.views.values() if "Analysis: " in json.dumps(v)), None), "analysis"
    )
    return {**shown, "window": filled, "home": slack.opens_home(ANN)}


def test_what_is_shown_can_be_looked_at(
    slack: SlackWorkspace, hub: Hub, node: str, node_modules: Path, chromium: str, tmp_path: Path
) -> None:
    views = views_of(slack)
    (picture,) = images(views["dashboard"])
    (folder_of(tmp_path) / "fetched.png").write_bytes(ask("GET", at_hub(picture["image_url"], hub)).body)
    seen = drawn(views, node, node_modules, chromium, tmp_path)
    assert set(seen) == set(views)
    for name, one in seen.items():
        expected = [picture["image_url"]] if name == "dashboard" else []
        assert (name, one["live"], one["wide"], one["asked"]) == (name, len(expected), False, expected)
    assert seen["dashboard"]["pictures"] == [[picture["alt_text"], 640]]
    assert "@channel bank (https://evil.example) <script>alert(1)</script>" in seen["hostile"]["text"]
    assert seen["task"]["buttons"] == ["To review", "Done", "Undo"]
    assert "Analysis: bug" in seen["window"]["text"]
    assert "Fix the login of the mobile app" in seen["home"]["text"]
