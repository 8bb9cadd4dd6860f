"""What pages need to ask for something as a person: the same commands, and the same answers, as in a chat."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from ai_crm.commands.command import AskAnalysis, Asked, CheckHealth, Help, ListAgents
from ai_crm.errors import AiCrmError, CommandRefused
from ai_crm.flow.commands import Asker, CommandDesk, Reply, answer, demand, obey, pressed, refusal, understand
from ai_crm.flow.commands.reply import agents_of, member_of, today_of
from ai_crm.hub.dashboard.form import fields_of
from ai_crm.hub.dashboard.render import page
from ai_crm.model.agent import Agent
from ai_crm.ports.sessions import Visitor

# In characters: what an address bar and a line of commands hold.
MOST_TYPED = 2_000


def visitor_of(request: Request) -> Visitor:
    """Who is signed in, behind `Signed`."""
    visitor: Visitor = request.state.visitor
    return visitor


def asker_of(visitor: Visitor) -> Asker:
    """The visitor as somebody who asks for something."""
    return Asker(principal=visitor.principal, platform=visitor.platform, id=visitor.id, name=visitor.name)


def status_of(reply: Reply) -> int:
    """An answer that says no is an answer, and no page that is kept as if it were one."""
    return 200 if reply.ok else 422


async def today_for(visitor: Visitor, desk: CommandDesk) -> date:
    """The day that it is for the visitor, whose time zone the bots may know."""
    return today_of(await member_of(asker_of(visitor), desk), desk.clock.now())


async def asked_for(texts: Iterable[str], visitor: Visitor, desk: CommandDesk) -> tuple[Reply | None, ...]:
    """The answer to each of these commands, which only look; None for what the visitor may not ask."""
    return tuple([await _looked(text, asker_of(visitor), desk) for text in texts])


class Asking(Struct, frozen=True):
    """The pages that are one command and its answer."""

    desk: CommandDesk

    async def helped(self, request: Request) -> Response:
        """What there is to ask for."""
        visitor = visitor_of(request)
        reply = await obey(Asked(Help()), asker_of(visitor), self.desk, "")
        return page("answer", visitor, typed="", reply=reply)

    async def said(self, request: Request) -> Response:
        """The answer to a line of words."""
        visitor, fields = visitor_of(request), await fields_of(request)
        typed = fields.one("say")
        reply = await answer(typed, asker_of(visitor), self.desk, fields.request_id(visitor))
        return page("answer", visitor, status_of(reply), typed=typed[:MOST_TYPED], reply=reply)

    async def pressed(self, request: Request) -> Response:
        """The answer to a button of a card."""
        visitor, fields = visitor_of(request), await fields_of(request)
        reply = await pressed(fields.one("verb"), fields.data, asker_of(visitor), self.desk, fields.request_id(visitor))
        return page("answer", visitor, status_of(reply), typed="", reply=reply)

    async def analysis_form(self, request: Request) -> Response:
        return page("analyse", visitor_of(request), title="", body="", reply=None)

    async def analysed(self, request: Request) -> Response:
        visitor, fields = visitor_of(request), await fields_of(request)
        title, body = fields.one("title"), fields.one("body")
        reply = None
        if title:
            asked = Asked(AskAnalysis(title, body, detailed=True))
            reply = await obey(asked, asker_of(visitor), self.desk, "")
        return page("analyse", visitor, status_of(reply) if reply else 422, title=title, body=body, reply=reply)

    async def agents(self, request: Request) -> Response:
        """The catalogue of the workspace, or one category of it; what it does not know is answered as in a chat."""
        visitor = visitor_of(request)
        category = request.query_params.get("category", "")[:MOST_TYPED]
        reply = await obey(Asked(ListAgents(category)), asker_of(visitor), self.desk, "")
        known = _known_agents(asker_of(visitor), self.desk)
        shown = tuple(agent for agent in known if category in {"", agent.category}) if reply.ok else ()
        return page(
            "agents",
            visitor,
            status_of(reply),
            category=category,
            categories=_categories(known),
            agents=shown,
            problem=None if reply.ok else reply,
        )

    async def connections(self, request: Request) -> Response:
        visitor = visitor_of(request)
        reply = await obey(Asked(CheckHealth()), asker_of(visitor), self.desk, "")
        found = await self.desk.records.connections(visitor.principal.workspace)
        return page("connections", visitor, status_of(reply), reply=reply, connections=found, now=self.desk.clock.now())


async def _looked(text: str, who: Asker, desk: CommandDesk) -> Reply | None:
    try:
        asked = await understand(text, who, desk)
    except AiCrmError as error:
        return refusal(error)
    try:
        demand(who.principal, asked.command)
    except CommandRefused:
        return None
    return await obey(asked, who, desk, "")


def _known_agents(who: Asker, desk: CommandDesk) -> tuple[Agent, ...]:
    """None while the hub's own rules are broken; that they are, the answer says."""
    try:
        return agents_of(who, desk)
    except CommandRefused:
        return ()


def _categories(agents: tuple[Agent, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(agent.category for agent in agents))
