"""Tasks that people make and change through the API: once, by whom, and never over somebody else's change."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from sqlalchemy import func, insert, select

from ai_crm.config.agents import load_agents
from ai_crm.errors import Problem, RulesInvalid, StoreUnavailable
from ai_crm.model.access import MAY, Permission, Role
from ai_crm.model.agent import Agent
from ai_crm.model.change import Applied, CreateTask, Outcome, ShowCard, change_key
from ai_crm.model.decision import Answer, Decision
from ai_crm.model.delivery import event_id
from ai_crm.model.item import ItemKind, ItemRef, PlatformName, Project
from ai_crm.model.secret import Secret
from ai_crm.model.status_name import StatusName
from ai_crm.model.task import RuleId, TaskStatus
from ai_crm.ports.answers import Answers, Claim, KeptAnswer
from ai_crm.ports.receiver import Connection
from ai_crm.store import tables
from ai_crm.store.connections import SqlConnections
from ai_crm.store.database import engine_for
from ai_crm.store.idempotency import SqlAnswers
from ai_crm.store.keys import SqlKeys
from ai_crm.store.retention import apply_retention
from ai_crm.store.rows import stamp
from ai_crm.store.sql import SqlStore
from ai_crm.store.transactions import Grouped
from ai_crm.store.vault import Vault
from tests.doubles.hub_api import api_over
from tests.doubles.hub_parts import Answer as Answered
from tests.doubles.hub_parts import Hub, bearer, call

T = TypeVar("T")

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ISSUE = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.ISSUE, "1")
RULES = 'auto_task_creation: {rules: [{trigger: issue_opened, task: {title_template: "New: {issue.title}"}}]}'
_NUMBERS = itertools.count(1)


class Fading:
    """Answers that are lost as often as `fails` says, like those of a process that dies before it has kept one."""

    def __init__(self, answers: Answers) -> None:
        self.fails = 0
        self._answers = answers

    async def claim(self, workspace: str, key: str, request: str, now: datetime) -> Claim:
        return await self._answers.claim(workspace, key, request, now)

    async def finish(self, workspace: str, key: str, answer: KeptAnswer) -> KeptAnswer:
        if self.fails:
            self.fails -= 1
            raise StoreUnavailable("the database went away", hint="Try again")
        return await self._answers.finish(workspace, key, answer)


class Desk:
    """The API over one database, in a workspace of its own. `now` is the time; `broken` breaks the hub's own rules."""

    def __init__(self, url: str) -> None:
        self.transactions = Grouped(engine_for(url))
        self.workspace = f"w{next(_NUMBERS)}"
        self.time = NOON
        self.woken = 0
        self.broken = False
        self.keys = SqlKeys(self.transactions, self)
        self.answers = Fading(SqlAnswers(self.transactions))
        names = (StatusName("doing", TaskStatus.IN_PROGRESS),)
        self.app = Hub(api=api_over(self.transactions, self, self._wake, self._agents, self.answers, names)).app
        self.app.state.keys = self.keys

    def now(self) -> datetime:
        return self.time

    async def key(self, role: Role = Role.MEMBER, name: str = "ann") -> str:
        return await self.keys.create(self.workspace, name, role, None, self.time)

    async def ask(self, path: str, key: str, method: str = "GET", body: Any = None, **headers: str) -> Answered:
        sent = b"" if body is None else body if isinstance(body, bytes) else msgspec.json.encode(body)
        named = [(name.replace("_", "-"), text) for name, text in headers.items()]
        return await call(self.app, method, f"/api/v1{path}", (*bearer(key), *named), sent)

    async def count(self, table: str) -> int:
        chosen = tables.metadata.tables[table]
        statement = select(func.count()).select_from(chosen).where(chosen.c.workspace == self.workspace)
        found: int = await self.transactions.read(lambda connection: connection.execute(statement).scalar_one())
        return found

    async def waiting(self) -> list[str]:
        """The kinds of changes that wait to be carried out by the hub."""
        table = tables.change
        statement = select(table.c.kind).where(
            table.c.workspace == self.workspace, table.c.state == "pending", table.c.carrier == "hub"
        )
        return await self.transactions.read(lambda connection: list(connection.execute(statement).scalars()))

    async def connect(self) -> None:
        """A connection to GitHub."""
        github = Connection(
            workspace=self.workspace,
            id=f"github-{self.workspace}",
            platform=PlatformName.GITHUB,
            settings={},
            secrets={"token": Secret("ghp_test")},
        )
        await SqlConnections(self.transactions, Vault(bytes(32)), self).add(github)

    async def card_shown(self) -> None:
        """A task of an issue whose card stands under it."""
        rule = RuleId("triage")
        create = CreateTask(
            key=change_key(rule, ISSUE, "task", ""), rule=rule, item=ISSUE, because="a test", title="It crashes"
        )
        card = ShowCard(
            key=change_key(rule, ISSUE, "card", "e1"),
            rule=rule,
            item=ISSUE,
            because="a test",
            project=Project(name="octo/hello", url=""),
        )
        store = SqlStore(self.transactions, None, self.workspace)
        await store.commit(_decision((create, card)), NOON)
        shown = await store.refresh(card)
        assert shown
        await store.settle(
            shown, Applied(key=card.key, outcome=Outcome.DONE, where="77", url="https://github.example/77")
        )

    async def deliver(self, name: str, body: bytes) -> str:
        event = event_id(name, body)
        row: dict[str, object] = dict.fromkeys(("not_before", "holder", "lease_until", "reason", "detail"), "")
        row |= {"workspace": self.workspace, "id": event, "connection": "c", "platform": "github", "name": name}
        row |= {"vendor_id": event, "body_hash": event, "lane": "l", "body": body, "state": "done", "attempts": 1}
        row |= {"headers": msgspec.json.encode({"x-github-event": name}).decode()}
        row |= {"received_at": stamp(NOON), "decided_at": stamp(NOON)}
        await self.transactions.write(lambda connection: connection.execute(insert(tables.delivery).values(row)))
        return event

    def _wake(self) -> None:
        self.woken += 1

    def _agents(self, _workspace: str) -> tuple[Agent, ...]:
        if self.broken:
            raise RulesInvalid((Problem("rules/secret-folder.yml", 1, 1, "it is broken"),))
        return load_agents()


