"""Webhooks out, through a receiver on loopback that the operator allows."""

from __future__ import annotations

import base64
import hashlib
import hmac
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any, get_args

import pytest

from ai_crm.errors import AiCrmError, ChangeRefused, RateLimited, SettingsInvalid, Unsupported, UpstreamUnavailable
from ai_crm.model.change import (
    AddLabels,
    Applied,
    CallWebhook,
    ChangeKey,
    Later,
    OutboundChange,
    Outcome,
    Text,
    change_key,
)
from ai_crm.platforms.webhook import Webhooks
from ai_crm.platforms.webhook.encode import signature
from tests.conftest import Finish
from tests.doubles.loopback import Loopback, Reply, Request
from tests.doubles.notices import ITEM, RULE, inline, shows

NOW = datetime(2021, 2, 25, 14, 48, 50, tzinfo=UTC)
LOOPBACK = (ip_network("127.0.0.1/32"),)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def call(url: str, *parts: str | Later, **fields: Any) -> CallWebhook:
    usual: dict[str, Any] = {"key": change_key(RULE, ITEM, "webhook", ""), "rule": RULE, "item": ITEM}
    return CallWebhook(**{**usual, "because": "the rule says so", "url": url, "body": Text(parts or ("{}",)), **fields})


def webhooks(secret: str = "") -> Webhooks:
    return Webhooks(inline, lambda: NOW, signing_secret=secret, allowed=LOOPBACK)


def answered(finish: Finish, reply: Reply, change: Callable[[str], CallWebhook] = call) -> Applied | AiCrmError:
    with Loopback(lambda _: reply) as receiver:
        hooks = webhooks(SECRET)
        try:
            return finish(hooks.apply(change(f"{receiver.url}/hook")))
        except AiCrmError as error:
            return error
        finally:
            hooks.close()


def received(finish: Finish, change: Callable[[str], CallWebhook], secret: str = "") -> Request:
    with Loopback(lambda _: Reply(204)) as receiver:
        hooks = webhooks(secret)
        finish(hooks.apply(change(receiver.url)))
        hooks.close()
    (request,) = receiver.requests
    return request


def test_a_call_is_a_post_of_the_body_to_the_very_address(finish: Finish) -> None:
    body = '{"title":"Ünïcode"}'
    request = received(finish, lambda url: call(f"{url}/a/b/?c=%20d&e=https://x.example/", body))
    assert (request.method, request.path) == ("POST", "/a/b/?c=%20d&e=https://x.example/")
    assert request.body == body.encode()
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == change_key(RULE, ITEM, "webhook", "")
    assert request.headers["webhook-timestamp"] == "1614264530"
    assert "webhook-signature" not in request.headers


@pytest.mark.parametrize(("written", "asked"), [("", "/"), ("/", "/"), ("?a=b", "/?a=b"), ("/hook/", "/hook/")])
def test_a_path_is_sent_as_it_was_written(finish: Finish, written: str, asked: str) -> None:
    assert received(finish, lambda url: call(url + written)).path == asked


def test_a_call_says_what_kind_of_body_it_has(finish: Finish) -> None:
    request = received(finish, lambda url: call(url, "hello", content_type="text/plain; charset=utf-8"))
    assert (request.headers["content-type"], request.body) == ("text/plain; charset=utf-8", b"hello")


def test_the_signature_is_the_one_of_the_published_example() -> None:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_secrets_take_turns_a_call_is_signed_with_each(finish: Finish) -> None:
    second = "whsec_" + base64.b64encode(b"k" * 32).decode()
    request = received(finish, lambda url: call(url, "{}"), f"{SECRET} {second}")
    told = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    keys = (base64.b64decode(SECRET.removeprefix("whsec_")), b"k" * 32)
    digests = [base64.b64encode(hmac.digest(key, told, hashlib.sha256)).decode() for key in keys]
    assert request.headers["webhook-signature"].split(" ") == [f"v1,{digest}" for digest in digests]


