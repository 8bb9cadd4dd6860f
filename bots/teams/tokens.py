"""The keys that Microsoft signs with: fetched once a day, and once an hour at most for one that is not known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec
import structlog

from ai_crm.errors import AiCrmError, AnswerUnintelligible, SignatureInvalid
from ai_crm.model.address import parse_address
from ai_crm.platforms.teams.verify import Metadata, SigningKey, parse_keys
from ai_crm.platforms.transport import Transport

# https://learn.microsoft.com/en-us/azure/bot-service/rest-api/bot-framework-rest-connector-authentication (read 2026-11)
_DAY, _HOUR = 86_400.0, 3_600.0
# Seconds that strangers cannot make us ask again in after it did not work.
_PAUSE = 10.0
_LIMIT = 1_000_000  # bytes of a document

log = structlog.get_logger()


class Publisher(Protocol):
    """Somebody who signs: `issuer` names them, and the document at `metadata_url` leads to their keys."""

    @property
    def issuer(self) -> str: ...

    @property
    def metadata_url(self) -> str: ...


class Keys:
    """`clock` is in seconds and never goes back."""

    def __init__(self, publisher: Publisher, clock: Callable[[], float], proxy: str) -> None:
        self._publisher = publisher
        self._clock = clock
        self._proxy = proxy
        self._known: Mapping[str, SigningKey] = {}
        self._fetched = self._tried = float("-inf")
        self._turn = asyncio.Lock()

    async def find(self, name: str) -> SigningKey:
        """Raises SignatureInvalid for a key that nobody knows, also while nobody can be asked."""
        # Whoever shows a key that is known waits for no one.
        if self._is_wanted(name) and not (name in self._known and self._turn.locked()):
            async with self._turn:
                if self._is_wanted(name):
                    await self._renew()
        if name not in self._known:
            raise SignatureInvalid("the call's token is signed with a key that is not known", where="Teams")
        return self._known[name]

    def _is_wanted(self, name: str) -> bool:
        now = self._clock()
        age = _DAY if name in self._known else _HOUR
        return now - self._fetched >= age and now - self._tried >= _PAUSE

    async def _renew(self) -> None:
        """Old keys are good until there are new ones."""
        try:
            self._known = await asyncio.to_thread(fetch, self._publisher, self._proxy)
        except AiCrmError as error:
            log.warning("teams keys", action="teams keys", problem=str(error))
        else:
            self._fetched = self._clock()
        self._tried = self._clock()  # not before: whoever comes meanwhile has to wait for this answer


def fetch(publisher: Publisher, proxy: str) -> Mapping[str, SigningKey]:
    """Somebody's keys, asked of them now. Blocks. Raises UpstreamError."""
    try:
        document = msgspec.json.decode(_get(publisher.metadata_url, proxy), type=Metadata)
        home, keys = parse_address(publisher.metadata_url), parse_address(document.jwks_uri)
    except (msgspec.MsgspecError, ValueError, RecursionError, AiCrmError) as error:
        if isinstance(error, AiCrmError) and error.retry:
            raise
        raise AnswerUnintelligible("the OpenID document cannot be read", where="Teams") from error
    if document.issuer != publisher.issuer or home.netloc != keys.netloc:
        raise AnswerUnintelligible("the OpenID document is of somebody else", where=home.host)
    return parse_keys(_get(document.jwks_uri, proxy))


def _get(url: str, proxy: str) -> bytes:
    address = parse_address(url)
    with Transport(f"{address.scheme}://{address.netloc}", headers={}, limit=_LIMIT, proxy=proxy) as transport:
        answer = transport.request("GET", address.path or "/")
    if answer.status != 200:
        raise AnswerUnintelligible(f"answered {answer.status} instead of a document", where=address.netloc)
    return answer.body
