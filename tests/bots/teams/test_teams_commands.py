"""Commands as people write them in Teams: to the bot, in groups and in channels, and what stands in the answers."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.commands.catalogue import COMMANDS
from ai_crm.commands.words import quoted
from ai_crm.model.item import ItemRef
from ai_crm.model.task import TaskId
from bots.memory import Heard
from tests.doubles.teams_room import Room, buttons, titles, words
from tests.doubles.teams_server import ANN, BOB, CHANNEL, GROUP, GUEST, PARTNER, alive, refusal

# The commands of the first plan, as they stand there, and what an answer must say.
PLANNED = (
    ("create task", "A new task"),
    ("list tasks", "Tasks"),
    ('pm analyze "Build recommendation engine with ML"', "recommendation"),
    ("team status", "Team status"),
    ("help", "What you can ask for"),
)


@pytest.mark.parametrize(("command", "expected"), PLANNED)
def test_a_command_of_the_plan_is_answered_wherever_it_is_written(shared: Room, command: str, expected: str) -> None:
    assert expected in words(shared.say(command))
    for place in (CHANNEL, f"{CHANNEL};messageid=1700", GROUP):
        assert expected in words(shared.mention(command, place))
        assert shared.teams.activities[-1][0] == place


@pytest.mark.parametrize("command", [each.example for each in COMMANDS], ids=lambda text: text.partition('"')[0])
def test_every_example_of_the_help_is_understood(shared: Room, command: str) -> None:
    shared.say("link ann")
    assert "Not understood" not in words(shared.say(command))


def test_a_task_that_somebody_asks_for_is_there_and_the_worker_is_woken(room: Room) -> None:
    message = room.say('task create "Implement user auth" --agent security-auditor --priority high')
    assert "Implement user auth" in words(message)
    assert titles(message) == ["Start", "Done", "Watch", "Why"]
    assert room.woken == 1
    assert "AICRM-1" in words(room.say("list tasks"))


def test_unknown_words_get_a_card_that_helps(room: Room) -> None:
    said = words(room.say("tsk create x"))
    assert "Not understood" in said
    assert "task create" in said


def test_the_bots_name_alone_asks_for_help(room: Room) -> None:
    assert "What you can ask for" in words(room.mention(""))


def test_what_teams_escapes_is_read_as_it_was_written(room: Room) -> None:
    assert "Pay & ship <b>" in words(room.say("task create “Pay &amp; ship &lt;b&gt;”"))


def test_the_same_message_twice_makes_one_task_and_one_answer(room: Room) -> None:
    activity = room.activity(text='task create "Once"')
    room.send(activity)
    room.send(activity)
    assert len(room.teams.activities) == 1
    assert "AICRM-2" not in words(room.say("list tasks"))


def test_the_same_message_after_a_restart_makes_no_second_task(room: Room) -> None:
    activity = room.activity(text='task create "Once"')
    room.send(activity)
    room.parts.bot._repeated = Heard()
    room.send(activity)
    assert "AICRM-2" not in words(room.say("list tasks"))


def test_people_are_named_by_a_mention_once_they_said_who_they_are(room: Room) -> None:
    room.say('task create "For bob"')
    bob = {"type": "mention", "text": "<at>bob</at>", "mentioned": {"id": BOB, "name": "bob"}}
    said = words(room.say("task assign AICRM-1 <at>bob</at>", entities=[bob]))
    assert "bob has not said which login on GitHub is theirs" in said
    room.say("link bobby", sender=BOB)
    assert "bobby" in words(room.say("task assign AICRM-1 <at>bob</at>", entities=[bob]))


def test_a_guest_may_look_and_not_touch(room: Room) -> None:
    assert "Not allowed" in words(room.say('task create "Mine"', sender=GUEST))
    assert "Tasks" in words(room.say("list tasks", sender=GUEST))


def test_people_of_other_companies_and_strangers_are_told_no(room: Room) -> None:
    assert "only people of this organisation" in words(room.mention("list tasks", GROUP, PARTNER))
    assert "does not tell me who you are" in words(room.mention("list tasks", GROUP, "29:1nobody"))


def test_who_somebody_is_is_asked_once(room: Room) -> None:
    room.say("help")
    room.say("help")
    assert sum("/members/" in request.path for request in room.teams.sent) == 1


def test_a_task_knows_the_chat_it_was_asked_for_in_unless_that_is_nobody_elses_business(room: Room) -> None:
    room.mention('task create "There"', GROUP)
    room.say('task create "Here"')
    tasks = room.run(room.hub.store("default").tasks_of(_item(room, "AICRM-1")))
    assert f"https://teams.microsoft.com/l/message/{GROUP}/" in tasks[0].description
    assert room.run(room.hub.store("default").tasks_of(_item(room, "AICRM-2")))[0].description == ""


def test_what_passes_is_tried_again(room: Room) -> None:
    room.say("help")
    for status in (412, 504):
        room.teams.scripted.append(refusal(status, "TooMany", Retry_After="0"))
        assert "What you can ask for" in words(room.say("help"))


def test_what_does_not_pass_is_logged_and_the_bot_goes_on(room: Room) -> None:
    room.say("help")
    room.teams.scripted.append(refusal(403, "MessageWritesBlocked"))
    assert room.say("help") == {}
    assert "What you can ask for" in words(room.say("help"))


@pytest.mark.parametrize(
    "title",
    [
        "[bank](https://evil.example) <at>Boss</at> **bold** ![x](https://evil.example/x.png) `code`",
        "<b>x</b> <script>alert(1)</script> javascript:alert(1)",
        "# heading | _x_ ~~y~~ > quote",
        "a\u202eb https://evil.example/?q=AICRM-1 www.evil.example",
    ],
)
def test_a_strangers_words_are_words(shared: Room, title: str) -> None:
    for message in (
        shared.say(f'task create "{title}"'),
        shared.say("list tasks"),
        shared.say(f'task comment AICRM-1 "{title}"'),
        shared.say(f'task list "{title[:60]}"'),
        shared.say(title),
    ):
        assert alive(message) == []
        assert "entities" not in message


@given(
    pieces=st.lists(
        st.sampled_from(
            (
                *(
                    "[",
                    "](",
                    ")",
                    "![",
                    "**",
                    "__",
                    "_",
                    "*",
                    "~~",
                    "`",
                    "```",
                    "#",
                    ">",
                    "- ",
                    "1. ",
                    "|",
                    "\\\\",
                    "\u200b",
                ),
                *(
                    "<at>",
                    "</at>",
                    "<b>",
                    "<img src=x>",
                    "&lt;",
                    "&#91;",
                    "<@29:1|x>",
                    "@everyone",
                    "${title}",
                    "{{x}}",
                ),
                *("https://evil.example", "www.evil.example", "javascript:alert(1)", "mailto:a@b.c", "<https://e.x|y>"),
                *("word", " ", "\u202e", "😀"),
            )
        ),
        min_size=1,
        max_size=12,
    )
)
@settings(max_examples=100, deadline=None)
def test_nothing_that_somebody_can_write_comes_alive(shared: Room, pieces: list[str]) -> None:
    text = "".join(pieces)
    for message in (
        shared.say(f"task create {quoted(text)}"),
        shared.say(f"pm analyze {quoted(text)}"),
        shared.say(text),
    ):
        assert alive(message) == []
        assert "entities" not in message


LONG = "task create --description " + "€" * 5_000


def test_no_answer_is_larger_than_teams_takes(room: Room) -> None:
    for number in range(12):
        room.say(f'task create "{number} {"€" * 230}" --description "{"😀" * 700}"')
    for command in ("list tasks", "help", "team status", "task show AICRM-1", "agents list", LONG):
        message = room.say(command)
        assert len(msgspec.json.encode(message["attachments"]).decode().encode("utf-16-le")) <= 28 * 1024 + 1_000


def test_a_tasks_card_is_renewed_for_who_asked_when_they_look_at_it_again(room: Room) -> None:
    message = room.say('task create "Fresh"')
    refresh = message["attachments"][0]["content"]["refresh"]
    assert refresh["userIds"] == [ANN]
    value = {"action": refresh["action"], "trigger": "automatic"}
    answer = room.invoke("adaptiveCard/action", value, reply_to=room.last_id)
    assert answer["type"] == "application/vnd.microsoft.card.adaptive"
    assert answer["value"]["refresh"]["userIds"] == [ANN]
    assert len(room.teams.activities) == 1
    assert room.teams.updates == []


def test_who_may_only_look_sees_a_card_without_buttons_to_change_it(room: Room) -> None:
    message = room.mention('task create "Look"', GROUP)
    refresh = message["attachments"][0]["content"]["refresh"]
    value = {"action": refresh["action"], "trigger": "automatic"}
    seen = room.invoke("adaptiveCard/action", value, GROUP, GUEST, room.last_id)["value"]
    assert [each["title"] for each in seen["actions"]] == ["Watch", "Why"]
    assert [each["title"] for each in buttons(message)] == ["Start", "Done", "Why"]


def test_somebody_watches_a_task_from_their_own_view_of_a_card_that_others_see(room: Room) -> None:
    message = room.mention('task create "Look"', GROUP)
    assert [each["title"] for each in buttons(message)] == ["Start", "Done", "Why"]
    refresh = message["attachments"][0]["content"]["refresh"]
    value = {"action": refresh["action"], "trigger": "automatic"}
    own = room.invoke("adaptiveCard/action", value, GROUP, BOB, room.last_id)["value"]
    watch = next(each for each in own["actions"] if each["title"] == "Watch")
    pressed = {"action": {"verb": watch["verb"], "data": watch["data"]}, "trigger": "manual"}
    seen = room.invoke("adaptiveCard/action", pressed, GROUP, BOB, room.last_id)["value"]
    assert [each["title"] for each in seen["actions"]] == ["Start", "Done", "Unwatch", "Why"]
    assert (room.teams.updates, len(room.teams.activities)) == ([], 1)  # the others see what they saw
    assert "Look" in words(room.say("my watched", sender=BOB))
    assert "Look" not in words(room.say("my watched"))


def test_a_client_that_only_submits_watches_in_the_own_chat(room: Room) -> None:
    message = room.say('task create "Mine"')
    watch = next(each for each in buttons(message) if each["title"] == "Watch")
    room.send(room.activity(value=watch["fallback"]["data"], replyToId=room.last_id))
    assert [each["title"] for each in buttons(room.teams.updates[-1][1])] == ["Start", "Done", "Unwatch", "Why"]


def _item(room: Room, task: str) -> ItemRef:
    return room.run(room.hub.records.task("default", TaskId(task))).item
