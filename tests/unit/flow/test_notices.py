"""Who is told what about a decision, and who is not."""

from __future__ import annotations

from datetime import UTC, datetime, time

import msgspec
import pytest
from msgspec import UNSET

from ai_crm.commands.command import NoticeKind
from ai_crm.flow.notices import Listeners, Telling, end_of_quiet, with_notices
from ai_crm.model.agent import Agent, Contact
from ai_crm.model.analysis import Priority
from ai_crm.model.change import AnyChange, CreateTask, Notify, UpdateTask, change_key
from ai_crm.model.decision import Answer, Decision
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.task import AgentChoice, RuleId, TaskPatch, TaskStatus
from ai_crm.ports.members import Member, Preferences
from ai_crm.store.memory import MemoryStore
from tests.conftest import Finish
from tests.doubles.people import People, Watching

ITEM = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.ISSUE, "7")
RULE = RuleId("triage")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ANN = Member(platform=PlatformName.SLACK, id="U0ANN", name="Ann", login="ann")
BOB = Member(platform=PlatformName.TEAMS, id="29:bob", name="Bob", login="Bob")
AGENTS = (Agent(name="code-reviewer", category="quality", role="reviews", skills=(), people=(Contact(github="bob"),)),)


def create(*assignees: str, agent: AgentChoice | None = None, title: str = "Fix it") -> CreateTask:
    key = change_key(RULE, ITEM, "task", "")
    return CreateTask(key=key, rule=RULE, item=ITEM, because="a rule", title=title, assignees=assignees, agent=agent)


def update(event: str, patch: TaskPatch) -> UpdateTask:
    return UpdateTask(
        key=change_key(RULE, ITEM, "follow", event), rule=RULE, item=ITEM, because="it moved", patch=patch
    )


def decision(event: str, actor: str, *changes: AnyChange) -> Decision:
    return Decision(
        event=event,
        platform=PlatformName.GITHUB,
        names=("issues.opened",),
        actor=actor,
        item=ITEM,
        answer=Answer.ACT,
        rules="",
        verdicts=(),
        changes=changes,
        skips=(),
    )


def listeners(*people: Member, watching: tuple[Member, ...] = ()) -> Listeners:
    watches = Watching(*(("AICRM-1", each) for each in watching))
    return Listeners(members=People(*people), watches=watches, workspace="default", agents=lambda: AGENTS)


def told(
    finish: Finish,
    about: Decision,
    *people: Member,
    store: MemoryStore | None = None,
    watching: tuple[Member, ...] = (),
) -> list[Notify]:
    who = listeners(*people, watching=watching)
    decisions = finish(with_notices(about, store or MemoryStore(), who, NOON))
    assert decisions[0] == about
    return [change for each in decisions[1:] for change in each.changes if isinstance(change, Notify)]


def test_whoever_gets_a_new_task_is_told(finish: Finish) -> None:
    (notice,) = told(finish, decision("e1", "cat", create("ANN", "stranger")), ANN, BOB)
    assert (notice.platform, notice.target, notice.item) == (PlatformName.SLACK, "U0ANN", ITEM)
    assert "assigned a new task" in notice.text.filled(None)
    assert "Fix it" in notice.text.filled(None)


def test_a_person_whose_space_became_known_is_told_there_and_nothing_twice(finish: Finish) -> None:
    about = decision("e1", "cat", create("ann"))
    (before,) = told(finish, about, ANN)
    (after,) = told(finish, about, msgspec.structs.replace(ANN, space="T0ONE"))
    assert (before.target, after.target) == ("U0ANN", "T0ONE/U0ANN")
    assert after.key == before.key


def test_nobody_is_told_what_they_did_themselves(finish: Finish) -> None:
    assert told(finish, decision("e1", "Ann", create("ann")), ANN) == []
    assert told(finish, decision("e1", "Ann (Slack)", create("ann")), ANN) == []


def test_what_somebody_switched_off_is_not_told(finish: Finish) -> None:
    quiet = Member(
        platform=ANN.platform, id=ANN.id, name="Ann", login="ann", preferences=Preferences(off=(NoticeKind.ASSIGNED,))
    )
    assert told(finish, decision("e1", "cat", create("ann")), quiet) == []


