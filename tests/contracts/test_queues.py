"""Both queues on both databases: nothing twice, nothing lost, in order, in turns, within the pace, whoever stops when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec import Struct
from sqlalchemy import Connection, insert, text

from ai_crm.errors import LeaseLost, RecordMissing, StoreError, StoreUnavailable
from ai_crm.model.change import Applied, ChangeKey, Outcome
from ai_crm.model.decision import Decision
from ai_crm.model.delivery import Delivery, Lease, Setback, event_id
from ai_crm.model.item import PlatformName
from ai_crm.model.task import RuleId
from ai_crm.ports.queue import Accepted, Backlog, HeldChange, HeldDelivery, Pace
from ai_crm.ports.shared import HandedIn
from ai_crm.store import tables
from ai_crm.store.database import engine_for
from ai_crm.store.dispatch import _DUE, SqlOutbox
from ai_crm.store.inbox import SqlInbox
from ai_crm.store.queue_rows import backlog
from ai_crm.store.shared import SqlShared
from ai_crm.store.transactions import Grouped

if TYPE_CHECKING:
    from tests.doubles.decisions import Decisions

SETBACK = Setback(reason="UpstreamUnavailable", detail="no answer")
SLOW = {PlatformName.GITHUB: (Pace(name="writes", amount=2, seconds=10),)}
PER_CHANNEL = {PlatformName.SLACK: (Pace(name="channel", amount=1, seconds=1, per_target=True),)}
PER_HOST = {PlatformName.WEBHOOK: (Pace(name="host", amount=1, seconds=1, per_target=True),)}


class Process:
    """One process of the hub, with a writer of its own."""

    def __init__(self, url: str, paces: dict[PlatformName, tuple[Pace, ...]] | None = None) -> None:
        self.transactions = Grouped(engine_for(url))
        self.inbox = SqlInbox(self.transactions)
        self.outbox = SqlOutbox(self.transactions, paces or {})

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return await self.transactions.read(lambda database: [tuple(row) for row in database.execute(text(statement))])

    async def run(self, statement: str) -> None:
        await self.transactions.write(lambda database: database.execute(text(statement)).rowcount)

    async def connect(self, connection: str, platform: str = "github") -> None:
        await self.run("INSERT INTO workspace (id, last_number) VALUES ('w', 0) ON CONFLICT (id) DO NOTHING")
        row = {"workspace": "w", "id": connection, "platform": platform, "active": 1}
        empty = dict.fromkeys(("settings", "secrets", "problem", "created_at", "held_until"), "")
        add = insert(tables.connection).values(row | empty)
        await self.transactions.write(lambda database: database.execute(add).rowcount)


NewProcess = Callable[..., Process]


@pytest.fixture
def new_process(new_empty_url: Callable[[], str]) -> Iterator[NewProcess]:
    """Makes processes that share a database of their own."""
    url = new_empty_url()
    made: list[Process] = []

    def new(**paces: Any) -> Process:
        made.append(Process(url, **paces))
        return made[-1]

    yield new
    for process in made:
        process.transactions.close()


@pytest.fixture
def process(new_process: NewProcess) -> Process:
    return new_process()


class Deliveries(Struct, frozen=True):
    """Deliveries in one line each, a second apart."""

    noon: datetime

    def make(self, number: int, *, lane: str = "", connection: str = "c", vendor_id: str | None = None) -> Delivery:
        body = f'{{"number": {number}}}'.encode()
        return Delivery(
            id=event_id("issues", body),
            workspace="w",
            connection=connection,
            platform=PlatformName.GITHUB,
            name="issues",
            vendor_id=f"v{number}" if vendor_id is None else vendor_id,
            lane=lane or f"lane {number}",
            headers={"x-github-event": "issues"},
            body=body,
            received_at=self.noon + timedelta(seconds=number),
        )


@pytest.fixture
def deliveries(decisions: Decisions) -> Deliveries:
    return Deliveries(decisions.noon)


def _later(at: datetime, seconds: float) -> datetime:
    return at + timedelta(seconds=seconds)


def _numbers(held: tuple[HeldDelivery, ...]) -> list[int]:
    return [msgspec.json.decode(each.delivery.body)["number"] for each in held]


async def _decided(process: Process, decision: Decision, delivery: Delivery, now: datetime) -> None:
    """Puts a decision's changes into the outbox, as a worker does."""
    await process.inbox.accept(delivery)
    held = await process.inbox.take("decider", now, 1)
    await process.inbox.decide(held[0].lease, (decision,), now)


def _applied(held: HeldChange) -> Applied:
    return Applied(key=held.change.key, outcome=Outcome.DONE, url="https://github.example/1")


def test_what_was_accepted_comes_back_byte_for_byte(process: Process, deliveries: Deliveries) -> None:
    delivery = msgspec.structs.replace(deliveries.make(100), body=bytes(range(256)))

    async def work() -> tuple[HeldDelivery, ...]:
        assert await process.inbox.accept(delivery) == Accepted(delivery.id, duplicate=False)
        return await process.inbox.take("a", _later(deliveries.noon, 200), 5)

    (held,) = asyncio.run(work())
    assert held.delivery == delivery
    assert held.attempts == held.lease.generation == 1


