"""What the hub tells about its work is the same from SQLite and from PostgreSQL: searches, stages, dead letters, figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, Row, insert, select, update

from ai_crm.commands.query import TaskQuery, parse_query
from ai_crm.errors import CommandRefused, LeaseLost, RecordMissing
from ai_crm.model.analysis import Priority
from ai_crm.model.change import Applied, CreateTask, Outcome
from ai_crm.model.delivery import DeliveryState, Setback
from ai_crm.model.item import PlatformName
from ai_crm.model.record import TaskComment
from ai_crm.model.task import AgentChoice, TaskId, TaskPatch, TaskStatus
from ai_crm.store import tables
from ai_crm.store.database import engine_for, reading, writing
from ai_crm.store.dispatch import SqlOutbox
from ai_crm.store.inbox import SqlInbox
from ai_crm.store.records import SqlRecords
from ai_crm.store.rows import stamp
from ai_crm.store.sql import SqlStore
from ai_crm.store.transactions import Direct

if TYPE_CHECKING:
    from tests.conftest import Finish
    from tests.contracts.conftest import Inline
    from tests.doubles.decisions import Decisions

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
AWKWARD = ("bug", "a,b", 'say "bug"', "100%", "a_b", "back\\slash", "nul\0", "ü", "],", 'x,"bug', 'x],"analysis":')


class Hub:
    """A workspace `w` with what tests put into it."""

    def __init__(self, engine: Engine, inline: Inline, finish: Finish, decisions: Decisions) -> None:
        self.engine = engine
        self.finish = finish
        self.decisions = decisions
        transactions = Direct(engine, inline)
        self.records = SqlRecords(transactions)
        self.store = SqlStore(transactions, None, "w")
        finish(self.store.tasks_of(decisions.issue))

    def create(self, number: int, at: datetime = NOON, **fields: object) -> TaskId:
        """A task of its own for issue `number`."""
        item = self.decisions.another_issue(number)
        creation: CreateTask = msgspec.structs.replace(self.decisions.create("triage", item), **fields)
        return self.finish(self.store.commit(self.decisions.make(f"e{number}", creation, item=item), at)).tasks[0].id

    def find(self, typed: str, now: datetime = NOON) -> list[str]:
        query = parse_query(typed, "octocat", NOON.date())
        return [task.id for task in self.finish(self.records.tasks("w", query, now, "", 50)).tasks]

    def deliver(self, name: str, state: DeliveryState = DeliveryState.DONE, minute: int = 0, **fields: object) -> None:
        at = stamp(self.decisions.minute(minute))
        empty = ("not_before", "holder", "lease_until", "reason", "detail", "decided_at")
        row: dict[str, object] = dict.fromkeys(empty, "")
        row |= {"workspace": "w", "id": name, "connection": "c", "platform": "github", "name": "issues"}
        row |= {"vendor_id": "", "body_hash": name, "lane": "l", "headers": "{}", "body": name.encode()}
        row |= {"received_at": at, "state": state, "attempts": 1}
        with writing(self.engine) as connection:
            connection.execute(insert(tables.delivery).values(row | fields))

    def opened(self, event: str = "e1", minute: int = 0) -> None:
        """A delivery, and a decision about it: a task, and four changes that wait."""
        decided_at = stamp(self.decisions.minute(minute))
        self.deliver(event, minute=minute, decided_at=decided_at)
        decision = self.decisions.opened(event, "triage", item=self.decisions.another_issue(minute + 1))
        self.finish(self.store.commit(decision, self.decisions.minute(minute)))

    def change(self, kind: str, **columns: object) -> str:
        """Writes to the change of that kind; its key."""
        table = tables.change
        with writing(self.engine) as connection:
            connection.execute(update(table).where(table.c.kind == kind).values(columns))
            return str(connection.execute(select(table.c.key).where(table.c.kind == kind)).scalar_one())

    def settle_all(self, after: timedelta) -> None:
        applied = msgspec.json.encode(Applied(key=msgspec.convert("k", str), outcome=Outcome.DONE)).decode()  # type: ignore[arg-type]
        table = tables.change
        with writing(self.engine) as connection:
            connection.execute(
                update(table)
                .where(table.c.state == "pending")
                .values(state="done", applied=applied, settled_at=stamp(NOON + after))
            )


@pytest.fixture
def hub(new_empty_url: Callable[[], str], inline: Inline, finish: Finish, decisions: Decisions) -> Iterator[Hub]:
    engine = engine_for(new_empty_url())
    yield Hub(engine, inline, finish, decisions)
    engine.dispose()


def test_tasks_are_found_by_every_field(hub: Hub) -> None:
    hub.create(1, NOON - timedelta(days=9), labels=("Bug", "auth"), assignees=("octocat",), priority=Priority.URGENT)
    agent = AgentChoice(name="backend-architect", assigned=True, because="x")
    hub.create(2, labels=(), assignees=(), agent=agent, title="Crash in the parser")

    assert hub.find("") == ["AICRM-2", "AICRM-1"]
    for typed in ("label:bug", "label:auth", "label:nothing,AUTH", "assignee:@me", "priority:urgent", "updated:>7d"):
        assert hub.find(typed) == ["AICRM-1"], typed
    for typed in ("agent:backend-architect", "updated:<7d", "crash", "priority:high", "agent:Backend-Architect"):
        assert hub.find(typed) == ["AICRM-2"], typed
    for typed in ("project:octo/hello", "status:todo", "project:OCTO/HELLO,other"):
        assert hub.find(typed) == ["AICRM-2", "AICRM-1"], typed
    for typed in ("label:bu", "agent:backend", "project:octo", "status:done", "assignee:octo", "label:bug crash"):
        assert hub.find(typed) == [], typed


def test_a_label_is_found_exactly_however_awkward_labels_are(hub: Hub) -> None:
    for number, label in enumerate(AWKWARD, start=1):
        hub.create(number, labels=("first", label, "last"), title=f'"labels":["{label}"],"analysis":')

    for number, label in enumerate(AWKWARD, start=1):
        query = TaskQuery(labels=(label,))
        assert [task.id for task in hub.finish(hub.records.tasks("w", query, NOON, "", 50)).tasks] == [
            f"AICRM-{number}"
        ]


def test_words_are_found_in_titles_descriptions_labels_people_and_comments(hub: Hub) -> None:
    task = hub.create(1, title="Login does Größe", description="the café crashes\0 hard", labels=("auth",))
    comment = TaskComment(id="k1", task=task, at=NOON, actor="mona", text="seen on \0staging")
    hub.finish(hub.records.add_comment("w", comment, None))

    for typed in (
        "login",
        "LOGIN café",
        "cafe",
        "größe",
        "crash",
        "auth",
        "octocat",
        "staging",
        '"login does"',
        "aicrm-1",
    ):
        assert hub.find(typed) == [task], typed
    for typed in ("nothing", '"does login"', "login nothing", "!!", "ogin"):
        assert hub.find(typed) == [], typed


def test_words_follow_what_a_task_says_now(hub: Hub, decisions: Decisions) -> None:
    task = hub.create(1, title="Old name")
    item = decisions.another_issue(1)
    patch = decisions.update("triage", "e9", TaskPatch(title="New name"), item)
    hub.finish(hub.store.commit(decisions.make("e9", patch, item=item), NOON))

    assert hub.find("new") == [task]
    assert hub.find("old") == []


def test_no_word_is_an_operator_of_the_databases_search(hub: Hub) -> None:
    hub.create(1, title="alpha")

    @given(
        st.text(max_size=30)
        | st.lists(st.sampled_from(["alpha", "OR", "NOT", '"', "*", "'", ":", "&", "|", "!", "(", "-"])).map(" ".join)
    )
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def search(typed: str) -> None:
        query = TaskQuery(words=(typed, "missing"))
        assert hub.finish(hub.records.tasks("w", query, NOON, "", 5)).total == 0

    search()


@pytest.mark.parametrize("watcher", ["a\x00", "slack:U0\x00", "sla\x00ck:U0", "\x00:\x00"])
def test_nobody_watches_under_a_name_that_no_database_takes(hub: Hub, watcher: str) -> None:
    hub.create(1)
    assert hub.finish(hub.records.tasks("w", TaskQuery(watchers=(watcher,)), NOON, "", 5)).total == 0


def test_pages_have_every_task_once_while_others_come(hub: Hub) -> None:
    made = [hub.create(number, NOON + timedelta(minutes=number // 3)) for number in range(1, 8)]
    page = hub.finish(hub.records.tasks("w", TaskQuery(), NOON, "", 2))
    seen = [task.id for task in page.tasks]
    hub.create(100, NOON + timedelta(hours=1))
    while page.next:
        page = hub.finish(hub.records.tasks("w", TaskQuery(), NOON, page.next, 2))
        seen += [task.id for task in page.tasks]

    assert seen == made[::-1]
    assert page.total == 8
    assert page.tasks[0].history


def test_a_cursor_that_is_not_ours_is_refused(hub: Hub) -> None:
    for cursor in ("x", "é", "AAAA", "MjAyNg", "=" * 9, "\0"):
        with pytest.raises(CommandRefused):
            hub.finish(hub.records.tasks("w", TaskQuery(), NOON, cursor, 2))
        with pytest.raises(CommandRefused):
            hub.finish(hub.records.events("w", "", cursor, 2))
        with pytest.raises(CommandRefused):
            hub.finish(hub.records.dead_letters("w", "", cursor, 2))


def test_a_task_that_is_not_there_is_missing(hub: Hub) -> None:
    hub.create(1)

    for name in ("AICRM-2", "AICRM-0", "AICRM-99999999999999999999", "x", "", "AICRM-1\0", "aicrm-1\n"):
        with pytest.raises(RecordMissing):
            hub.finish(hub.records.task("w", TaskId(name)))
        with pytest.raises(RecordMissing):
            hub.finish(hub.records.comments("w", TaskId(name)))


def test_tasks_are_found_by_the_day_they_are_due(hub: Hub) -> None:
    today = NOON.date()
    hub.create(1, due=today - timedelta(days=1), title='"due":"2026-11-24" is no day of it', labels=("due", '"due":"'))
    hub.create(2, due=today - timedelta(days=1))
    finished = hub.decisions.update("triage", "done", TaskPatch(status=TaskStatus.DONE), hub.decisions.another_issue(2))
    hub.finish(hub.store.commit(hub.decisions.make("done", finished, item=hub.decisions.another_issue(2)), NOON))
    hub.create(3, due=today)
    hub.create(4, due=today + timedelta(days=6))
    hub.create(5, title='{"due":"2026-11-24"}')

    for typed, expected in (
        ("due:overdue", "1"),
        ("due:<today", "21"),
        ("due:<=today", "321"),
        ("due:today", "3"),
        ("due:week", "43"),
        ("due:>today", "4"),
        ("due:>2026-11-22,<2026-11-25", "321"),
        ("due:none", "5"),
        ("due:none,overdue", "51"),
        ("due:overdue status:done", ""),
    ):
        assert hub.find(typed) == [f"AICRM-{number}" for number in expected], typed


def test_another_workspace_sees_nothing(hub: Hub) -> None:
    hub.opened()
    key = hub.change("comment", state="dead", reason="refused")

    records = hub.records
    assert hub.finish(records.tasks("v", parse_query("login", "", NOON.date()), NOON, "", 5)).total == 0
    assert hub.finish(records.events("v", "", "", 5)).events == ()
    assert hub.finish(records.dead_letters("v", "", "", 5)).letters == ()
    assert hub.finish(records.decisions_of("v", "e1")) == ()
    assert hub.finish(records.report("v", NOON, NOON + timedelta(days=1))).total_events == 0
    for missing in (
        records.task("v", TaskId("AICRM-1")),
        records.event("v", "e1"),
        records.delivery("v", "e1"),
        records.replay("v", f"change:{key}", "mona", NOON, anew=False),
        records.replay("v", f"change:{key}", "mona", NOON, anew=True),
    ):
        with pytest.raises(RecordMissing):
            hub.finish(missing)


def test_a_comment_is_kept_once_with_its_audit_entry(hub: Hub) -> None:
    task = hub.create(1)
    comment = TaskComment(id="k1", task=task, at=NOON, actor="mona", text="Looks good 👍")

    for _ in range(2):
        hub.finish(hub.records.add_comment("w", comment, None))

    assert hub.finish(hub.records.comments("w", task)) == (comment,)
    assert audit(hub, "comment") == [("mona", task, "k1")]


def test_what_people_are_told_of_a_comment_is_planned_with_it_and_once(hub: Hub) -> None:
    task = hub.create(1)
    item = hub.decisions.another_issue(1)
    comment = TaskComment(id="k1", task=task, at=NOON, actor="mona", text="Look")
    told = hub.decisions.make("k1", hub.decisions.notify("triage", item, event="k1"), item=item)
    nobodys = msgspec.structs.replace(comment, id="k2", task=TaskId("AICRM-99"))
    other = msgspec.structs.replace(told, event="k2")

    for _ in range(2):
        hub.finish(hub.records.add_comment("w", comment, told))
    with pytest.raises(RecordMissing):
        hub.finish(hub.records.add_comment("w", nobodys, other))

    assert [each.decision for each in hub.finish(hub.records.decisions_of("w", "k1"))] == [told]
    assert hub.finish(hub.records.decisions_of("w", "k2")) == ()
    table = tables.change
    with reading(hub.engine) as connection:
        rows = connection.execute(select(table.c.event, table.c.carrier, table.c.state).where(table.c.event == "k1"))
        assert [tuple(row) for row in rows] == [("k1", "hub", "pending")]


def test_an_event_tells_its_stages(hub: Hub) -> None:
    hub.opened()
    hub.change("show_card", settled_at=stamp(NOON + timedelta(seconds=2)), state="done")
    hub.change("comment", state="dead", reason="refused", detail="the issue is locked", attempts=3)
    hub.change("notify", reason="rate_limited", detail="Slack asks to wait", attempts=2)

    event = hub.finish(hub.records.event("w", "e1"))

    assert [(stage.name, stage.outcome) for stage in event.stages] == [
        ("received", "stored"),
        ("decided", "act"),
        ("create_task", "done"),
        ("show_card", "done"),
        ("add_labels", "waiting"),
        ("comment", "dead"),
        ("notify", "postponed"),
    ]
    assert not event.settled
    card, comment, message = event.stages[3], event.stages[5], event.stages[6]
    assert (card.ms, card.at) == (2000, NOON + timedelta(seconds=2))
    assert (comment.detail, comment.attempts) == ("refused: the issue is locked", 3)
    assert (message.at, message.ms) == (None, None)


def test_an_event_without_a_decision_says_why(hub: Hub) -> None:
    for name, state, reason, outcome in (
        ("e1", DeliveryState.QUEUED, "", "waiting"),
        ("e2", DeliveryState.QUEUED, "store", "postponed"),
        ("e3", DeliveryState.WORKING, "", "working"),
        ("e4", DeliveryState.IGNORED, "", "ignored"),
        ("e5", DeliveryState.DEAD, "poison", "dead"),
    ):
        hub.deliver(name, state, reason=reason)
        event = hub.finish(hub.records.event("w", name))
        assert [stage.outcome for stage in event.stages] == ["stored", outcome]
        assert event.settled == (state in {DeliveryState.IGNORED, DeliveryState.DEAD})


def test_events_are_listed_newest_first_by_state(hub: Hub) -> None:
    for minute in range(4):
        hub.deliver(f"e{minute}", DeliveryState.DONE if minute % 2 else DeliveryState.IGNORED, minute)

    first = hub.finish(hub.records.events("w", "", "", 3))
    rest = hub.finish(hub.records.events("w", "", first.next, 3))

    assert [event.id for event in (*first.events, *rest.events)] == ["e3", "e2", "e1", "e0"]
    assert [event.id for event in hub.finish(hub.records.events("w", "done", "", 9)).events] == ["e3", "e1"]
    with pytest.raises(CommandRefused):
        hub.finish(hub.records.events("w", "doen", "", 9))


def test_decisions_and_bodies_are_there_as_they_were(hub: Hub, decisions: Decisions) -> None:
    hub.opened()

    (record,) = hub.finish(hub.records.decisions_of("w", "e1"))

    assert record.decision == decisions.opened("e1", "triage", item=decisions.another_issue(1))
    assert hub.finish(hub.records.decision("w", record.id)) == record
    assert hub.finish(hub.records.delivery("w", "e1")).body == b"e1"
    with pytest.raises(RecordMissing):
        hub.finish(hub.records.decision("w", "nothing\0"))


def test_dead_letters_are_deliveries_and_changes_in_one_list(hub: Hub) -> None:
    hub.opened()
    hub.deliver("e2", DeliveryState.DEAD, 5, reason="payload", detail="not an object")
    key = hub.change("comment", state="dead", reason="refused", settled_at=stamp(NOON + timedelta(hours=1)), attempts=2)

    first = hub.finish(hub.records.dead_letters("w", "", "", 1))
    rest = hub.finish(hub.records.dead_letters("w", "", first.next, 1))

    (change,), (delivery,) = first.letters, rest.letters
    assert (change.id, change.event, change.attempts) == (f"change:{key}", "e1", 2)
    assert change.what == "comment for issue in github:octo/hello"
    assert (delivery.id, delivery.what, delivery.detail) == ("delivery:e2", "github issues", "not an object")
    assert rest.next == ""
    assert hub.finish(hub.records.dead_letters("w", "payload", "", 5)).letters == (delivery,)
    assert hub.finish(hub.records.dead_letters("w", "\0", "", 5)).letters == ()


def test_a_change_is_sent_on_from_where_it_failed_and_only_once(hub: Hub) -> None:
    hub.opened()
    key = hub.change("comment", state="dead", reason="refused", attempts=12, lease_until="x", holder="x")

    assert hub.finish(hub.records.replay("w", f"change:{key}", "mona", NOON, anew=False)) == "e1"

    row = hub_row(hub, key)
    assert (row.state, row.attempts, row.reason, row.holder, row.lease_until) == ("pending", 12, "", "", "")
    assert audit(hub, "replay") == [("mona", f"change:{key}", "e1")]
    with pytest.raises(RecordMissing):
        hub.finish(hub.records.replay("w", f"change:{key}", "mona", NOON, anew=False))


def test_an_event_is_decided_anew_and_what_is_wanted_again_is_carried_out(hub: Hub, decisions: Decisions) -> None:
    hub.opened()
    key = hub.change("comment", state="dead", reason="refused", attempts=3)

    assert hub.finish(hub.records.replay("w", f"change:{key}", "mona", NOON, anew=True)) == "e1"

    assert hub.finish(hub.records.event("w", "e1")).state is DeliveryState.QUEUED
    assert hub_row(hub, key).state == "dropped"
    hub.finish(hub.store.commit(decisions.opened("e1", "triage", item=decisions.another_issue(1)), NOON))
    assert (hub_row(hub, key).state, hub_row(hub, key).attempts) == ("pending", 3)


def test_a_change_whose_event_is_gone_cannot_be_decided_anew(hub: Hub) -> None:
    hub.opened()
    key = hub.change("comment", state="dead")
    with writing(hub.engine) as connection:
        connection.execute(tables.delivery.delete())

    with pytest.raises(RecordMissing):
        hub.finish(hub.records.replay("w", f"change:{key}", "mona", NOON, anew=True))

    assert hub_row(hub, key).state == "dead"


@pytest.mark.parametrize("anew", [False, True])
def test_a_dead_delivery_goes_back_into_the_inbox(hub: Hub, *, anew: bool) -> None:
    hub.deliver("e1", DeliveryState.DEAD, reason="poison", attempts=5)

    assert hub.finish(hub.records.replay("w", "delivery:e1", "mona", NOON, anew=anew)) == "e1"

    event = hub.finish(hub.records.event("w", "e1"))
    assert (event.state, event.attempts, event.reason) == (DeliveryState.QUEUED, 5, "")


def test_the_age_of_what_is_sent_on_counts_from_then(hub: Hub, inline: Inline) -> None:
    inbox, outbox = SqlInbox(Direct(hub.engine, inline)), SqlOutbox(Direct(hub.engine, inline), {})
    later = NOON + timedelta(days=9)
    hub.opened()
    key = hub.change("comment", state="dead", reason="refused", carrier="hub", connection="c")
    hub.deliver("e2", DeliveryState.DEAD, reason="poison")
    for letter in (f"change:{key}", "delivery:e2"):
        hub.finish(hub.records.replay("w", letter, "mona", later, anew=False))

    (delivery,) = hub.finish(inbox.take("worker", later, 5))
    (change,) = hub.finish(outbox.take("worker", later, 5))
    assert (delivery.since, change.since) == (later, later)
    assert (delivery.delivery.received_at, change.planned_at) == (NOON, NOON)


def test_the_age_of_what_is_decided_anew_counts_from_then(hub: Hub, inline: Inline, decisions: Decisions) -> None:
    later = NOON + timedelta(days=9)
    hub.opened()
    key = hub.change("comment", state="dead", carrier="hub", connection="c")
    hub.finish(hub.records.replay("w", f"change:{key}", "mona", later, anew=True))
    store = SqlStore(Direct(hub.engine, inline), None, "w", carrier="hub")
    hub.finish(store.commit(decisions.opened("e1", "triage", item=decisions.another_issue(1)), later))

    held = hub.finish(SqlOutbox(Direct(hub.engine, inline), {}).take("worker", later, 5))
    assert [each.since for each in held if each.lease.subject == key] == [later]


def test_a_dead_letter_that_is_sent_on_is_taken_again(hub: Hub, inline: Inline) -> None:
    inbox = SqlInbox(Direct(hub.engine, inline))
    hub.deliver("e1", DeliveryState.QUEUED)
    (held,) = hub.finish(inbox.take("worker", NOON, 5))
    hub.finish(inbox.bury(held.lease, Setback(reason="payload", detail="not an object"), NOON))
    (letter,) = hub.finish(hub.records.dead_letters("w", "payload", "", 5)).letters

    hub.finish(hub.records.replay("w", letter.id, "mona", NOON, anew=False))

    (again,) = hub.finish(inbox.take("worker", NOON, 5))
    assert again.lease.generation == held.lease.generation + 1
    with pytest.raises(LeaseLost):
        hub.finish(inbox.decide(held.lease, (), NOON))


def test_what_is_no_dead_letter_is_missing(hub: Hub) -> None:
    hub.deliver("e1", DeliveryState.DONE)

    for letter in ("", "e1", "delivery:", "delivery:e1", "change:x", "change:", "\0"):
        for anew in (False, True):
            with pytest.raises(RecordMissing):
                hub.finish(hub.records.replay("w", letter, "mona", NOON, anew=anew))


def test_a_connection_tells_how_it_is_doing(hub: Hub) -> None:
    connect(hub, "c")
    connect(hub, "quiet")
    hub.opened()
    hub.deliver("e2", DeliveryState.QUEUED, 3)
    hub.deliver("e3", DeliveryState.DEAD, 2)
    hub.change("show_card", connection="c", state="done", settled_at=stamp(NOON + timedelta(minutes=9)))
    hub.change("comment", connection="c", state="dead")
    hub.change("notify", connection="c")

    busy, quiet = hub.finish(hub.records.connections("w"))

    assert (busy.waiting_deliveries, busy.waiting_changes, busy.dead) == (1, 1, 2)
    assert busy.last_received == NOON + timedelta(minutes=3)
    assert busy.last_applied == NOON + timedelta(minutes=9)
    assert busy.oldest_waiting == NOON
    assert (quiet.last_received, quiet.oldest_waiting, quiet.dead, quiet.active) == (None, None, 0, True)


def test_what_somebody_wants_to_read_in_the_morning_has_not_been_waiting_all_night(hub: Hub) -> None:
    connect(hub, "c")
    hub.opened()
    morning = NOON + timedelta(hours=19)
    hub.change("notify", connection="c", not_before=stamp(morning))
    (health,) = hub.finish(hub.records.connections("w"))
    assert health.oldest_waiting == morning
    hub.change("notify", attempts=1)  # it was tried: now it waits because that failed
    (health,) = hub.finish(hub.records.connections("w"))
    assert health.oldest_waiting == NOON


def test_a_report_counts_what_was_received_in_its_time(hub: Hub) -> None:
    hub.opened("e1", 0)
    hub.opened("e2", 1)
    hub.settle_all(timedelta(minutes=2))
    hub.deliver("e3", DeliveryState.DEAD, 2, platform="slack")
    hub.deliver("e4", DeliveryState.QUEUED, 3)
    hub.deliver("e5", DeliveryState.IGNORED, 100)

    report = hub.finish(hub.records.report("w", NOON, NOON + timedelta(minutes=100)))

    assert report.total_events == 4
    assert report.average_response_ms == 90_000
    assert report.success_rate == pytest.approx(2 / 3)
    assert [(each.rule, each.matched) for each in report.top_workflows] == [("triage", 2)]
    assert [
        (each.platform, each.events, each.failed, each.average_response_ms) for each in report.platform_breakdown
    ] == [
        (PlatformName.GITHUB, 3, 0, 90_000),
        (PlatformName.SLACK, 1, 1, None),
    ]
    assert (report.tasks_created, report.tasks_done, report.tasks_open) == (2, 0, 2)


def test_a_report_of_nothing_has_no_rates(hub: Hub) -> None:
    report = hub.finish(hub.records.report("w", NOON, NOON))

    assert (report.total_events, report.average_response_ms, report.success_rate) == (0, None, None)
    assert report.top_workflows == ()
    assert report.platform_breakdown == ()


def test_a_report_counts_finished_tasks(hub: Hub, decisions: Decisions) -> None:
    hub.create(1)
    item = decisions.another_issue(1)
    done = decisions.update("triage", "e9", TaskPatch(status=TaskStatus.DONE), item)
    hub.finish(hub.store.commit(decisions.make("e9", done, item=item), NOON))

    report = hub.finish(hub.records.report("w", NOON, NOON + timedelta(hours=1)))

    assert (report.tasks_created, report.tasks_done, report.tasks_open) == (1, 1, 0)


def hub_row(hub: Hub, key: str) -> Row[Any]:
    with reading(hub.engine) as connection:
        return connection.execute(select(tables.change).where(tables.change.c.key == key)).one()


def audit(hub: Hub, action: str) -> list[tuple[str, str, str]]:
    table = tables.audit
    with reading(hub.engine) as connection:
        rows = connection.execute(select(table.c.actor, table.c.subject, table.c.cause).where(table.c.action == action))
        return [(row.actor, row.subject, row.cause) for row in rows]


def connect(hub: Hub, name: str) -> None:
    empty = dict.fromkeys(("secrets", "problem", "held_until"), "")
    row = {
        "workspace": "w",
        "id": name,
        "platform": "github",
        "settings": "{}",
        "active": 1,
        "created_at": name,
        **empty,
    }
    with writing(hub.engine) as connection:
        connection.execute(insert(tables.connection).values(row))