def _decision(changes: tuple[CreateTask | ShowCard, ...]) -> Decision:
    return Decision(
        event="e1",
        platform=PlatformName.GITHUB,
        names=("issues.opened",),
        actor="octocat",
        item=ISSUE,
        answer=Answer.ACT,
        rules="f" * 64,
        verdicts=(),
        changes=changes,
        skips=(),
    )


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    sqlite = request.param == "sqlite"
    made = Desk(f"sqlite:///{tmp_path}/hub.db" if sqlite else request.getfixturevalue("postgres_url"))
    yield made
    made.transactions.close()


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(work())


def test_a_task_that_is_asked_for_is_there_with_what_the_analysis_found(desk: Desk) -> None:
    async def work() -> None:
        key = await desk.key()
        made = await desk.ask("/tasks", key, "POST", {"title": "SQL injection in the login form"})

        task = made.json()
        assert (made.status, made.headers["location"], made.headers["etag"]) == (201, "/api/v1/tasks/AICRM-1", '"v1"')
        assert (task["rule"], task["item"]["platform"], task["agent"]["assigned"]) == ("request", "hub", False)
        assert task["analysis"]["type"]["value"]
        assert (await desk.ask("/tasks/AICRM-1", key)).json() == task
        assert desk.woken == 1
        (entry,) = task["history"]
        assert (entry["actor"], entry["because"]) == ("ann", "asked for by ann")

    run(work)


def test_without_a_key_every_request_is_a_new_task(desk: Desk) -> None:
    async def work() -> None:
        key = await desk.key()
        made = [await desk.ask("/tasks", key, "POST", {"title": "Water the plants"}) for _ in range(2)]
        assert [each.json()["id"] for each in made] == ["AICRM-1", "AICRM-2"]

    run(work)


