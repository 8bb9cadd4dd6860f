"""Whether a call comes from Slack: HMAC-SHA256 over time and bytes as they came, read by a parser that refuses more."""

from __future__ import annotations

import hmac
import re
from datetime import datetime

from ai_crm.errors import SignatureInvalid
from ai_crm.ports import RawRequest

TIME_HEADER = "x-slack-request-timestamp"
SIGNATURE_HEADER = "x-slack-signature"

# Seconds that a call may be old, or ahead of our clock.
MOST_SECONDS = 300

# One spelling of each: no sign, no blank, no zero in front. A second one would be a second call to whoever compares them.
_TIME = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}", re.ASCII)
_NEVER = "v0=" + "0" * 64


def verify(request: RawRequest, secret: str, now: datetime) -> None:
    """Returns when the call is genuine and at most five minutes old. The same work whatever is wrong with it.

    https://docs.slack.dev/authentication/verifying-requests-from-slack
    Raises SignatureInvalid, also without a secret: no secret means that nothing can be genuine.
    """
    time = _only(_TIME, request.headers.get(TIME_HEADER, ""), "0")
    given = _only(_SIGNATURE, request.headers.get(SIGNATURE_HEADER, ""), _NEVER)
    genuine = hmac.compare_digest(_signature(request.body, secret, time).encode(), given.encode())
    if not (genuine and secret and abs(now.timestamp() - int(time)) <= MOST_SECONDS):
        raise SignatureInvalid(
            "the call's signature is missing, wrong or too old",
            where="Slack",
            hint="AI_CRM_SLACK_SIGNING_SECRET must be the app's own (Basic Information), and the clock must be right",
        )


def sign(body: bytes, secret: str, now: datetime) -> dict[str, str]:
    """The headers with which Slack would send this body."""
    time = str(int(now.timestamp()))
    return {TIME_HEADER: time, SIGNATURE_HEADER: _signature(body, secret, time)}


def _signature(body: bytes, secret: str, time: str) -> str:
    digest = hmac.digest(secret.encode("utf-8", "surrogateescape"), f"v0:{time}:".encode() + body, "sha256")
    return f"v0={digest.hex()}"


def _only(form: re.Pattern[str], header: str, otherwise: str) -> str:
    return header if form.fullmatch(header) else otherwise
