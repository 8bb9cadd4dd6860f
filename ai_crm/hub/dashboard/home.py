"""The page where people begin: what is theirs, how the last day was, what needs somebody."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from ai_crm.flow.commands import CommandDesk
from ai_crm.hub.dashboard.asking import asked_for, today_for, visitor_of
from ai_crm.hub.dashboard.render import page
from ai_crm.model.access import MAY, Permission
from ai_crm.model.record import ConnectionHealth, DeadLetterPage, Report
from ai_crm.ports.sessions import Visitor

_DAY = timedelta(hours=24)
_MOST_LETTERS = 100


class Part(Struct, frozen=True):
    """One part of the page: a heading, and the command whose answer stands below it, in the second column if `aside`.

    `search` finds all of what the answer shows the beginning of.
    """

    heading: str
    command: str
    search: str = ""
    aside: bool = False


# What stands there as if the person had asked for it; what they may not ask for is left out.
PARTS = (
    Part("Yours and open", "my tasks --status open", search="assignee:@me status:open"),
    Part("Watched by you", "my watched --status open", search="watched:@me status:open"),
    Part("Connections", "doctor", aside=True),
)


class Home(Struct, frozen=True):
    desk: CommandDesk

    async def shown(self, request: Request) -> Response:
        visitor = visitor_of(request)
        replies = await asked_for((part.command for part in PARTS), visitor, self.desk)
        letters = await self._letters(visitor)
        parts = [(part, reply) for part, reply in zip(PARTS, replies, strict=True) if reply]
        return page(
            "home",
            visitor,
            parts=parts,
            report=await self._report(visitor),
            connections=await self._connections(visitor),
            letters=None if letters is None else letters.letters,
            given_up=_counted(letters) if letters else "",
            today=await today_for(visitor, self.desk),
        )

    async def _report(self, visitor: Visitor) -> Report | None:
        """The figures that `status dashboard` tells; None for who may not see them, here and below."""
        if Permission.ANALYTICS_READ not in MAY[visitor.principal.role]:
            return None
        now = self.desk.clock.now()
        return await self.desk.records.report(visitor.principal.workspace, now - _DAY, now)

    async def _connections(self, visitor: Visitor) -> tuple[ConnectionHealth, ...] | None:
        if Permission.CONNECTIONS_READ not in MAY[visitor.principal.role]:
            return None
        return await self.desk.records.connections(visitor.principal.workspace)

    async def _letters(self, visitor: Visitor) -> DeadLetterPage | None:
        if Permission.EVENTS_READ not in MAY[visitor.principal.role]:
            return None
        return await self.desk.records.dead_letters(visitor.principal.workspace, "", "", _MOST_LETTERS)


def _counted(page: DeadLetterPage) -> str:
    return f"{len(page.letters)}{'+' if page.next else ''}"
