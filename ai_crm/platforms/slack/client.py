"""How Slack is asked to post, to change and to show messages, and what each refusal means for who has to do something."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from ai_crm.cards.inert import plain
from ai_crm.errors import (
    AnswerUnintelligible,
    ChangeRefused,
    CredentialsRefused,
    ItemMissing,
    RateLimited,
    UpstreamError,
    UpstreamUnavailable,
)
from ai_crm.platforms.transport import Answer, Transport

T = TypeVar("T")


class Address(Struct, frozen=True):
    """Where a message is: the channel's id and the message's own, its time."""

    channel: str = ""
    ts: str = ""

    def __str__(self) -> str:
        return f"{self.channel}:{self.ts}"


def parse_address(where: str) -> Address:
    """The address that `str` made text of."""
    channel, _, ts = where.partition(":")
    return Address(channel, ts)


def post_message(transport: Transport, body: Mapping[str, Any]) -> Address:
    """Raises UpstreamError. It is sent once, whatever happens: Slack has no key that would make a second time safe."""
    return _write(transport, "chat.postMessage", body)


def update_message(transport: Transport, body: Mapping[str, Any]) -> Address:
    """Raises UpstreamError; ItemMissing for a message that is gone or can be changed no more."""
    return _write(transport, "chat.update", body)


def _write(transport: Transport, method: str, body: Mapping[str, Any]) -> Address:
    where = f"Slack {plain(str(body['channel']))[:80]}"
    headers = {"Content-Type": "application/json; charset=utf-8"}
    return _taken(transport.request("POST", f"/{method}", msgspec.json.encode(body), headers), where, Address)


def ask(transport: Transport, method: str, given: Mapping[str, str], kind: type[T]) -> T:
    """What a method that only reads answers. Raises UpstreamError."""
    return _taken(transport.request("GET", f"/{method}?{urlencode(given)}"), f"Slack {method}", kind)


def _taken(answer: Answer, where: str, kind: type[T]) -> T:
    if answer.status == 429:
        raise _limited(answer, where)
    if answer.status >= 500:
        raise UpstreamUnavailable(f"Slack answered {answer.status}", where=where, hint="It may pass: run it again")
    if 300 <= answer.status < 400:
        raise AnswerUnintelligible("Slack sent us elsewhere, and a token is not taken there", where=where)
    reply = answer.decoded(_Reply)
    if not reply.ok:
        raise _refusal(reply, answer, where)
    return answer.decoded(kind)


class _Reply(Struct, frozen=True):
    ok: bool
    error: str = ""
    needed: str = ""
    response_metadata: _Remarks | None = None


class _Remarks(Struct, frozen=True):
    messages: tuple[str, ...] = ()


def _limited(answer: Answer, where: str) -> RateLimited:
    return RateLimited(
        "Slack wants fewer messages: about one a second and channel", retry_after=answer.retry_after(30), where=where
    )


def _refusal(reply: _Reply, answer: Answer, where: str) -> UpstreamError:
    if reply.error in _LIMITED:
        return _limited(answer, where)
    if reply.error in _PASSING:
        return UpstreamUnavailable(f"Slack failed: {reply.error}", where=where, hint="It may pass: run it again")
    if reply.error == "missing_scope":
        scope = reply.needed if _SCOPES.fullmatch(reply.needed) else "chat:write"
        hint = f"Add the bot token scope {scope} under OAuth & Permissions and install the app again"
        return CredentialsRefused("the Slack app may not do this", missing=scope, where=where, hint=hint)
    if reply.error in _CREDENTIALS:
        return CredentialsRefused(
            f"Slack refused the token: {reply.error}", where=where, hint=_CREDENTIALS[reply.error]
        )
    if reply.error in _MISSING:
        return ItemMissing(f"Slack does not find this: {reply.error}", where=where, hint=_MISSING[reply.error])
    code = reply.error if _CODE.fullmatch(reply.error) else "an error that is no code"
    remarks = plain("; ".join(reply.response_metadata.messages))[:200] if reply.response_metadata else ""
    hint = _REFUSED.get(
        reply.error, remarks or "https://docs.slack.dev/reference/methods/chat.postMessage lists the codes"
    )
    return ChangeRefused(f"Slack refused the message: {code}", where=where, hint=hint)


_CODE = re.compile("[a-z0-9_]{1,60}")
_SCOPES = re.compile("[a-z:,. _-]{1,80}")
_INSTALL = "Install the app again and use its new bot token, which begins with xoxb-"
_INVITE = "Open the channel and write: /invite @ and the app's name"
_ADMIN = "An administrator of the workspace has to allow this"

# Hints are in words that are right for a workflow's step and for a hub.
# https://docs.slack.dev/reference/methods/chat.postMessage (codes as of 2026-11)
_LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_PASSING = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
_CREDENTIALS: Mapping[str, str] = MappingProxyType(
    {
        "not_authed": "Set a bot token, which begins with xoxb-",
        "invalid_auth": "Set the bot token of the app, which begins with xoxb-, and not another secret of it",
        "account_inactive": _INSTALL,
        "token_revoked": _INSTALL,
        "token_expired": _INSTALL,
        "not_allowed_token_type": "Set a bot token, which begins with xoxb-, and not a user's or the app's own",
        "no_permission": _INSTALL,
        "org_login_required": _ADMIN,
        "ekm_access_denied": _ADMIN,
        "access_denied": _ADMIN,
        "enterprise_is_restricted": _ADMIN,
        "team_access_not_granted": _ADMIN,
    }
)
_MISSING: Mapping[str, str] = MappingProxyType(
    {
        "channel_not_found": "Check the name; a private channel is only found by its id and after /invite @ the app's name",
        "message_not_found": "The message was deleted",
        "cant_update_message": "The message is not the app's own",
        "edit_window_closed": "The workspace lets nobody change old messages",
        "thread_not_found": "The message was deleted",
        "user_not_found": "A person is written as a member id such as U012AB3CD: profile, More, Copy member ID",
    }
)
_REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "not_in_channel": _INVITE,
        "is_archived": "The channel is archived: name another, or restore it",
        "restricted_action": _ADMIN,
        "restricted_action_read_only_channel": "Only some people may write there: name another channel",
        "channel_is_limited_access": "Only some people may write there: name another channel",
        "messages_tab_disabled": "Allow messages to the app: App Home, Messages Tab",
        "no_text": "The message is empty: look at the names in it",
        "msg_too_long": "Shorten the message",
    }
)
