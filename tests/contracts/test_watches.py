"""Who watches which task, in both databases: each person and each workspace for themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest
from sqlalchemy import Engine, insert, update

from ai_crm.commands.query import TaskQuery
from ai_crm.errors import CommandRefused, RecordMissing, StoreError
from ai_crm.model.item import PlatformName
from ai_crm.model.task import TaskId
from ai_crm.ports.members import Member
from ai_crm.store import tables
from ai_crm.store.database import engine_for, writing
from ai_crm.store.members import SqlMembers
from ai_crm.store.records import SqlRecords
from ai_crm.store.sql import SqlStore
from ai_crm.store.transactions import Direct
from ai_crm.store.watches import MOST, SqlWatches

if TYPE_CHECKING:
    from tests.conftest import Finish
    from tests.contracts.conftest import Inline
    from tests.doubles.decisions import Decisions

SLACK, TEAMS = PlatformName.SLACK, PlatformName.TEAMS
ANN = Member(platform=SLACK, id="U012", name="Ann <!channel>", login="Octocat")
BOB = Member(platform=TEAMS, id="29:1abc", name="Bob")
ONE, TWO = TaskId("AICRM-1"), TaskId("AICRM-2")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Place:
    """A database with two tasks in the workspace `w`, and one in `v`."""

    def __init__(self, engine: Engine, inline: Inline, finish: Finish, decisions: Decisions) -> None:
        self.engine = engine
        self._finish = finish
        transactions = Direct(engine, inline)
        self.members = SqlMembers(transactions)
        self.watches = SqlWatches(transactions)
        self._records = SqlRecords(transactions)
        for workspace, number in (("w", 1), ("w", 2), ("v", 3)):
            item = decisions.another_issue(number)
            decision = decisions.make(f"e{number}", decisions.create("triage", item), item=item)
            finish(SqlStore(transactions, None, workspace).commit(decision, NOON))

    def watch(self, member: Member, *tasks: TaskId, workspace: str = "w") -> list[bool]:
        return [self._finish(self.watches.watch(workspace, task, member)) for task in tasks]

    def unwatch(self, member: Member, task: TaskId, workspace: str = "w") -> bool:
        done: bool = self._finish(self.watches.unwatch(workspace, task, member))
        return done

    def of(self, member: Member, workspace: str = "w") -> tuple[TaskId, ...]:
        found: tuple[TaskId, ...] = self._finish(self.watches.watched_by(workspace, member.platform, member.id))
        return found

    def watchers(self, *tasks: TaskId, workspace: str = "w") -> tuple[tuple[TaskId, Member], ...]:
        found: tuple[tuple[TaskId, Member], ...] = self._finish(self.watches.watchers(workspace, tasks))
        return found

    def find(self, *watchers: str, workspace: str = "w") -> list[str]:
        page = self._finish(self._records.tasks(workspace, TaskQuery(watchers=watchers), NOON, "", 50))
        return [task.id for task in page.tasks]


@pytest.fixture
def place(new_empty_url: Callable[[], str], inline: Inline, finish: Finish, decisions: Decisions) -> Iterator[Place]:
    engine = engine_for(new_empty_url())
    yield Place(engine, inline, finish, decisions)
    engine.dispose()


def test_what_somebody_watches_is_known_until_they_do_no_more(place: Place) -> None:
    assert place.watch(ANN, ONE, TWO) == [True, True]
    assert place.of(ANN) == (TWO, ONE)
    assert place.watchers(ONE, TWO) == ((ONE, ANN), (TWO, ANN))
    assert place.unwatch(ANN, ONE)
    assert place.of(ANN) == (TWO,)
    assert place.watchers(ONE) == ()


def test_the_same_again_changes_nothing_and_says_so(place: Place) -> None:
    assert place.watch(ANN, ONE, ONE) == [True, False]
    assert place.watchers(ONE) == ((ONE, ANN),)
    assert [place.unwatch(ANN, ONE), place.unwatch(ANN, ONE)] == [True, False]


def test_people_of_two_platforms_watch_beside_each_other(place: Place) -> None:
    namesake = msgspec.structs.replace(ANN, platform=TEAMS, login="")
    for each in (ANN, BOB, namesake):
        place.watch(each, ONE)
    assert place.watchers(ONE) == ((ONE, ANN), (ONE, BOB), (ONE, namesake))
    place.unwatch(namesake, ONE)
    assert place.watchers(ONE) == ((ONE, ANN), (ONE, BOB))


def test_a_watcher_is_known_as_they_last_said(place: Place, finish: Finish) -> None:
    place.watch(ANN, ONE)
    finish(place.members.keep("w", msgspec.structs.replace(ANN, login="hubot")))
    place.watch(ANN, TWO)  # what comes along with it is not the last word
    assert [member.login for _, member in place.watchers(ONE, TWO)] == ["hubot", "hubot"]


def test_nobody_watches_what_is_not_there(place: Place) -> None:
    for task in (TaskId("AICRM-3"), TaskId("AICRM-99"), TaskId("nonsense")):
        with pytest.raises(RecordMissing):
            place.watch(ANN, task)
    with pytest.raises(RecordMissing):
        place.unwatch(ANN, TaskId("nonsense"))
    assert not place.unwatch(ANN, TaskId("AICRM-99"))
    assert place.of(ANN) == ()


def test_a_workspace_sees_its_own_watchers_only(place: Place) -> None:
    place.watch(ANN, ONE)
    place.watch(BOB, ONE, workspace="v")
    assert place.watchers(ONE, workspace="v") == ((ONE, BOB),)
    assert place.watchers(ONE) == ((ONE, ANN),)
    assert (place.of(BOB), place.of(ANN, "v")) == ((), ())
    assert not place.unwatch(ANN, ONE, "v")
    assert place.find("slack:U012", "octocat", workspace="v") == []


def test_nobody_watches_more_than_anybody_could_read(place: Place) -> None:
    place.watch(ANN, ONE)
    row = {"workspace": "w", "platform": "slack", "member": "U012"}
    task = {"workspace": "w", "status": "todo", "version": 1, "updated_at": "", "payload": ""}
    numbers = range(10, 10 + MOST - 1)
    with writing(place.engine) as connection:
        connection.execute(
            insert(tables.item_card), [{"workspace": "w", "item": str(number), "card": ""} for number in numbers]
        )
        connection.execute(
            insert(tables.task), [{**task, "number": each, "item": str(each), "rule": "r"} for each in numbers]
        )
        connection.execute(insert(tables.watch), [{**row, "number": number} for number in numbers])
    with pytest.raises(CommandRefused, match=str(MOST)) as refused:
        place.watch(ANN, TWO)
    assert "unwatch" in refused.value.hint
    assert place.watch(ANN, ONE) == [False]  # what they have they keep
    assert place.watch(BOB, TWO) == [True]
    place.unwatch(ANN, ONE)
    assert place.watch(ANN, TWO) == [True]


def test_tasks_are_found_by_who_watches_them(place: Place) -> None:
    place.watch(ANN, ONE)
    place.watch(BOB, TWO)
    assert place.find("slack:U012") == [ONE]
    assert place.find("teams:29:1abc") == [TWO]
    assert place.find("OCTOCAT") == [ONE]
    assert place.find("octocat", "teams:29:1abc") == [TWO, ONE]
    for nobody in ("teams:U012", "U012", "slack:", ":", "bob", "%"):
        assert place.find(nobody) == []


def test_a_watcher_that_nobody_can_read_is_an_error_with_a_hint(place: Place) -> None:
    place.watch(ANN, ONE)
    with writing(place.engine) as connection:
        connection.execute(update(tables.member).values(payload="{}"))
    with pytest.raises(StoreError, match="cannot be read"):
        place.watchers(ONE)