def test_whose_task_moves_is_told_once_and_not_as_newly_assigned(finish: Finish) -> None:
    store = MemoryStore()
    finish(store.commit(decision("e1", "cat", create("ann")), NOON))
    moved = update("e2", TaskPatch(status=TaskStatus.DONE, assignees=("ann", "bob")))
    notices = told(finish, decision("e2", "cat", moved), ANN, BOB, store=store)
    texts = {notice.target: notice.text.filled(None) for notice in notices}
    assert "Moved to Done by cat" in texts["U0ANN"]
    assert "assigned a task" in texts["29:bob"]
    assert len(notices) == 2


def test_a_status_that_stays_is_no_news(finish: Finish) -> None:
    store = MemoryStore()
    finish(store.commit(decision("e1", "cat", create("ann")), NOON))
    same = update("e2", TaskPatch(status=TaskStatus.TODO, title=UNSET))
    assert told(finish, decision("e2", "cat", same), ANN, store=store) == []


def test_the_people_behind_a_recommended_agent_hear_of_it(finish: Finish) -> None:
    choice = AgentChoice(name="code-reviewer", assigned=False, because="words")
    (notice,) = told(finish, decision("e1", "cat", create(agent=choice)), ANN, BOB)
    assert notice.target == "29:bob"
    assert "code-reviewer" in notice.text.filled(None)


def test_whoever_removed_the_app_is_not_written_to(finish: Finish) -> None:
    gone = Member(platform=ANN.platform, id=ANN.id, name="Ann", login="ann", away=True)
    assert told(finish, decision("e1", "cat", create("ann")), gone) == []


def test_each_agent_that_is_recommended_later_is_told_anew(finish: Finish) -> None:
    """One person may stand behind two agents, and the first may come back."""
    store = MemoryStore()
    finish(store.commit(decision("e1", "cat", create()), NOON))
    choice = AgentChoice(name="code-reviewer", assigned=False, because="words")
    keys = {
        told(finish, decision(event, "cat", update(event, TaskPatch(agent=choice))), BOB, store=store)[0].key
        for event in ("e2", "e3")
    }
    assert len(keys) == 2


def test_a_time_zone_that_this_machine_does_not_know_is_utc() -> None:
    preferences = Preferences(quiet=(time(22), time(7)), time_zone="Mars/Olympus")
    assert end_of_quiet(preferences, NOON.replace(hour=23)) == datetime(2026, 11, 25, 7, tzinfo=UTC)


def test_the_same_event_again_tells_nothing_new(finish: Finish) -> None:
    first = told(finish, decision("e1", "cat", create("ann")), ANN)
    again = told(finish, decision("e1", "cat", create("ann")), ANN)
    assert [one.key for one in first] == [one.key for one in again]


@pytest.mark.parametrize("hostile", ["<!channel> <@U0EVE>", "[click](https://evil.example)", "*loud* <https://x|y>"])
def test_a_strangers_title_stays_text(finish: Finish, hostile: str) -> None:
    notices = told(finish, decision("e1", "cat", create("ann", "bob", title=hostile)), ANN, BOB)
    for notice in notices:
        text = notice.text.filled(None)
        assert "<!" not in text
        assert "<@" not in text
        assert "](" not in text or notice.platform is PlatformName.SLACK  # where that is no link
        assert "<http" not in text


# Who watches a task that is not theirs

CAT = Member(platform=PlatformName.SLACK, id="U0CAT", name="Cat")  # nobody needs a login to watch


def moved(
    finish: Finish, patch: TaskPatch, *people: Member, watching: tuple[Member, ...], actor: str = "eve"
) -> list[Notify]:
    """What is told when that happens to a task of Ann's."""
    store = MemoryStore()
    finish(store.commit(decision("e1", "eve", create("ann")), NOON))
    return told(finish, decision("e2", actor, update("e2", patch)), *people, store=store, watching=watching)


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        (TaskPatch(status=TaskStatus.IN_REVIEW), "AICRM-1 was moved to In review by eve:"),
        (TaskPatch(assignees=("bob", "dan")), "AICRM-1 was given to bob, dan by eve:"),
        (TaskPatch(assignees=()), "AICRM-1 was taken from everybody by eve:"),
        (
            TaskPatch(status=TaskStatus.DONE, assignees=("dan",)),
            "AICRM-1 was moved to Done and given to dan by eve:",
        ),
    ],
)
def test_who_watches_hears_where_a_task_is_and_who_has_it(finish: Finish, patch: TaskPatch, said: str) -> None:
    (notice,) = moved(finish, patch, watching=(CAT,))
    assert (notice.platform, notice.target) == (PlatformName.SLACK, "U0CAT")
    assert notice.text.filled(None) == f"{said} Fix it"