@pytest.mark.parametrize("same", ["vendor id", "body", "id in another connection"])
def test_a_repeated_delivery_is_a_duplicate_of_the_first(process: Process, deliveries: Deliveries, same: str) -> None:
    first = deliveries.make(1)
    again = {
        "vendor id": deliveries.make(2, vendor_id="v1"),
        "body": msgspec.structs.replace(deliveries.make(1, vendor_id="other"), id="f" * 32),
        "id in another connection": deliveries.make(1, connection="d"),
    }[same]

    async def work() -> None:
        await process.inbox.accept(first)
        assert await process.inbox.accept(again) == Accepted(first.id, duplicate=True)
        assert await process.rows("SELECT count(*) FROM delivery") == [(1,)]

    asyncio.run(work())


def test_deliveries_without_a_vendors_id_are_told_apart_by_their_bodies(
    process: Process, deliveries: Deliveries
) -> None:
    async def work() -> list[Accepted]:
        return [await process.inbox.accept(deliveries.make(number, vendor_id="")) for number in (1, 2)]

    assert [each.duplicate for each in asyncio.run(work())] == [False, False]


def test_of_many_that_bring_the_same_at_once_one_is_stored(new_process: NewProcess, deliveries: Deliveries) -> None:
    processes = (new_process(), new_process())

    async def work() -> list[Accepted]:
        return await asyncio.gather(*(processes[n % 2].inbox.accept(deliveries.make(1)) for n in range(32)))

    accepted = asyncio.run(work())
    assert sorted(each.duplicate for each in accepted) == [False] + [True] * 31
    assert len({each.id for each in accepted}) == 1


def test_a_lane_is_handled_in_order_and_waits_for_what_is_held_or_put_off(
    process: Process, deliveries: Deliveries
) -> None:
    now = _later(deliveries.noon, 100)

    async def work() -> None:
        for number in range(3):
            await process.inbox.accept(deliveries.make(number, lane="one"))
        await process.inbox.accept(deliveries.make(3, lane="other"))
        (first,) = await process.inbox.take("a", now, 1)
        assert _numbers((first,)) == [0]
        assert _numbers(await process.inbox.take("b", now, 5)) == [3]
        await process.inbox.postpone(first.lease, SETBACK, _later(now, 30))
        assert await process.inbox.take("b", _later(now, 29), 5) == ()
        held = await process.inbox.take("b", _later(now, 30), 5)
        assert _numbers(held) == [0, 1, 2]
        assert [each.attempts for each in held] == [2, 1, 1]

    asyncio.run(work())


def test_two_deliveries_of_the_same_moment_keep_the_order_in_which_they_came(
    process: Process, deliveries: Deliveries
) -> None:
    async def work() -> list[int]:
        for number in (5, 3, 4, 1, 2):
            delivery = deliveries.make(number, lane="one")
            await process.inbox.accept(msgspec.structs.replace(delivery, received_at=deliveries.noon))
        return _numbers(await process.inbox.take("a", _later(deliveries.noon, 1), 9))

    assert asyncio.run(work()) == [5, 3, 4, 1, 2]


def test_a_lease_that_ran_out_moves_and_its_old_holder_writes_nothing(
    process: Process, deliveries: Deliveries, decisions: Decisions
) -> None:
    now = _later(deliveries.noon, 100)

    async def work() -> None:
        await process.inbox.accept(deliveries.make(1))
        (old,) = await process.inbox.take("a", now, 1)
        assert await process.inbox.take("b", _later(now, 59), 1) == ()
        (new,) = await process.inbox.take("b", _later(now, 61), 1)
        assert (new.attempts, new.lease.holder) == (2, "b")
        for write in (
            process.inbox.decide(old.lease, (decisions.opened("e", "triage"),), now),
            process.inbox.postpone(old.lease, SETBACK, now),
            process.inbox.bury(old.lease, SETBACK, now),
        ):
            with pytest.raises(LeaseLost):
                await write
        assert await process.rows("SELECT count(*) FROM task") == [(0,)]
        assert await process.rows("SELECT state, attempts FROM delivery") == [("working", 2)]
        await process.inbox.decide(new.lease, (decisions.opened("e", "triage"),), now)
        with pytest.raises(LeaseLost):
            await process.inbox.decide(new.lease, (decisions.opened("e", "triage"),), now)

    asyncio.run(work())


def test_deciding_stores_everything_together_and_routes_each_change(
    process: Process, deliveries: Deliveries, decisions: Decisions
) -> None:
    now = _later(deliveries.noon, 100)

    async def work() -> None:
        await process.connect("c")
        await process.connect("s", "slack")
        await _decided(process, decisions.opened("e", "triage"), deliveries.make(1), now)
        assert await process.rows("SELECT state, holder, lease_until FROM delivery") == [("done", "", "")]
        routes = await process.rows(
            "SELECT kind, carrier, connection FROM change WHERE state = 'pending' ORDER BY kind"
        )
        assert routes == [
            ("add_labels", "hub", "c"),
            ("comment", "hub", "c"),
            ("notify", "hub", "s"),
            ("show_card", "hub", "c"),
        ]
        assert await process.rows("SELECT actor, action, subject, cause FROM audit") == [
            ("octocat", "create task", "AICRM-1", "e")
        ]

    asyncio.run(work())


