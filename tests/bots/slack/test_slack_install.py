"""How Slack workspaces are connected and let go: by invitation alone, each to one of our workspaces, tokens sealed."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.bots.slack.conftest import words
from tests.doubles.hub import Hub
from tests.doubles.slack_workspace import SIGNING_SECRET, SlackWorkspace

TOKEN, SECRET = "xoxb-of-another-workspace-canary", "client-secret-canary"


class Browser:
    """Keeps cookies and follows nothing."""

    def __init__(self, hub: str) -> None:
        self._host = urlsplit(hub).netloc
        self.cookie = ""

    def get(self, path: str) -> tuple[int, str, str]:
        connection = http.client.HTTPConnection(self._host, timeout=20)
        connection.request("GET", path, headers={"cookie": self.cookie} if self.cookie else {})
        answer = connection.getresponse()
        self.cookie = (answer.headers.get("set-cookie") or self.cookie).partition(";")[0]
        found = answer.status, answer.headers.get("location", ""), answer.read().decode()
        connection.close()
        return found


@pytest.fixture
def slack() -> Iterator[SlackWorkspace]:
    with SlackWorkspace() as running:
        yield running


@pytest.fixture
def hub(slack: SlackWorkspace, tmp_path: Path) -> Iterator[Hub]:
    environ = {
        "AI_CRM_SLACK_CLIENT_ID": "1.2",
        "AI_CRM_SLACK_CLIENT_SECRET": SECRET,
        "AI_CRM_SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "AI_CRM_SLACK_API_URL": slack.url,
        "AI_CRM_BASE_URL": "https://hub.example.com",
    }
    with Hub(tmp_path, environ) as running:
        slack.heard_by(running.url)
        yield running


def invitation(hub: Hub, workspace: str = "default") -> str:
    link = urlsplit(hub.command("slack", "invite", "--workspace", workspace).stdout.strip())
    assert f"{link.scheme}://{link.netloc}" == "https://hub.example.com"
    return f"{link.path}?{link.query}"


def installed(
    slack: SlackWorkspace, hub: Hub, team: str = "T0NEW", token: str = TOKEN, workspace: str = "default"
) -> int:
    browser = Browser(hub.url)
    status, location, _ = browser.get(invitation(hub, workspace))
    assert status == 303
    state = parse_qs(urlsplit(location).query)["state"][0]
    slack.codes["code-1"] = {
        "ok": True, "access_token": token, "token_type": "bot", "scope": "chat:write,commands", "bot_user_id": "U0BOT",
        "team": {"id": team, "name": "New"}, "enterprise": None, "is_enterprise_install": False,
    }  # fmt: skip
    slack.tokens[token] = team
    return browser.get(f"/slack/oauth?code=code-1&state={state}")[0]


def test_an_invited_workspace_is_connected_and_spoken_to_with_its_own_token(slack: SlackWorkspace, hub: Hub) -> None:
    assert "not connected" in words(slack.asks("whoami", team="T0NEW"))
    assert installed(slack, hub) == 200
    exchanged = slack.asked("oauth.v2.access")[0]
    assert exchanged["redirect_uri"] == "https://hub.example.com/slack/oauth"
    slack.asks("whoami", "U0PARTNER", team="T0NEW")
    assert slack.calls[-1].token == TOKEN
    database = b"".join(file.read_bytes() for file in hub.data.glob("hub.db*"))
    assert TOKEN.encode() not in database
    assert TOKEN not in hub.log()
    assert SECRET not in hub.log()


def test_the_connection_is_there_after_a_restart_and_gone_when_the_app_is_removed(
    slack: SlackWorkspace, hub: Hub
) -> None:
    installed(slack, hub)
    hub.stop()
    hub.start()
    slack.heard_by(hub.url)
    assert "only people of this Slack workspace" in words(slack.asks("whoami", team="T0NEW"))
    assert slack.event({"type": "app_uninstalled"}, team="T0NEW").status == 200
    slack.until(lambda: "not connected" in words(slack.asks("whoami", team="T0NEW")), "the end of the connection")
    assert installed(slack, hub) == 200
    assert "not connected" not in words(slack.asks("whoami", team="T0NEW"))


def test_only_a_revoked_bot_token_ends_a_connection(slack: SlackWorkspace, hub: Hub) -> None:
    installed(slack, hub)
    slack.event({"type": "tokens_revoked", "tokens": {"oauth": ["U1"]}}, team="T0NEW")
    assert "not connected" not in words(slack.asks("whoami", team="T0NEW"))
    slack.event({"type": "tokens_revoked", "tokens": {"bot": ["U0BOT"]}}, team="T0NEW")
    slack.until(lambda: "not connected" in words(slack.asks("whoami", team="T0NEW")), "the end of the connection")


def test_a_workspace_of_slack_belongs_to_one_of_ours(slack: SlackWorkspace, hub: Hub) -> None:
    assert installed(slack, hub) == 200
    assert installed(slack, hub, workspace="other") == 422


@pytest.mark.parametrize("link", ["", "x", "a" * 5000, "%00", "%E9"])
def test_nobody_begins_without_an_invitation(hub: Hub, link: str) -> None:
    assert Browser(hub.url).get(f"/slack/install?invitation={link}")[0] in {400, 403}


def test_only_the_browser_that_began_comes_back_and_only_once(slack: SlackWorkspace, hub: Hub) -> None:
    first, second = Browser(hub.url), Browser(hub.url)
    location = first.get(invitation(hub))[1]
    back = f"/slack/oauth?code=c&state={parse_qs(urlsplit(location).query)['state'][0]}"
    assert second.get(back)[0] in {400, 403}
    second.get(invitation(hub))
    assert second.get(back)[0] in {400, 403}
    assert slack.asked("oauth.v2.access") == []
    cookie = first.cookie
    assert first.get(back)[0] in {400, 403}  # Slack does not know this code
    first.cookie = cookie
    assert first.get(back)[0] in {400, 403}
    assert len(slack.asked("oauth.v2.access")) == 1


def test_an_invitation_without_a_client_says_what_is_missing(tmp_path: Path) -> None:
    told = Hub(tmp_path).command("slack", "invite", check=False)
    assert told.returncode == 2
    assert "AI_CRM_SLACK_CLIENT_ID" in told.stderr
