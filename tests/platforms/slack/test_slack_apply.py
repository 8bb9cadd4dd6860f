"""Notifications to Slack, through a double that says what Slack says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest

from ai_crm.cards.inert import mrkdwn
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
from ai_crm.platforms.slack import Slack
from tests.conftest import Finish
from tests.doubles.loopback import Loopback, Reply, json_reply
from tests.doubles.notices import HOSTILE, ITEM, RULE, URL, inline, notice, shows, task
from tests.doubles.slack_server import TOKEN, SlackServer, alive, shown

SLACK = PlatformName.SLACK


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with SlackServer() as running:
        yield running


@pytest.fixture
def slack(server: SlackServer) -> Iterator[Slack]:
    client = Slack(TOKEN, inline, base_url=server.url)
    yield client
    client.close()


def fails(finish: Finish, slack: Slack, change: OutboundChange) -> AiCrmError:
    with pytest.raises(AiCrmError) as caught:
        finish(slack.apply(change))
    assert not shows(caught.value, TOKEN)
    return caught.value


@pytest.mark.parametrize(("target", "lands"), [("#dev-team", "C0DEV"), ("C0DEV", "C0DEV"), ("U0ANN", "U0ANN")])
def test_a_message_lands_in_a_channel_or_with_a_person(
    slack: Slack, server: SlackServer, finish: Finish, target: str, lands: str
) -> None:
    change = notice(SLACK, target, "New task")
    assert finish(slack.apply(change)) == Applied(
        key=change.key, outcome=Outcome.DONE, where=f"{lands}:1700000000.000001"
    )
    assert [message["text"] for message in server.messages] == ["New task"]
    assert "blocks" not in server.messages[0]


def test_a_message_brings_the_card_of_its_task(slack: Slack, server: SlackServer, finish: Finish) -> None:
    finish(slack.apply(notice(SLACK, "#dev-team", "*New:* ", Later("id"), tasks=(task(),))))
    message = server.messages[0]
    assert message["blocks"][0]["text"]["text"] == "*New:* AICRM-42"
    assert message["text"].startswith("*New:* AICRM-42\n")
    assert "Spelling error in the README file" in shown(message)
    assert len(message["blocks"]) > 1


def test_the_blocks_are_what_slacks_own_library_takes_for_blocks(
    slack: Slack, server: SlackServer, finish: Finish
) -> None:
    from slack_sdk.models.blocks import Block

    finish(slack.apply(notice(SLACK, "#dev-team", "New: " + "x" * 5000, tasks=(task("<!channel>" * 90),))))
    blocks = server.messages[0]["blocks"]
    parsed = Block.parse_all(blocks)
    assert len(parsed) == len(blocks)
    assert all(parsed)
    for block in parsed:
        block.to_dict()


def test_slacks_own_library_would_have_sent_the_same(slack: Slack, server: SlackServer, finish: Finish) -> None:
    from slack_sdk import WebClient

    finish(slack.apply(notice(SLACK, "#dev-team", "New", tasks=(task(),))))
    ours = server.requests[0]
    client = WebClient(TOKEN, base_url=server.url, retry_handlers=[])
    client.chat_postMessage(**server.messages[0])
    theirs = server.requests[1]
    assert ours.json() == theirs.json()
    assert (ours.method, ours.path) == (theirs.method, theirs.path)
    assert ours.headers["authorization"] == theirs.headers["authorization"]
    assert ours.headers["content-type"].replace(" ", "") == theirs.headers["content-type"]


def test_slack_is_told_to_look_for_nothing_by_itself(slack: Slack, server: SlackServer, finish: Finish) -> None:
    finish(slack.apply(notice(SLACK, "#dev-team", "New", tasks=(task(),))))
    message = server.messages[0]
    assert message["parse"] == "none"
    assert [message[name] for name in ("link_names", "unfurl_links", "unfurl_media")] == [False, False, False]
    assert message["blocks"][0]["text"]["verbatim"] is True


def test_a_message_carries_the_key_of_its_change(slack: Slack, server: SlackServer, finish: Finish) -> None:
    change = notice(SLACK, "#dev-team", "New", generation="delivery-1")
    finish(slack.apply(change))
    assert server.messages[0]["metadata"]["event_payload"] == {"key": change.key}


def test_addresses_of_the_rules_author_and_of_the_task_become_links(
    slack: Slack, server: SlackServer, finish: Finish
) -> None:
    parts = ("See ", Later("url"), ", <https://wiki.example|wiki> (https://run.example/a?b=1&amp;c=2&d=3).")
    finish(slack.apply(notice(SLACK, "#dev-team", *parts, tasks=(task(),))))
    text = server.messages[0]["blocks"][0]["text"]["text"]
    assert text == f"See <{URL}>, <https://wiki.example|wiki> (<https://run.example/a?b=1&amp;c=2&amp;d=3>)."


@pytest.mark.parametrize("text", HOSTILE)
def test_a_strangers_text_stays_text_wherever_it_stands(
    slack: Slack, server: SlackServer, finish: Finish, text: str
) -> None:
    inert = mrkdwn(text)
    finish(slack.apply(notice(SLACK, "#dev-team", "(", inert, ") by ", inert, tasks=(task(text, url=URL),))))
    finish(slack.apply(notice(SLACK, "#dev-team", inert)))
    assert [alive(message) for message in server.messages] == [[], []]


def test_the_double_sees_what_is_alive() -> None:
    raw = [
        {"text": text, "link_names": True} for text in HOSTILE if text.startswith(("<!", "<@", "<http", "@", "http"))
    ]
    assert len(raw) > 5
    assert all(alive(message) for message in raw)


def test_two_messages_are_sent_over_one_connection(slack: Slack, server: SlackServer, finish: Finish) -> None:
    for text in ("one", "two"):
        finish(slack.apply(notice(SLACK, "#dev-team", text)))
    assert [message["text"] for message in server.messages] == ["one", "two"]


@pytest.mark.parametrize("target", ["", "#", "@ann", "{issue.author.slack_id}", "#dev team", "a\nb"])
def test_what_can_be_no_target_is_refused_without_a_request(
    slack: Slack, server: SlackServer, finish: Finish, target: str
) -> None:
    error = fails(finish, slack, notice(SLACK, target, "New"))
    assert isinstance(error, ChangeRefused)
    assert "member id" in error.hint
    assert "\n" not in str(error)
    assert server.requests == []


@pytest.mark.parametrize(
    ("target", "kind", "hint"),
    [
        ("#nowhere", ItemMissing, "/invite"),
        ("#outside", ChangeRefused, "/invite"),
        ("#old", ChangeRefused, "archived"),
    ],
)
def test_a_channel_that_cannot_be_written_to_says_what_to_do(
    slack: Slack, finish: Finish, target: str, kind: type[UpstreamError], hint: str
) -> None:
    error = fails(finish, slack, notice(SLACK, target, "New"))
    assert type(error) is kind
    assert hint in error.hint
    assert target in error.where


def test_an_empty_message_is_refused(slack: Slack, finish: Finish) -> None:
    error = fails(finish, slack, notice(SLACK, "#dev-team", " "))
    assert isinstance(error, ChangeRefused)
    assert "empty" in error.hint


def test_a_missing_scope_is_named(finish: Finish) -> None:
    with SlackServer(scopes=("channels:read",)) as server:
        slack = Slack(TOKEN, inline, base_url=server.url)
        error = fails(finish, slack, notice(SLACK, "#dev-team", "New"))
        slack.close()
    assert isinstance(error, CredentialsRefused)
    assert error.missing == "chat:write"
    assert "chat:write" in error.hint


def test_a_wrong_token_is_refused_and_not_shown(server: SlackServer, finish: Finish) -> None:
    wrong = "xoxb-another-canary-0123456789"
    slack = Slack(wrong, inline, base_url=server.url)
    error = fails(finish, slack, notice(SLACK, "#dev-team", "New"))
    slack.close()
    assert isinstance(error, CredentialsRefused)
    assert not shows(error, wrong)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("not_authed", CredentialsRefused),
        ("invalid_auth", CredentialsRefused),
        ("account_inactive", CredentialsRefused),
        ("token_revoked", CredentialsRefused),
        ("token_expired", CredentialsRefused),
        ("not_allowed_token_type", CredentialsRefused),
        ("no_permission", CredentialsRefused),
        ("org_login_required", CredentialsRefused),
        ("ekm_access_denied", CredentialsRefused),
        ("access_denied", CredentialsRefused),
        ("enterprise_is_restricted", CredentialsRefused),
        ("team_access_not_granted", CredentialsRefused),
        ("missing_scope", CredentialsRefused),
        ("channel_not_found", ItemMissing),
        ("user_not_found", ItemMissing),
        ("not_in_channel", ChangeRefused),
        ("is_archived", ChangeRefused),
        ("restricted_action", ChangeRefused),
        ("restricted_action_read_only_channel", ChangeRefused),
        ("channel_is_limited_access", ChangeRefused),
        ("messages_tab_disabled", ChangeRefused),
        ("no_text", ChangeRefused),
        ("msg_too_long", ChangeRefused),
        ("invalid_blocks", ChangeRefused),
        ("a_code_from_the_future", ChangeRefused),
        ("ratelimited", RateLimited),
        ("rate_limited", RateLimited),
        ("message_limit_exceeded", RateLimited),
        ("internal_error", UpstreamUnavailable),
        ("fatal_error", UpstreamUnavailable),
        ("service_unavailable", UpstreamUnavailable),
        ("request_timeout", UpstreamUnavailable),
        ("team_added_to_org", UpstreamUnavailable),
    ],
)
def test_each_refusal_is_an_error_that_says_whether_to_try_again(
    slack: Slack, server: SlackServer, finish: Finish, code: str, kind: type[UpstreamError]
) -> None:
    server.refuses(code)
    error = fails(finish, slack, notice(SLACK, "#dev-team", "New"))
    assert type(error) is kind
    assert error.where == "Slack #dev-team"
    assert kind is RateLimited or error.hint
    assert len(server.requests) == 1


def test_what_slack_remarks_about_a_message_is_passed_on(slack: Slack, server: SlackServer, finish: Finish) -> None:
    server.refuses("invalid_blocks", response_metadata={"messages": ["[ERROR] too long [json-pointer:/blocks/0]"]})
    assert "json-pointer:/blocks/0" in str(fails(finish, slack, notice(SLACK, "#dev-team", "New")))


@pytest.mark.parametrize("error", ["", "::error::x", "a\nb", "x" * 999, f"bad {TOKEN}"])
def test_an_error_that_is_no_code_is_not_repeated(
    slack: Slack, server: SlackServer, finish: Finish, error: str
) -> None:
    server.refuses(error)
    told = fails(finish, slack, notice(SLACK, "#dev-team", "New"))
    assert type(told) is ChangeRefused
    assert not error or error not in str(told)


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("0", 1.0), ("soon", 30.0), ("-1", 30.0), ("9" * 20, 30.0)]
)
def test_a_limit_says_how_long_to_wait(
    slack: Slack, server: SlackServer, finish: Finish, header: str, seconds: float
) -> None:
    server.scripted.append(json_reply({"ok": False, "error": "ratelimited"}, 429, Retry_After=header))
    error = fails(finish, slack, notice(SLACK, "#dev-team", "New"))
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(500), UpstreamUnavailable),
        (Reply(503, b"<html>busy</html>"), UpstreamUnavailable),
        (Reply(200, b"ok"), AnswerUnintelligible),
        (Reply(200, b""), AnswerUnintelligible),
        (Reply(200, b"[]"), AnswerUnintelligible),
        (Reply(200, b'{"ok":1}'), AnswerUnintelligible),
        (Reply(200, b'{"ok":true,"x":' + b"[" * 99999), AnswerUnintelligible),
        (Reply(200, b'{"ok":true,"channel":1}'), AnswerUnintelligible),
        (Reply(200, f'{{"ok":false,"error":{{"token":"{TOKEN}"}}}}'.encode()), AnswerUnintelligible),
        (Reply(404, b"not here"), AnswerUnintelligible),
        (Reply(302, b"", {"Location": "https://elsewhere.example"}), AnswerUnintelligible),
    ],
)
def test_an_answer_that_slack_would_not_give_is_an_error(
    slack: Slack, server: SlackServer, finish: Finish, reply: Reply, kind: type[UpstreamError]
) -> None:
    server.scripted.append(reply)
    assert type(fails(finish, slack, notice(SLACK, "#dev-team", "New"))) is kind
    assert len(server.requests) == 1


def test_the_token_is_never_taken_to_where_a_redirect_points(slack: Slack, server: SlackServer, finish: Finish) -> None:
    with Loopback(lambda _: json_reply({"ok": True})) as elsewhere:
        server.scripted.append(Reply(302, b"", {"Location": f"{elsewhere.url}/api/chat.postMessage"}))
        fails(finish, slack, notice(SLACK, "#dev-team", "New"))
        assert elsewhere.requests == []


def test_a_server_that_is_not_there_is_unavailable(finish: Finish) -> None:
    with SlackServer() as gone:
        url = gone.url
    slack = Slack(TOKEN, inline, base_url=url)
    assert isinstance(fails(finish, slack, notice(SLACK, "#dev-team", "New")), UpstreamUnavailable)


@pytest.mark.parametrize("url", ["http://slack.example/api", "https://slack.com@evil.example/api", "slack.com"])
def test_a_token_is_not_given_to_an_address_that_is_not_secure(url: str) -> None:
    with pytest.raises(SettingsInvalid):
        Slack(TOKEN, inline, base_url=url)


def test_slack_says_for_each_change_that_it_cannot_make_why() -> None:
    known = {*Slack.capabilities.changes, *Slack.capabilities.absent}
    assert known == set(get_args(OutboundChange))
    assert Slack.capabilities.changes == (Notify,)
    assert all(reason.endswith(tuple("abcdefghijklmnopqrstuvwxyz")) for reason in Slack.capabilities.absent.values())


def test_a_change_that_slack_has_no_words_for_is_unsupported(slack: Slack, server: SlackServer, finish: Finish) -> None:
    labels = AddLabels(key=change_key(RULE, ITEM, "x", ""), rule=RULE, item=ITEM, because="x", labels=("bug",))
    assert isinstance(fails(finish, slack, labels), Unsupported)
    assert server.requests == []


def test_a_client_of_slack_does_not_show_its_token(slack: Slack) -> None:
    assert TOKEN not in repr(slack) + str(slack)
