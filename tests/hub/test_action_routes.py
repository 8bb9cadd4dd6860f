"""What an Action's key can hand in, and what it cannot, whoever holds it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from ai_crm.flow.notices import Listeners, TellingShared
from ai_crm.hub.action_routes import ActionApi, action_routes
from ai_crm.model.access import Role
from ai_crm.model.change import (
    Applied,
    CallWebhook,
    Comment,
    CreateTask,
    Notify,
    OutboundChange,
    Outcome,
    ShowCard,
    Text,
    change_key,
)
from ai_crm.model.decision import Decision
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.task import RuleId
from ai_crm.ports.members import Member, Preferences
from ai_crm.ports.shared import HandedIn
from ai_crm.store.database import engine_for
from ai_crm.store.dispatch import SqlOutbox
from ai_crm.store.keys import SqlKeys
from ai_crm.store.rows import stamp
from ai_crm.store.shared import SqlShared
from ai_crm.store.sql import SqlStore
from ai_crm.store.transactions import Grouped
from tests.doubles.decisions import ISSUE, Decisions
from tests.doubles.hub_parts import Answer, Hub, bearer, call
from tests.doubles.people import People, Watching

T = TypeVar("T")

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MAKE = Decisions()
OPENED = MAKE.opened("e" * 32, "triage")
OTHER = ItemRef(PlatformName.GITHUB, "octo/other", ItemKind.ISSUE, "7")
WHERE = f"?platform=github&project={ISSUE.project}&kind=issue&id={ISSUE.id}"


class At:
    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time


class Desk:
    """The routes over a real database, and a key in each of two workspaces."""

    def __init__(self, folder: Path) -> None:
        self.transactions = Grouped(engine_for(f"sqlite:///{folder}/hub.db"))
        self.clock = At()
        self.keys = SqlKeys(self.transactions, self.clock)
        self.outbox = SqlOutbox(self.transactions, {}, 60)
        self.woken = 0
        api = ActionApi(
            store=lambda workspace: SqlShared(self.transactions, workspace), clock=self.clock, wake=self._wake
        )
        self.app = Hub(api=action_routes(api)).app
        self.app.state.keys = self.keys

    async def key(self, role: Role = Role.ACTION, workspace: str = "ours") -> str:
        return await self.keys.create(workspace, "tester", role, None, NOON)

    async def ask(self, path: str, key: str, body: Any = None) -> Answer:
        sent = b"" if body is None else body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await call(self.app, "GET" if body is None else "POST", f"/api/v1{path}", bearer(key), sent)

    async def hand_in(self, key: str, decision: Decision, **more: Any) -> Answer:
        return await self.ask("/decisions", key, {"decision": decision, **more})

    async def begin(self, key: str, change: OutboundChange, holder: str = "run 1") -> Answer:
        return await self.ask(f"/changes/{change.key}/begin", key, {"holder": holder})

    async def settle(self, key: str, change: OutboundChange, /, **fields: Any) -> Answer:
        told = {"key": change.key, "outcome": "done", **fields}
        return await self.ask(f"/changes/{change.key}/settle", key, told)

    def _wake(self) -> None:
        self.woken += 1


Work = Callable[[Callable[[Desk], Coroutine[Any, Any, T]]], T]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Work[None]]:
    made: list[Desk] = []

    def work(job: Callable[[Desk], Coroutine[Any, Any, None]]) -> None:
        async def all_of_it() -> None:
            made.append(Desk(tmp_path))
            await job(made[0])

        asyncio.run(all_of_it())

    yield work
    for desk in made:
        desk.transactions.close()


def card(decision: Decision = OPENED) -> ShowCard:
    return next(change for change in decision.changes if isinstance(change, ShowCard))


def message(decision: Decision = OPENED) -> Notify:
    return next(change for change in decision.changes if isinstance(change, Notify))


def only(*changes: Any, **fields: Any) -> Decision:
    return msgspec.structs.replace(OPENED, changes=changes, **fields)


def comment(rule: str = "triage", item: ItemRef = ISSUE, words: str = "hello") -> Comment:
    return Comment(
        key=change_key(RuleId(rule), item, "comment", ""),
        rule=RuleId(rule),
        item=item,
        because="a test",
        text=Text((words,)),
    )


def test_a_decision_is_taken_down_once_and_its_caller_is_told_what_to_do(run: Work[None]) -> None:
    async def work(desk: Desk) -> None:
        key = await desk.key()
        first, again = await desk.hand_in(key, OPENED), await desk.hand_in(key, OPENED)

        assert (first.status, again.status, desk.woken) == (200, 200, 2)
        assert [task["id"] for task in first.json()["created"]] == ["AICRM-1"]
        assert again.json()["created"] == []
        assert again.json()["outbox"] == first.json()["outbox"]
        assert "notify" not in {change["change"] for change in first.json()["outbox"]}
        found = await desk.ask(f"/items/tasks{WHERE}", key)
        assert [task["rule"] for task in found.json()["tasks"]] == ["triage"]

    run(work)


def test_a_message_waits_for_the_card_and_no_longer_than_a_minute(run: Work[None]) -> None:
    async def work(desk: Desk) -> None:
        key = await desk.key()
        await desk.hand_in(key, OPENED)
        assert await desk.outbox.take("w", NOON + timedelta(seconds=59), 9) == ()
        assert (await desk.begin(key, card())).status == 200
        assert (
            await desk.settle(key, card(), where="5", url="https://github.com/octo/hello/issues/12#5")
        ).status == 200

        (held,) = await desk.outbox.take("w", NOON, 9)

        assert isinstance(held.change, Notify)
        assert held.change.text.parts == ("New task AICRM-1: https://github.com/octo/hello/issues/12#5",)

    run(work)


def test_a_message_goes_out_although_its_caller_never_came_back(run: Work[None]) -> None:
    async def work(desk: Desk) -> None:
        await desk.hand_in(await desk.key(), OPENED)
        (held,) = await desk.outbox.take("w", NOON + timedelta(seconds=60), 9)
        assert held.change.key == message().key

    run(work)


def test_what_an_action_decides_is_told_to_whom_it_concerns_and_not_at_night(run: Work[None]) -> None:
    """Each once, behind the card like every message; whoever sleeps does not wake because the card is there."""
    awake = Member(platform=PlatformName.SLACK, id="U0ANN", name="Ann", login="ann")
    asleep = Member(
        platform=PlatformName.SLACK, id="U0BOB", name="Bob", login="bob",
        preferences=Preferences(quiet=(time(11), time(13))),
    )  # fmt: skip
    create = msgspec.structs.replace(MAKE.create("triage"), assignees=("ann", "bob"))
    decision = MAKE.make("e" * 32, create, card())

    async def work(desk: Desk) -> None:
        people = People(awake, asleep)
        listeners = Listeners(members=people, watches=Watching(), workspace="ours", agents=lambda: ())
        store = TellingShared(SqlShared(desk.transactions, "ours"), listeners)
        for _ in range(2):
            commit = await store.hand_in(HandedIn(decision=decision), "tester", NOON)
            assert [change.key for change in commit.outbox] == [card().key]
        assert await desk.outbox.take("w", NOON, 9) == ()

        await store.begin(card().key, "run 1", NOON)
        await store.conclude(Applied(key=card().key, outcome=Outcome.DONE, where="5"), "tester", NOON)

        async def told(at: datetime) -> list[str]:
            taken = [each.change for each in await desk.outbox.take("w", at, 9)]
            return [change.target for change in taken if isinstance(change, Notify)]

        assert await told(NOON) == ["U0ANN"]
        assert "U0BOB" not in await told(NOON + timedelta(minutes=59))
        assert "U0BOB" in await told(NOON + timedelta(hours=1))

    run(work)


def test_one_caller_has_a_change_and_the_same_one_gets_it_again(run: Work[None]) -> None:
    async def work(desk: Desk) -> None:
        key = await desk.key()
        await desk.hand_in(key, OPENED)
        asked = [await desk.begin(key, card(), holder) for holder in ("run 1", "run 2", "run 1")]
        assert [answer.status for answer in asked] == [200, 204, 200]
        desk.clock.time += timedelta(seconds=181)
        assert (await desk.begin(key, card(), "run 2")).status == 200
        await desk.settle(key, card())
        assert (await desk.begin(key, card(), "run 2")).status == 204

    run(work)


def test_the_first_word_about_a_change_counts(run: Work[None]) -> None:
    async def work(desk: Desk) -> None:
        key = await desk.key()
        await desk.hand_in(key, OPENED)
        first = await desk.settle(key, card(), url="https://one.example/")
        again = await desk.settle(key, card(), url="https://two.example/")
        assert (first.status, again.status) == (200, 200)
        assert first.json() == again.json()
        assert first.json()["tasks"][0]["url"] == "https://one.example/"

    run(work)


def test_what_is_carried_out_is_what_was_stored_whatever_a_caller_says(run: Work[None]) -> None:
    async def work(desk: Desk) -> None:
        key = await desk.key()
        await desk.hand_in(key, OPENED)
        sent = {"key": card().key, "outcome": "done", "item": OTHER, "change": "comment", "rule": "other"}
        assert (await desk.ask(f"/changes/{card().key}/settle", key, sent)).status == 200
        assert (await desk.ask(f"/items/tasks{WHERE.replace('hello', 'other')}", key)).json() == {"tasks": []}

    run(work)


def test_nobody_carries_out_or_settles_what_no_decision_planned_or_the_hub_sends(run: Work[None]) -> None:
    async def work(desk: Desk) -> None:
        key = await desk.key()
        await desk.hand_in(key, OPENED)
        creation = next(change for change in OPENED.changes if isinstance(change, CreateTask))
        for change in (comment("other"), message(), creation):
            assert (await desk.begin(key, change)).status == 404  # type: ignore[arg-type]
            assert (await desk.settle(key, change)).status == 404  # type: ignore[arg-type]
        (held,) = await desk.outbox.take("w", NOON + timedelta(minutes=1), 9)
        assert held.change.key == message().key

    run(work)


@pytest.mark.parametrize("path", ["x", "0" * 31, "0" * 33, "A" * 32, "%2e%2e", "0" * 32])
def test_a_key_that_is_none_is_not_there(run: Work[None], path: str) -> None:
    async def work(desk: Desk) -> None:
        answer = await desk.ask(f"/changes/{path}/begin", await desk.key(), {"holder": "x"})
        assert answer.status == 404

    run(work)


def test_a_workspace_is_not_there_for_another_ones_key(run: Work[None]) -> None:
    async def work(desk: Desk) -> None:
        ours, theirs = await desk.key(), await desk.key(workspace="theirs")
        await desk.hand_in(ours, OPENED)
        assert (await desk.ask(f"/items/tasks{WHERE}", theirs)).json() == {"tasks": []}
        assert (await desk.begin(theirs, card())).status == 404
        assert (await desk.settle(theirs, card())).status == 404
        created = (await desk.hand_in(theirs, OPENED)).json()["created"]
        assert [task["id"] for task in created] == ["AICRM-1"]  # a number of its own

    run(work)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER])
def test_only_actions_and_operators_hand_anything_in(run: Work[None], role: Role) -> None:
    async def work(desk: Desk) -> None:
        key = await desk.key(role)
        assert (await desk.hand_in(key, OPENED)).status == 403
        assert (await desk.begin(key, card())).status == 403
        assert (await desk.settle(key, card())).status == 403
        assert (await desk.ask(f"/items/tasks{WHERE}", key)).status == 200

    run(work)


def _webhook(url: str) -> CallWebhook:
    return msgspec.structs.replace(MAKE.webhook("triage"), url=url)


HOSTILE = {
    "a change of another item": only(comment(item=OTHER)),
    "a platform without items": only(item=msgspec.structs.replace(ISSUE, platform=PlatformName.WEBHOOK)),
    "two platforms": only(platform=PlatformName.SLACK),
    "a chat": only(platform=PlatformName.SLACK, item=msgspec.structs.replace(ISSUE, platform=PlatformName.SLACK)),
    "a key that is none": only(msgspec.structs.replace(comment(), key="../../keys")),
    "one key twice": only(comment(), comment()),
    "too many changes": only(*(comment(str(number)) for number in range(501))),
    "a task of the hub's rules": only(MAKE.create("hub/triage")),
    "a message to a place that is no chat": only(msgspec.structs.replace(message(), platform=PlatformName.GITHUB)),
    "a webhook to this machine": only(_webhook("https://127.0.0.1/admin")),
    "a webhook to a cloud's secrets": only(_webhook("https://169.254.169.254/latest")),
    "a webhook without TLS": only(_webhook("http://hooks.example.com/")),
    "a webhook with a header of its own": only(
        msgspec.structs.replace(MAKE.webhook("triage"), content_type="a\r\nX-Evil: 1")
    ),
    "a NUL": only(event="e\0"),
    "an empty name": only(event=""),
    "a novel": only(actor="x" * 1001),
}


@pytest.mark.parametrize("decision", HOSTILE.values(), ids=HOSTILE)
def test_what_no_rule_can_have_decided_is_refused_and_leaves_nothing(run: Work[None], decision: Decision) -> None:
    async def work(desk: Desk) -> None:
        key = await desk.key()
        answer = await desk.hand_in(key, decision)
        assert answer.status == 400, answer.body
        assert (await desk.ask(f"/items/tasks{WHERE}", key)).json() == {"tasks": []}
        assert await desk.outbox.take("w", NOON + timedelta(hours=1), 9) == ()

    run(work)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"decision": {}}',
        b"[" * 100_000,
        b'{"decision": "\\ud800"}',
        b"\xff\xfe",
        b'{"x": 1}',
    ],
)
def test_what_is_no_decision_is_refused(run: Work[None], body: bytes) -> None:
    async def work(desk: Desk) -> None:
        answer = await desk.ask("/decisions", await desk.key(), body)
        assert answer.status == 400
        assert answer.headers["content-type"] == "application/problem+json"

    run(work)


def test_four_mebibytes_are_enough(run: Work[None]) -> None:
    async def work(desk: Desk) -> None:
        key = await desk.key()
        long = MAKE.create("triage", description="x" * 2_000_000)
        assert (await desk.hand_in(key, only(long))).status == 200
        assert (await desk.ask("/decisions", key, b"x" * (4 * 1024 * 1024 + 1))).status == 413

    run(work)


@pytest.mark.parametrize(
    "fields",
    [
        {"key": "0" * 32},
        {"outcome": "shown"},
        {"outcome": "nonsense"},
        {"url": "javascript:alert(1)"},
        {"url": "https://a b"},
        {"url": "https://" + "x" * 3000},
        {"where": "../../user/keys"},
        {"where": "1/../2"},
        {"where": "?a"},
        {"detail": "x" * 1001},
        {"yielded": ["x"] * 501},
    ],
)
def test_a_result_that_no_platform_gives_is_refused(run: Work[None], fields: dict[str, Any]) -> None:
    async def work(desk: Desk) -> None:
        key = await desk.key()
        await desk.hand_in(key, OPENED)
        assert (await desk.settle(key, card(), **fields)).status == 400
        assert (await desk.begin(key, card())).status == 200  # it still waits

    run(work)


@pytest.mark.parametrize("holder", ["", " ", "x" * 201, "a\nb", "é"])
def test_a_holder_has_a_plain_name(run: Work[None], holder: str) -> None:
    async def work(desk: Desk) -> None:
        key = await desk.key()
        await desk.hand_in(key, OPENED)
        assert (await desk.begin(key, card(), holder)).status == 400

    run(work)


@pytest.mark.parametrize(
    "query",
    ["", "?platform=github", WHERE.replace("github", "gitlab"), WHERE.replace("issue", "x"), WHERE.replace("12", ""), WHERE + "%00"],
)  # fmt: skip
def test_an_item_has_four_parts(run: Work[None], query: str) -> None:
    async def work(desk: Desk) -> None:
        assert (await desk.ask(f"/items/tasks{query}", await desk.key())).status == 400

    run(work)


def test_what_the_hub_will_write_cannot_be_changed_by_whoever_hands_the_same_event_in(run: Work[None]) -> None:
    """Its own token writes it: a caller's words must not get there, neither on the same item nor on another."""

    async def work(desk: Desk) -> None:
        key = await desk.key()
        theirs = only(comment(words="from the rules"))
        await SqlStore(desk.transactions, None, "ours", carrier="hub").commit(theirs, NOON)

        same = await desk.hand_in(key, only(comment(words="mine")))
        stolen = msgspec.structs.replace(comment(item=OTHER, words="mine"), key=comment().key)
        other = await desk.hand_in(key, only(stolen, item=OTHER))

        assert (same.status, same.json()["outbox"]) == (200, [])
        assert other.status == 400
        (held,) = await desk.outbox.take("w", NOON + timedelta(hours=1), 9)
        assert isinstance(held.change, Comment)
        assert (held.change.text.parts, held.change.item) == (("from the rules",), ISSUE)

    run(work)


