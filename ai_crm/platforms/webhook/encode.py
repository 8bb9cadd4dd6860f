"""What a call looks like on the way out: the headers that Standard Webhooks asks for, and the signature over the body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from ai_crm.errors import ChangeRefused, Problem, SettingsInvalid
from ai_crm.model.change import CallWebhook
from ai_crm.platforms.webhook import MOST_BODY

_PREFIX = "whsec_"
_LEAST_KEY, _MOST_KEY = 24, 64


def keys_of(secrets: str) -> tuple[bytes, ...]:
    """The keys in `whsec_…`, or in several with blanks between them while one takes the other's place.

    Raises SettingsInvalid for what is no base64 of 24 to 64 bytes.
    """
    return tuple(map(_key, secrets.split()))


def body_of(change: CallWebhook) -> bytes:
    """Raises ChangeRefused for a body that is too large."""
    body = change.body.filled(None).encode(errors="replace")
    if len(body) > MOST_BODY:
        what = f"the body has {len(body):,} bytes; {MOST_BODY:,} are allowed"
        raise ChangeRefused(what, where="webhook", hint="Take long texts such as {issue.body} out of it")
    return body


def headers(change: CallWebhook, body: bytes, at: int, keys: tuple[bytes, ...]) -> dict[str, str]:
    """`at` is the time of this attempt in Unix seconds; the id stays the same for every attempt.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md (read 2026-11)
    """
    named = {"content-type": change.content_type, "webhook-id": change.key, "webhook-timestamp": str(at)}
    signatures = " ".join(signature(key, change.key, at, body) for key in keys)
    return named | ({"webhook-signature": signatures} if signatures else {})


def signature(key: bytes, call: str, at: int, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 over id, time and body in base64."""
    digest = hmac.digest(key, f"{call}.{at}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not _LEAST_KEY <= len(key) <= _MOST_KEY:
        what = f"the webhooks' signing secret must be {_PREFIX} and base64 of {_LEAST_KEY} to {_MOST_KEY} bytes"
        hint = 'such as python3 -c "import base64, os; print(base64.b64encode(os.urandom(32)).decode())" makes it'
        raise SettingsInvalid((Problem("the signing secret", 0, 0, what, hint),)) from None
    return key
