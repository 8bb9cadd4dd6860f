"""Notifications to Teams, through a double of the login and of the Bot Connector."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import msgspec
import pytest

from ai_crm.cards.inert import teams as inert
from ai_crm.errors import (
    AiCrmError,
    AnswerUnintelligible,
    ChangeRefused,
    CredentialsRefused,
    ItemMissing,
    RateLimited,
    SettingsInvalid,
    Unsupported,
    UpstreamError,
    UpstreamUnavailable,
)
from ai_crm.model.change import AddLabels, Applied, Later, Notify, OutboundChange, Outcome, change_key
from ai_crm.model.item import PlatformName
from ai_crm.platforms.teams import BotAccount, Teams
from tests.conftest import Finish
from tests.doubles.loopback import Loopback, Reply, json_reply
from tests.doubles.notices import HOSTILE, ITEM, RULE, inline, notice, shows, task
from tests.doubles.teams_server import (
    ACCOUNT,
    ANN,
    APP,
    CHANNEL,
    PASSWORD,
    TENANT,
    TeamsServer,
    alive,
    denial,
    refusal,
)

TEAMS = PlatformName.TEAMS


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> Iterator[TeamsServer]:
    with TeamsServer() as running:
        yield running


@pytest.fixture
def teams(server: TeamsServer, clock: Clock) -> Iterator[Teams]:
    client = Teams(ACCOUNT, inline, service_url=server.url, login_url=server.url, clock=clock)
    yield client
    client.close()


def fails(finish: Finish, teams: Teams, change: OutboundChange, *secrets: str) -> AiCrmError:
    with pytest.raises(AiCrmError) as caught:
        finish(teams.apply(change))
    assert not [secret for secret in (PASSWORD, *secrets) if shows(caught.value, secret)]
    return caught.value


def test_a_message_lands_in_a_channel(teams: Teams, server: TeamsServer, finish: Finish) -> None:
    change = notice(TEAMS, CHANNEL, "New task")
    assert finish(teams.apply(change)) == Applied(
        key=change.key, outcome=Outcome.DONE, where=f"{CHANNEL}|1700000000001"
    )
    assert server.activities == [(CHANNEL, {"type": "message", "text": "New task", "textFormat": "markdown"})]


def test_a_message_brings_the_card_of_its_task(teams: Teams, server: TeamsServer, finish: Finish) -> None:
    finish(teams.apply(notice(TEAMS, CHANNEL, "**New:** ", Later("id"), tasks=(task(),))))
    _, activity = server.activities[0]
    (attachment,) = activity["attachments"]
    assert activity["text"] == "**New:** AICRM-42"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["content"]["type"] == "AdaptiveCard"
    assert "Spelling error in the README file" in msgspec.json.encode(attachment).decode()


def test_a_person_is_written_to_in_the_chat_with_the_bot(teams: Teams, server: TeamsServer, finish: Finish) -> None:
    applied = finish(teams.apply(notice(TEAMS, ANN, "Yours")))
    assert applied.where.startswith("a:chat-between-the-bot-and-ann|")
    assert server.sent[0].path == "/v3/conversations"
    assert server.activities[0][1]["text"] == "Yours"


def test_a_person_cannot_be_found_without_a_tenant(server: TeamsServer, finish: Finish) -> None:
    account = BotAccount(app_id=APP, password=PASSWORD)
    teams = Teams(account, inline, service_url=server.url, login_url=server.url)
    error = fails(finish, teams, notice(TEAMS, ANN, "Yours"))
    teams.close()
    assert isinstance(error, ChangeRefused)
    assert "teams_tenant_id" in error.hint
    assert server.requests == []


def test_a_person_who_has_no_app_is_told_apart(teams: Teams, finish: Finish) -> None:
    error = fails(finish, teams, notice(TEAMS, TENANT, "Yours"))
    assert isinstance(error, CredentialsRefused)
    assert "blocked" in error.hint


def test_a_bot_without_a_tenant_asks_the_old_common_one(server: TeamsServer, finish: Finish) -> None:
    account = BotAccount(app_id=APP, password=PASSWORD)
    teams = Teams(account, inline, service_url=server.url, login_url=server.url)
    fails(finish, teams, notice(TEAMS, CHANNEL, "New"))
    teams.close()
    assert server.requests[0].path == "/botframework.com/oauth2/v2.0/token"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_strangers_text_stays_text_wherever_it_stands(
    teams: Teams, server: TeamsServer, finish: Finish, text: str
) -> None:
    finish(teams.apply(notice(TEAMS, CHANNEL, "(", inert(text), ") by ", inert(text), tasks=(task(text),))))
    finish(teams.apply(notice(TEAMS, CHANNEL, inert(text))))
    assert [alive(activity) for _, activity in server.activities] == [[], []]
    assert all("entities" not in activity for _, activity in server.activities)


def test_the_double_sees_what_is_alive() -> None:
    raw = [{"text": text} for text in HOSTILE if "://" in text or "<at" in text or "*" in text]
    assert len(raw) > 4
    assert all(alive(activity) for activity in raw)


def test_one_token_serves_many_messages_until_shortly_before_its_end(
    teams: Teams, server: TeamsServer, finish: Finish, clock: Clock
) -> None:
    for later in (0, 3000, 299, 1):
        clock.now += later
        finish(teams.apply(notice(TEAMS, CHANNEL, "New")))
    assert len(server.tokens) == 2


def test_a_token_that_is_refused_is_replaced_once(teams: Teams, server: TeamsServer, finish: Finish) -> None:
    finish(teams.apply(notice(TEAMS, CHANNEL, "one")))
    server.revoked.update(server.tokens)
    finish(teams.apply(notice(TEAMS, CHANNEL, "two")))
    assert [activity["text"] for _, activity in server.activities] == ["one", "two"]
    server.scripted.extend([refusal(401, "Unauthorized"), refusal(401, "Unauthorized")])
    error = fails(finish, teams, notice(TEAMS, CHANNEL, "three"), *server.tokens)
    assert isinstance(error, CredentialsRefused)
    assert len(server.tokens) == 3


@pytest.mark.parametrize(
    "target",
    [
        "",
        "ann@example.org",
        "#general",
        "General",
        "{pr.author.teams_id}",
        "19:",
        "19:a b",
        "19:a\nb",
        "28:" + APP,
        "a:../../../x?y=z#",
        "https://teams.microsoft.com/l/channel/x",
    ],
)
def test_what_can_be_no_receiver_is_refused_without_a_request(
    teams: Teams, server: TeamsServer, finish: Finish, target: str
) -> None:
    error = fails(finish, teams, notice(TEAMS, target, "New"))
    assert isinstance(error, ChangeRefused)
    assert "19:" in error.hint
    assert "\n" not in str(error)
    assert server.requests == []


def test_a_conversations_id_stays_one_segment_of_the_path(teams: Teams, server: TeamsServer, finish: Finish) -> None:
    fails(finish, teams, notice(TEAMS, "a:../../v3/conversations/x", "New"))
    assert server.sent[0].path == "/v3/conversations/a%3A..%2F..%2Fv3%2Fconversations%2Fx/activities"


@pytest.mark.parametrize(
    ("reply", "kind", "hint"),
    [
        (refusal(400, "BadSyntax"), ChangeRefused, "Check"),
        (refusal(400, "Bad code\n::error::"), ChangeRefused, "Check"),
        (refusal(403, "BotNotInConversationRoster"), CredentialsRefused, "Add the bot"),
        (refusal(403, "MessageWritesBlocked"), CredentialsRefused, "blocked"),
        (refusal(403, "BotDisabledByAdmin"), CredentialsRefused, "administrator"),
        (Reply(403, b"<html>no</html>"), CredentialsRefused, "Add the bot"),
        (refusal(404, "ConversationNotFound"), ItemMissing, "Check the id"),
        (Reply(410), ItemMissing, "Check the id"),
        (refusal(412, "PreconditionFailed"), RateLimited, ""),
        (refusal(413, "MessageSizeTooBig"), ChangeRefused, "Shorten"),
        (refusal(429, "TooManyRequests"), RateLimited, ""),
        (refusal(500, "ServiceError"), UpstreamUnavailable, "again"),
        (Reply(502), UpstreamUnavailable, "again"),
        (Reply(504, b"[" * 99999), UpstreamUnavailable, "again"),
        (Reply(302, b"", {"Location": "https://elsewhere.example"}), AnswerUnintelligible, ""),
        (Reply(201, b"created"), AnswerUnintelligible, ""),
    ],
)
def test_each_refusal_is_an_error_that_says_what_to_do(
    teams: Teams, server: TeamsServer, finish: Finish, reply: Reply, kind: type[UpstreamError], hint: str
) -> None:
    server.scripted.append(reply)
    error = fails(finish, teams, notice(TEAMS, CHANNEL, "New"))
    assert type(error) is kind
    assert hint in error.hint
    assert "::error" not in str(error)
    assert len(server.sent) == 1


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("0", 1.0), ("soon", 10.0)])
def test_a_limit_says_how_long_to_wait(
    teams: Teams, server: TeamsServer, finish: Finish, header: str, seconds: float
) -> None:
    server.scripted.append(refusal(429, "TooManyRequests", Retry_After=header))
    error = fails(finish, teams, notice(TEAMS, CHANNEL, "New"))
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    "reply", [Reply(201), Reply(202, b"{}"), json_reply({"id": ""}, 200)], ids=["no body", "no id", "empty id"]
)
def test_a_message_that_was_taken_is_done_even_if_its_id_is_not_told(
    teams: Teams, server: TeamsServer, finish: Finish, reply: Reply
) -> None:
    server.scripted.append(reply)
    assert finish(teams.apply(notice(TEAMS, CHANNEL, "New"))).outcome is Outcome.DONE


def test_a_chat_without_an_id_is_an_error(teams: Teams, server: TeamsServer, finish: Finish) -> None:
    server.scripted.append(Reply(201, b"{}"))
    assert isinstance(fails(finish, teams, notice(TEAMS, ANN, "New")), AnswerUnintelligible)


@pytest.mark.parametrize(
    ("reply", "kind", "hint"),
    [
        (denial(90002), CredentialsRefused, "tenant"),
        (denial(700016), CredentialsRefused, "single tenant"),
        (denial(7000215), CredentialsRefused, "value, not its id"),
        (denial(7000222), CredentialsRefused, "expired"),
        (denial(50034), CredentialsRefused, "Check the app id"),
        (json_reply({"error": "invalid_client"}, 401), CredentialsRefused, "Check the app id"),
        (json_reply({"error": "slow"}, 429, Retry_After="9"), RateLimited, ""),
        (Reply(503), UpstreamUnavailable, "again"),
        (Reply(404, b"not here"), AnswerUnintelligible, ""),
        (Reply(400, b"not JSON"), AnswerUnintelligible, ""),
        (Reply(200, b"{}"), AnswerUnintelligible, ""),
        (json_reply({"access_token": "a\r\nX: y", "expires_in": 9}), AnswerUnintelligible, ""),
        (json_reply({"access_token": "", "expires_in": 9}), AnswerUnintelligible, ""),
        (json_reply({"access_token": "eyJ0-canary-token", "expires_in": "soon"}), AnswerUnintelligible, ""),
        (Reply(302, b"", {"Location": "https://elsewhere.example"}), AnswerUnintelligible, ""),
    ],
)
def test_a_login_that_fails_says_why_and_sends_nothing(
    teams: Teams, server: TeamsServer, finish: Finish, reply: Reply, kind: type[UpstreamError], hint: str
) -> None:
    server.logins.append(reply)
    error = fails(finish, teams, notice(TEAMS, CHANNEL, "New"), "eyJ0-canary-token")
    assert type(error) is kind
    assert hint in error.hint
    assert "teams_" not in error.hint  # as a step of a workflow calls it, and no hub
    assert server.sent == []


def test_neither_password_nor_token_is_taken_to_where_a_redirect_points(
    teams: Teams, server: TeamsServer, finish: Finish
) -> None:
    with Loopback(lambda _: json_reply({"id": "1", "access_token": "x", "expires_in": 3600})) as elsewhere:
        moved = Reply(307, b"", {"Location": f"{elsewhere.url}/"})
        server.logins.append(moved)
        fails(finish, teams, notice(TEAMS, CHANNEL, "New"))
        server.scripted.append(moved)
        fails(finish, teams, notice(TEAMS, CHANNEL, "New"), *server.tokens)
        assert elsewhere.requests == []


def test_servers_that_are_not_there_are_unavailable(finish: Finish) -> None:
    with TeamsServer() as gone:
        url = gone.url
    teams = Teams(ACCOUNT, inline, service_url=url, login_url=url)
    assert isinstance(fails(finish, teams, notice(TEAMS, CHANNEL, "New")), UpstreamUnavailable)


@pytest.mark.parametrize(
    "url",
    [
        "https://smba.trafficmanager.net/teams/",
        "https://smba.trafficmanager.net/emea",
        "https://smba.infra.gcc.teams.microsoft.com/gcc",
        "https://smba.infra.gov.teams.microsoft.us/gcch",
    ],
)
def test_the_connectors_of_microsoft_are_known(url: str) -> None:
    Teams(ACCOUNT, inline, service_url=url).close()


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/teams",
        "https://smba.trafficmanager.net.evil.example/",
        "https://evil.trafficmanager.net/teams",
        "https://evil-smba.trafficmanager.net/teams",
        "https://smba.trafficmanager.net@evil.example/",
        "https://smba.trafficmanager.net:8443/teams",
        "https://smba.trafficmanager.net./teams",
        "https://evil.example/smba.trafficmanager.net",
        "https://evil.example\\.smba.trafficmanager.net",
        "https://evil.example#smba.trafficmanager.net",
        "https://evil.example?smba.trafficmanager.net",
        "http://smba.trafficmanager.net/teams",
        "http://127.0.0.1:4800",
        "https://127.0.0.1",
        "https://[::1]",
        "https://169.254.169.254",
        "https://login.microsoftonline.com",
        "",
    ],
)
def test_a_token_is_promised_to_no_other_address(url: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        Teams(ACCOUNT, inline, service_url=url)
    assert not shows(caught.value, PASSWORD)


@pytest.mark.parametrize(
    ("service", "login"),
    [
        ("https://smba.trafficmanager.net/teams", "http://127.0.0.1:4800"),
        ("http://127.0.0.1:4800", "https://login.microsoftonline.com"),
        ("http://127.0.0.1:4800", "https://evil.example"),
    ],
)
def test_another_login_is_only_for_this_machine(service: str, login: str) -> None:
    with pytest.raises(SettingsInvalid):
        Teams(ACCOUNT, inline, service_url=service, login_url=login)


@pytest.mark.parametrize(
    "account",
    [
        BotAccount(app_id="", password=PASSWORD, tenant=TENANT),
        BotAccount(app_id=PASSWORD, password=APP, tenant=TENANT),
        BotAccount(app_id=APP, password="", tenant=TENANT),
        BotAccount(app_id=APP, password=PASSWORD, tenant="../x"),
        BotAccount(app_id=APP, password=PASSWORD, tenant="a/b"),
        BotAccount(app_id=APP, password=PASSWORD, tenant=PASSWORD),
    ],
)
def test_an_account_that_cannot_be_one_is_refused_without_showing_it(account: BotAccount) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        Teams(account, inline)
    assert not shows(caught.value, PASSWORD)


def test_teams_says_for_each_change_that_it_cannot_make_why() -> None:
    known = {*Teams.capabilities.changes, *Teams.capabilities.absent}
    assert known == set(get_args(OutboundChange))
    assert Teams.capabilities.changes == (Notify,)


def test_a_change_that_teams_has_no_words_for_is_unsupported(teams: Teams, server: TeamsServer, finish: Finish) -> None:
    labels = AddLabels(key=change_key(RULE, ITEM, "x", ""), rule=RULE, item=ITEM, because="x", labels=("bug",))
    assert isinstance(fails(finish, teams, labels), Unsupported)
    assert server.requests == []


def test_neither_an_account_nor_a_client_shows_its_password(teams: Teams) -> None:
    assert "canary" not in f"{ACCOUNT!r} {ACCOUNT} {teams!r} {teams}"