def test_a_decision_that_cannot_be_stored_leaves_the_delivery_held_and_nothing_else(
    process: Process, deliveries: Deliveries, decisions: Decisions
) -> None:
    now = _later(deliveries.noon, 100)

    async def work() -> None:
        await process.inbox.accept(deliveries.make(1))
        await process.inbox.accept(deliveries.make(2))
        await _decided(process, decisions.opened("e", "triage"), deliveries.make(1), now)
        await process.run("UPDATE task SET payload = '{}'")
        (held,) = await process.inbox.take("a", now, 1)
        both = (decisions.opened("f", "triage", item=decisions.another_issue(2)), decisions.opened("f", "later"))
        with pytest.raises(StoreError, match="cannot be read"):
            await process.inbox.decide(held.lease, both, now)
        assert await process.rows("SELECT DISTINCT event FROM decision") == [("e",)]
        assert await process.rows("SELECT state FROM delivery WHERE state <> 'done'") == [("working",)]
        await process.inbox.decide(held.lease, both[:1], now)

    asyncio.run(work())


def test_without_a_decision_a_delivery_is_ignored(process: Process, deliveries: Deliveries) -> None:
    async def work() -> None:
        await process.inbox.accept(deliveries.make(1))
        (held,) = await process.inbox.take("a", deliveries.noon, 1)
        await process.inbox.decide(held.lease, (), deliveries.noon)
        assert await process.rows("SELECT state FROM delivery") == [("ignored",)]

    asyncio.run(work())


