"""How the Bot Connector is asked, and what each of its refusals means for the person who has to do something about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from ai_crm.errors import (
    AnswerUnintelligible,
    ChangeRefused,
    CredentialsRefused,
    ItemMissing,
    RateLimited,
    UpstreamError,
    UpstreamUnavailable,
)
from ai_crm.platforms.teams.login import Proof
from ai_crm.platforms.transport import Answer, Transport

_MOST_PAGES = 20


class Connector:
    """Sends requests as the bot. Each is sent once: only one whose token was refused is sent again with a new one."""

    def __init__(self, transport: Transport, login: Proof) -> None:
        self._transport = transport
        self._login = login

    def open_chat(self, opening: Mapping[str, Any], where: str) -> str:
        """The id of the bot's chat with a person. Raises UpstreamError."""
        chat = self._asked("POST", "/v3/conversations", opening, where).decoded(_Named).id
        if not chat:
            raise AnswerUnintelligible("Teams opened a chat and does not say which", where=where)
        return chat

    def send(self, path: str, activity: Mapping[str, Any], where: str) -> str:
        """The id of the message, empty where the connector does not tell it. Raises UpstreamError."""
        answer = self._asked("POST", path, activity, where)
        return answer.decoded(_Named).id if answer.body else ""

    def replace(self, path: str, activity: Mapping[str, Any], where: str) -> None:
        """Shows another message in the place of one. Raises UpstreamError; ItemMissing for one that is gone."""
        self._asked("PUT", path, activity, where)

    def member(self, conversation: str, person: str, where: str) -> Person:
        """Somebody in a conversation. Raises UpstreamError; ItemMissing for who is not in it."""
        path = f"/v3/conversations/{quote(conversation, safe='')}/members/{quote(person, safe='')}"
        return self._asked("GET", path, None, where).decoded(Person)

    def tenants(self, conversation: str, where: str) -> Iterator[frozenset[str]]:
        """Whose people are in a conversation, page by page, in lower case. Raises UpstreamError."""
        path, token = f"/v3/conversations/{quote(conversation, safe='')}/pagedmembers?pageSize=500", ""
        for _ in range(_MOST_PAGES):
            more = f"&continuationToken={quote(token, safe='')}" if token else ""
            page = self._asked("GET", f"{path}{more}", None, where).decoded(_Page)
            yield frozenset(each.tenant_id.lower() for each in page.members) - {""}
            token = page.continuation_token
            if not token:
                return

    def close(self) -> None:
        self._transport.close()

    def _asked(self, method: str, path: str, body: Mapping[str, Any] | None, where: str) -> Answer:
        answer = self._sent(method, path, body)
        if answer.status == 401:
            self._login.forget()
            answer = self._sent(method, path, body)
        if not 200 <= answer.status < 300:
            raise _refusal(answer, where)
        return answer

    def _sent(self, method: str, path: str, body: Mapping[str, Any] | None) -> Answer:
        token = self._login.token()
        shown = {"Authorization": f"Bearer {token}"} if token else {}
        if body is None:
            return self._transport.request(method, path, None, shown)
        kind = {"Content-Type": "application/json; charset=utf-8"}
        return self._transport.request(method, path, msgspec.json.encode(body), shown | kind)


class Person(Struct, frozen=True, kw_only=True, rename="camel"):
    """A member of a conversation: `id` is Teams' own (`29:…`), `user_role` is `user`, `guest` or `anonymous`.

    Entra's id is called `objectId` in the documented answers and `aadObjectId` in others; full names come in parts.
    https://learn.microsoft.com/en-us/microsoftteams/platform/bots/how-to/get-teams-context (read 2026-11)
    """

    id: str
    name: str = ""
    given_name: str = ""
    surname: str = ""
    aad_object_id: str = ""
    object_id: str = ""
    tenant_id: str = ""
    user_role: str = ""

    @property
    def entra_id(self) -> str:
        """Empty for somebody without an account, such as an anonymous guest of a meeting."""
        return self.aad_object_id or self.object_id

    @property
    def called(self) -> str:
        return self.name or f"{self.given_name} {self.surname}".strip()


class _Page(Struct, frozen=True, rename="camel"):
    members: tuple[Person, ...]
    continuation_token: str = ""


class _Named(Struct, frozen=True):
    id: str = ""


class _Trouble(Struct, frozen=True):
    code: str = ""


class _Refusal(Struct, frozen=True):
    error: _Trouble = _Trouble()


_CODE = re.compile("[A-Za-z0-9_]{1,60}")
_ADD = "Add the bot's app to this team, channel or chat; a person has to install it first"
_FORBIDDEN: Mapping[str, str] = MappingProxyType(
    {
        "MessageWritesBlocked": "The person has blocked the bot or removed its app: they have to add it again",
        "BotDisabledByAdmin": "An administrator has switched the app off: Teams admin center, Manage apps",
    }
)


def _refusal(answer: Answer, where: str) -> UpstreamError:
    """https://learn.microsoft.com/en-us/microsoftteams/platform/bots/build-conversational-capability (read 2026-11)."""
    code = _code(answer)
    match answer.status:
        case 412 | 429:
            return RateLimited("Teams wants fewer messages", retry_after=answer.retry_after(10), where=where)
        case 401:
            hint = "The bot's registration must be of the cloud and the tenant that it writes to"
            return CredentialsRefused(f"Teams refused the bot's token{code}", where=where, hint=hint)
        case 403:
            hint = _FORBIDDEN.get(code.removeprefix(": "), _ADD)
            return CredentialsRefused(f"Teams does not let the bot write there{code}", where=where, hint=hint)
        case 404 | 410:
            hint = f"Check the id. {_ADD}"
            return ItemMissing(f"Teams does not find this conversation{code}", where=where, hint=hint)
        case 413:
            return ChangeRefused(f"the message is too large for Teams{code}", where=where, hint="Shorten it")
        case status if status >= 500:
            return UpstreamUnavailable(f"Teams answered {status}{code}", where=where, hint="It may pass: run it again")
        case status if status < 400:
            return AnswerUnintelligible("Teams sent us elsewhere, and a token is not taken there", where=where)
        case status:
            return ChangeRefused(
                f"Teams refused the message with {status}{code}", where=where, hint="Check the target's id"
            )


def _code(answer: Answer) -> str:
    """`: BadSyntax`, or nothing where the connector gives no reason that is a code."""
    try:
        code = answer.decoded(_Refusal).error.code
    except AnswerUnintelligible:
        return ""
    return f": {code}" if _CODE.fullmatch(code) else ""
