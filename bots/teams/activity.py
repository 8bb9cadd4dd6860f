"""What Teams tells us in one call, read once: who, where, what was said or pressed, as the Bot Framework spells it."""

from __future__ import annotations

import hashlib
import html
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct, field

from ai_crm.errors import PayloadInvalid
from ai_crm.platforms.teams.verify import Origin

_DEEPEST = 60
_MOST_MENTIONS = 10


class Scope(StrEnum):
    PERSONAL = "personal"
    GROUP = "groupChat"
    CHANNEL = "channel"


class Account(Struct, frozen=True, kw_only=True, rename="camel"):
    """`id` is Teams' own and differs from bot to bot (`29:…`), `aad_object_id` is Entra's and stays."""

    id: str = ""
    name: str = ""
    aad_object_id: str = ""


class Mention(Struct, frozen=True):
    """Somebody who was named: by which piece of the text, and who that is."""

    text: str
    mentioned: Account


class Heard(Struct, frozen=True, kw_only=True):
    """One activity. `bot` is who it was sent to, `text` is without that one's name; `value` is what the client sent with a button or an invoke.

    `raw` is the activity as it came, for whoever answers it. `meeting` is empty outside of one.
    """

    type: str
    name: str
    action: str
    id: str
    reply_to: str
    text: str
    value: Any
    conversation: str
    scope: Scope
    sender: Account
    bot: str
    mentions: tuple[Mention, ...]
    origin: Origin
    meeting: str
    raw: dict[str, Any]

    @property
    def tenant(self) -> str:
        """The one that it comes from, in lower case; empty where it names none."""
        return next(iter(self.origin.tenants), "").lower()

    @property
    def request(self) -> str:
        """32 hexadecimal digits, the same when Teams sends the same thing again."""
        parts = f"teams\x1f{self.conversation}\x1f{self.id}"
        return hashlib.sha256(parts.encode(errors="replace")).hexdigest()[:32]


def parse(body: bytes) -> Heard:
    """Pure. Raises PayloadInvalid."""
    try:
        raw = _clean(msgspec.json.decode(body), 0)
        found = msgspec.convert(raw, _Activity)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise PayloadInvalid("this is not what Teams sends", where="Teams") from error
    data, place = found.channel_data, found.conversation
    named = tuple(
        (each.text, each.mentioned)
        for each in found.entities
        if each.type == "mention" and each.text and each.mentioned.id
    )
    ours = found.recipient.id
    return Heard(
        type=found.type,
        name=found.name,
        action=found.action,
        id=found.id or hashlib.sha256(body).hexdigest(),
        reply_to=found.reply_to_id,
        text=_spoken(found.text, tuple(text for text, who in named if who.id == ours)),
        value=found.value,
        conversation=place.id,
        scope=place.conversation_type,
        sender=found.sender,
        bot=ours,
        mentions=tuple(Mention(_spoken(text, ()), who) for text, who in named if who.id != ours)[:_MOST_MENTIONS],
        origin=Origin(
            service_url=found.service_url,
            channel=found.channel_id,
            tenants=tuple(filter(None, (data.tenant.id, place.tenant_id))),
        ),
        meeting=data.meeting.id,
        raw=raw,
    )


class _Conversation(Struct, frozen=True, rename="camel"):
    id: str
    conversation_type: Scope = Scope.PERSONAL
    tenant_id: str = ""


class _Entity(Struct, frozen=True):
    type: str = ""
    text: str = ""
    mentioned: Account = Account()


class _Named(Struct, frozen=True):
    id: str = ""


class _ChannelData(Struct, frozen=True):
    tenant: _Named = _Named()
    meeting: _Named = _Named()


class _Activity(Struct, frozen=True, kw_only=True, rename="camel"):
    """https://learn.microsoft.com/en-us/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference (2026-11)."""

    type: str
    conversation: _Conversation
    service_url: str
    channel_id: str
    sender: Account = field(name="from")
    id: str = ""
    name: str = ""
    action: str = ""
    text: str = ""
    reply_to_id: str = ""
    recipient: Account = Account()
    entities: tuple[_Entity, ...] = ()
    value: Any = None
    channel_data: _ChannelData = _ChannelData()


def _clean(value: Any, depth: int) -> Any:
    """Without nulls, which say the same as nothing. Raises ValueError for what is nested too deeply to be carried on."""
    if depth > _DEEPEST:
        raise ValueError("too deep")
    if isinstance(value, dict):
        return {name: _clean(each, depth + 1) for name, each in value.items() if each is not None}
    return [_clean(each, depth + 1) for each in value if each is not None] if isinstance(value, list) else value


def _spoken(text: str, names: tuple[str, ...]) -> str:
    """Teams escapes what people write, and tells which pieces are the bot's name."""
    for name in names:
        text = text.replace(name, " ")
    return html.unescape(text).replace("\xa0", " ").strip()
