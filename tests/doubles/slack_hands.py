"""How a workspace's calls reach a bot over HTTP: signed as Slack signs, over the bytes that are sent."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from tests.doubles.http import ask


class Ack(Struct, frozen=True):
    """What a bot said at once, and after how many seconds. `status` 0 is silence."""

    status: int
    body: bytes
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)


# Kind of the call in the words of Socket Mode, its body, further headers.
Way = Callable[[str, dict[str, Any], Mapping[str, str]], Ack]


class Http:
    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = secret

    def __call__(self, kind: str, body: dict[str, Any], headers: Mapping[str, str]) -> Ack:
        sent, content_type = encoded(kind, body)
        began = time.monotonic()
        answer = ask("POST", self._url, sent, {**signed(sent, self._secret), "content-type": content_type, **headers})
        return Ack(answer.status, answer.body, time.monotonic() - began)


def encoded(kind: str, body: dict[str, Any]) -> tuple[bytes, str]:
    match kind:
        case "events_api":
            return json.dumps(body).encode(), "application/json"
        case "interactive":
            return urlencode({"payload": json.dumps(body)}).encode(), "application/x-www-form-urlencoded"
        case _:
            return urlencode(body, errors="replace").encode(), "application/x-www-form-urlencoded"


def signed(body: bytes, secret: str, at: int = 0) -> dict[str, str]:
    when = str(at or int(time.time()))
    digest = hmac.digest(secret.encode(), f"v0:{when}:".encode() + body, "sha256").hex()
    return {"x-slack-request-timestamp": when, "x-slack-signature": f"v0={digest}"}
