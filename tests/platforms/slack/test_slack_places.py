"""Whether a Slack workspace has a channel or a person, in everything that Slack may say about it, and whose token it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from ai_crm.errors import ChangeRefused, UpstreamUnavailable
from ai_crm.model.item import PlatformName
from ai_crm.platforms.slack import Slack
from ai_crm.platforms.slack.places import Sight
from tests.conftest import Finish
from tests.doubles.loopback import Loopback, Reply, Request, json_reply
from tests.doubles.notices import inline, notice

ACME = {"ok": True, "team_id": "T0ACME", "enterprise_id": "E0ORG", "team": "Acme"}
NO_CHANNEL, NO_SCOPE = {"ok": False, "error": "channel_not_found"}, {"ok": False, "error": "missing_scope"}


class Said:
    """A Slack that answers each method with what a test put there."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {"auth.test": ACME}
        self.loopback = Loopback(self._answer)

    @property
    def methods(self) -> list[str]:
        return [urlsplit(request.path).path.removeprefix("/api/") for request in self.loopback.requests]

    def _answer(self, request: Request) -> Reply:
        asked = urlsplit(request.path)
        answer = self.answers[asked.path.removeprefix("/api/")]
        if callable(answer):
            answer = answer(dict(parse_qsl(asked.query)))
        return answer if isinstance(answer, Reply) else json_reply(answer)


@pytest.fixture
def said() -> Iterator[Said]:
    made = Said()
    with made.loopback:
        yield made


@pytest.fixture
def slack(said: Said) -> Iterator[Slack]:
    client = Slack("xoxb-x", inline, base_url=f"{said.loopback.url}/api")
    yield client
    client.close()


def user(**more: Any) -> dict[str, Any]:
    return {"ok": True, "user": {"id": "U0ANN", **more}}


@pytest.mark.parametrize(
    ("target", "answer", "sight"),
    [
        ("C0DEV", {"ok": True, "channel": {"id": "C0DEV"}}, Sight.HERE),
        ("C0DEV", NO_CHANNEL, Sight.ABSENT),
        ("C0DEV", NO_SCOPE, Sight.HIDDEN),
        ("C0DEV", {"ok": False, "error": "token_revoked"}, Sight.ABSENT),
        ("U0ANN", user(team_id="T0ACME"), Sight.HERE),
        ("U0ANN", user(team_id="T0PARTNER"), Sight.ABSENT),  # in a shared channel
        ("W0ANN", user(team_id="T0X", enterprise_user={"teams": ["T0ACME"]}), Sight.HERE),
        ("U0ANN", {"ok": False, "error": "user_not_found"}, Sight.ABSENT),
        ("#dev", {"ok": True, "channels": [{"id": "C1", "name": "dev"}]}, Sight.HERE),
        ("dev", {"ok": True, "channels": [{"id": "C1", "name": "dev"}]}, Sight.HERE),
        ("#dev", {"ok": True, "channels": [{"id": "C1", "name": "dev-2"}]}, Sight.ABSENT),
        ("#dev", NO_SCOPE, Sight.HIDDEN),
    ],
)
def test_what_slack_says_is_understood(
    said: Said, slack: Slack, finish: Finish, target: str, answer: dict[str, Any], sight: Sight
) -> None:
    method = {"C": "conversations.info", "U": "users.info", "W": "users.info"}.get(target[0], "conversations.list")
    said.answers[method] = answer
    assert finish(slack.look(target, "T0ACME")) is sight
    assert said.methods == [method]


def test_a_channel_is_looked_for_on_every_page(said: Said, slack: Slack, finish: Finish) -> None:
    def page(asked: dict[str, str]) -> dict[str, Any]:
        number = int(asked.get("cursor", "0"))
        more = {"response_metadata": {"next_cursor": str(number + 1)}} if number < 3 else {}
        return {"ok": True, "channels": [{"id": f"C{number}", "name": f"dev-{number}"}], **more}

    said.answers["conversations.list"] = page
    assert finish(slack.look("#dev-3", "T0ACME")) is Sight.HERE
    assert finish(slack.look("#dev-4", "T0ACME")) is Sight.ABSENT
    assert len(said.methods) == 8


def test_what_is_beyond_all_pages_may_be_there(said: Said, slack: Slack, finish: Finish) -> None:
    endless = {"ok": True, "channels": [], "response_metadata": {"next_cursor": "x"}}
    said.answers["conversations.list"] = endless
    assert finish(slack.look("#dev", "T0ACME")) is Sight.HIDDEN


def test_what_may_pass_is_no_answer(said: Said, slack: Slack, finish: Finish) -> None:
    said.answers["conversations.info"] = Reply(503)
    with pytest.raises(UpstreamUnavailable):
        finish(slack.look("C0DEV", "T0ACME"))


@pytest.mark.parametrize("space", ["T0ACME", "E0ORG"])
def test_a_target_in_the_tokens_own_slack_workspace_is_told_and_that_is_asked_once(
    said: Said, slack: Slack, finish: Finish, space: str
) -> None:
    said.answers["chat.postMessage"] = {"ok": True, "channel": "C0DEV", "ts": "1.2"}
    for _ in range(2):
        finish(slack.apply(notice(PlatformName.SLACK, f"{space}/#dev", "News")))
    assert said.methods == ["auth.test", "chat.postMessage", "chat.postMessage"]
    assert b'"channel":"#dev"' in said.loopback.requests[-1].body


def test_a_target_in_another_slack_workspace_is_told_nothing(said: Said, slack: Slack, finish: Finish) -> None:
    with pytest.raises(ChangeRefused, match="T0OTHER is another Slack workspace") as refused:
        finish(slack.apply(notice(PlatformName.SLACK, "T0OTHER/#dev", "News")))
    assert "T0ACME" in str(refused.value)
    assert said.methods == ["auth.test"]
