"""Both bots answer every command of the grammar with the same facts: the same words stand in blocks and in cards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from ai_crm.commands.catalogue import COMMANDS
from tests.doubles.hub import Hub
from tests.doubles.slack_workspace import ANN as SLACK_ANN
from tests.doubles.slack_workspace import BOT_TOKEN, SIGNING_SECRET, SlackWorkspace
from tests.doubles.teams_room import Room, titles, words
from tests.doubles.teams_server import ANN, PEOPLE, TeamsServer

# One after the other, so that both have the same tasks when the next one is asked.
STORY = (
    "link ann",
    'task create "Implement user auth" --agent security-auditor --priority high --assign @me --due 2099-12-31',
    'task create "Second & last" --label "ui, <b>"',
    *(each.example.replace("AICRM-42", "AICRM-1") for each in COMMANDS),
    *(each.menu for each in COMMANDS if each.menu and each.menu != "create task"),
    "tsk create x",
    "task show AICRM-99",
    "task update AICRM-1 --priority nonsense",
    'task list --status "in-progress" --agent backend-architect',
    "explain AICRM-2",
    "task show AICRM-1",
)


@pytest.fixture(scope="module")
def slack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackWorkspace]:
    with SlackWorkspace() as workspace:
        environ = {
            "AI_CRM_SLACK_BOT_TOKEN": BOT_TOKEN,
            "AI_CRM_SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "AI_CRM_SLACK_API_URL": workspace.url,
        }
        with Hub(tmp_path_factory.mktemp("slack"), environ) as hub:
            workspace.heard_by(hub.url)
            yield workspace


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with TeamsServer() as server:
        server.people[ANN]["name"] = "Ann"
        with Room(tmp_path_factory.mktemp("teams"), server) as made:
            yield made


@pytest.mark.parametrize("command", STORY, ids=range(len(STORY)))
def test_both_say_the_same(slack: SlackWorkspace, room: Room, command: str) -> None:
    message = room.say(command)
    in_teams = facts("\n".join((words(message), *titles(message))))
    in_slack = facts(_slack_words(slack.asks(command)["blocks"]))
    assert in_slack == in_teams


def facts(text: str) -> set[str]:
    """The words of it, whatever is around them; who somebody is on the one platform is who they are on the other."""
    for slack, teams in (("slack", "teams"), ("Slack", "Teams"), (SLACK_ANN, PEOPLE[ANN]["aadObjectId"])):
        text = text.replace(slack, teams)
    return set(re.findall(r"[\w@-]+", text))


def _slack_words(shown: Any) -> str:
    if isinstance(shown, dict):
        own = [value for name, value in shown.items() if name == "text" and isinstance(value, str)]
        return "\n".join((*own, *(_slack_words(value) for value in shown.values())))
    return "\n".join(map(_slack_words, shown)) if isinstance(shown, list) else ""
