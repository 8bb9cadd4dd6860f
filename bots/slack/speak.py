"""How an answer gets to somebody in Slack: as blocks of the same cards, to the place where it was asked for."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from ai_crm.cards.blockkit import MOST_BLOCKS, Block, render
from ai_crm.cards.elements import Card
from ai_crm.cards.inert import mrkdwn
from ai_crm.errors import AiCrmError, CommandRefused, CredentialsRefused, UpstreamUnavailable
from ai_crm.flow.commands.reply import Reply

_MOST_TEXT = 3_000
_WORD = re.compile("[a-z0-9_]{1,60}")
_DIVIDER: Block = {"type": "divider"}

Message = dict[str, Any]

log = structlog.get_logger()


def blocks_of(cards: tuple[Card, ...], most: int = MOST_BLOCKS) -> list[Block]:
    """The cards one below the other, each whole or not at all."""
    blocks: list[Block] = []
    for card in cards:
        more = [*([_DIVIDER] if blocks else []), *render(card).blocks]
        if len(blocks) + len(more) > most:
            break
        blocks += more
    return blocks


def message_of(reply: Reply) -> Message:
    """`text` and `blocks` of a message. Nothing in it is looked up or parsed."""
    text = mrkdwn(reply.text[:_MOST_TEXT]) or "Done"
    blocks = blocks_of(reply.cards)
    return {"text": text, **({"blocks": blocks} if blocks else {}), "parse": "none", "link_names": False}


class Speaker:
    """Posts answers. `home` is the host of the API that we were told to use: only there and at Slack's own is answered."""

    def __init__(self, api_url: str, proxy: str) -> None:
        self._hosts = frozenset({"hooks.slack.com", "hooks.slack-gov.com", urlsplit(api_url).hostname or ""})
        self._proxy = proxy or None

    async def respond(self, url: str, reply: Reply, *, replace: bool = False) -> None:
        """Answers a command or a button at the address that came with it, which is good five times in half an hour."""
        if urlsplit(url).hostname not in self._hosts:
            log.warning("respond", action="respond", problem="the address to answer at is not Slack's")
            return
        hook = AsyncWebhookClient(url, proxy=self._proxy)
        hook.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=2))
        where = {"replace_original": True} if replace else {"response_type": _kind(reply), "replace_original": False}
        message = message_of(reply)
        answer = await hook.send_dict({**message, **where})
        if answer.status_code != 200 and _has_pictures(message):
            answer = await hook.send_dict({**_without_pictures(message), **where})
        if answer.status_code != 200:
            log.warning("respond", action="respond", problem=f"Slack answered {answer.status_code}")

    async def whisper(self, client: AsyncWebClient, channel: str, user: str, reply: Reply, thread: str = "") -> None:
        """Tells one person, in the channel where they are; in a direct message where the app is not in that channel."""
        message = message_of(reply)
        if channel:
            try:
                await _posted(client.chat_postEphemeral, message, channel=channel, user=user, thread_ts=thread or None)
            except SlackApiError as error:
                log.info("whisper", action="whisper", problem=_code(error))
            else:
                return
        await _posted(client.chat_postMessage, message, channel=user, unfurl_links=False, unfurl_media=False)

    async def say(self, client: AsyncWebClient, channel: str, thread: str, reply: Reply) -> None:
        """Tells everybody in a channel, or in a thread of it."""
        await _posted(
            client.chat_postMessage,
            message_of(reply),
            channel=channel,
            thread_ts=thread or None,
            unfurl_links=False,
            unfurl_media=False,
        )


def trouble(error: SlackApiError) -> AiCrmError:
    """What a refusal of Slack's means for the person in front of it."""
    code = _code(error)
    match code:
        case "expired_trigger_id" | "invalid_trigger_id" | "exchanged_trigger_id":
            return CommandRefused("Slack did not wait for the window: three seconds were over", hint="Ask once more")
        case "missing_scope":
            hint = "An operator can add it under OAuth & Permissions: `ai-crm slack doctor` says which"
            return CredentialsRefused("the Slack app lacks a permission", where="Slack", hint=hint)
        case "invalid_auth" | "token_revoked" | "account_inactive":
            return CredentialsRefused(
                "Slack does not take the app's token", where="Slack", hint="An operator has to install the app again"
            )
        case _:
            return UpstreamUnavailable(f"Slack says {code}", where="Slack", hint="Try again in a minute")


async def _posted(post: Callable[..., Awaitable[object]], message: Message, **where: object) -> None:
    """Slack refuses the whole message when it cannot fetch a picture of it, be it for a moment (2026-11,
    https://github.com/slackapi/python-slack-sdk/issues/1782): then it goes without.
    """
    try:
        await post(**where, **message)
    except SlackApiError as error:
        if _code(error) != "invalid_blocks" or not _has_pictures(message):
            raise
        await post(**where, **_without_pictures(message))


def _without_pictures(message: Message) -> Message:
    """The same in words alone: all that a picture shows stands in its card as well."""
    return {**message, "blocks": [each for each in message.get("blocks", ()) if each["type"] != "image"]}


def _has_pictures(message: Message) -> bool:
    return any(each["type"] == "image" for each in message.get("blocks", ()))


def _kind(reply: Reply) -> str:
    return "ephemeral" if reply.private else "in_channel"


def _code(error: SlackApiError) -> str:
    """Slack's own word; what is no word is not passed on."""
    told = error.response.get("error", "") if hasattr(error.response, "get") else ""
    return told if isinstance(told, str) and _WORD.fullmatch(told) else "an error without a name"