def test_the_same_request_under_the_same_key_is_one_task_and_one_answer(desk: Desk) -> None:
    async def work() -> None:
        key = await desk.key()
        first = await desk.ask("/tasks", key, "POST", {"title": "Water the plants"}, idempotency_key="k-1")
        await desk.ask("/tasks/AICRM-1", key, "PATCH", {"status": "done"}, if_match='"v1"')
        desk.time += timedelta(hours=1)
        again = await desk.ask("/tasks", key, "POST", b'{ "title":"Water the plants" }', idempotency_key="k-1")

        assert (again.status, again.body) == (first.status, first.body) == (201, first.body)
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        assert [again.headers[name] for name in ("location", "etag")] == [
            first.headers[name] for name in ("location", "etag")
        ]
        assert await desk.count("task") == 1

    run(work)


def test_a_key_that_was_used_for_something_else_is_refused(desk: Desk) -> None:
    async def work() -> None:
        key = await desk.key()
        await desk.ask("/tasks", key, "POST", {"title": "Water the plants"}, idempotency_key="k-1")
        other = await desk.ask("/tasks", key, "POST", {"title": "Sell the plants"}, idempotency_key="k-1")

        assert (other.status, await desk.count("task")) == (422, 1)
        somebody = await desk.key(name="bob")
        theirs = await desk.ask("/tasks", somebody, "POST", {"title": "Sell the plants"}, idempotency_key="k-1")
        assert theirs.status == 201
        namesake = await desk.key()
        own = await desk.ask("/tasks", namesake, "POST", {"title": "Buy plants"}, idempotency_key="k-1")
        assert (own.status, await desk.count("task")) == (201, 3)

    run(work)


def test_what_was_asked_wrongly_may_be_asked_rightly_under_the_same_key(desk: Desk) -> None:
    async def work() -> None:
        key = await desk.key()
        wrong = await desk.ask("/tasks", key, "POST", {"title": "x", "agent": "nobody"}, idempotency_key="k-1")
        right = await desk.ask("/tasks", key, "POST", {"title": "x"}, idempotency_key="k-1")
        assert (wrong.status, right.status) == (400, 201)

    run(work)


def test_sixteen_at_once_under_one_key_are_one_task_and_one_answer(desk: Desk) -> None:
    async def work() -> None:
        key = await desk.key()
        ask = (desk.ask("/tasks", key, "POST", {"title": "Water the plants"}, idempotency_key="k-1") for _ in range(16))
        answers = await asyncio.gather(*ask)

        assert {each.status for each in answers} == {201}
        assert len({each.body for each in answers}) == 1
        assert (await desk.count("task"), await desk.count("decision")) == (1, 1)

    run(work)


def test_sixteen_at_once_that_want_two_things_under_one_key_get_one_of_them(desk: Desk) -> None:
    async def work() -> None:
        key = await desk.key()
        ask = (
            desk.ask("/tasks", key, "POST", {"title": f"Thing {number % 2}"}, idempotency_key="k-1")
            for number in range(16)
        )
        answers = await asyncio.gather(*ask)

        done = [each.json()["title"] for each in answers if each.status == 201]
        assert len(done) == 8
        assert len(set(done)) == 1
        assert [each.status for each in answers].count(422) == 8
        assert await desk.count("task") == 1

    run(work)


def test_whoever_never_heard_the_answer_asks_again_and_gets_the_same_task(desk: Desk) -> None:
    async def work() -> None:
        key = await desk.key()
        desk.answers.fails = 1
        lost = await desk.ask("/tasks", key, "POST", {"title": "Water the plants"}, idempotency_key="k-1")
        desk.time += timedelta(minutes=1)
        heard = await desk.ask("/tasks", key, "POST", {"title": "Water the plants"}, idempotency_key="k-1")

        assert (lost.status, heard.status, heard.json()["id"]) == (503, 201, "AICRM-1")
        assert (await desk.count("task"), await desk.count("decision")) == (1, 1)

    run(work)