def test_tasks_of_runs_without_the_hub_move_in_and_their_messages_are_not_sent_again(run: Work[None]) -> None:
    async def work(desk: Desk) -> None:
        key = await desk.key()
        left = await _left_on_a_card()
        answer = await desk.hand_in(key, OPENED, tasks=[left], sent=[message().key, card().key])

        (task,) = answer.json()["tasks"]
        assert (task["id"], task["rule"], task["born_of"]) == ("AICRM-1", "triage", OPENED.event)
        assert answer.json()["created"] == []
        assert card().key in {change["key"] for change in answer.json()["outbox"]}  # only messages can have been sent
        assert await desk.outbox.take("w", NOON + timedelta(hours=1), 9) == ()
        again = await desk.hand_in(key, OPENED, tasks=[{**left, "title": "other"}])
        assert [each["title"] for each in again.json()["tasks"]] == [task["title"]]

    run(work)


def test_what_was_sent_of_a_rule_that_another_event_was_first_with_holds_nothing_up(run: Work[None]) -> None:
    async def work(desk: Desk) -> None:
        key = await desk.key()
        await desk.hand_in(key, OPENED)
        late = MAKE.opened("f" * 32, "triage")
        answer = await desk.hand_in(key, MAKE.make(late.event, *late.changes), sent=[message(late).key])
        assert answer.status == 200
        lost = MAKE.make("a" * 32, MAKE.create("triage"), MAKE.notify("triage", event="a" * 32))
        answer = await desk.hand_in(key, lost, sent=[lost.changes[1].key])
        assert (answer.status, answer.json()["created"]) == (200, [])

    run(work)


