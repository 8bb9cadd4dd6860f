"""Secrets: whatever is done with one, it does not show."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import traceback
from string import printable
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.model.secret import Secret, mask_forms

CANARY = "xoxb-7e1f0b9c2d/+canary"
TOKENS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=4, max_size=60)


class _Holder(msgspec.Struct, frozen=True):
    name: str
    token: Secret


def test_a_secret_is_told_by_reveal_alone() -> None:
    assert Secret(CANARY).reveal() == CANARY


def test_no_way_of_writing_a_secret_down_shows_it() -> None:
    secret = Secret(CANARY)
    shown = (
        str(secret),
        repr(secret),
        f"{secret} {secret!s} {secret!r} {secret!a} {secret:>40}",
        "{} {:s} {!r}".format(secret, secret, secret),  # noqa: UP032 - the old spellings are the point
        "%s %r" % (secret, secret),  # noqa: UP031 - the old spellings are the point
        repr([secret, {"token": secret}, (secret,)]),
        repr(_Holder("x", secret)),
    )
    assert not [text for text in shown if "canary" in text]
    assert all("***" in text for text in shown)


@pytest.mark.parametrize(
    "serialise", [json.dumps, msgspec.json.encode, msgspec.msgpack.encode, pickle.dumps, copy.deepcopy]
)
def test_a_secret_is_neither_serialised_nor_copied(serialise: object) -> None:
    assert callable(serialise)
    with pytest.raises(TypeError) as caught:
        serialise(Secret(CANARY))
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_a_secret_has_no_dictionary_to_look_into() -> None:
    with pytest.raises(TypeError):
        vars(Secret(CANARY))


def test_an_empty_secret_is_false_and_shows_nothing_either() -> None:
    assert not Secret("")
    assert Secret("x")
    assert str(Secret("")) == "***"


def test_secrets_are_equal_when_their_values_are_and_never_to_a_text() -> None:
    assert Secret("tökén") == Secret("tökén")
    assert Secret("token") != Secret("tokem")
    assert Secret("token") != "token"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_a_single_line_is_hidden_in_all_its_forms() -> None:
    assert mask_forms(Secret('pass word/ü"')) == (
        'pass word/ü"',
        "pass%20word%2F%C3%BC%22",
        'pass word/ü\\"',
        "cGFzcyB3b3JkL8O8I",
        "Bhc3Mgd29yZC/DvC",
        "wYXNzIHdvcmQvw7wi",
        "Bhc3Mgd29yZC_DvC",
    )


@pytest.mark.parametrize("value", ["", "a", "abc", "a\nb\nabc", " \n\t"])
def test_a_text_of_fewer_than_four_characters_hides_nothing(value: str) -> None:
    assert not [form for form in mask_forms(Secret(value)) if len(form) < 4]
    assert value not in mask_forms(Secret(value))


def test_each_line_of_a_long_secret_is_hidden_by_itself() -> None:
    key = "-----BEGIN KEY-----\n  c2VjcmV0IGtleQ==\r\nab\n-----END KEY-----\n"
    forms = mask_forms(Secret(key))
    assert {"-----BEGIN KEY-----", "c2VjcmV0IGtleQ==", "-----END KEY-----"} <= set(forms)
    assert "ab" not in forms
    assert not [form for form in forms if "\n" in form or "\r" in form]


def test_no_form_is_told_twice() -> None:
    forms = mask_forms(Secret("abcdefgh"))
    assert len(forms) == len(set(forms))


def test_a_value_that_is_no_text_is_hidden_too() -> None:
    assert mask_forms(Secret("\udcff\udcfeabcd"))


@settings(max_examples=150, deadline=None)
@given(TOKENS, st.text(printable, max_size=9), st.text(printable, max_size=9))
def test_a_token_inside_any_longer_text_is_hidden_whatever_that_was_encoded_as(
    token: str, before: str, behind: str
) -> None:
    whole = before + token + behind
    forms = mask_forms(Secret(token))
    for text in (
        whole,
        quote(whole, safe=""),
        json.dumps(whole),
        base64.b64encode(whole.encode()).decode(),
        base64.urlsafe_b64encode(whole.encode()).decode(),
    ):
        assert any(form in text for form in forms)


@settings(max_examples=100, deadline=None)
@given(TOKENS)
def test_what_base64_leaves_unhidden_is_at_most_a_byte_at_either_end(token: str) -> None:
    text = base64.b64encode(b"user:" + token.encode() + b"@").decode()
    hidden = max((form for form in mask_forms(Secret(token)) if form in text), key=len)
    assert len(hidden) * 6 >= (len(token) - 2) * 8