def test_a_key_that_is_forgotten_begins_something_new(desk: Desk) -> None:
    async def work() -> None:
        key = await desk.key()
        await desk.ask("/tasks", key, "POST", {"title": "Water the plants"}, idempotency_key="k-1")
        desk.time += timedelta(days=3)
        gone = await apply_retention(desk.transactions, desk.workspace, {}, desk.time)
        again = await desk.ask("/tasks", key, "POST", {"title": "Water the plants"}, idempotency_key="k-1")

        assert gone["idempotency"] == 1
        assert (again.status, again.json()["id"]) == (201, "AICRM-2")

    run(work)


@pytest.mark.parametrize("key", ["", "with blank", "k" * 256, "ü"])
def test_what_is_no_key_is_told(desk: Desk, key: str) -> None:
    async def work() -> None:
        answer = await desk.ask("/tasks", await desk.key(), "POST", {"title": "x"}, idempotency_key=key)
        assert (answer.status, await desk.count("task")) == (400, 0)

    run(work)


def test_a_comment_under_a_key_is_said_once(desk: Desk) -> None:
    async def work() -> None:
        key = await desk.key()
        await desk.ask("/tasks", key, "POST", {"title": "x"})
        said = [
            await desk.ask("/tasks/AICRM-1/comments", key, "POST", {"text": "Seen it"}, idempotency_key="k-1")
            for _ in range(2)
        ]
        assert said[0].body == said[1].body
        assert len((await desk.ask("/tasks/AICRM-1/comments", key)).json()["comments"]) == 1

    run(work)


def test_a_task_is_changed_and_says_by_whom_and_because_of_what(desk: Desk) -> None:
    async def work() -> None:
        ann, bob = await desk.key(), await desk.key(name="bob")
        await desk.ask("/tasks", ann, "POST", {"title": "Water the plants", "due": "2026-12-01"})
        desk.time += timedelta(minutes=5)
        patch = {"status": "in-progress", "assignees": ["octocat"], "agent": "backend architect", "due": None}
        changed = await desk.ask(
            "/tasks/AICRM-1", bob, "PATCH", patch, if_match='"v1"', content_type="application/merge-patch+json"
        )

        task = changed.json()
        assert (changed.status, changed.headers["etag"], task["version"]) == (200, '"v2"', 2)
        assert (task["status"], task["assignees"], task["due"]) == ("in-progress", ["octocat"], None)
        assert (task["agent"]["name"], task["agent"]["assigned"]) == ("backend-architect", True)

        steps = (await desk.ask("/tasks/AICRM-1/history", ann)).json()["history"]
        assert [step["actor"] for step in steps] == ["ann", "bob", "bob", "bob", "bob"]
        assert steps[1]["at"] == "2026-11-24T12:05:00Z"
        assert len({step["cause"] for step in steps}) == 2
        assert all(len(step["cause"]) == 32 for step in steps)
        assert "status: todo → in-progress" in [step["what"] for step in steps]
        decided = await desk.ask(f"/events/{steps[1]['cause']}/decisions", await desk.key(Role.OPERATOR))
        assert decided.json()["decisions"][0]["decision"]["names"] == ["task.change"]

    run(work)


def test_a_status_may_be_called_as_the_workspace_calls_it_and_is_kept_as_ours(desk: Desk) -> None:
    async def work() -> None:
        key = await desk.key()
        await desk.ask("/tasks", key, "POST", {"title": "Water the plants"})
        changed = await desk.ask("/tasks/AICRM-1", key, "PATCH", {"status": "Doing"}, if_match='"v1"')
        found = [await desk.ask(f"/tasks?q=status:{name}", key) for name in ("doing", "in-progress", "todo")]
        unknown = await desk.ask("/tasks/AICRM-1", key, "PATCH", {"status": "dong"}, if_match='"v2"')

        assert (changed.status, changed.json()["status"]) == (200, "in-progress")
        assert [each.json()["total"] for each in found] == [1, 1, 0]
        assert unknown.status == 400
        assert 'Did you mean "doing"? Possible are todo, in-progress,' in unknown.json()["detail"]

    run(work)