@pytest.mark.parametrize("fields", [{"rule": "hub/triage"}, {"item": OTHER}, {"rule": ""}])
def test_tasks_that_are_not_the_items_own_do_not_move_in(run: Work[None], fields: dict[str, Any]) -> None:
    async def work(desk: Desk) -> None:
        answer = await desk.hand_in(await desk.key(), OPENED, tasks=[{**await _left_on_a_card(), **fields}])
        assert answer.status == 400

    run(work)


async def _left_on_a_card() -> dict[str, Any]:
    from ai_crm.store.memory import MemoryStore

    (task,) = (await MemoryStore().commit(OPENED, NOON)).tasks
    told: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(task, id="AICRM-12"))
    return told


def test_who_handed_it_in_and_who_carried_it_out_stands_in_the_audit(run: Work[None]) -> None:
    from sqlalchemy import select

    from ai_crm.store.tables import audit

    async def work(desk: Desk) -> None:
        key = await desk.key()
        await desk.hand_in(key, OPENED)
        await desk.settle(key, card())
        rows = await desk.transactions.read(lambda database: database.execute(select(audit)).all())
        assert {(row.actor, row.action) for row in rows} >= {("tester", "hand in decision"), ("tester", "show_card")}
        assert {row.at for row in rows} == {stamp(NOON)}

    run(work)


def test_what_was_already_there_is_as_good_as_done(run: Work[None]) -> None:
    async def work(desk: Desk) -> None:
        key = await desk.key()
        await desk.hand_in(key, OPENED)
        applied = Applied(key=card().key, outcome=Outcome.ALREADY)
        assert (await desk.ask(f"/changes/{card().key}/settle", key, applied)).status == 200

    run(work)
