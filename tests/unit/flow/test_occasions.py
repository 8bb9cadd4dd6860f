"""From a turn of a rule to decisions: only that rule is asked, about each silent item or about figures, and nothing else."""

# ruff: noqa: ARG002 - a reach of one project looks at little

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import get_args

import msgspec
import pytest

from ai_crm.config.policy import load_policy
from ai_crm.errors import ItemMissing, PayloadInvalid, SignatureInvalid, Unsupported
from ai_crm.flow.occasions import asked, spread
from ai_crm.flow.work import Outcome, Source, decide_delivery
from ai_crm.model.change import CreateTask, OutboundChange
from ai_crm.model.decision import Decision
from ai_crm.model.delivery import Delivery, Lease
from ai_crm.model.event import Event
from ai_crm.model.facts import FACTS
from ai_crm.model.item import Item, ItemKind, ItemRef, PlatformName
from ai_crm.model.occasion import ItemsDue, Occasion, ReportDue, occasion_in, written
from ai_crm.model.record import Report
from ai_crm.model.task import RuleId
from ai_crm.platforms.hub import OwnPlatform
from ai_crm.ports import RawRequest, RulesText
from ai_crm.ports.queue import HeldDelivery
from ai_crm.rules.rule import Defaults, Policy
from tests.conftest import Finish
from tests.doubles.decisions import Decisions
from tests.unit.flow.test_work import Queue, Reach, desk

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
URL = "https://github.example/octo/hello"
RULES = """
workflows:
  old:
    trigger: schedule
    cron: "0 9 * * *"
    conditions: [{inactive_for: 7d}]
    actions: [{action: github_comment, params: {message: "Anybody there?"}}]
  older:
    trigger: schedule
    cron: "0 12 * * *"
    actions: [{action: github_label, params: {add: old}}]
  told:
    trigger: report
    cron: "0 9 * * *"
    task: {title: "{report.total_events} events"}
"""
POLICY = load_policy(RULES.encode(), "rules.yml", Defaults())
FIGURES = Report(
    since=NOW - timedelta(days=1), until=NOW, total_events=7, average_response_ms=None, success_rate=1.0,
    top_workflows=(), platform_breakdown=(), tasks_created=0, tasks_done=0, tasks_open=0,
)  # fmt: skip
ITEMS = ItemsDue(rule=RuleId("old"), at=NOW, project="octo/hello", url=URL)
REPORT = ReportDue(rule=RuleId("told"), at=NOW, workspace="w", url="", figures=FIGURES)


def delivery(occasion: Occasion, platform: PlatformName = PlatformName.HUB) -> Delivery:
    return Delivery(
        id="e1", workspace="w", connection="main", platform=platform, name="schedule", vendor_id="", lane="l",
        headers={}, body=written(occasion), received_at=NOW,
    )  # fmt: skip


def event(occasion: Occasion) -> Event:
    (found,) = OwnPlatform().decode(RawRequest({"x-ai-crm-event-id": "e1"}, written(occasion)))
    return found


class Silent(OwnPlatform):
    """A project with items that nobody touched; None when it is gone."""

    def __init__(self, items: tuple[Item, ...] | None) -> None:
        self._items = items

    async def untouched(self, project: str, since: datetime, limit: int) -> tuple[Item, ...]:
        assert (project, since, limit) == ("octo/hello", NOW - timedelta(hours=1), 100)
        if self._items is None:
            raise ItemMissing("gone", where=project)
        return self._items


class Place(Reach):
    """Implements flow.work.Reach for the hub's own deliveries."""

    def __init__(self, items: tuple[Item, ...] | None) -> None:
        super().__init__(None)
        self._platform = Silent(items)

    @asynccontextmanager
    async def source(self, connection: str, event: Event) -> AsyncIterator[Source]:
        assert connection == "main"
        yield Source(self._platform, self._platform)

    def decode(self, platform: PlatformName, request: RawRequest) -> tuple[Event, ...]:
        return self._platform.decode(request)

    def policy(self, workspace: str, text: RulesText | None) -> Policy:
        return POLICY


class Kept(Queue):
    def __init__(self) -> None:
        super().__init__()
        self.decisions: tuple[Decision, ...] = ()

    async def decide(self, lease: Lease, decisions: tuple[Decision, ...], now: datetime) -> None:
        self.decisions = decisions