@pytest.mark.parametrize("secret", ["whsec_", "whsec_abc", "not base64 at all!", "whsec_" + "A" * 200, "whsec_AAAA"])
def test_a_secret_that_is_none_is_said_so_and_not_shown(finish: Finish, secret: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        finish(webhooks(secret).apply(call("https://hooks.example.com")))
    assert secret == "whsec_" or secret not in str(caught.value)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_success_is_done_whatever_the_body_says(finish: Finish, status: int) -> None:
    done = answered(finish, Reply(status, b"" if status == 204 else b"<html>\xff"))
    assert done == Applied(key=change_key(RULE, ITEM, "webhook", ""), outcome=Outcome.DONE)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 409, 410, 413, 422])
def test_a_refusal_is_for_good_and_names_no_path(finish: Finish, status: int) -> None:
    error = answered(finish, Reply(status, b"nope", {"Location": "https://other.example/"}))
    assert isinstance(error, ChangeRefused)
    assert not error.retry
    assert str(status) in str(error)
    assert "/hook" not in str(error)
    assert "other.example" not in str(error)
    assert "nope" not in str(error)
    assert not shows(error, SECRET)


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 599])
def test_what_may_pass_is_tried_again(finish: Finish, status: int) -> None:
    assert isinstance(answered(finish, Reply(status)), UpstreamUnavailable)


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [(429, {}, 30), (429, {"Retry-After": "7"}, 7), (503, {"Retry-After": "120"}, 120), (500, {"Retry-After": "0"}, 1)],
)
def test_a_receiver_says_when_to_come_back(
    finish: Finish, status: int, headers: dict[str, str], seconds: float
) -> None:
    error = answered(finish, Reply(status, b"", headers))
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


def test_a_receiver_that_wants_us_back_in_days_is_asked_in_an_hour(finish: Finish) -> None:
    error = answered(finish, Reply(429, b"", {"Retry-After": "999999"}))
    assert isinstance(error, RateLimited)
    assert error.retry_after == 3600


def test_an_answer_without_an_end_is_no_answer(finish: Finish) -> None:
    assert isinstance(answered(finish, Reply(200, b"x" * 1_000_001)), AiCrmError)


def test_a_body_that_is_too_large_is_not_sent(finish: Finish) -> None:
    with Loopback(lambda _: Reply(200)) as receiver:
        with pytest.raises(ChangeRefused, match="256,001 bytes; 256,000 are allowed"):
            finish(webhooks().apply(call(receiver.url, "x" * 256_001)))
        assert receiver.requests == []


def test_a_key_that_could_smuggle_in_a_header_is_never_sent(finish: Finish) -> None:
    with Loopback(lambda _: Reply(200)) as receiver:
        with pytest.raises(ValueError, match="line break"):
            finish(webhooks().apply(call(receiver.url, key=ChangeKey("a\r\nx-evil: 1"))))
        assert receiver.requests == []


def test_calls_after_each_other_share_a_connection_and_calls_at_once_do_not_wait(finish: Finish) -> None:
    both = threading.Barrier(2, timeout=10)

    def answer(request: Request) -> Reply:
        if request.path == "/at-once":
            both.wait()
        return Reply(200)

    with Loopback(answer) as receiver:
        hooks = webhooks()
        with ThreadPoolExecutor(2) as threads:
            calls = [threads.submit(finish, hooks.apply(call(f"{receiver.url}/at-once"))) for _ in range(2)]
            assert [done.result().outcome for done in calls] == [Outcome.DONE] * 2
        for _ in range(3):
            finish(hooks.apply(call(receiver.url)))
        hooks.close()
    assert len(receiver.requests) == 5


def test_every_other_change_is_absent_for_a_reason(finish: Finish) -> None:
    others = set(get_args(OutboundChange)) - {CallWebhook}
    assert set(Webhooks.capabilities.absent) == others
    labels = AddLabels(key=change_key(RULE, ITEM, "x", ""), rule=RULE, item=ITEM, because="x", labels=("x",))
    with pytest.raises(Unsupported):
        finish(webhooks().apply(labels))


def test_nothing_is_loaded_before_the_first_call() -> None:
    program = (
        "import sys; from ai_crm.platforms.webhook import Webhooks; Webhooks(None, None).close();"
        "print(sorted({'http.client', 'ssl', 'ipaddress', 'hmac', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