@pytest.mark.parametrize(
    "patch",
    [
        TaskPatch(priority=Priority.URGENT, due=NOON.date(), labels=("x",), title="Other"),
        TaskPatch(status=TaskStatus.TODO, assignees=("ann",)),
    ],
)
def test_who_watches_is_spared_the_rest(finish: Finish, patch: TaskPatch) -> None:
    assert moved(finish, patch, ANN, watching=(CAT,)) == []


def test_whose_task_it_is_hears_once_of_what_they_watch_as_well(finish: Finish) -> None:
    notices = moved(finish, TaskPatch(status=TaskStatus.DONE), ANN, BOB, watching=(ANN, CAT))
    assert [(each.target, each.text.filled(None)) for each in notices] == [
        ("U0ANN", "Moved to Done by eve: Fix it"),
        ("U0CAT", "AICRM-1 was moved to Done by eve: Fix it"),
    ]
    assert len({each.key for each in notices}) == 2


def test_who_wants_no_news_of_their_own_tasks_hears_of_those_they_watch(finish: Finish) -> None:
    quiet = msgspec.structs.replace(ANN, preferences=Preferences(off=(NoticeKind.STATUS,)))
    (notice,) = moved(finish, TaskPatch(status=TaskStatus.DONE), quiet, watching=(quiet,))
    assert notice.text.filled(None).startswith("AICRM-1 was moved")


def test_who_watches_and_does_not_want_to_hear_or_did_it_is_not_told(finish: Finish) -> None:
    off = msgspec.structs.replace(CAT, preferences=Preferences(off=(NoticeKind.WATCHED,)))
    gone = msgspec.structs.replace(CAT, away=True)
    terminal = msgspec.structs.replace(CAT, platform=PlatformName.HUB)
    done = TaskPatch(status=TaskStatus.DONE)
    assert moved(finish, done, watching=(off, gone, terminal)) == []
    assert moved(finish, done, watching=(CAT,), actor="Cat (Slack)") == []


def test_what_happens_to_a_watched_task_in_quiet_hours_waits(finish: Finish) -> None:
    asleep = msgspec.structs.replace(CAT, preferences=Preferences(quiet=(time(11), time(13))))
    (notice,) = moved(finish, TaskPatch(status=TaskStatus.DONE), watching=(asleep,))
    assert notice.not_before == datetime(2026, 11, 24, 13, tzinfo=UTC)


def test_a_store_that_tells_commits_both(finish: Finish) -> None:
    store = MemoryStore()
    commit = finish(Telling(store, listeners(ANN)).commit(decision("e1", "cat", create("ann")), NOON))
    assert [task.title for task in commit.created] == ["Fix it"]
    assert [each.names for each in store.decisions] == [("issues.opened",), ("notices",)]


@pytest.mark.parametrize(
    ("quiet", "now", "until"),
    [
        (("22:00", "07:00"), "2026-11-24T23:30", "2026-11-25T07:00"),
        (("22:00", "07:00"), "2026-11-25T06:59", "2026-11-25T07:00"),
        (("22:00", "07:00"), "2026-11-25T07:00", ""),
        (("22:00", "07:00"), "2026-11-24T12:00", ""),
        (("12:00", "13:00"), "2026-11-24T12:30", "2026-11-24T13:00"),
    ],
)
def test_quiet_hours_are_the_persons_own(quiet: tuple[str, str], now: str, until: str) -> None:
    begin, end = map(time.fromisoformat, quiet)
    preferences = Preferences(quiet=(begin, end), time_zone="Europe/Berlin")
    moment = datetime.fromisoformat(f"{now}+01:00")
    found = end_of_quiet(preferences, moment)
    assert (found.isoformat() if found else "") == (f"{until}:00+01:00" if until else "")


def test_what_comes_in_the_quiet_hours_waits(finish: Finish) -> None:
    asleep = Member(
        platform=ANN.platform,
        id=ANN.id,
        name="Ann",
        login="ann",
        preferences=Preferences(quiet=(time(11), time(13))),
    )
    (notice,) = told(finish, decision("e1", "cat", create("ann")), asleep)
    assert notice.not_before == datetime(2026, 11, 24, 13, tzinfo=UTC)
