"""Whether a delivery comes from GitHub: HMAC-SHA256 over the bytes as they came, read by a parser that refuses more."""

from __future__ import annotations

import hmac

from ai_crm.errors import SignatureInvalid
from ai_crm.ports import RawRequest

HEADER = "x-hub-signature-256"
_MOST_SECRETS = 2  # one, and while it is being changed the one before
_PREFIX = "sha256="
_LENGTH = len(_PREFIX) + 64
_DIGITS = frozenset("0123456789abcdef")
# Stands in for an unusable header, so that every refusal takes the same way. That a digest is all zeros, nobody has seen.
_NEVER = "0" * 64


def verify(request: RawRequest, *secrets: str) -> None:
    """Returns when the delivery is genuine under any of up to two secrets; an empty one opens nothing.

    In constant time: always as much work as for two secrets, and the answer never says which part was wrong.
    The older `x-hub-signature` (SHA-1) is not looked at. Headers that came twice arrive joined and are refused.
    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    Raises SignatureInvalid, also without any secret: no secret means that nothing can be genuine.
    """
    given = _digest(request.headers.get(HEADER, "")).encode()
    genuine = False
    for secret in (*secrets, *[""] * _MOST_SECRETS)[: max(_MOST_SECRETS, len(secrets))]:
        expected = hmac.digest(secret.encode("utf-8", "surrogateescape"), request.body, "sha256").hex()
        genuine |= hmac.compare_digest(expected.encode(), given) and bool(secret)
    if not any(secrets):
        raise SignatureInvalid(
            "no webhook secret is configured, so no delivery can be checked",
            where="GitHub",
            hint="Set the same secret here and in the webhook's settings",
        )
    if not genuine:
        raise SignatureInvalid(
            "the delivery's signature is missing or wrong",
            where="GitHub",
            hint="The secret here and in the webhook's settings must be the same",
        )


def _digest(header: str) -> str:
    """The 64 lower-case digits of a well-formed header; what can never be right for anything else."""
    digits = header.removeprefix(_PREFIX)
    well_formed = len(header) == _LENGTH and len(digits) == 64 and _DIGITS.issuperset(digits)
    return digits if well_formed else _NEVER
