"""The routes of the hub's API over a database, put together as a hub's process does it."""

from __future__ import annotations

from collections.abc import Callable

from starlette.routing import Route

from ai_crm.analysis import offline_analyst
from ai_crm.config.agents import load_agents
from ai_crm.flow.comments import add_comment
from ai_crm.flow.notices import Listeners
from ai_crm.hub.once import Once
from ai_crm.hub.rest import Api, api_routes
from ai_crm.hub.task_routes import TaskApi, task_routes
from ai_crm.model.agent import Agent
from ai_crm.model.record import TaskComment
from ai_crm.model.status_name import StatusName
from ai_crm.ports import Clock
from ai_crm.ports.answers import Answers
from ai_crm.store.idempotency import SqlAnswers
from ai_crm.store.members import SqlMembers
from ai_crm.store.records import SqlRecords
from ai_crm.store.sql import SqlStore
from ai_crm.store.transactions import Grouped
from ai_crm.store.watches import SqlWatches
from ai_crm.wiring import decoder


def known_agents(_workspace: str) -> tuple[Agent, ...]:
    """The catalogue."""
    return load_agents()


def api_over(
    transactions: Grouped,
    clock: Clock,
    wake: Callable[[], None] = lambda: None,
    agents: Callable[[str], tuple[Agent, ...]] = known_agents,
    answers: Answers | None = None,
    statuses: tuple[StatusName, ...] = (),
) -> tuple[Route, ...]:
    """Reading and writing, but neither the contract nor what Actions use."""
    records, once = SqlRecords(transactions), Once(answers or SqlAnswers(transactions), clock)

    async def comment(workspace: str, written: TaskComment) -> None:
        members, watches = SqlMembers(transactions), SqlWatches(transactions)
        listeners = Listeners(members=members, watches=watches, workspace=workspace, agents=lambda: ())
        await add_comment(written, records, listeners)

    reading = Api(
        records=records,
        comment=comment,
        once=once,
        decode=lambda platform, request: decoder(platform)(request),
        analyst=offline_analyst(),
        statuses=lambda _workspace: statuses,
        clock=clock,
        wake=wake,
    )
    writing = TaskApi(
        records=records,
        store=lambda workspace: SqlStore(transactions, None, workspace, carrier="hub"),
        once=once,
        analyst=offline_analyst(),
        agents=agents,
        statuses=lambda _workspace: statuses,
        clock=clock,
        wake=wake,
    )
    return (*api_routes(reading), *task_routes(writing))