def an_issue(number: int, days: int) -> Item:
    ref = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.ISSUE, str(number))
    return Item(
        ref=ref, title="x", url=URL, updated_at=NOW - timedelta(days=days), facts=dict.fromkeys(FACTS[ref.kind], "")
    )


def decided(finish: Finish, occasion: Occasion, items: tuple[Item, ...] | None) -> tuple[Outcome, tuple[Decision, ...]]:
    queue = Kept()
    lease = Lease(workspace="w", subject="e1", holder="h", generation=1, until=NOW)
    held = HeldDelivery(delivery=delivery(occasion), lease=lease, attempts=1)
    work = msgspec.structs.replace(desk(queue), reach=Place(items))
    return finish(decide_delivery(held, work)), queue.decisions


def test_a_schedule_asks_its_rule_alone_about_each_silent_item(finish: Finish) -> None:
    outcome, decisions = decided(finish, ITEMS, (an_issue(1, 9), an_issue(2, 1)))

    assert outcome is Outcome.DONE
    assert [(one.event, one.item.id, one.names) for one in decisions] == [("e1", n, ("schedule",)) for n in "12"]
    assert [[verdict.rule for verdict in one.verdicts] for one in decisions] == [["old"], ["old"]]
    (comment,) = decisions[0].changes
    assert comment.rule == "old"
    assert decisions[1].changes == ()


def test_the_same_turn_decides_the_same_bytes_again(finish: Finish) -> None:
    items = (an_issue(1, 9), an_issue(2, 9))
    first, again = decided(finish, ITEMS, items)[1], decided(finish, ITEMS, items)[1]
    assert [one.to_json() for one in first] == [one.to_json() for one in again]
    assert len({change.key for one in first for change in one.changes}) == 2


def test_a_report_asks_its_rule_alone_about_the_figures(finish: Finish) -> None:
    outcome, (decision,) = decided(finish, REPORT, None)

    assert outcome is Outcome.DONE
    assert [verdict.rule for verdict in decision.verdicts] == ["told"]
    assert [change.title for change in decision.changes if isinstance(change, CreateTask)] == ["7 events"]
    assert decision.item == ItemRef(PlatformName.HUB, "w", ItemKind.REPORT, "told@2026-11-24T12:00Z")


@pytest.mark.parametrize("items", [(), None])
def test_where_nothing_is_silent_or_nothing_is_left_there_is_nothing_to_do(
    finish: Finish, items: tuple[Item, ...] | None
) -> None:
    assert decided(finish, ITEMS, items) == (Outcome.IGNORED, ())


def test_a_turn_of_a_rule_that_is_gone_asks_nothing_of_the_platform(finish: Finish) -> None:
    due = msgspec.structs.replace(ITEMS, rule=RuleId("removed"))
    assert decided(finish, due, None) == (Outcome.IGNORED, ())
    assert finish(spread(event(ITEMS), msgspec.structs.replace(POLICY, enabled=False), Silent(None), NOW)) == ()


def test_every_other_delivery_is_for_all_rules() -> None:
    assert asked(POLICY, delivery(ITEMS, PlatformName.GITHUB)) is POLICY


def test_the_facts_of_a_report_are_those_that_rules_may_name() -> None:
    found = event(REPORT).item
    assert tuple(found.facts) == FACTS[ItemKind.REPORT]
    assert found.facts["success_rate"] == "100.0%"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"occasion": "other"}', b'{"occasion": "schedule", "at": 1}'])
def test_what_is_no_occasion_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadInvalid):
        occasion_in(body)


def test_nobody_else_tells_the_hub_of_its_occasions_and_nothing_is_written_there(finish: Finish) -> None:
    own = OwnPlatform()
    with pytest.raises(SignatureInvalid):
        own.verify(RawRequest({}, b""))
    assert own.capabilities.changes == ()
    assert set(own.capabilities.absent) == set(get_args(OutboundChange))
    with pytest.raises(Unsupported):
        finish(own.apply(Decisions().comment("triage")))
    with pytest.raises(ItemMissing):
        finish(own.fetch(event(REPORT).item.ref))
    assert finish(own.rules("w")) is None
    assert finish(own.untouched("w", NOW, 1)) == ()
