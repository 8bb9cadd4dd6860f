"""Whether a call comes from the Bot Connector and is for us: a token signed by it, and an activity that the token fits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm
from msgspec import Raw, Struct

from ai_crm.errors import AnswerUnintelligible, CommandRefused, SignatureInvalid

# Seconds that two clocks may differ.
MOST_SECONDS = 300
_LONGEST = 16_384  # characters of a token; real ones have about 1,000
_LEAST_BITS = 2_048
_MOST_KEYS = 100
_FORM = re.compile(r"[Bb]earer ([A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]{2,})")
_CHANNEL = "msteams"


class SigningKey(Struct, frozen=True):
    """A key, the channels whose activities it may sign, and whose tokens, where it says that."""

    public: RSAPublicKey
    endorsements: tuple[str, ...]
    issuer: str = ""


class Expected(Struct, frozen=True, kw_only=True):
    """What a token must say: who made it, and whom it is for."""

    issuer: str
    app_id: str


class Claims(Struct, frozen=True):
    """What a genuine token says about the activity that it came with."""

    service_url: str
    endorsements: tuple[str, ...]


class Origin(Struct, frozen=True, kw_only=True):
    """What an activity says about where it comes from."""

    service_url: str
    channel: str
    tenants: tuple[str, ...]


def bearer(header: str) -> str:
    """The token of an Authorization header. Raises SignatureInvalid."""
    found = _FORM.fullmatch(header) if len(header) <= _LONGEST else None
    if found is None:
        raise refused()
    return found[1]


def key_id(token: str) -> str:
    """The name of the key that a token says it is signed with. Raises SignatureInvalid for any algorithm but RS256."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
        raise refused() from error
    kid = header.get("kid")
    if header.get("alg") != _ALGORITHM or not isinstance(kid, str) or not kid or {"crit", "b64"} & set(header):
        raise refused()
    return kid


def verify(token: str, key: SigningKey, expected: Expected, now: datetime) -> Claims:
    """What the token claims, once it is genuine, for us and of today. Pure. Raises SignatureInvalid.

    https://learn.microsoft.com/en-us/azure/bot-service/rest-api/bot-framework-rest-connector-authentication (read 2026-11)
    """
    payload = opened(token, key)
    try:
        said = msgspec.json.decode(payload, type=_Said)
        urls = _service_urls(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise refused() from error
    fits = (
        said.iss == expected.issuer
        and said.aud.lower() == expected.app_id.lower()
        and is_current(said.nbf, said.exp, now)
        and len(urls) == 1
    )
    if not fits:
        raise refused()
    return Claims(service_url=urls[0], endorsements=key.endorsements)


def opened(token: str, key: SigningKey) -> bytes:
    """What a token holds, once it is certain that the key signed it. Raises SignatureInvalid."""
    try:
        payload: bytes = jwt.PyJWS().decode_complete(token, key.public, [_ALGORITHM])["payload"]
    except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
        raise refused() from error
    return payload


def is_current(begin: float, end: float, now: datetime) -> bool:
    """Whether it is between two times of a token, as its clock and ours may differ."""
    return begin - MOST_SECONDS <= now.timestamp() < end + MOST_SECONDS


def match(claims: Claims, origin: Origin) -> str:
    """The one tenant of an activity that the token was made for; empty where it names none or several. Pure.

    The token does not cover the activity, so that what it does say is compared. Raises SignatureInvalid for a service
    that it does not name, CommandRefused for a channel that the key may not sign for.
    """
    if _trimmed(origin.service_url) != _trimmed(claims.service_url):
        raise refused()
    if origin.channel != _CHANNEL or _CHANNEL not in claims.endorsements:
        raise CommandRefused("this key does not speak for this channel", where="Teams", hint="Only Microsoft Teams may")
    named = {each.lower() for each in origin.tenants}
    return named.pop() if len(named) == 1 else ""


def parse_keys(document: bytes) -> Mapping[str, SigningKey]:
    """The keys of a JSON Web Key Set that can be used here, by their names. Raises AnswerUnintelligible."""
    try:
        found = msgspec.json.decode(document, type=_KeySet).keys[:_MOST_KEYS]
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise AnswerUnintelligible("the signing keys cannot be read", where="Teams") from error
    keys = {each.kid: _signing_key(each) for each in found if each.kty == "RSA" and each.kid}
    return {name: key for name, key in keys.items() if key is not None}


class Metadata(Struct, frozen=True):
    """What the OpenID document says, as far as it matters."""

    issuer: str
    jwks_uri: str


def refused() -> SignatureInvalid:
    """The same words whatever is wrong: who guesses learns nothing."""
    return SignatureInvalid(
        "the call's token is missing, wrong or too old",
        where="Teams",
        hint="AI_CRM_TEAMS_APP_ID must be the bot's own, and the clock must be right",
    )


_ALGORITHM = "RS256"


class _Said(Struct, frozen=True):
    iss: str
    aud: str
    exp: float
    nbf: float


class _Key(Struct, frozen=True):
    kty: str = ""
    kid: str = ""
    n: str = ""
    e: str = ""
    endorsements: tuple[str, ...] = ()
    issuer: str = ""


class _KeySet(Struct, frozen=True):
    keys: tuple[_Key, ...]


def _signing_key(key: _Key) -> SigningKey | None:
    try:
        public = RSAAlgorithm.from_jwk({"kty": "RSA", "n": key.n, "e": key.e})
    except (jwt.InvalidKeyError, ValueError, TypeError):
        return None
    if not isinstance(public, RSAPublicKey) or public.key_size < _LEAST_BITS:
        return None
    return SigningKey(public, key.endorsements, key.issuer)


def _service_urls(payload: bytes) -> tuple[str, ...]:
    """Documents spell it `serviceUrl`, tokens `serviceurl`; two of them would be two truths."""
    claims = msgspec.json.decode(payload, type=dict[str, Raw])
    return tuple(msgspec.json.decode(value, type=str) for name, value in claims.items() if name.lower() == "serviceurl")


def _trimmed(url: str) -> str:
    return url.removesuffix("/")