def test_a_change_that_changes_nothing_leaves_the_version(desk: Desk) -> None:
    async def work() -> None:
        key = await desk.key()
        await desk.ask("/tasks", key, "POST", {"title": "Water the plants"})
        for patch in ({}, {"status": "todo", "title": "Water  the plants"}):
            same = await desk.ask("/tasks/AICRM-1", key, "PATCH", patch, if_match='"v1"')
            assert (same.status, same.headers["etag"]) == (200, '"v1"')

    run(work)


@pytest.mark.parametrize(
    ("match", "status"),
    [(None, 428), ('"v2"', 412), ('W/"v1"', 412), ("v1", 412), ('"v1"', 200), ('"v9", "v1"', 200), ("*", 200)],
)
def test_a_change_says_which_version_it_is_for(desk: Desk, match: str | None, status: int) -> None:
    async def work() -> None:
        key = await desk.key()
        await desk.ask("/tasks", key, "POST", {"title": "Water the plants"})
        headers = {} if match is None else {"if_match": match}
        answer = await desk.ask("/tasks/AICRM-1", key, "PATCH", {"status": "done"}, **headers)

        assert answer.status == status
        assert answer.headers["etag"] == ('"v2"' if status == 200 else '"v1"')

    run(work)


def test_of_sixteen_changes_of_the_same_version_exactly_one_wins(desk: Desk) -> None:
    async def work() -> None:
        key = await desk.key()
        await desk.ask("/tasks", key, "POST", {"title": "Water the plants"})
        ask = (
            desk.ask("/tasks/AICRM-1", key, "PATCH", {"title": f"Title {number}"}, if_match='"v1"')
            for number in range(16)
        )
        answers = await asyncio.gather(*ask)

        assert sorted(each.status for each in answers) == [200, *[412] * 15]
        assert {each.headers["etag"] for each in answers} == {'"v2"'}
        (winner,) = [each.json()["title"] for each in answers if each.status == 200]
        assert (await desk.ask("/tasks/AICRM-1", key)).json()["title"] == winner

    run(work)


def test_a_card_on_a_platform_without_a_connection_is_left_to_who_has_one(desk: Desk) -> None:
    async def work() -> None:
        await desk.key()
        await desk.card_shown()
        changed = await desk.ask("/tasks/AICRM-1", await desk.key(), "PATCH", {"status": "done"}, if_match="*")

        assert changed.json()["status"] == "done"
        assert await desk.waiting() == []

    run(work)


def test_the_card_that_shows_the_task_is_renewed(desk: Desk) -> None:
    async def work() -> None:
        await desk.key()
        await desk.connect()
        await desk.card_shown()
        changed = await desk.ask("/tasks/AICRM-1", await desk.key(), "PATCH", {"status": "done"}, if_match="*")

        assert changed.json()["status"] == "done"
        assert await desk.waiting() == ["show_card"]
        assert desk.woken == 1

    run(work)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"titel": "x"}, "titel"),
        ({"status": "finished"}, "finished"),
        ({"status": None}, "status"),
        ({"labels": "bug"}, "labels"),
        ({"due": "tomorrow"}, "due"),
        ({"agent": ""}, "agent"),
        ({"agent": "backend-architekt"}, 'Did you mean "backend-architect"'),
        ({"title": " \u200b"}, "needs a title"),
        ({"assignees": ["<@U1>"]}, "no login"),
        ([], "object"),
    ],
)
def test_what_cannot_be_changed_is_named_and_nothing_is(desk: Desk, body: Any, named: str) -> None:
    async def work() -> None:
        key = await desk.key()
        await desk.ask("/tasks", key, "POST", {"title": "Water the plants"})
        answer = await desk.ask("/tasks/AICRM-1", key, "PATCH", body, if_match='"v1"')

        assert answer.status == 400
        assert named in answer.json()["detail"]
        assert (await desk.ask("/tasks/AICRM-1", key)).headers["etag"] == '"v1"'

    run(work)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_write_exactly_what_the_table_says(desk: Desk, role: Role) -> None:
    async def work() -> None:
        key = await desk.key(role)
        made = await desk.ask("/tasks", key, "POST", {"title": "x"})
        changed = await desk.ask("/tasks/AICRM-99", key, "PATCH", {}, if_match="*")
        may = Permission.TASKS_WRITE in MAY[role]
        assert (made.status, changed.status) == ((201, 404) if may else (403, 403))

    run(work)


