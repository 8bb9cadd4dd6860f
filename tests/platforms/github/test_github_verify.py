"""Who is believed to be GitHub: the published example, and every malformed header that others stumbled over."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_crm.errors import SignatureInvalid
from ai_crm.platforms.github.verify import verify
from ai_crm.ports import RawRequest

SECRET = "It's a Secret to Everybody"
BODY = b"Hello, World!"
PUBLISHED = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

SIGNATURES = (
    "", " ", "v1", "v1,", "v1,,", "v1,a,b", "v1,!!!", "v1,Zg", "v1,\xe9\xff", "v1," + "A" * 100_000, "v2,abc", ",",
    "v1,abc def", "\0", "v1,AAAA v1", "sha256=", "sha256=\xff\xfe", "sha256=zz", "sha1=abc", "v0=\xe9", "v0=",
    "t=1,v1=abc", "t=abc,v1=abc", "t=,v1=", "v1=abc", "t=1700000000,v1=\xff", "=,=,=", "t=1", "t=" + "9" * 5000,
    "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59",  # right, and of an algorithm that nobody should trust
    "sha256=" + "0" * 64, "sha256=" + "f" * 64, PUBLISHED.upper(), PUBLISHED.replace("sha256", "SHA256"),
    PUBLISHED + " ", " " + PUBLISHED, PUBLISHED + "\n", PUBLISHED + "0", PUBLISHED[:-1], PUBLISHED[7:],
    f"{PUBLISHED}, {PUBLISHED}", f"{PUBLISHED},{PUBLISHED}", f"sha1=abc, {PUBLISHED}", PUBLISHED.replace("7", "\uff17"),
    PUBLISHED.replace("7", "\u0667"), "sha256=" + "\u0660" * 64, "\ud800" * 71,
)  # fmt: skip
BODIES = (BODY, b"", b"\xff\xfe\0", b"\xed\xa0\x80", b"[" * 100_000, b"{")


def delivery(signature: str, body: bytes = BODY) -> RawRequest:
    return RawRequest({"x-hub-signature-256": signature}, body)


def sign(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_the_example_that_github_publishes_is_genuine() -> None:
    verify(delivery(PUBLISHED), SECRET)


@pytest.mark.parametrize("body", BODIES)
def test_the_bytes_count_as_they_came_whatever_they_mean(body: bytes) -> None:
    verify(delivery(sign(body), body), SECRET)


@pytest.mark.parametrize("body", BODIES)
def test_no_malformed_header_is_believed_and_none_does_more_than_that(body: bytes) -> None:
    for signature in SIGNATURES:
        if signature == sign(body):
            continue
        with pytest.raises(SignatureInvalid):
            verify(delivery(signature, body), SECRET)


@given(st.text(), st.binary(max_size=64))
def test_nothing_that_anybody_sends_raises_anything_else(signature: str, body: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        verify(delivery(signature, body), SECRET)


def test_a_delivery_without_a_signature_is_not_genuine() -> None:
    with pytest.raises(SignatureInvalid):
        verify(RawRequest({}, BODY), SECRET)


def test_the_older_signature_is_not_looked_at() -> None:
    request = RawRequest({"x-hub-signature": "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59"}, BODY)
    with pytest.raises(SignatureInvalid):
        verify(request, SECRET)


@pytest.mark.parametrize("signature", [PUBLISHED, sign(BODY, ""), ""])
def test_without_a_secret_nothing_is_genuine(signature: str) -> None:
    with pytest.raises(SignatureInvalid):
        verify(delivery(signature), "")


def test_another_connections_secret_does_not_open_this_one() -> None:
    with pytest.raises(SignatureInvalid):
        verify(delivery(sign(BODY, "another")), SECRET)


def test_a_changed_body_is_not_genuine() -> None:
    with pytest.raises(SignatureInvalid):
        verify(delivery(PUBLISHED, BODY + b" "), SECRET)


def test_a_refusal_says_nothing_about_secret_signature_or_body() -> None:
    with pytest.raises(SignatureInvalid) as caught:
        verify(delivery(sign(BODY, "wrong")), SECRET)
    told = str(caught.value)
    assert SECRET not in told
    assert sign(BODY)[7:20] not in told
    assert BODY.decode() not in told
