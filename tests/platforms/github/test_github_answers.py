"""What GitHub's answers mean to us: each status one error, each error with what to do, and how long to keep quiet."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_crm.errors import (
    AnswerUnintelligible,
    ChangeRefused,
    Conflict,
    CredentialsRefused,
    ItemMissing,
    RateLimited,
    UpstreamError,
    UpstreamUnavailable,
)
from ai_crm.platforms.github.answers import Asked, Quota
from ai_crm.platforms.transport import Answer

ASKED = Asked("add labels", "octo/hello#7", "issues: write")
NOW = "Tue, 24 Nov 2026 10:00:00 GMT"
EPOCH = 1795514400


def refused(status: int, body: bytes = b"{}", headers: Mapping[str, str] | None = None) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        Quota().understand(Answer(status, headers or {}, body), ASKED)
    return caught.value


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, CredentialsRefused), (403, CredentialsRefused), (404, ItemMissing), (410, ItemMissing), (409, Conflict),
        (412, Conflict), (422, ChangeRefused), (400, ChangeRefused), (405, ChangeRefused), (413, ChangeRefused),
        (451, ChangeRefused), (429, RateLimited), (500, UpstreamUnavailable), (502, UpstreamUnavailable),
        (503, UpstreamUnavailable), (504, UpstreamUnavailable), (301, ItemMissing), (307, ItemMissing),
        (100, AnswerUnintelligible), (304, AnswerUnintelligible),
    ],
)  # fmt: skip
def test_each_status_is_one_error_that_says_what_and_where(status: int, error: type[UpstreamError]) -> None:
    for body in (b"", b"{}", b'{"message": "No."}', b"<html><h1>Unicorn!</h1>", b"\xff\xfe", b"[" * 50_000, b"[1]"):
        found = refused(status, body)
        assert type(found) is error
        assert found.what.startswith("could not add labels")
        assert found.where == "octo/hello#7"


def test_a_missing_permission_is_named_with_the_line_to_add() -> None:
    error = refused(403, b'{"message": "Resource not accessible by integration"}')
    assert isinstance(error, CredentialsRefused)
    assert error.missing == "issues: write"
    assert "Resource not accessible by integration" in error.what
    for words in (
        "It takes `issues: write`",
        "a workflow gives that under `permissions:`",
        "a fork",
        "an app or a token",
    ):
        assert words in error.hint


def test_the_permission_that_github_itself_names_is_believed() -> None:
    error = refused(403, b"{}", {"x-accepted-github-permissions": "pull_requests=write; issues=write"})
    assert isinstance(error, CredentialsRefused)
    assert error.missing == "pull-requests: write"
    for junk in ("", "=", "a=b", "issues=write\x1b[0m", "::error::=write", "=write"):
        error = refused(403, b"{}", {"x-accepted-github-permissions": junk})
        assert isinstance(error, CredentialsRefused)
        assert error.missing == "issues: write"


def test_a_hint_is_true_whoever_asks_an_action_or_a_hub() -> None:
    assert "`github_token` of the Action" in refused(401).hint
    assert "`ai-crm connections token`" in refused(401).hint
    assert "the workflows of a repository" in refused(429).hint
    assert "a hub goes on by itself" in refused(429).hint


def test_a_404_says_that_it_may_be_the_permission() -> None:
    assert "`issues: write`" in refused(404).hint


def test_what_github_says_about_fields_reaches_the_person_and_cannot_do_harm() -> None:
    body = (
        b'{"message": "Validation Failed", "errors": [{"field": "title", "code": "too_long"}, '
        b'"::error::oh\\nno \\u001b[31m", {"field": "body", "message": "is \\u202e odd"}, 7, {"code": 1}]}'
    )
    told = refused(422, body).what
    assert told.startswith("could not add labels: Validation Failed")
    for sign in ("\n", "\x1b", "\u202e", "::error::"):
        assert sign not in told
    body = b'{"message": "Validation Failed", "errors": [{"field": "title", "code": "too_long"}, "::stop:: x"]}'
    assert "title too_long" in refused(422, body).what
    assert len(refused(422, b'{"message": "' + b"x" * 90_000 + b'"}').what) < 500


def test_a_success_that_is_not_json_is_unintelligible() -> None:
    for body in (b"<html>", b"\xff", b"{", b"[" * 100_000):
        with pytest.raises(AnswerUnintelligible):
            Quota().understand(Answer(200, {}, body), ASKED)
    with pytest.raises(AnswerUnintelligible, match=r"^GitHub: id: expected a whole number, found nothing$"):
        Quota().understand(Answer(200, {}, b"{}"), ASKED)["id"].number()


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_an_empty_success_is_a_success(body: bytes) -> None:
    assert not Quota().understand(Answer(204, {}, body), ASKED).exists


# How long to keep quiet: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api


def wait(status: int, **headers: str) -> float:
    error = refused(status, b"{}", {name.replace("_", "-"): value for name, value in headers.items()})
    assert isinstance(error, RateLimited)
    return error.retry_after


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        ("1", 1), ("30", 30), ("60", 60), ("3600", 3600), ("3601", 3600), ("1000000000", 3600), ("9" * 400, 60),
        ("0", 60), ("-5", 60), ("", 60), ("soon", 60), ("nan", 60), ("inf", 60), ("1e3", 60), ("\u0661", 60),
        ("Tue, 24 Nov 2026 10:05:00 GMT", 300), ("Tue, 24 Nov 2026 09:00:00 GMT", 60),
        ("Fri, 24 Nov 2056 10:00:00 GMT", 3600), ("Tue, 99 Nov 2026 10:05:00 GMT", 60),
    ],
)  # fmt: skip
def test_retry_after_is_obeyed_within_reason(status: int, after: str, seconds: float) -> None:
    assert wait(status, retry_after=after, date=NOW) == seconds


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    ("reset", "seconds"),
    [(str(EPOCH + 90), 90), (str(EPOCH + 9999), 3600), (str(EPOCH - 9), 60), ("", 60), ("x", 60), ("-1", 60)],
)
def test_without_retry_after_the_reset_is_waited_for_by_githubs_own_clock(
    status: int, reset: str, seconds: float
) -> None:
    assert wait(status, x_ratelimit_remaining="0", x_ratelimit_reset=reset, date=NOW) == seconds
    assert wait(status, x_ratelimit_remaining="0", x_ratelimit_reset=reset) == 60


def test_every_combination_of_headers_gives_a_wait_of_a_second_to_an_hour() -> None:
    afters, remains = ("", "5", "-1", "10" * 50, NOW), ("", "0", "1", "x")
    resets, dates = ("", str(EPOCH + 5), "0", "9" * 30), (NOW, "", "x")
    for after, remaining, reset, date in itertools.product(afters, remains, resets, dates):
        headers = {
            "retry_after": after,
            "x_ratelimit_remaining": remaining,
            "x_ratelimit_reset": reset,
            "date": date,
        }
        assert 1 <= wait(429, **headers) <= 3600


@given(st.dictionaries(st.sampled_from(["retry_after", "x_ratelimit_reset", "date"]), st.text(max_size=40)))
def test_no_header_that_anybody_sends_makes_the_wait_absurd(headers: Mapping[str, str]) -> None:
    assert 1 <= wait(429, **headers) <= 3600


def test_a_secondary_limit_that_shows_in_the_link_alone_is_one() -> None:
    body = b'{"documentation_url": "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"}'
    assert isinstance(refused(403, body), RateLimited)


def test_a_refusal_with_requests_left_is_no_limit() -> None:
    assert isinstance(refused(403, b"{}", {"x-ratelimit-remaining": "4999"}), CredentialsRefused)


def test_after_a_limit_nothing_more_is_let_through() -> None:
    quota = Quota()
    quota.admit()
    with pytest.raises(RateLimited):
        quota.understand(Answer(429, {"retry-after": "30"}, b"{}"), ASKED)
    for _ in range(3):
        with pytest.raises(RateLimited) as caught:
            quota.admit()
        assert caught.value.retry_after == 30
