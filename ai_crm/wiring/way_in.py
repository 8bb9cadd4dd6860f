"""How somebody is given the link that lets them into the dashboard, once."""

from __future__ import annotations

from ai_crm.errors import CommandRefused
from ai_crm.flow.commands.reply import WayIn
from ai_crm.ports import Clock
from ai_crm.ports.sessions import Sessions, Visitor


def links_of(sessions: Sessions, clock: Clock, base_url: str) -> WayIn:
    """`base_url` is where people reach the hub; empty where nobody said, and then there is no link to give."""

    async def link(visitor: Visitor) -> str:
        if not base_url:
            hint = "Its operator sets AI_CRM_BASE_URL to how it is reached from outside"
            raise CommandRefused("this hub does not know the address of its dashboard", hint=hint)
        return f"{base_url.rstrip('/')}/sign-in/{await sessions.invite(visitor, clock.now())}"

    return link