def test_another_workspaces_task_looks_as_if_there_were_none(desk: Desk) -> None:
    async def work() -> None:
        await desk.ask("/tasks", await desk.key(), "POST", {"title": "x"})
        theirs = await desk.keys.create(f"not {desk.workspace}", "eve", Role.OPERATOR, None, NOON)
        assert (await desk.ask("/tasks/AICRM-1", theirs, "PATCH", {"title": "y"}, if_match="*")).status == 404
        assert (await desk.ask("/tasks/AICRM-1/history", theirs)).status == 404

    run(work)


def test_while_the_hubs_rules_are_broken_nobody_guesses_which_agents_there_are(desk: Desk) -> None:
    async def work() -> None:
        desk.broken = True
        answer = await desk.ask("/tasks", await desk.key(), "POST", {"title": "x"})
        assert answer.status == 503
        assert "secret-folder" not in answer.body.decode()

    run(work)


def test_rules_are_tried_on_an_event_and_leave_no_trace(desk: Desk, opened: bytes) -> None:
    async def work() -> None:
        key = await desk.key(Role.VIEWER)
        event = await desk.deliver("issues", opened)
        rules = RULES.replace("task:", "conditions: [{author_team: octo/core}], task:")
        tried = await desk.ask("/rules/dry-run", key, "POST", {"rules": RULES, "event": event})
        asking = await desk.ask("/rules/dry-run", key, "POST", {"rules": rules, "event": event})
        broken = await desk.ask("/rules/dry-run", key, "POST", {"rules": "rules: [", "event": event})
        missing = await desk.ask("/rules/dry-run", key, "POST", {"rules": RULES, "event": "0" * 32})

        (found,) = tried.json()["decisions"]
        assert (found["decision"]["event"], found["decision"]["answer"], found["unknown"]) == (event, "act", [])
        assert "1 of 1 rule matched" in found["explanation"]
        assert asking.json()["problems"] == []
        assert asking.json()["decisions"][0]["unknown"] == ["whether the author is in octo/core"]
        assert broken.json()["valid"] is False
        assert missing.status == 404
        assert (await desk.count("task"), await desk.count("decision"), desk.woken) == (0, 0, 0)

    run(work)


def test_decisions_of_an_event_that_is_not_there_are_missing_and_of_one_that_waits_are_none(
    desk: Desk, opened: bytes
) -> None:
    async def work() -> None:
        key = await desk.key(Role.VIEWER)
        event = await desk.deliver("issues", opened)
        there = await desk.ask(f"/events/{event}/decisions", key)
        nowhere = await desk.ask(f"/events/{'0' * 32}/decisions", key)
        assert (there.status, there.json()) == (200, {"decisions": []})
        assert nowhere.status == 404

    run(work)


@pytest.fixture
def opened(node_modules: Path) -> bytes:
    """An issue that was opened, as GitHub tells it."""
    recorded = node_modules / "@octokit/webhooks-examples/api.github.com/index.json"
    for group in msgspec.json.decode(recorded.read_bytes()):
        if group["name"] == "issues":
            return msgspec.json.encode(next(each for each in group["examples"] if each["action"] == "opened"))
    raise LookupError("the recordings have no issue that was opened")
