"""GitHub's door: genuine deliveries come in under both secrets, each item has one lane, and no body breaks it."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.errors import PayloadInvalid, SignatureInvalid
from ai_crm.model.delivery import event_id
from ai_crm.model.item import PlatformName
from ai_crm.platforms.github.decode import EVENTS, decode
from ai_crm.platforms.github.receive import GitHubReceiver
from ai_crm.ports import RawRequest
from ai_crm.ports.receiver import Receiver

SECRET = "It's a Secret to Everybody"
PUBLISHED = RawRequest(
    {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
    b"Hello, World!",
)
DOOR: Receiver = GitHubReceiver()
Recorded = Callable[[str], dict[str, Any]]


def call(payload: object, event: str = "issues", **headers: str) -> RawRequest:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return RawRequest({"x-github-event": event} | {k.replace("_", "-"): v for k, v in headers.items()}, body)


def lane(payload: object, event: str = "issues", **headers: str) -> str:
    return DOOR.envelope(call(payload, event, **headers)).lane


def test_it_takes_what_github_sends() -> None:
    assert DOOR.platform is PlatformName.GITHUB
    assert DOOR.limit == 26_214_400


@pytest.mark.parametrize("secrets", [(SECRET,), (SECRET, "before"), ("new", SECRET), ("", SECRET)])
def test_a_delivery_is_genuine_under_any_of_the_secrets(secrets: tuple[str, ...]) -> None:
    assert DOOR.verify(PUBLISHED, secrets) is None


@pytest.mark.parametrize("secrets", [(), ("",), ("", ""), ("other",), ("other", "before")])
def test_a_delivery_is_not_genuine_under_other_secrets_or_none(secrets: tuple[str, ...]) -> None:
    with pytest.raises(SignatureInvalid):
        DOOR.verify(PUBLISHED, secrets)


def test_a_signature_made_with_an_empty_secret_opens_nothing() -> None:
    forged = RawRequest({"x-hub-signature-256": f"sha256={hmac.digest(b'', b'x', 'sha256').hex()}"}, b"x")
    with pytest.raises(SignatureInvalid):
        DOOR.verify(forged, ("", "real"))


def test_everything_that_people_recorded_gets_the_lane_of_what_it_is_about(
    corpus: Mapping[str, list[dict[str, Any]]],
) -> None:
    seen = 0
    for event, examples in corpus.items():
        for example in examples:
            seen += 1
            repository = (example.get("repository") or {}).get("full_name", "")
            numbered = example.get("issue") or example.get("pull_request") or example.get("discussion")
            found = lane(example, event)
            if repository and numbered:
                assert found == f"github:{repository}:{numbered['number']}"
            elif repository:
                assert found == f"github:{repository}"
            else:
                assert found.startswith("github:")
    assert seen == 329


def test_an_issue_and_what_is_said_about_it_wait_in_one_lane(recorded: Recorded) -> None:
    issue = recorded("issues.opened")
    comment = {**issue, "action": "created", "comment": {"id": 1}}
    pull = {"repository": issue["repository"], "pull_request": {"number": issue["issue"]["number"]}}
    lanes = {lane(issue), lane(comment, "issue_comment"), lane(pull, "pull_request_review")}
    assert lanes == {f"github:{issue['repository']['full_name']}:{issue['issue']['number']}"}


def test_what_has_no_repository_waits_with_its_organisation_or_installation() -> None:
    assert lane({"organization": {"login": "octo"}, "installation": {"id": 7}}, "organization") == "github:octo"
    assert lane({"installation": {"id": 7}}, "installation") == "github:installation:7"
    assert lane({"zen": "Keep it logically awesome."}, "ping") == "github:"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"[]", b"7", b'"text"', b"\xff\xfe", b"[" * 100_000, b'{"repository":' * 50_000,
        b'{"repository": 7}', b'{"repository": {}}', b'{"repository": {"full_name": "a/b/c"}}',
        b'{"repository": {"full_name": "a/b\\u0000"}}', b'{"repository": {"full_name": "a/b"}, "issue": {"number": "7"}}',
        b'{"repository": {"full_name": "a/b"}, "issue": {"number": -7}}',
        b'{"repository": {"full_name": "a/b"}, "issue": {"number": ' + b"9" * 5000 + b"}}",
        b'{"repository": {"full_name": "' + b"a" * 101 + b'/b"}}',
    ],
)  # fmt: skip
def test_what_cannot_be_read_waits_in_the_lane_of_nobody(body: bytes) -> None:
    assert lane(body) == "github:"


def test_half_an_emoji_does_not_cost_an_item_its_place() -> None:
    body = b'{"repository": {"full_name": "octo/hello"}, "issue": {"number": 7, "title": "\\ud83d"}}'
    assert lane(body) == "github:octo/hello:7"


@pytest.mark.parametrize("name", ["", "Issues", "issues opened", "is-sues", "a" * 65, "issues\n", "\xef\xbd\x81"])
def test_a_kind_that_is_not_named_is_refused(name: str) -> None:
    with pytest.raises(PayloadInvalid):
        DOOR.envelope(call({}, name))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("0b989ba4-242f-11e5-81e1-c7b6966d2516", "0b989ba4-242f-11e5-81e1-c7b6966d2516"),
        ("", ""), ("a" * 65, ""), ("a b", ""), ("a\n", ""), ("\xe9", ""),
    ],
)  # fmt: skip
def test_the_id_of_the_call_is_kept_where_it_is_one(given: str, kept: str) -> None:
    assert DOOR.envelope(call({}, x_github_delivery=given)).vendor_id == kept


def test_no_signature_and_no_credential_is_kept() -> None:
    secret = {"x_hub_signature_256": "sha256=00", "authorization": "Bearer x", "x_ai_crm_event_id": "forged"}
    assert DOOR.envelope(call({}, **secret)).headers == {"x-github-event": "issues"}


def test_what_was_taken_in_decodes_under_the_id_of_its_content(recorded: Recorded) -> None:
    request = call(recorded("issues.opened"), x_github_delivery="0b989ba4-242f-11e5-81e1-c7b6966d2516")
    kept = DOOR.envelope(request)
    identity = event_id(kept.name, request.body)
    (event,) = decode(RawRequest({**kept.headers, "x-ai-crm-event-id": identity}, request.body))
    assert event.id == identity


def test_a_webhook_that_sends_forms_is_understood_all_the_same(recorded: Recorded) -> None:
    payload = recorded("issues.opened")
    form = b"payload=" + quote(json.dumps(payload)).encode()
    request = call(form, content_type="Application/X-WWW-Form-Urlencoded; charset=utf-8")
    kept = DOOR.envelope(request)
    assert kept.lane == lane(payload)
    (event,) = decode(RawRequest({**kept.headers, "x-ai-crm-event-id": "1"}, form))
    (plain,) = decode(RawRequest({"x-github-event": "issues", "x-ai-crm-event-id": "1"}, json.dumps(payload).encode()))
    assert event == plain


@pytest.mark.parametrize("form", [b"", b"payload", b"payload=%7B&payload=%7B", b"other=7", b"%" * 1000, b"a=b&" * 50])
def test_a_form_without_a_payload_waits_for_its_refusal(form: bytes) -> None:
    request = call(form, content_type="application/x-www-form-urlencoded")
    assert DOOR.envelope(request).lane == "github:"
    with pytest.raises(PayloadInvalid):
        decode(RawRequest({**DOOR.envelope(request).headers, "x-ai-crm-event-id": "1"}, form))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["number", "full_name", "id"]), inner),
    max_leaves=6,
)
_PARTS = ("repository", "organization", "installation", "issue", "pull_request", "discussion")


@settings(max_examples=200)
@given(payload=st.dictionaries(st.sampled_from(_PARTS), _JSON), cut=st.integers(0, 200), junk=st.binary(max_size=3))
def test_no_body_breaks_the_door(payload: dict[str, Any], cut: int, junk: bytes) -> None:
    body = json.dumps(payload).encode()
    for mutant in (body, body[:cut], body[:cut] + junk + body[cut:]):
        found = lane(mutant)
        assert found.startswith("github:")
        assert found.isprintable()
        assert len(found) <= 300


@settings(max_examples=100)
@given(event=st.sampled_from(sorted(EVENTS)), data=st.data())
def test_no_recorded_delivery_with_a_wrong_part_breaks_the_door(event: str, data: st.DataObject) -> None:
    payload: dict[str, Any] = {"repository": {"full_name": "octo/hello"}, "issue": {"number": 7}}
    payload[data.draw(st.sampled_from(_PARTS))] = data.draw(_JSON)
    envelope = DOOR.envelope(call(payload, event))
    assert envelope.name == event
    assert envelope.lane.startswith("github:")
