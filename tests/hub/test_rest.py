"""The API over a real database: what a key may see, and what it is told when it asks wrongly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from ai_crm.model.access import MAY, Permission, Role
from ai_crm.model.change import CreateTask, change_key
from ai_crm.model.decision import Answer, Decision
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.task import RuleId, TaskId
from ai_crm.ports.members import Member
from ai_crm.store.database import engine_for
from ai_crm.store.keys import SqlKeys
from ai_crm.store.sql import SqlStore
from ai_crm.store.transactions import Grouped
from ai_crm.store.watches import SqlWatches
from tests.doubles.hub_api import api_over
from tests.doubles.hub_parts import Hub, bearer, call

T = TypeVar("T")

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
RULES = 'auto_task_creation: {rules: [{trigger: issue_opened, task: {title_template: "New: {issue.title}"}}]}'


class At:
    def now(self) -> datetime:
        return NOON


class Desk:
    """An API with one workspace that has a task, and another that has none."""

    def __init__(self, folder: Path) -> None:
        self.transactions = Grouped(engine_for(f"sqlite:///{folder}/hub.db"))
        self.keys = SqlKeys(self.transactions, At())
        self.woken = 0
        self.app = Hub(api=api_over(self.transactions, At(), self._wake)).app
        self.app.state.keys = self.keys

    async def key(self, role: Role = Role.OPERATOR, workspace: str = "ours") -> str:
        return await self.keys.create(workspace, "tester", role, None, NOON)

    async def add_task(self, title: str, number: int = 1) -> None:
        item, rule = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.ISSUE, str(number)), RuleId("triage")
        change = CreateTask(
            key=change_key(rule, item, "task", ""), rule=rule, item=item, because="a test", title=title, seen_at=NOON
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
        await SqlStore(self.transactions, None, "ours", carrier="hub").commit(decision, NOON)

    async def ask(self, path: str, key: str, method: str = "GET", body: Any = None, **headers: str) -> Any:
        sent = b"" if body is None else body if isinstance(body, bytes) else msgspec.json.encode(body)
        named = [(name.replace("_", "-"), text) for name, text in headers.items()]
        return await call(self.app, method, f"/api/v1{path}", (*bearer(key), *named), sent)

    def _wake(self) -> None:
        self.woken += 1


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.transactions.close()


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(work())


def test_tasks_are_found_by_the_query_language_and_told_with_their_version(desk: Desk) -> None:
    async def work() -> None:
        await desk.add_task("It crashes on start")
        await desk.add_task("Docs are missing", 2)
        key = await desk.key()

        found = (await desk.ask("/tasks?q=status:todo%20crash", key)).json()
        assert [task["title"] for task in found["tasks"]] == ["It crashes on start"]
        assert found["total"] == 1
        one = await desk.ask("/tasks/AICRM-1", key)
        assert one.headers["etag"] == '"v1"'
        assert (await desk.ask("/tasks/AICRM-1", key, if_none_match='"v1"')).status == 304

    run(work)


def test_pages_follow_each_other_and_a_cursor_of_ones_own_making_is_refused(desk: Desk) -> None:
    async def work() -> None:
        for number in range(5):
            await desk.add_task(f"Task {number}", number + 1)
        key = await desk.key()
        seen: list[str] = []
        cursor = ""
        for _ in range(3):
            page = (await desk.ask(f"/tasks?limit=2&cursor={cursor}", key)).json()
            seen += [task["id"] for task in page["tasks"]]
            cursor = page["next"]
        assert sorted(seen) == [f"AICRM-{number}" for number in range(1, 6)]
        assert cursor == ""
        assert (await desk.ask("/tasks?cursor=mine", key)).status == 400

    run(work)


def test_another_workspace_looks_as_if_there_were_nothing(desk: Desk) -> None:
    async def work() -> None:
        await desk.add_task("Ours")
        other = await desk.key(workspace="theirs")

        assert (await desk.ask("/tasks", other)).json()["tasks"] == []
        there, nowhere = await desk.ask("/tasks/AICRM-1", other), await desk.ask("/tasks/AICRM-99", other)
        assert (there.status, nowhere.status) == (404, 404)

    run(work)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_exactly_what_the_table_says(desk: Desk, role: Role) -> None:
    asked = {
        "/tasks": Permission.TASKS_READ,
        "/events": Permission.EVENTS_READ,
        "/dead-letters": Permission.EVENTS_READ,
        "/connections": Permission.CONNECTIONS_READ,
        "/analytics/report": Permission.ANALYTICS_READ,
        "/agents": Permission.RULES_READ,
    }

    async def work() -> None:
        key = await desk.key(role)
        for path, permission in asked.items():
            expected = 200 if permission in MAY[role] else 403
            assert (await desk.ask(path, key)).status == expected, path
        sent = await desk.ask("/dead-letters/change:none/replay", key, "POST", {})
        assert sent.status == (404 if Permission.EVENTS_REPLAY in MAY[role] else 403)

    run(work)


def test_a_comment_is_kept_with_who_wrote_it(desk: Desk) -> None:
    async def work() -> None:
        await desk.add_task("It crashes")
        key = await desk.key(Role.MEMBER)

        made = await desk.ask("/tasks/AICRM-1/comments", key, "POST", {"text": "Seen it too"})
        assert made.status == 201
        (comment,) = (await desk.ask("/tasks/AICRM-1/comments", key)).json()["comments"]
        assert (comment["actor"], comment["text"]) == ("tester", "Seen it too")
        assert (await desk.ask("/tasks/AICRM-9/comments", key, "POST", {"text": "x"})).status == 404

    run(work)


def test_who_watches_a_task_hears_of_a_comment_once(desk: Desk) -> None:
    async def work() -> None:
        await desk.add_task("It crashes")
        ann = Member(platform=PlatformName.SLACK, id="U0ANN", name="Ann", login="ann")
        await SqlWatches(desk.transactions).watch("ours", TaskId("AICRM-1"), ann)
        key = await desk.key(Role.MEMBER)
        for _ in range(2):
            said = {"text": "Seen it too"}
            await desk.ask("/tasks/AICRM-1/comments", key, "POST", said, idempotency_key="once")
        page = await desk.ask("/tasks/AICRM-1/comments", key)
        (comment,) = page.json()["comments"]
        decided = await desk.ask(f"/events/{comment['id']}/decisions", await desk.key())
        ((change,),) = (each["decision"]["changes"] for each in decided.json()["decisions"])
        assert (change["platform"], change["target"]) == ("slack", "U0ANN")
        assert desk.woken == 1

    run(work)


def test_tasks_are_found_by_who_watches_them_and_by_their_day(desk: Desk) -> None:
    async def work() -> None:
        await desk.add_task("It crashes")
        key = await desk.key(Role.VIEWER)
        watches = SqlWatches(desk.transactions)
        for login, asked in (("ann", "watched:ann"), ("tester", "watched:@me")):  # a key may be called like a login
            assert (await desk.ask(f"/tasks?q={asked}", key)).json()["total"] == 0
            member = Member(platform=PlatformName.SLACK, id=login, name=login, login=login)
            await watches.watch("ours", TaskId("AICRM-1"), member)
            assert (await desk.ask(f"/tasks?q={asked}", key)).json()["total"] == 1
        for asked, total in (("due:none", 1), ("due:overdue", 0), ("due:<=today", 0)):
            assert (await desk.ask(f"/tasks?q={asked}", key)).json()["total"] == total
        refused = await desk.ask("/tasks?q=due:tody", key)
        assert (refused.status, "today" in refused.json()["detail"]) == (400, True)

    run(work)


@pytest.mark.parametrize(
    ("path", "method", "body"),
    [
        ("/tasks?limit=0", "GET", None),
        ("/tasks?limit=1e3", "GET", None),
        ("/tasks?q=status:nonsense", "GET", None),
        ("/events?state=nonsense", "GET", None),
        ("/events?state=", "GET", None),
        ("/analytics/report?timeframe=1000d", "GET", None),
        ("/analytics/report?timeframe=%D9%A1h", "GET", None),
        ("/analyses", "POST", {"titel": "typo"}),
        ("/analyses", "POST", b"[" * 100_000),
        ("/analyses", "POST", b'{"title": "\xff"}'),
        ("/rules/validate", "POST", {"rules": 1}),
        ("/tasks/AICRM-1%00/comments", "POST", {"text": " "}),
    ],
)
def test_what_is_asked_wrongly_is_told_and_never_a_fault(desk: Desk, path: str, method: str, body: Any) -> None:
    async def work() -> None:
        answer = await desk.ask(path, await desk.key(), method, body)
        assert answer.status in {400, 404}
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]

    run(work)


def test_rules_are_checked_with_the_place_of_every_problem(desk: Desk) -> None:
    async def work() -> None:
        key = await desk.key(Role.VIEWER)
        good = (await desk.ask("/rules/validate", key, "POST", {"rules": RULES})).json()
        bad = (await desk.ask("/rules/validate", key, "POST", {"rules": RULES.replace("trigger", "triger")})).json()

        assert (good["valid"], good["rules"]) == (True, ["issue_opened"])
        assert not bad["valid"]
        assert bad["problems"][0]["line"] == 1

    run(work)


def test_a_text_is_analysed_and_a_report_is_made_of_what_there_is(desk: Desk) -> None:
    async def work() -> None:
        key = await desk.key()
        analysis = (await desk.ask("/analyses", key, "POST", {"title": "It crashes", "labels": ["bug"]})).json()
        assert analysis["type"]["value"] == "bug"
        report = (await desk.ask("/analytics/report?timeframe=24h", key)).json()
        assert (report["total_events"], report["success_rate"]) == (0, None)

    run(work)
