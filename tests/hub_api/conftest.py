"""A hub with its whole API over a real database that holds one task."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from starlette.applications import Starlette

from ai_crm.hub.action_routes import ActionApi, action_routes
from ai_crm.hub.api.contract import contract_routes
from ai_crm.model.change import CreateTask, change_key
from ai_crm.model.decision import Answer, Decision
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.task import RuleId
from ai_crm.store.database import engine_for
from ai_crm.store.shared import SqlShared
from ai_crm.store.sql import SqlStore
from ai_crm.store.transactions import Grouped
from tests.doubles.hub_api import api_over
from tests.doubles.hub_parts import Hub, StillClock

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starlette]:
    """A hub with one task, over a real database."""
    transactions = Grouped(engine_for(f"sqlite:///{tmp_path_factory.mktemp('api')}/hub.db"))
    asyncio.run(_add_task(SqlStore(transactions, None, "default", carrier="hub")))
    actions = ActionApi(
        store=lambda workspace: SqlShared(transactions, workspace), clock=StillClock(), wake=lambda: None
    )
    yield Hub(api=(*api_over(transactions, StillClock()), *action_routes(actions), *contract_routes())).app
    transactions.close()


async def _add_task(store: SqlStore) -> None:
    item, rule = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.ISSUE, "1"), RuleId("triage")
    change = CreateTask(
        key=change_key(rule, item, "task", ""), rule=rule, item=item, because="a test", title="It crashes", seen_at=NOON
    )
    decision = Decision(
        event="e" * 32,
        platform=PlatformName.GITHUB,
        names=("issues.opened",),
        actor="octocat",
        item=item,
        answer=Answer.ACT,
        rules="f" * 64,
        verdicts=(),
        changes=(change,),
        skips=(),
    )
    await store.commit(decision, NOON)
