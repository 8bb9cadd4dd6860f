"""Watching tasks by commands and buttons, lists of what is watched, and who hears of what somebody writes."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from sqlalchemy import select

from ai_crm.cards import text
from ai_crm.cards.elements import Execute
from ai_crm.errors import StoreUnavailable
from ai_crm.flow.commands.reply import Asker, Reply
from ai_crm.model.access import Principal, Role
from ai_crm.model.item import PlatformName
from ai_crm.model.task import TaskId
from ai_crm.store import tables
from ai_crm.store.database import reading
from tests.conftest import Finish
from tests.doubles.command_desk import TestDesk, asker
from tests.doubles.people import Watching

# As Slack's bot calls people in histories, so that they are known again.
BOB = msgspec.structs.replace(
    asker("bob", member="U0BOB"), principal=Principal(name="bob (Slack)", workspace="default", role=Role.MEMBER)
)
VIEWER = asker("vic", Role.VIEWER, member="U0VIC")


@pytest.fixture
def desk(finish: Finish) -> Iterator[TestDesk]:
    made = TestDesk(finish)
    made.say('task create "Fix the login"')
    made.say('task create "Write the guide"')
    yield made
    made.engine.dispose()


def shown(reply: Reply) -> str:
    return "\n".join(text.render(card) for card in reply.cards)


def buttons(reply: Reply) -> dict[str, Execute]:
    return {one.title: one for card in reply.cards for one in card.actions if isinstance(one, Execute)}


def listed(desk: TestDesk, typed: str, who: Asker = BOB) -> list[str]:
    return [task.id for task in desk.say(typed, who).tasks]


def told(desk: TestDesk) -> list[tuple[str, str]]:
    """Who is told in which words, in the order of the outbox."""
    table = tables.change
    with reading(desk.engine) as connection:
        rows = connection.execute(select(table.c.payload).where(table.c.kind == "notify").order_by(table.c.planned_at))
        payloads = rows.scalars().all()
    return [(each["target"], "".join(each["text"]["parts"])) for each in map(msgspec.json.decode, payloads)]


def test_a_task_is_watched_and_is_no_more(desk: TestDesk) -> None:
    assert desk.say("task watch AICRM-1", BOB).text == "You watch AICRM-1 now"
    assert desk.say("watch 1", BOB).text == "You watched AICRM-1 before"
    assert listed(desk, "my watched") == listed(desk, "task list --watched") == ["AICRM-1"]
    assert listed(desk, "task list watched:@me login") == ["AICRM-1"]
    assert listed(desk, "my watched guide") == []
    assert listed(desk, "my watched", asker()) == []
    assert desk.say("unwatch #1", BOB).text == "You do not watch AICRM-1 any more"
    assert desk.say("task unwatch AICRM-1", BOB).text == "You did not watch AICRM-1"
    assert listed(desk, "my watched") == []


def test_of_several_tasks_each_is_told_for_itself(desk: TestDesk) -> None:
    reply = desk.say("task watch AICRM-1, 2 AICRM-99", BOB)
    assert reply.ok
    for said in ("What you watch", "You watch AICRM-1 now", "You watch AICRM-2 now", "there is no such task"):
        assert said in shown(reply)
    assert listed(desk, "my watched") == ["AICRM-2", "AICRM-1"]
    assert not desk.say("task watch 98 99", BOB).ok
    ended = desk.say("task unwatch 1 2", BOB)
    assert (ended.text, listed(desk, "my watched")) == ("What you watch no more: AICRM-1, AICRM-2", [])


def test_what_cannot_be_watched_is_said(desk: TestDesk) -> None:
    missing = desk.say("task watch 99", BOB)
    assert (missing.ok, "no such task" in missing.text) == (False, True)
    many = desk.say(f"task watch {' '.join(map(str, range(1, 22)))}", BOB)
    assert "20 are possible" in many.text


def test_who_may_look_may_watch(desk: TestDesk) -> None:
    assert desk.say("task watch 1", VIEWER).ok


def test_a_card_for_one_person_says_whether_they_watch(desk: TestDesk) -> None:
    watch = buttons(desk.say("task show 1", BOB))["Watch"]
    watched = desk.press(watch.verb, watch.data, BOB)
    assert list(buttons(watched)) == ["Start", "Done", "Unwatch"]
    assert "Unwatch" in buttons(desk.say("task start 1", BOB))
    assert "Watch" in buttons(desk.say("task show 1"))
    unwatch = buttons(desk.say("task show 1", BOB))["Unwatch"]
    assert unwatch.fallback.data == {"verb": "unwatch", "task": "AICRM-1"}
    assert "Watch" in buttons(desk.press("", unwatch.fallback.data, BOB))
    assert listed(desk, "my watched") == []


def test_a_card_that_others_see_does_not(desk: TestDesk) -> None:
    assert list(buttons(desk.say("task show 1 --share", BOB))) == ["Start", "Done"]


class Locked(Watching):
    async def watched_by(self, _workspace: str, _platform: PlatformName, _member: str) -> tuple[TaskId, ...]:
        raise StoreUnavailable("the database is locked")


def test_a_change_is_told_although_nobody_knows_who_watches(desk: TestDesk) -> None:
    desk.watches = Locked()
    reply = desk.say("task done 1")
    assert (reply.ok, list(buttons(reply))) == (True, ["Reopen", "Undo"])


def test_a_list_of_what_somebody_watches_stays_theirs_on_every_page(desk: TestDesk) -> None:
    for number in range(3, 13):
        desk.say(f'task create "More {number}"')
        desk.say(f"watch {number}", BOB)
    desk.say("watch 1", BOB)
    first = desk.say("my watched --share", BOB)
    assert "watched:@me" in first.text
    following = buttons(first)["Next page"]
    second = desk.press(following.verb, following.data, asker())
    assert [task.id for task in second.tasks] == ["AICRM-1"]
    assert "watched:slack:U0BOB" in second.text
    assert "watched:@me" in desk.press(following.verb, following.data, BOB).text


def test_what_others_watch_is_found_by_their_login_and_by_their_name_in_the_chat(desk: TestDesk) -> None:
    desk.say("watch 2", BOB)
    assert listed(desk, "task list watched:bob-gh", asker()) == []
    desk.say("link bob-gh", BOB)
    assert listed(desk, "task list watched:BOB-GH", asker()) == ["AICRM-2"]
    assert listed(desk, "task list watched:<@U0BOB|bob>", asker()) == ["AICRM-2"]
    elsewhere = asker("tess", platform=PlatformName.TEAMS, member="U0BOB")
    assert listed(desk, "my watched", elsewhere) == []


def test_workspaces_do_not_see_each_others_watches(desk: TestDesk) -> None:
    desk.say("watch 1", BOB)
    other = asker("bob", workspace="other", member="U0BOB")
    assert not desk.say("watch 1", other).ok
    assert listed(desk, "my watched", other) == []


def test_the_summary_has_what_changed_of_what_is_watched_once(desk: TestDesk) -> None:
    desk.say("link bob-gh", BOB)
    desk.say("watch 1 2", BOB)
    desk.say("task assign 2 bob-gh", BOB)
    told_of = shown(desk.say("digest now", BOB))
    assert "Watched and changed (1)" in told_of
    assert told_of.count("Fix the login") == 1
    assert "Watched and changed (1)" in shown(desk.say("digest now", BOB))
    desk.say("task watch 2", VIEWER)
    assert "Write the guide" in shown(desk.say("digest now", VIEWER))  # who has no login watches all the same


# Comments


def test_whose_task_it_is_and_who_watches_it_hear_of_a_comment_once(desk: TestDesk) -> None:
    desk.say("link ann-gh")
    desk.say("task assign 1 ann-gh", BOB)
    for who in (asker(), BOB, VIEWER):
        desk.say("watch 1", who)
    before, woken = len(told(desk)), desk.woken
    desk.say('task comment 1 "Looks *fine*\nto <!channel>"', BOB, request="c" * 32)
    desk.say('task comment 1 "Looks *fine*\nto <!channel>"', BOB, request="c" * 32)
    news = told(desk)[before:]
    assert sorted(target for target, _ in news) == ["U012", "U0VIC"]
    for _, said in news:
        assert said.startswith("bob (Slack) wrote about AICRM-1: Fix the login\nLooks ")
        assert "<!channel" not in said
    assert desk.woken == woken + 2


def test_who_does_not_want_to_hear_of_comments_does_not(desk: TestDesk) -> None:
    desk.say("link ann-gh")
    desk.say("task assign 1 ann-gh", BOB)
    desk.say("settings --off comment")
    desk.say("watch 1", VIEWER)
    desk.say("settings --off watched", VIEWER)
    before = len(told(desk))
    assert desk.say("task comment 1 Hello", BOB).ok
    assert told(desk)[before:] == []


def test_who_wrote_something_does_not_watch_the_task_because_of_that(desk: TestDesk) -> None:
    desk.say("task comment 1 Hello", BOB)
    desk.say('task create "Mine"', BOB)
    assert listed(desk, "my watched") == []