@pytest.mark.parametrize("most", [1, 4])
def test_a_flood_of_one_connection_leaves_the_others_their_turns(
    process: Process, deliveries: Deliveries, most: int
) -> None:
    now = _later(deliveries.noon, 1000)

    async def work() -> list[int]:
        await asyncio.gather(*(process.inbox.accept(deliveries.make(number)) for number in range(100)))
        for number in (200, 201, 202):
            await process.inbox.accept(deliveries.make(number, connection="quiet"))
        taken = [await process.inbox.take("a", now, most) for _ in range(8 // most)]
        return [number for held in taken for number in _numbers(held)]

    assert {200, 201, 202} <= set(asyncio.run(work()))


def test_work_that_kills_its_workers_is_given_up(
    process: Process, deliveries: Deliveries, decisions: Decisions
) -> None:
    async def work() -> None:
        now = _later(deliveries.noon, 100)
        await _decided(process, decisions.opened("e", "triage"), deliveries.make(1), now)
        await process.inbox.accept(deliveries.make(2))
        for number in range(10):
            assert len(await process.inbox.take("a", _later(now, 61 * number), 1)) == 1
            assert len(await process.outbox.take("a", _later(now, 61 * number), 1)) == 1
        assert await process.inbox.take("a", _later(now, 700), 1) == ()
        await process.outbox.take("a", _later(now, 700), 1)
        assert await process.rows("SELECT reason FROM delivery WHERE state = 'dead'") == [("poison",)]
        assert await process.rows("SELECT kind, reason FROM change WHERE state = 'dead'") == [("show_card", "poison")]

    asyncio.run(work())


def test_what_kills_its_workers_takes_no_neighbours_with_it(process: Process, deliveries: Deliveries) -> None:
    async def work() -> None:
        now = _later(deliveries.noon, 100)
        for number in range(1, 6):
            await process.inbox.accept(deliveries.make(number))
        for life in range(40):
            at = _later(now, 61 * life)
            held = await process.inbox.take(f"worker {life}", at, 32)
            if 3 in _numbers(held):
                continue  # it dies with all that it has in hand
            for each in held:
                await process.inbox.decide(each.lease, (), at)
        ended = await process.rows("SELECT state, count(*) FROM delivery GROUP BY state ORDER BY state")
        assert ended == [("dead", 1), ("ignored", 4)]

    asyncio.run(work())


def test_a_lease_that_ran_out_after_setbacks_is_not_taken_for_poison(process: Process, deliveries: Deliveries) -> None:
    async def work() -> None:
        now = _later(deliveries.noon, 100)
        await process.inbox.accept(deliveries.make(1))
        for _ in range(7):
            (held,) = await process.inbox.take("a", now, 1)
            await process.inbox.postpone(held.lease, SETBACK, now)
        await process.inbox.take("a", now, 1)
        (held,) = await process.inbox.take("a", _later(now, 61), 1)
        assert held.attempts == 9

    asyncio.run(work())


def test_what_is_buried_is_a_dead_letter_with_its_reason(
    process: Process, deliveries: Deliveries, decisions: Decisions
) -> None:
    async def work() -> None:
        await _decided(process, decisions.opened("e", "triage"), deliveries.make(1), deliveries.noon)
        (held,) = await process.outbox.take("a", deliveries.noon, 1)
        await process.outbox.bury(held.lease, SETBACK, deliveries.noon)
        assert await process.rows("SELECT reason, detail FROM change WHERE state = 'dead'") == [
            ("UpstreamUnavailable", "no answer")
        ]
        assert ("give up change", held.change.key) in await process.rows("SELECT action, subject FROM audit")

    asyncio.run(work())


def test_an_items_changes_are_carried_out_one_after_the_other_and_know_what_came_before(
    process: Process, deliveries: Deliveries, decisions: Decisions
) -> None:
    now = _later(deliveries.noon, 100)

    async def work() -> list[HeldChange]:
        await _decided(process, decisions.opened("e", "triage"), deliveries.make(1), now)
        done = []
        for _ in range(4):
            (held,) = await process.outbox.take("a", now, 5)
            assert await process.outbox.take("b", now, 5) == ()
            await process.outbox.settle(held.lease, held.change, _applied(held), now)
            done.append(held)
        assert await process.outbox.take("a", now, 5) == ()
        settled = await process.rows("SELECT DISTINCT settled_at FROM change WHERE carrier = 'hub'")
        assert settled == [(now.isoformat(timespec="microseconds"),)]
        return done

    card, _labels, comment, _message = asyncio.run(work())
    assert msgspec.to_builtins(card.change)["tasks"][0]["id"] == "AICRM-1"
    assert "https://github.example/1" in str(msgspec.to_builtins(comment.change)["text"])


def _kinds(held: tuple[HeldChange, ...]) -> list[str]:
    return [str(each.change.__struct_config__.tag) for each in held]


async def _card_shown(process: Process, now: datetime, *yielded: str) -> None:
    (held,) = await process.outbox.take("a", now, 5)
    assert _kinds((held,)) == ["show_card"]
    applied = msgspec.structs.replace(_applied(held), yielded=tuple(map(RuleId, yielded)))
    await process.outbox.settle(held.lease, held.change, applied, now)


def test_a_message_that_is_put_off_delays_nothing_but_messages_to_the_same_people(
    new_process: NewProcess, deliveries: Deliveries, decisions: Decisions
) -> None:
    process, now = new_process(paces=PER_CHANNEL), _later(deliveries.noon, 100)
    create, card, labels = decisions.create("triage"), decisions.card("e"), decisions.labels("triage")
    busy, later = decisions.notify("triage", event="1"), decisions.notify("triage", event="3")
    quiet = decisions.notify("triage", event="2", to="#quiet")

    async def work() -> None:
        await process.connect("s", "slack")
        other = decisions.another_issue(99)
        before = decisions.make("before", decisions.notify("triage", other), item=other)
        await _decided(process, before, deliveries.make(1), now)
        assert _kinds(await process.outbox.take("b", now, 5)) == ["notify"]
        await _decided(process, decisions.make("e", create, card, busy, later, quiet, labels), deliveries.make(2), now)
        await _card_shown(process, now)
        at_once = await process.outbox.take("a", now, 5)
        assert sorted(_kinds(at_once)) == ["add_labels", "notify"]
        assert quiet.key in {each.change.key for each in at_once}
        (first,) = await process.outbox.take("a", _later(now, 1), 5)
        assert first.change.key == busy.key
        await process.outbox.settle(first.lease, first.change, _applied(first), now)
        assert await process.outbox.take("a", _later(now, 1), 5) == ()
        assert [each.change.key for each in await process.outbox.take("a", _later(now, 2), 5)] == [later.key]

    asyncio.run(work())


def test_a_message_waits_for_what_is_done_to_its_item_however_it_goes(
    process: Process, deliveries: Deliveries, decisions: Decisions
) -> None:
    now = _later(deliveries.noon, 100)
    message, call = decisions.notify("triage"), decisions.webhook("triage")
    made = decisions.make(
        "e", decisions.create("triage"), decisions.card("e"), decisions.labels("triage"), message, call
    )

    async def work() -> None:
        await process.connect("s", "slack")
        await _decided(process, made, deliveries.make(1), now)
        await _card_shown(process, now)
        (labels,) = await process.outbox.take("a", now, 5)
        assert await process.outbox.take("b", now, 5) == ()
        await process.outbox.settle(labels.lease, labels.change, _applied(labels), now)
        assert sorted(_kinds(await process.outbox.take("a", now, 5))) == ["call_webhook", "notify"]

    asyncio.run(work())


def test_what_a_change_waits_for_is_found_in_an_index(process: Process) -> None:
    """Whatever is in the tables: planners read small ones as a whole unless they are told not to."""

    def plan(database: Connection) -> str:
        sqlite = database.dialect.name == "sqlite"
        due = _DUE.limit(None).params(connection="c", now="2026")
        asked = str(due.compile(dialect=database.dialect, compile_kwargs={"literal_binds": True}))
        if not sqlite:
            database.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
        return "\n".join(str(row) for row in database.exec_driver_sql(explain + asked.replace("%", "%%")))

    found = asyncio.run(process.transactions.read(plan))
    assert "change_due" in found
    assert "change_lane" in found


def test_what_belongs_to_a_task_that_another_run_made_first_is_that_runs(
    process: Process, deliveries: Deliveries, decisions: Decisions
) -> None:
    now = _later(deliveries.noon, 100)

    async def work() -> None:
        await process.connect("s", "slack")
        await _decided(process, decisions.opened("e", "triage", "other"), deliveries.make(1), now)
        await _decided(
            process, decisions.make("f", decisions.notify("triage", event="f")), deliveries.make(2), _later(now, 1)
        )
        await _card_shown(process, _later(now, 1), "triage")
        states = await process.rows(
            "SELECT event, kind, state, reason FROM change WHERE carrier = 'hub' AND state <> 'done' ORDER BY 1, 2, 3"
        )
        assert states == [
            ("e", "add_labels", "dropped", "yielded"),
            ("e", "add_labels", "pending", ""),
            ("e", "comment", "dropped", "yielded"),
            ("e", "comment", "pending", ""),
            ("e", "notify", "dropped", "yielded"),
            ("e", "notify", "pending", ""),
            ("f", "notify", "pending", ""),
        ]
        left = []
        while held := await process.outbox.take("a", _later(now, 1), 5):
            left += [(each.change.rule, each.change.__struct_config__.tag) for each in held]
            for each in held:
                await process.outbox.settle(each.lease, each.change, _applied(each), now)
        assert sorted(map(str, left)) == sorted(
            map(str, [("other", "add_labels"), ("other", "comment"), ("other", "notify"), ("triage", "notify")])
        )

    asyncio.run(work())


def test_a_card_that_needed_two_attempts_may_have_yielded_to_the_first_of_them(
    process: Process, deliveries: Deliveries, decisions: Decisions
) -> None:
    now = _later(deliveries.noon, 100)

    async def work() -> None:
        await _decided(process, decisions.opened("e", "triage"), deliveries.make(1), now)
        await process.outbox.take("b", now, 5)
        await _card_shown(process, _later(now, 61), "triage")
        assert await process.rows("SELECT count(*) FROM change WHERE state = 'dropped'") == [(0,)]

    asyncio.run(work())


def test_a_change_knows_when_it_was_planned_however_often_it_is_tried(
    process: Process, deliveries: Deliveries, decisions: Decisions
) -> None:
    now = _later(deliveries.noon, 100)

    async def work() -> None:
        await _decided(process, decisions.opened("e", "triage"), deliveries.make(1), now)
        for days in range(3):
            (held,) = await process.outbox.take("a", now + timedelta(days=days), 1)
            assert held.planned_at == now
            await process.outbox.postpone(held.lease, SETBACK, now)

    asyncio.run(work())


def test_what_waits_is_counted_with_the_age_of_its_oldest(
    process: Process, deliveries: Deliveries, decisions: Decisions
) -> None:
    now = _later(deliveries.noon, 100)

    async def work() -> None:
        nothing = await process.transactions.read(lambda database: backlog(database, now))
        assert nothing == tuple(Backlog(queue=name, count=0, oldest=None) for name in ("inbox", "outbox"))
        await _decided(process, decisions.opened("e", "triage"), deliveries.make(1), now)
        for number in (3, 5, 4):
            await process.inbox.accept(deliveries.make(number))
        await process.inbox.take("a", _later(now, 1), 1)
        await process.outbox.take("a", _later(now, 1), 1)
        inbox, outbox = await process.transactions.read(lambda database: backlog(database, now))
        assert (inbox.count, inbox.oldest) == (3, deliveries.make(3).received_at)
        assert (outbox.count, outbox.oldest) == (4, now)

    asyncio.run(work())


def test_a_host_that_is_called_often_slows_no_other_one_down_without_any_connection(
    new_process: NewProcess, deliveries: Deliveries, decisions: Decisions
) -> None:
    process, now = new_process(paces=PER_HOST), _later(deliveries.noon, 100)
    urls = (
        "https://a.example/1",
        "https://A.example/2",
        "https://a.example:8443/3",
        "https://b.example/",
        "https://[/",
    )

    async def work() -> list[list[str]]:
        for number, url in enumerate(urls):
            item = decisions.another_issue(number)
            call = decisions.webhook("triage", item, url=url)
            at = _later(deliveries.noon, 99 + number / 10)
            await _decided(process, decisions.make(f"e{number}", call, item=item), deliveries.make(number), at)
        taken = [await process.outbox.take("a", _later(now, seconds), 9) for seconds in (0, 0.5, 1, 2)]
        return [[str(getattr(each.change, "url", "")) for each in held] for held in taken]

    assert asyncio.run(work()) == [[urls[0], urls[3], urls[4]], [], [urls[1]], [urls[2]]]


def test_a_change_whose_lease_moved_cannot_be_settled_by_its_old_holder(
    process: Process, deliveries: Deliveries, decisions: Decisions
) -> None:
    now = _later(deliveries.noon, 100)

    async def work() -> None:
        await _decided(process, decisions.opened("e", "triage"), deliveries.make(1), now)
        (old,) = await process.outbox.take("a", now, 1)
        (new,) = await process.outbox.take("b", _later(now, 61), 1)
        assert (new.change.key, new.attempts) == (old.change.key, 2)
        with pytest.raises(LeaseLost):
            await process.outbox.settle(old.lease, old.change, _applied(old), now)
        assert await process.rows("SELECT DISTINCT state FROM change WHERE carrier = 'hub'") == [("pending",)]

    asyncio.run(work())


async def _many_items(process: Process, deliveries: Deliveries, decisions: Decisions, count: int) -> None:
    """Each item gets one card to show."""
    for number in range(count):
        item = decisions.another_issue(number)
        made = decisions.make(f"e{number}", decisions.create("triage", item), decisions.card("e", item), item=item)
        await _decided(process, made, deliveries.make(number), _later(deliveries.noon, 100))


def test_what_the_pace_does_not_allow_yet_waits_and_is_not_lost(
    new_process: NewProcess, deliveries: Deliveries, decisions: Decisions
) -> None:
    process = new_process(paces=SLOW)

    async def work() -> tuple[list[int], set[ChangeKey]]:
        await _many_items(process, deliveries, decisions, 6)
        counts: list[int] = []
        keys: set[ChangeKey] = set()
        for seconds in (0, 1, 4.9, 5, 10, 20, 40):
            held = await process.outbox.take("a", _later(deliveries.noon, 100 + seconds), 10)
            counts.append(len(held))
            keys |= {each.change.key for each in held}
            for each in held:
                await process.outbox.settle(each.lease, each.change, _applied(each), deliveries.noon)
        return counts, keys

    counts, keys = asyncio.run(work())
    assert counts == [2, 0, 0, 1, 1, 2, 0]
    assert len(keys) == 6


def test_a_busy_channel_does_not_slow_another_one_down(
    new_process: NewProcess, deliveries: Deliveries, decisions: Decisions
) -> None:
    process = new_process(paces=PER_CHANNEL)
    now = _later(deliveries.noon, 100)

    async def work() -> list[tuple[HeldChange, ...]]:
        await process.connect("s", "slack")
        for number in range(5):
            item = decisions.another_issue(number)
            message = decisions.notify("triage", item, to="#quiet" if number == 4 else "#busy")
            await _decided(process, decisions.make(f"e{number}", message, item=item), deliveries.make(number), now)
        return [await process.outbox.take("a", _later(now, seconds), 9) for seconds in (0, 0.5, 1, 2, 3)]

    targets = [[str(getattr(each.change, "target", "")) for each in held] for held in asyncio.run(work())]
    assert targets == [["#busy", "#quiet"], [], ["#busy"], ["#busy"], ["#busy"]]


def test_a_connection_that_is_held_back_gets_nothing_until_then(
    process: Process, deliveries: Deliveries, decisions: Decisions
) -> None:
    now = _later(deliveries.noon, 100)

    async def work() -> None:
        await process.connect("c")
        await _many_items(process, deliveries, decisions, 2)
        await process.outbox.hold_back("w", "c", _later(now, 60))
        await process.outbox.hold_back("w", "c", _later(now, 30))
        assert await process.outbox.take("a", _later(now, 59), 5) == ()
        assert len(await process.outbox.take("a", _later(now, 61), 5)) == 2

    asyncio.run(work())


def test_a_message_goes_through_the_connection_to_the_space_that_its_target_names(
    process: Process, deliveries: Deliveries, decisions: Decisions
) -> None:
    now = _later(deliveries.noon, 100)
    targets = ("#dev", "T0ONE/#dev", "T0TWO/U0ANN", "T0OFF/#dev", "T0NONE/#dev")

    async def work() -> list[tuple[str, str]]:
        for name in ("slack-T0ONE", "slack-T0TWO", "slack-T0OFF"):
            await process.connect(name, "slack")
        await process.run("UPDATE connection SET active = 0 WHERE id = 'slack-T0OFF'")
        for number, target in enumerate(targets):
            item = decisions.another_issue(number)
            decision = decisions.make(f"e{number}", decisions.notify("triage", item, to=target), item=item)
            await _decided(process, decision, deliveries.make(number), now)
        return [(each.connection, str(getattr(each.change, "target", ""))) for each in await taken()]

    async def taken() -> tuple[HeldChange, ...]:
        return await process.outbox.take("a", now, 9)

    # What names nothing is for the first that is on; what is switched off stays what was meant.
    assert sorted(asyncio.run(work())) == [
        ("", "T0NONE/#dev"),
        ("slack-T0OFF", "T0OFF/#dev"),
        ("slack-T0ONE", "#dev"),
        ("slack-T0ONE", "T0ONE/#dev"),
        ("slack-T0TWO", "T0TWO/U0ANN"),
    ]


def test_what_is_passed_on_waits_for_its_new_connection_and_was_not_attempted(
    process: Process, deliveries: Deliveries, decisions: Decisions
) -> None:
    now = _later(deliveries.noon, 100)

    async def work() -> None:
        await process.connect("slack-T0ONE", "slack")
        await process.connect("slack-T0TWO", "slack")
        message = decisions.notify("triage", to="C0TWO")
        await _decided(process, decisions.make("e", message), deliveries.make(0), now)
        (first,) = await process.outbox.take("a", now, 5)
        await process.outbox.hold_back("w", "slack-T0TWO", _later(now, 60))
        await process.outbox.pass_on(first.lease, "slack-T0TWO")
        with pytest.raises(LeaseLost):
            await process.outbox.pass_on(first.lease, "slack-T0ONE")
        assert await process.outbox.take("a", _later(now, 59), 5) == ()
        (second,) = await process.outbox.take("a", _later(now, 61), 5)
        assert (first.connection, first.attempts) == ("slack-T0ONE", 1)
        assert (second.connection, second.attempts, second.lease.generation) == ("slack-T0TWO", 1, 2)
        # Its worker dies: whoever is next has to look for what was done.
        (third,) = await process.outbox.take("b", _later(second.lease.until, 1), 5)
        assert third.attempts == 3

    asyncio.run(work())


def test_a_change_that_failed_comes_back_at_its_time_and_not_before(
    process: Process, deliveries: Deliveries, decisions: Decisions
) -> None:
    now = _later(deliveries.noon, 100)

    async def work() -> None:
        await _many_items(process, deliveries, decisions, 1)
        (held,) = await process.outbox.take("a", now, 5)
        await process.outbox.postpone(held.lease, SETBACK, _later(now, 8))
        assert await process.outbox.take("a", _later(now, 7), 5) == ()
        (again,) = await process.outbox.take("a", _later(now, 8), 5)
        assert (again.change.key, again.attempts) == (held.change.key, 2)

    asyncio.run(work())


def test_what_a_caller_carries_out_is_nothing_to_the_hub_and_one_caller_has_it_at_a_time(
    process: Process, deliveries: Deliveries, decisions: Decisions
) -> None:
    now = _later(deliveries.noon, 100)

    async def work() -> None:
        await process.connect("s", "slack")
        store = SqlShared(process.transactions, "w")
        commit = await store.hand_in(HandedIn(decision=decisions.opened("e", "triage")), "ann", now)
        assert len(commit.outbox) == 3
        first = commit.outbox[0]
        assert await store.begin(first.key, "run 1", now)
        assert await store.begin(first.key, "run 2", _later(now, 179)) is None
        assert await store.begin(first.key, "run 1", _later(now, 20))
        assert await store.begin(first.key, "run 2", _later(now, 201))
        applied = Applied(key=first.key, outcome=Outcome.DONE)
        assert await process.outbox.take("a", _later(now, 59), 5) == ()  # the card's address belongs into the message
        await store.conclude(applied, "ann", _later(now, 202))
        (held,) = await process.outbox.take("a", _later(now, 202), 5)
        assert held.connection == "s"
        assert await store.begin(first.key, "run 1", _later(now, 500)) is None
        with pytest.raises(RecordMissing):
            await store.begin(held.change.key, "run 1", _later(now, 500))

    asyncio.run(work())


def test_two_workers_share_everything_and_nothing_twice(
    new_process: NewProcess, deliveries: Deliveries, decisions: Decisions
) -> None:
    now = _later(deliveries.noon, 1000)
    workers = (new_process(), new_process())

    async def drain(process: Process, name: str) -> list[str]:
        done = []
        for _ in range(60):
            for held in await process.inbox.take(name, now, 5):
                item = decisions.branch(held.delivery.id)
                made = decisions.make(held.delivery.id, decisions.create("triage", item), item=item)
                await process.inbox.decide(held.lease, (made,), now)
                done.append(held.delivery.lane)
            await asyncio.sleep(0)
        return done

    async def work() -> list[str]:
        accepts = (
            workers[0].inbox.accept(deliveries.make(n, lane=f"lane {n % 21}", connection=f"c{n % 3}"))
            for n in range(80)
        )
        await asyncio.gather(*accepts)
        done = await asyncio.gather(drain(workers[0], "a"), drain(workers[1], "b"))
        assert await workers[0].rows("SELECT state, count(*) FROM delivery GROUP BY state") == [("done", 80)]
        assert await workers[0].rows("SELECT count(*) FROM task") == [(80,)]
        # Tasks are numbered in the order in which their events were decided.
        numbered = await workers[0].rows(
            "SELECT delivery.lane, task.number FROM delivery JOIN decision ON decision.event = delivery.id"
            " JOIN task ON task.item = decision.item ORDER BY delivery.lane, delivery.received_at"
        )
        assert numbered == sorted(numbered)
        return [lane for each in done for lane in each]

    assert len(asyncio.run(work())) == 80


def test_whoever_stops_waiting_takes_nothing_from_the_batch(process: Process, deliveries: Deliveries) -> None:
    async def work() -> None:
        await process.inbox.accept(deliveries.make(0))
        waiting = [asyncio.ensure_future(process.inbox.accept(deliveries.make(number))) for number in range(1, 50)]
        await asyncio.sleep(0)
        for each in waiting[::2]:
            each.cancel()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert sum(isinstance(each, Accepted) for each in results) == 24
        await process.inbox.accept(deliveries.make(100))
        for number in range(1, 50, 2):
            await process.inbox.accept(deliveries.make(number))
        assert await process.rows("SELECT count(*) FROM delivery") == [(51,)]

    asyncio.run(work())


def test_a_loop_that_is_gone_leaves_the_writer_working(process: Process, deliveries: Deliveries) -> None:
    async def leave() -> None:
        asyncio.ensure_future(process.inbox.accept(deliveries.make(1))).add_done_callback(lambda _: None)
        await asyncio.sleep(0)

    asyncio.run(leave())
    assert not asyncio.run(process.inbox.accept(deliveries.make(2))).duplicate


def test_a_job_that_fails_takes_nothing_from_those_beside_it(process: Process, deliveries: Deliveries) -> None:
    unknown = Lease(workspace="w", subject="none", holder="a", generation=1, until=deliveries.noon)

    async def work() -> None:
        jobs = []
        for number in range(20):
            jobs.append(process.inbox.accept(deliveries.make(number)))
            jobs.append(process.inbox.decide(unknown, (), deliveries.noon))  # type: ignore[arg-type]
            jobs.append(process.run("SELECT nothing FROM nowhere"))  # type: ignore[arg-type]
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert [type(each) for each in results] == [Accepted, LeaseLost, StoreError] * 20
        assert await process.rows("SELECT count(*) FROM delivery") == [(20,)]

    asyncio.run(work())


def test_a_job_that_breaks_the_whole_transaction_takes_nothing_from_the_others(
    process: Process, deliveries: Deliveries
) -> None:
    """As a full disk does to SQLite, and a deadlock to PostgreSQL."""

    def break_it(database: Connection) -> None:
        if database.dialect.name == "sqlite":
            database.exec_driver_sql("ROLLBACK")
        database.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$")

    async def work() -> None:
        before = [process.inbox.accept(deliveries.make(number)) for number in range(10)]
        after = [process.inbox.accept(deliveries.make(number)) for number in range(10, 20)]
        results = await asyncio.gather(*before, process.transactions.write(break_it), *after, return_exceptions=True)
        assert [isinstance(each, Accepted) and not each.duplicate for each in results] == [True] * 10 + [False] + [
            True
        ] * 10
        assert isinstance(results[10], StoreError)
        assert await process.rows("SELECT count(*) FROM delivery") == [(20,)]

    asyncio.run(work())


def test_a_connection_that_breaks_in_mid_batch_is_unavailable_and_made_anew(
    process: Process, deliveries: Deliveries
) -> None:
    def hang_up(database: Connection) -> None:
        if database.dialect.name == "sqlite":
            database.invalidate()
        database.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    async def work() -> None:
        jobs = (process.inbox.accept(deliveries.make(1)), process.transactions.write(hang_up))
        results = await asyncio.gather(*jobs, process.inbox.accept(deliveries.make(2)), return_exceptions=True)
        assert all(isinstance(each, Accepted | StoreUnavailable) for each in results)
        for number in (1, 2):
            await process.inbox.accept(deliveries.make(number))
        assert await process.rows("SELECT count(*) FROM delivery") == [(2,)]

    asyncio.run(work())


def test_after_closing_nothing_is_taken_and_what_waited_is_done(process: Process, deliveries: Deliveries) -> None:
    async def work() -> None:
        waiting = [asyncio.ensure_future(process.inbox.accept(deliveries.make(number))) for number in range(20)]
        await asyncio.sleep(0)
        process.transactions.close()
        assert not any(each.duplicate for each in await asyncio.gather(*waiting))
        with pytest.raises(StoreUnavailable, match="being closed"):
            await process.inbox.accept(deliveries.make(99))

    asyncio.run(work())


def test_a_connection_says_what_is_wrong_with_it_until_something_goes_well(
    process: Process, deliveries: Deliveries, decisions: Decisions
) -> None:
    now = _later(deliveries.noon, 100)
    refused = Setback(reason="credentials_refused", detail="GitHub refused the token")

    async def problem() -> list[tuple[object, ...]]:
        return await process.rows("SELECT problem FROM connection")

    async def work() -> None:
        await process.connect("c")
        first = deliveries.make(1, connection="c")
        await _decided(process, decisions.opened("e", "triage"), first, now)
        (held,) = await process.outbox.take("a", now, 1)
        await process.outbox.bury(held.lease, refused, now)
        assert await problem() == [("GitHub refused the token",)]
        (held,) = await process.outbox.take("a", now, 1)
        await process.outbox.settle(held.lease, held.change, _applied(held), now)
        assert await problem() == [("",)]

    asyncio.run(work())


def test_what_cannot_be_read_keeps_nobody_else_waiting(
    process: Process, deliveries: Deliveries, decisions: Decisions
) -> None:
    now = _later(deliveries.noon, 100)

    async def work() -> None:
        await _decided(process, decisions.opened("e", "triage"), deliveries.make(1), now)
        await process.run("UPDATE change SET payload = '{\"change\":\"of_tomorrow\"}' WHERE kind = 'show_card'")
        assert "show_card" not in _kinds(await process.outbox.take("a", now, 9))
        waits = await process.rows("SELECT state FROM change WHERE kind = 'show_card'")
        assert waits == [("pending",)]

    asyncio.run(work())
