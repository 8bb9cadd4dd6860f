"""A desk for commands on a real database in memory, with what tests do and look at around it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from ai_crm.analysis import offline_analyst
from ai_crm.config.agents import load_agents
from ai_crm.flow.commands import answer, pressed
from ai_crm.flow.commands.reply import Asker, CommandDesk, Reply
from ai_crm.flow.comments import add_comment
from ai_crm.flow.notices import Listeners
from ai_crm.model.access import Principal, Role
from ai_crm.model.agent import Agent
from ai_crm.model.item import PlatformName
from ai_crm.model.record import TaskComment
from ai_crm.model.status_name import StatusName
from ai_crm.ports.watches import Watches
from ai_crm.store.database import engine_for
from ai_crm.store.members import SqlMembers
from ai_crm.store.records import SqlRecords
from ai_crm.store.sessions import SqlSessions
from ai_crm.store.sql import SqlStore
from ai_crm.store.transactions import Direct
from ai_crm.store.watches import SqlWatches
from ai_crm.wiring.way_in import links_of

T = TypeVar("T")
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
AGENTS = load_agents()


async def inline(work: Callable[[], T]) -> T:
    return work()


class TestDesk:
    """`say` and `press` answer as a bot would; every call is a minute later and another request."""

    __test__ = False

    def __init__(self, finish: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self.engine = engine_for("sqlite://")
        transactions = Direct(self.engine, inline)
        self.records = SqlRecords(transactions)
        self.members = SqlMembers(transactions)
        self.watches: Watches = SqlWatches(transactions)
        self.sessions = SqlSessions(transactions)
        self.time = NOON
        self.woken = 0
        self.picture = ""
        self.base_url = "https://hub.example"
        self.agents: Callable[[str], tuple[Agent, ...]] = lambda _workspace: AGENTS
        self.statuses: tuple[StatusName, ...] = ()
        self._finish = finish
        self._requests = 0
        self._stores: dict[str, SqlStore] = {}

    @property
    def desk(self) -> CommandDesk:
        return CommandDesk(
            records=self.records,
            members=self.members,
            watches=self.watches,
            store=self.store,
            comment=self._comment,
            analyst=offline_analyst(),
            agents=self.agents,
            statuses=lambda _workspace: self.statuses,
            clock=self,
            wake=self._wake,
            picture=lambda _report: self.picture,
            way_in=links_of(self.sessions, self, self.base_url),
        )

    def now(self) -> datetime:
        return self.time

    def store(self, workspace: str) -> SqlStore:
        return self._stores.setdefault(workspace, SqlStore(self.engine, inline, workspace, carrier="hub"))

    def say(self, text: str, who: Asker | None = None, request: str = "") -> Reply:
        reply: Reply = self._finish(answer(text, who or asker(), self.desk, request or self._request()))
        return reply

    def press(self, verb: str, data: Mapping[str, str], who: Asker | None = None, request: str = "") -> Reply:
        reply: Reply = self._finish(pressed(verb, dict(data), who or asker(), self.desk, request or self._request()))
        return reply

    async def _comment(self, workspace: str, comment: TaskComment) -> None:
        listeners = Listeners(
            members=self.members, watches=self.watches, workspace=workspace, agents=lambda: self.agents(workspace)
        )
        await add_comment(comment, self.records, listeners)

    def _request(self) -> str:
        self._requests += 1
        self.time += timedelta(minutes=1)
        return f"{self._requests:032x}"

    def _wake(self) -> None:
        self.woken += 1


def asker(
    name: str = "ann",
    role: Role = Role.MEMBER,
    platform: PlatformName = PlatformName.SLACK,
    workspace: str = "default",
    member: str = "U012",
) -> Asker:
    principal = Principal(name=name, workspace=workspace, role=role)
    return Asker(principal=principal, platform=platform, id=member, name=name)
