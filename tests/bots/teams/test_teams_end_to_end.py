"""A hub as an operator runs it, with both bots: what is asked for in Teams is in the API, and Slack hears of it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ai_crm.platforms.teams.encode import Conversation
from tests.doubles.http import ask
from tests.doubles.hub import Hub
from tests.doubles.slack_workspace import BOB, BOT_TOKEN, SIGNING_SECRET, SlackWorkspace
from tests.doubles.teams_room import words
from tests.doubles.teams_server import CHAT, TeamsServer


def test_a_task_that_somebody_makes_in_teams_is_in_the_api_and_told_in_slack(tmp_path: Path) -> None:
    with SlackWorkspace() as slack, TeamsServer() as teams:
        teams.tokens.append("")  # an emulator asks for no token
        environ = {
            "AI_CRM_SLACK_BOT_TOKEN": BOT_TOKEN,
            "AI_CRM_SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "AI_CRM_SLACK_API_URL": slack.url,
            "AI_CRM_TEAMS_LOCAL": "1",
        }
        with Hub(tmp_path, environ) as hub:
            slack.heard_by(hub.url)
            slack.asks("link bobby", BOB)
            activity = {
                "type": "message",
                "id": "1700000000001",
                "channelId": "msteams",
                "serviceUrl": teams.url,
                "from": {"id": "29:dev", "name": "Dev", "aadObjectId": "55555555-5555-4555-8555-555555555555"},
                "recipient": {"id": "28:bot"},
                "conversation": {"id": CHAT, "conversationType": "personal"},
                "text": 'task create "Across" --assign bobby',
            }
            headers = {"content-type": "application/json"}
            answer = ask("POST", f"{hub.url}/teams/messages", msgspec.json.encode(activity), headers)
            assert answer.status == 202
            told = slack.until(lambda: [each for each in slack.messages if "Across" in str(each)], "a message to Bob")
            shown = hub.ask("/api/v1/tasks", hub.key()).json()
            assert hub.stop() == 0
    assert "assigned" in str(told[0])
    assert [(each["id"], each["title"], each["assignees"]) for each in shown["tasks"]] == [
        ("AICRM-1", "Across", ["bobby"])
    ]
    (answered,) = teams.activities
    assert answered[0] == CHAT
    assert "Across" in words(answered[1])
    assert [request.path for request in teams.sent] == [Conversation(CHAT).path]
