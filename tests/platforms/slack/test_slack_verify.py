"""Which calls are Slack's own: the vendor's example, and everything that is not quite it."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.errors import SignatureInvalid
from ai_crm.platforms.slack.verify import verify
from ai_crm.ports import RawRequest

# Slack's published example: https://docs.slack.dev/authentication/verifying-requests-from-slack
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TIME = "1531420618"
SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
    b"803a0bc887a14d10d2c447fce8b6703c"
)
NOW = datetime.fromtimestamp(int(TIME), UTC)


def request(time: str = TIME, signature: str = SIGNATURE, body: bytes = BODY) -> RawRequest:
    return RawRequest({"x-slack-request-timestamp": time, "x-slack-signature": signature}, body)


def signed(time: str) -> str:
    return "v0=" + hmac.digest(SECRET.encode(), f"v0:{time}:".encode() + BODY, "sha256").hex()


def test_slacks_own_example_is_genuine() -> None:
    verify(request(), SECRET, NOW)


@pytest.mark.parametrize("seconds", [-300, 300])
def test_five_minutes_are_allowed_either_way(seconds: int) -> None:
    verify(request(), SECRET, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-301, 301, 10**9])
def test_what_is_older_or_from_the_future_is_refused(seconds: int) -> None:
    with pytest.raises(SignatureInvalid):
        verify(request(), SECRET, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "time",
    [
        "",
        "0",
        "abc",
        f" {TIME}",
        f"{TIME} ",
        f"+{TIME}",
        f"{TIME}.0",
        f"0{TIME}",
        "1_531_420_618",
        "9" * 400,
        "١٥٣١٤٢٠٦١٨",
        "\xff",
    ],
)
def test_another_spelling_of_the_time_is_refused_even_when_it_is_signed(time: str) -> None:
    with pytest.raises(SignatureInvalid):
        verify(request(time, signed(time)), SECRET, NOW)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "v0=",
        SIGNATURE.upper(),
        SIGNATURE[:-1],
        f"{SIGNATURE}0",
        f" {SIGNATURE}",
        SIGNATURE.replace("v0", "v1"),
        "\xff" * 67,
        f"{SIGNATURE}\n",
    ],
)
def test_another_spelling_of_the_signature_is_refused(signature: str) -> None:
    with pytest.raises(SignatureInvalid):
        verify(request(signature=signature), SECRET, NOW)


def test_without_a_secret_nothing_is_genuine() -> None:
    empty = "v0=" + hmac.digest(b"", f"v0:{TIME}:".encode() + BODY, "sha256").hex()
    with pytest.raises(SignatureInvalid):
        verify(request(signature=empty), "", NOW)


@given(st.binary(max_size=200), st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=300)
def test_a_stranger_gets_nothing_but_a_refusal(body: bytes, time: str, signature: str) -> None:
    with pytest.raises(SignatureInvalid):
        verify(request(time, signature, body), SECRET, NOW)
