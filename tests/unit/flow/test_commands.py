"""What is done and answered when somebody asks for something, on a real database and the same for every chat."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta

import msgspec
import pytest

from ai_crm.analysis import offline_analyst
from ai_crm.cards import adaptive, blockkit, text
from ai_crm.cards.elements import Card, Container, Execute, FactSet, Image
from ai_crm.cards.picture import figures_of, told
from ai_crm.commands.catalogue import COMMANDS
from ai_crm.commands.command import Asked, Command, NewTask, NoticeKind
from ai_crm.errors import Problem, RulesInvalid
from ai_crm.flow.commands import obey
from ai_crm.flow.commands.reply import Reply
from ai_crm.model.access import MAY, Role
from ai_crm.model.agent import Agent
from ai_crm.model.item import PlatformName
from ai_crm.model.task import TaskStatus
from ai_crm.ports.members import Member, Preferences
from tests.conftest import Finish
from tests.doubles.answer_cards import decision
from tests.doubles.command_desk import AGENTS, NOON, TestDesk, asker


@pytest.fixture
def desk(finish: Finish) -> Iterator[TestDesk]:
    made = TestDesk(finish)
    yield made
    made.engine.dispose()


def shown(reply: Reply) -> str:
    return "\n".join(text.render(card) for card in reply.cards)


def buttons(reply: Reply) -> dict[str, Execute]:
    return {one.title: one for card in reply.cards for one in card.actions if isinstance(one, Execute)}


def facts(card: Card) -> dict[str, str]:
    items = [item for part in card.body for item in (part.items if isinstance(part, Container) else (part,))]
    return {fact.title: fact.value for item in items if isinstance(item, FactSet) for fact in item.facts}


# Tasks


def test_a_task_is_made_and_answered_with_its_card(desk: TestDesk, finish: Finish) -> None:
    reply = desk.say('task create "Implement user auth" --agent security-auditor --due friday --assign octocat')

    assert reply.text == "AICRM-1 is there: Implement user auth"
    (task,) = reply.tasks
    assert finish(desk.records.task("default", task.id)) == task
    assert task.agent
    assert (task.agent.name, task.agent.assigned) == ("security-auditor", True)
    assert (task.due, task.assignees) == (date(2026, 11, 27), ("octocat",))
    assert set(buttons(reply)) == {"Start", "Done", "Watch"}
    assert desk.woken == 1
    assert reply.ok
    assert reply.private


def test_the_same_request_again_makes_no_second_task(desk: TestDesk) -> None:
    first = desk.say("task create Once", request="f" * 32)
    again = desk.say("task create Once", request="f" * 32)

    assert first.tasks == again.tasks
    assert len(desk.say("task list").tasks) == 1


def test_a_task_without_a_title_is_asked_for(desk: TestDesk) -> None:
    reply = desk.say("create task")
    assert not reply.ok
    assert 'task create "Implement user auth"' in shown(reply)


def test_a_button_changes_the_task_and_undo_takes_it_back(desk: TestDesk) -> None:
    done = buttons(desk.say("task create Fix it"))["Done"]

    changed = desk.press(done.verb, done.data)
    assert changed.text == "AICRM-1: status: todo → done"
    assert changed.tasks[0].status is TaskStatus.DONE

    undo = buttons(changed)["Undo"]
    back = desk.press(undo.verb, undo.data)
    assert back.tasks[0].status is TaskStatus.TODO
    assert back.tasks[0].version == 3


def test_a_stale_card_changes_nothing_and_says_what_happened_since(desk: TestDesk) -> None:
    start = buttons(desk.say("task create Fix it"))["Start"]
    desk.say("task update 1 --priority urgent --title Quickly", asker("bob"))

    reply = desk.press(start.verb, start.data)

    assert not reply.ok
    assert reply.tasks[0].status is TaskStatus.TODO
    assert "was changed meanwhile, so nothing was done" in shown(reply)
    assert "bob  title: Fix it → Quickly (asked for by bob)" in shown(reply)
    assert "priority:" in shown(reply)
    assert "created" not in shown(reply)
    again = buttons(reply)["Start"]
    assert desk.press(again.verb, again.data).tasks[0].status is TaskStatus.IN_PROGRESS


def test_a_button_that_asks_for_what_is_so_already_is_no_clash(desk: TestDesk) -> None:
    done = buttons(desk.say("task create Fix it"))["Done"]
    desk.press(done.verb, done.data)
    desk.woken = 0

    again = desk.press(done.verb, done.data)

    assert again.ok
    assert again.text == "AICRM-1 is like that already"
    assert desk.woken == 0


def test_several_fields_change_at_once_and_come_back_at_once(desk: TestDesk) -> None:
    before = desk.say("task create Fix it --label bug --assign octocat").tasks[0]
    changed = desk.say(
        "task update 1 --title Other --label none --assign hubot --agent debugger --due 3d --priority low"
    )
    assert changed.tasks[0].labels == ()
    undo = buttons(changed)["Undo"]
    after = desk.press(undo.verb, undo.data).tasks[0]
    same = ("title", "status", "priority", "labels", "assignees", "due")
    assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]


def test_a_comment_is_kept_and_shown_below_the_task(desk: TestDesk) -> None:
    desk.say("task create Fix it")
    assert desk.say('task comment 1 "Look at this"').ok
    assert "Look at this" in shown(desk.say("task show 1"))


def test_a_task_is_shown_with_what_it_is_about(desk: TestDesk) -> None:
    desk.say('task create Fix it --description "It fails on Mondays"')
    assert "It fails on Mondays" in shown(desk.say("task show 1"))


def test_tasks_are_found_paged_and_opened(desk: TestDesk) -> None:
    for number in range(13):
        desk.say(f"task create Number {number} --label {'odd' if number % 2 else 'even'}")

    first = desk.say("task list")
    assert len(first.tasks) == 10
    assert "13 found" in shown(first)
    following = buttons(first)["Next page"]
    second = desk.press(following.verb, following.data)
    assert {task.id for task in first.tasks} & {task.id for task in second.tasks} == set()
    assert len(second.tasks) == 3
    assert "Next page" not in buttons(second)

    opened = buttons(second)["AICRM-1"]
    assert desk.press(opened.verb, opened.data).tasks[0].title == "Number 0"
    assert desk.say("task list label:odd").tasks[0].labels == ("odd",)
    assert "No task is like that" in shown(desk.say("task list --status done"))


# People


def test_me_is_the_login_that_somebody_linked(desk: TestDesk) -> None:
    assert desk.say("task create Mine --assign @me").tasks[0].assignees == ("ann",)
    desk.say("link octocat")
    assert desk.say("task assign 1 @me").tasks[0].assignees == ("octocat",)
    assert [task.id for task in desk.say("my tasks").tasks] == ["AICRM-1"]
    assert "octocat" in shown(desk.say("whoami"))
    desk.say("unlink")
    assert desk.say("my tasks").tasks == ()


def test_two_who_say_the_same_login_are_told_of_each_other(desk: TestDesk) -> None:
    assert "said the same" not in shown(desk.say("link octocat"))
    assert "said the same" not in shown(desk.say("link octocat", asker(platform=PlatformName.TEAMS)))
    assert "ann said the same" in shown(desk.say("link octocat", asker("eve", member="U666")))


def test_a_name_that_can_be_no_login_is_asked_to_link(desk: TestDesk) -> None:
    reply = desk.say("my tasks", asker("Ann Lee"))
    assert not reply.ok
    assert "link LOGIN" in shown(reply)


def test_whom_a_chat_names_is_assigned_by_login(desk: TestDesk) -> None:
    desk.say("link hubot", asker("bob", member="U777"))
    assert desk.say("task create Theirs --assign <@U777|bob>").tasks[0].assignees == ("hubot",)
    assert desk.say("task list --assignee <@U777|bob>").tasks[0].id == "AICRM-1"
    refused = desk.say("task create Theirs --assign <@U999|eve>")
    assert not refused.ok
    assert "eve has not said which login" in shown(refused)


def test_people_of_another_chat_or_workspace_are_others(desk: TestDesk) -> None:
    desk.say("link octocat")
    assert "octocat" not in shown(desk.say("whoami", asker(platform=PlatformName.TEAMS)))
    assert "octocat" not in shown(desk.say("whoami", asker(workspace="other")))


def test_settings_are_kept_and_told(desk: TestDesk, finish: Finish) -> None:
    reply = desk.say("settings --off status,alert --quiet 22:00-7:00 --tz europe/berlin --digest 8:30")
    assert facts(reply.cards[0]) == {
        "Told about": "assigned, comment, watched, recommended, digest",
        "Not told about": "status, alert",
        "Quiet hours": "22:00 to 07:00",
        "Daily summary": "at 08:30",
        "Time zone": "Europe/Berlin",
    }
    kept = finish(desk.members.find("default", PlatformName.SLACK, "U012"))
    assert kept
    assert kept.preferences == Preferences(
        off=(NoticeKind.STATUS, NoticeKind.ALERT),
        quiet=(time(22), time(7)),
        time_zone="Europe/Berlin",
        digest_at=time(8, 30),
    )
    changed = facts(desk.say("settings --on all --quiet never --digest never").cards[0])
    assert (changed["Quiet hours"], changed["Daily summary"], changed["Not told about"]) == ("none", "never", "digest")


def test_a_time_zone_that_is_none_is_guessed_at(desk: TestDesk) -> None:
    assert 'Did you mean "Europe/Berlin"?' in shown(desk.say("settings --tz Europe/Berln"))


def test_days_are_those_of_the_persons_own_time_zone(desk: TestDesk) -> None:
    desk.time = NOON.replace(hour=23)
    assert desk.say("task create Here --due today").tasks[0].due == date(2026, 11, 24)
    desk.say("settings --tz Asia/Tokyo")
    assert desk.say("task create There --due today").tasks[0].due == date(2026, 11, 25)


def test_a_time_zone_that_this_machine_does_not_know_is_utc(desk: TestDesk, finish: Finish) -> None:
    elsewhere = Member(
        platform=PlatformName.SLACK, id="U012", name="ann", preferences=Preferences(time_zone="Mars/Olympus")
    )
    finish(desk.members.keep("default", elsewhere))
    assert desk.say("task create Here --due today").tasks[0].due == date(2026, 11, 24)


# Looking


def test_an_analysis_leads_to_a_task_and_to_more(desk: TestDesk) -> None:
    asked = desk.say('pm analyze "Build recommendation engine with ML"')
    analysis = offline_analyst().analyse("Build recommendation engine with ML", "", (), AGENTS)
    told = facts(asked.cards[0])
    assert told["Complexity:"] == analysis.effort.complexity
    assert told["Priority:"] == analysis.urgency.value
    assert told["Recommended Agent:"] == (analysis.recommended.name if analysis.recommended else "")
    more = buttons(asked)["Get More Analysis"]
    detailed = desk.press(more.verb, more.data)
    assert f"Why {analysis.effort.complexity}" in facts(detailed.cards[0])
    assert set(buttons(detailed)) == {"Create Task"}
    create = buttons(asked)["Create Task"]
    assert desk.press(create.verb, create.data).tasks[0].title == "Build recommendation engine with ML"


def test_agents_are_listed_by_category(desk: TestDesk) -> None:
    assert "backend-architect" in facts(desk.say("agents list --category dev").cards[0])
    assert sum(map(len, (value.split(", ") for value in facts(desk.say("agents list").cards[0]).values()))) == 59
    assert 'Did you mean "development"?' in shown(desk.say("agents list --category developmnt"))


def test_the_dashboard_has_the_numbers_of_the_report(desk: TestDesk, finish: Finish) -> None:
    desk.say("task create One")
    desk.say("task create Two")
    desk.say("task done 1")
    told = facts(desk.say("team status").cards[0])
    report = finish(desk.records.report("default", desk.time - timedelta(hours=24), desk.time))
    assert (told["Open"], told["Created"], told["Done"]) == ("1", "2", "1")
    assert int(told["📊 Events"]) == report.total_events
    assert "🎯 Average response" not in told


def test_the_dashboard_has_a_picture_where_one_is_to_be_had(desk: TestDesk, finish: Finish) -> None:
    assert not [item for item in desk.say("dashboard").cards[0].body if isinstance(item, Image)]
    desk.picture = "https://hub.example.com/pictures/x.png"
    (card,) = desk.say("dashboard --since 7d").cards
    (picture,) = [item for item in card.body if isinstance(item, Image)]
    report = finish(desk.records.report("default", desk.time - timedelta(days=7), desk.time))
    assert (picture.url, picture.alt_text) == (desk.picture, told(figures_of(report)))


def test_a_digest_tells_what_is_open_due_and_changed_and_is_silent_about_nothing(desk: TestDesk) -> None:
    assert "Nothing to tell" in shown(desk.say("digest now"))
    desk.say("task create Soon --assign ann --due tomorrow")
    desk.say("task create Later --assign ann --due 2w")
    told = shown(desk.say("digest"))
    assert "Due soon" in told
    assert "Soon · Todo · due tomorrow" in told
    assert "Yours and open (2)" in told


def test_why_a_task_is_there_is_explained(desk: TestDesk, finish: Finish) -> None:
    desk.say("task create By hand")
    assert "asked for by ann" in shown(desk.say("explain 1"))

    made = decision("triage", rules=1, findings=1)
    finish(desk.store("default").commit(made, NOON))
    told = shown(desk.say("explain 2"))
    assert '✓ rule "triage"' in told
    assert "wants triage; saw triage" in told
    assert shown(desk.say("explain e1")) == told


def test_what_is_not_there_is_said(desk: TestDesk) -> None:
    for typed in ("task show 99", "task done 99", "explain 99", "explain nothing-like-that", "task comment 99 x"):
        reply = desk.say(typed)
        assert not reply.ok
        assert reply.cards[0].fallback_text.startswith("Not found")


def test_health_says_what_to_do(desk: TestDesk) -> None:
    assert "ai-crm connections add-github" in shown(desk.say("doctor"))


def test_help_is_about_everything_or_one_thing(desk: TestDesk) -> None:
    everything = shown(desk.say(""))
    assert all(command.usage in everything for command in COMMANDS)
    assert "--agent AGENT" in shown(desk.say("help task create"))
    assert "task comment" in shown(desk.say("help task"))
    assert not desk.say("help flurb").ok


# Who may


@pytest.mark.parametrize("role", Role)
def test_a_role_may_what_the_table_says_and_nothing_else(desk: TestDesk, role: Role) -> None:
    who = asker("octocat", role)
    replies = [(command, desk.say(command.example, who)) for command in COMMANDS]
    refused = [(command, reply) for command, reply in replies if "Not allowed: you are" in reply.cards[0].fallback_text]
    assert [command for command, _ in refused] == [
        command for command in COMMANDS if command.permission and command.permission not in MAY[role]
    ]
    assert all(not reply.ok and "can make you a member" in shown(reply) for _, reply in refused)


def test_what_the_table_does_not_name_nobody_may(desk: TestDesk, finish: Finish) -> None:
    class Unheard(msgspec.Struct, frozen=True):
        pass

    unheard: Command = Unheard()  # type: ignore[assignment] # that is the test
    reply = finish(obey(Asked(unheard), asker(role=Role.OPERATOR), desk.desk, "0" * 32))
    assert not reply.ok
    assert "Not allowed" in shown(reply)


def test_an_answer_is_shared_only_when_it_is_one(desk: TestDesk) -> None:
    assert not desk.say("task list --share").private
    assert desk.say("task show 99 --share").private
    assert desk.say("task list").private


def test_another_workspace_sees_nothing(desk: TestDesk) -> None:
    desk.say("task create Secret")
    reply = desk.say("task show 1", asker(workspace="other"))
    assert reply.cards[0].fallback_text.startswith("Not found")


def test_broken_rules_of_the_hub_are_said_and_not_raised(desk: TestDesk) -> None:
    def broken(_workspace: str) -> tuple[Agent, ...]:
        raise RulesInvalid((Problem("rules/x.yml", 1, 1, "is broken"),))

    desk.agents = broken
    reply = desk.say("task create x")
    assert not reply.ok
    assert "Its operator has to mend them" in shown(reply)


def test_a_bug_is_raised_and_not_answered(desk: TestDesk, finish: Finish) -> None:
    def broken(_workspace: str) -> tuple[Agent, ...]:
        raise ZeroDivisionError

    desk.agents = broken
    with pytest.raises(ZeroDivisionError):
        finish(obey(Asked(NewTask(title="x")), asker(), desk.desk, "0" * 32))


# Everywhere the same


def test_every_chat_answers_every_command_with_the_same_facts(finish: Finish) -> None:
    slack, teams, terminal = (
        answers(TestDesk(finish), platform) for platform in (PlatformName.SLACK, PlatformName.TEAMS, PlatformName.HUB)
    )
    for command, *replies in zip(COMMANDS, slack, teams, terminal, strict=True):
        assert all(reply.ok for reply in replies), command.words
        assert len({reply.text for reply in replies}) == 1
        told = [[facts(card) | {"Here": ""} for card in reply.cards] for reply in replies]
        assert told[0] == told[1] == told[2]
        for card in replies[0].cards:
            assert blockkit.render(card).blocks
            assert adaptive.render(card)


def answers(desk: TestDesk, platform: PlatformName) -> list[Reply]:
    """To the example of every command, about a task that there is."""
    who = asker("octocat", platform=platform)
    desk.say("task create Fix it --assign hubot", who)
    replies = [desk.say(command.example.replace("AICRM-42", "AICRM-1"), who) for command in COMMANDS]
    desk.engine.dispose()
    return replies
