"""How a POST that comes twice under the same `Idempotency-Key` does its work once and is answered the same."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ai_crm.errors import PayloadInvalid
from ai_crm.hub.exchange import JSON, who
from ai_crm.ports import Clock
from ai_crm.ports.answers import Answers, KeptAnswer

HEADER = "idempotency-key"
REPLAYED = "Idempotent-Replayed"

# Headers of an answer that a repetition gets too.
_KEPT = ("location", "etag")
_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)


class Turn(Struct, frozen=True):
    """One request to be worked on: `id` has 32 hexadecimal digits. A repetition has the same of both."""

    id: str
    at: datetime


def _new_id() -> str:
    return secrets.token_hex(16)


class Once(Struct, frozen=True):
    """`new_id` gives 32 hexadecimal digits, others each time."""

    answers: Answers
    clock: Clock
    new_id: Callable[[], str] = _new_id

    async def run(self, request: Request, asked: Struct, work: Callable[[Turn], Awaitable[Response]]) -> Response:
        """What `work` answers, or what it answered when the request came before. Without a key every request is new.

        `asked` is the body as it was understood; `work` must come to the same end when it runs twice in the same turn.
        Nothing is kept of a failure: the same request is then tried again. Raises HTTPException 422 for a key that was
        used for something else.
        """
        given = _key(request)
        if not given:
            return await work(Turn(self.new_id(), self.clock.now()))
        by = who(request)
        workspace, key = by.workspace, _digest(by.key or by.name, request.url.path, given)
        wanted = _digest(msgspec.json.encode(asked).decode())
        claim = await self.answers.claim(workspace, key, wanted, self.clock.now())
        if claim.request != wanted:
            raise HTTPException(422, "This Idempotency-Key was used for another request: take a new one for each.")
        if claim.answer:
            return _replayed(claim.answer)
        # When it was first used is a part of it: once the key is forgotten, the same one begins something new.
        turn = Turn(_digest(workspace, key, claim.since.isoformat())[:32], claim.since)
        own = _kept(await work(turn))
        kept = await self.answers.finish(workspace, key, own)
        return _replayed(kept) if kept != own else Response(own.body, own.status, dict(own.headers), JSON)


def _key(request: Request) -> str:
    """The key; empty without one. Raises PayloadInvalid for what is none."""
    given = request.headers.getlist(HEADER)
    if not given:
        return ""
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        raise PayloadInvalid("an Idempotency-Key is 1 to 255 printable ASCII characters without blanks, given once")
    return given[0]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _kept(response: Response) -> KeptAnswer:
    headers = {name: response.headers[name] for name in _KEPT if name in response.headers}
    return KeptAnswer(status=response.status_code, headers=headers, body=bytes(response.body).decode())


def _replayed(answer: KeptAnswer) -> Response:
    return Response(answer.body, answer.status, {**answer.headers, REPLAYED: "true"}, JSON)
