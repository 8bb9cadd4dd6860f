"""What people press, fill in and look up in Teams, and what the bot says of itself."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from ai_crm.commands.query import TaskQuery
from ai_crm.model.item import PlatformName
from ai_crm.model.task import Task, TaskId
from tests.doubles.teams_room import Room, buttons, card_words, contents, titles, words
from tests.doubles.teams_server import ANN, BOB, CHANNEL, CHAT, GROUP, GUEST, PARTNER, PEOPLE

CARD = "application/vnd.microsoft.card.adaptive"
TEXT = "application/vnd.microsoft.activity.message"
ODD: tuple[object, ...] = (
    *(None, 5, "x", [], {}),
    *({"data": 5}, {"action": []}, {"parameters": {}}, {"messagePayload": {"body": 1}}),
)


def task(room: Room, number: int = 1) -> Task:
    return room.run(room.hub.records.task("default", TaskId(f"AICRM-{number}")))


def count(room: Room) -> int:
    return room.run(room.hub.records.tasks("default", TaskQuery(), room.clock.now(), "", 1)).total


# Buttons


def test_a_pressed_card_shows_the_new_state_to_who_pressed_and_to_everybody(room: Room) -> None:
    message = room.mention('task create "Move me"', GROUP)
    answer = room.press(message, "Start", GROUP, BOB)
    assert answer["statusCode"] == 200
    assert answer["type"] == CARD
    assert "In progress" in card_words(answer["value"])
    assert task(room).status == "in-progress"
    changed, shown = room.teams.updates[-1]
    assert changed == room.last_id
    assert "In progress" in words(shown)
    assert titles(shown) == ["To review", "Done", "Undo", "Why"]


def test_undo_takes_back_what_a_button_did(room: Room) -> None:
    room.press(room.say('task create "Undo me"'), "Done")
    answer = room.press(room.teams.updates[-1][1], "Undo")
    assert task(room).status == "todo"
    assert "Todo" in card_words(answer["value"])


def test_whoever_presses_a_stale_card_is_told_and_sees_the_task_as_it_is(room: Room) -> None:
    message = room.say('task create "Stale"')
    room.press(message, "Start")
    answer = room.press(message, "Done", sender=BOB)
    assert answer["type"] == TEXT
    assert "changed meanwhile" in answer["value"]
    assert task(room).status == "in-progress"
    shown = room.teams.updates[-1][1]
    assert "Changed meanwhile" in words(shown)
    assert "In progress" in words(shown)


def test_the_same_press_twice_does_nothing_twice(room: Room) -> None:
    message = room.say('task create "Twice"')
    button = buttons(message)[0]
    value = {"action": {"verb": button["verb"], "data": button["data"]}}
    activity = room.activity(type="invoke", name="adaptiveCard/action", value=value, replyToId=room.last_id)
    for _ in range(2):
        assert room.send(activity).json()["statusCode"] == 200
    assert task(room).version == 2


def test_a_client_that_knows_only_submit_does_the_same(room: Room) -> None:
    message = room.say('task create "Old client"')
    fallback = buttons(message)[1]["fallback"]
    assert fallback["type"] == "Action.Submit"
    answer = room.send(room.activity(value=fallback["data"], replyToId=room.last_id))
    assert answer.status == 202
    assert task(room).status == "done"
    assert "Done" in words(room.teams.updates[-1][1])
    assert len(room.teams.activities) == 1
    room.send(room.activity(value=buttons(message)[0]["fallback"]["data"], replyToId=room.last_id))
    assert "changed meanwhile" in words(room.teams.activities[-1][1])


def test_a_guest_who_presses_is_told_no(room: Room) -> None:
    answer = room.press(room.mention('task create "Mine"', GROUP), "Done", GROUP, GUEST)
    assert answer["type"] == TEXT
    assert "may not make or change tasks" in answer["value"]
    assert task(room).status == "todo"
    answer = room.press(room.teams.activities[-1][1], "Done", GROUP, PARTNER)
    assert "only people of this organisation" in answer["value"]


def test_a_button_of_a_list_shows_the_task_below(room: Room) -> None:
    room.say('task create "Listed"')
    answer = room.press(room.say("list tasks"), "AICRM-1")
    assert answer["type"] == TEXT
    assert "Listed" in words(room.teams.activities[-1][1])
    assert room.teams.updates == []


def test_an_analysis_becomes_a_task_and_says_more(room: Room) -> None:
    message = room.say('pm analyze "Build a login with two factors"')
    assert titles(message) == ["Create Task", "Get More Analysis"]
    room.press(message, "Get More Analysis")
    assert "login" in words(room.teams.activities[-1][1])
    room.press(message, "Create Task")
    assert task(room).title == "Build a login with two factors"
    room.press(room.mention('pm analyze "In the group"', GROUP), "Create Task", GROUP)
    assert GROUP in task(room, 2).description


def test_a_button_that_nobody_made_is_refused(room: Room) -> None:
    for verb, data in (
        ("rm", {}),
        ("set_status", {"task": "AICRM-1", "status": "x"}),
        ("undo", {"back": "{"}),
        ("", {}),
    ):
        answer = room.invoke("adaptiveCard/action", {"action": {"verb": verb, "data": data}})
        assert answer["type"] == TEXT
        assert "cannot be understood" in answer["value"]


def test_what_takes_longer_is_said_at_once_and_ends_all_the_same(room: Room) -> None:
    message = room.say('task create "Slow"')
    room.parts.bot._patience = 0.0
    answer = room.press(message, "Done")
    assert answer["type"] == TEXT
    assert "takes longer" in answer["value"]
    assert task(room).status == "done"
    assert "Done" in words(room.teams.updates[-1][1])


def test_of_two_who_press_at_once_one_is_first_and_everybody_sees_what_came_of_it(room: Room) -> None:
    start, done = buttons(room.mention('task create "Both"', GROUP))[:2]
    calls = [
        room.activity(
            GROUP, who, type="invoke", name="adaptiveCard/action", replyToId=room.last_id,
            value={"action": {"verb": each["verb"], "data": each["data"]}},
        )
        for who, each in ((ANN, start), (BOB, done))
    ]  # fmt: skip
    answers = room.together(*calls)
    assert sorted(each.json()["type"] for each in answers) == sorted([CARD, TEXT])
    assert task(room).version == 2
    shown = words(room.teams.updates[-1][1])
    assert task(room).status.replace("-", " ").capitalize() in shown


# Forms


def form(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["task"]["type"] == "continue"
    card: dict[str, Any] = answer["task"]["value"]["card"]["content"]
    return card


def values(card: dict[str, Any]) -> dict[str, Any]:
    """What a client would send without anybody typing."""
    return {each["id"]: each.get("value", "") for each in card["body"] if each["type"].startswith("Input.")}


def test_a_form_opens_filled_in_with_what_is_known(room: Room) -> None:
    message = room.say("task create --agent security-auditor --priority high --due 2026-12-31")
    assert titles(message) == ["Fill in the form"]
    button = buttons(message)[0]
    assert button["data"]["msteams"] == {"type": "task/fetch"}
    card = form(room.invoke("task/fetch", {"data": button["data"]}))
    found = values(card)
    assert (found["agent"], found["priority"], found["due"]) == ("security-auditor", "HIGH", "2026-12-31")
    assert "share" not in found


def test_a_sent_form_makes_the_task_and_shows_it(room: Room) -> None:
    card = form(room.invoke("task/fetch", {"data": {"form": "create_task"}}))
    sent = {
        **card["actions"][0]["data"],
        **values(card),
        "title": "From the form",
        "assignees": "octocat, hubot",
        "labels": "ui",
        "due": "2026-12-31",
    }
    answer = room.invoke("task/submit", {"data": sent})
    assert answer["task"]["type"] == "message"
    assert "AICRM-1 is there" in answer["task"]["value"]
    made = task(room)
    assert (made.title, made.assignees, made.labels, str(made.due)) == (
        "From the form",
        ("octocat", "hubot"),
        ("ui",),
        "2026-12-31",
    )
    assert made.agent is not None
    assert "From the form" in words(room.teams.activities[-1][1])


def test_the_same_form_twice_makes_one_task(room: Room) -> None:
    activity = room.activity(type="invoke", name="task/submit", value={"data": {"title": "Once"}})
    room.send(activity)
    room.send(activity)
    assert count(room) == 1


def test_elsewhere_a_task_is_shown_to_who_made_it_alone_unless_they_share_it(room: Room) -> None:
    room.invoke("task/submit", {"data": {"title": "Quiet", "share": "false"}}, GROUP)
    assert room.teams.activities == []
    room.invoke("task/submit", {"data": {"title": "Loud", "share": "true"}}, GROUP)
    assert "Loud" in words(room.teams.activities[-1][1])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"title": " "}, "needs a title"),
        ({"title": "x", "assignees": "@me"}, "link your-login"),
        ({"title": "x", "due": "soon"}, "2026-12-31"),
        ({"title": "x", "agent": "nobody-at-all"}, "nobody-at-all"),
    ],
)
def test_what_is_wrong_with_a_form_is_said_in_it_and_nothing_typed_is_lost(
    shared: Room, data: dict[str, str], said: str
) -> None:
    card = form(shared.invoke("task/submit", {"data": {"description": "typed", **data}}))
    assert said in str(card["body"][0])
    assert values(card)["description"] == "typed"
    assert "AICRM" not in str(card)


def test_at_me_is_who_one_said_one_is(room: Room) -> None:
    room.say("link octocat")
    room.invoke("task/submit", {"data": {"title": "Mine", "assignees": "@me"}})
    assert task(room).assignees == ("octocat",)


def test_agents_are_found_while_somebody_types(room: Room) -> None:
    lookup = {"dataset": "agents", "queryText": "secur", "queryOptions": {"skip": 0, "top": 5}}
    answer = room.invoke("application/search", lookup)
    assert answer["type"] == "application/vnd.microsoft.search.searchResponse"
    found = [each["value"] for each in answer["value"]["results"]]
    assert "security-auditor" in found
    assert len(found) <= 5


# Extensions


def message_payload(content: str) -> dict[str, Any]:
    link = f"https://teams.microsoft.com/l/message/{CHANNEL}/1?x=y"
    return {"messagePayload": {"body": {"contentType": "html", "content": content}, "linkToMessage": link}}


def test_a_message_becomes_a_task_that_links_to_it(room: Room) -> None:
    said = (
        '<div><p>Login is <b>broken</b> &amp; slow<br>since <at id="0">Bob</at>\'s change</p><script>x</script></div>'
    )
    value = {"commandId": "createTask", "commandContext": "message", **message_payload(said)}
    card = form(room.invoke("composeExtension/fetchTask", value, CHANNEL))
    found = values(card)
    assert found["title"] == "Login is broken & slow"
    assert "since Bob's change" in found["description"]
    sent = {"commandId": "createTask", "data": {**card["actions"][0]["data"], **found}}
    answer = room.invoke("composeExtension/submitAction", sent, CHANNEL)
    assert "AICRM-1 is there" in answer["task"]["value"]
    assert f"https://teams.microsoft.com/l/message/{CHANNEL}/1?x=y" in task(room).description


def test_a_task_is_looked_up_and_put_into_a_message(room: Room) -> None:
    room.say('task create "Find me"')
    room.say('task create "Leave it"')
    answer: dict[str, Any] = {}
    for query, found in (("find", ["Find me"]), ("status:todo", ["Leave it", "Find me"])):
        value = {"commandId": "searchTasks", "parameters": [{"name": "query", "value": query}]}
        answer = room.invoke("composeExtension/query", value)["composeExtension"]
        assert [each["preview"]["content"]["title"].partition(" ")[2] for each in answer["attachments"]] == found
        assert all(each["contentType"] == CARD for each in answer["attachments"])
    assert "Find me" in card_words(answer["attachments"][1]["content"])
    initial = {"commandId": "searchTasks", "parameters": [{"name": "initialRun", "value": "true"}]}
    assert len(room.invoke("composeExtension/query", initial)["composeExtension"]["attachments"]) == 2


def test_an_extension_works_in_chats_where_the_bot_is_not(room: Room) -> None:
    elsewhere = "19:somewhere-else@thread.v2"
    card = form(room.invoke("composeExtension/fetchTask", message_payload("<p>Hi</p>"), elsewhere))
    assert values(card)["title"] == "Hi"
    room.invoke("composeExtension/submitAction", {"data": {"title": "Hi", "share": "true"}}, elsewhere)
    assert task(room).title == "Hi"
    assert room.teams.activities == []  # it may not write there, and says so in its log alone


def test_whoever_has_not_got_the_bot_is_told_to_add_it(room: Room) -> None:
    answer = room.invoke("composeExtension/fetchTask", message_payload("x"), "19:somewhere-else@thread.v2", BOB)
    assert "Add me for yourself" in answer["task"]["value"]


@pytest.mark.parametrize("query", ["nothing at all like this", 'an "open quotation', "status:nonsense"])
def test_a_search_that_finds_nothing_says_so(shared: Room, query: str) -> None:
    value = {"commandId": "searchTasks", "parameters": [{"name": "query", "value": query}]}
    answer = shared.invoke("composeExtension/query", value)["composeExtension"]
    assert answer["type"] == "message"
    assert answer["text"]


@pytest.mark.parametrize(
    "name",
    [
        "task/fetch",
        "task/submit",
        "composeExtension/fetchTask",
        "composeExtension/submitAction",
        "composeExtension/query",
        "application/search",
        "adaptiveCard/action",
    ],
)
def test_an_odd_invoke_breaks_nothing(shared: Room, name: str) -> None:
    for value in ODD:
        assert shared.send(shared.activity(type="invoke", name=name, value=value)).status in {200, 400}


def test_somebody_of_another_company_gets_no_form(room: Room) -> None:
    answer = room.invoke("task/fetch", {"data": {}}, GROUP, PARTNER)
    assert answer["task"]["type"] == "message"
    assert "only people of this organisation" in answer["task"]["value"]


# Installations


def install(room: Room, action: str, conversation: str = CHAT) -> None:
    room.send(room.activity(conversation, type="installationUpdate", action=action))


def test_who_installs_the_bot_is_welcomed_once_and_known(room: Room) -> None:
    install(room, "add")
    room.send(room.activity(type="conversationUpdate", membersAdded=[{"id": "28:x"}]))
    install(room, "add-upgrade")
    assert len(room.teams.activities) == 1
    welcome = room.teams.activities[0][1]
    assert "Hello, I am AI-CRM" in words(welcome)
    assert titles(welcome) == ["Everything I can do"]
    room.press(welcome, "Everything I can do")
    assert "What you can ask for" in words(room.teams.activities[-1][1])
    known = room.run(room.hub.members.find("default", PlatformName.TEAMS, PEOPLE[ANN]["aadObjectId"]))
    assert known is not None
    assert known.name == "Ann Lee"


def test_a_channel_is_told_how_to_call_the_bot(room: Room) -> None:
    install(room, "add", CHANNEL)
    assert "@AI-CRM task create" in words(room.teams.activities[0][1])


def test_who_removes_the_bot_is_told_nothing_until_they_write_again(room: Room) -> None:
    room.say("link octocat")
    aad = PEOPLE[ANN]["aadObjectId"]
    install(room, "remove")
    before = len(room.teams.activities)
    gone = room.run(room.hub.members.find("default", PlatformName.TEAMS, aad))
    assert gone is not None
    assert gone.away
    assert gone.login == "octocat"
    assert len(room.teams.activities) == before
    room.mention("help", GROUP)
    away = room.run(room.hub.members.find("default", PlatformName.TEAMS, aad))
    assert away is not None
    assert away.away
    room.say("help")
    back = room.run(room.hub.members.find("default", PlatformName.TEAMS, aad))
    assert back is not None
    assert not back.away


# Meetings


def meeting(room: Room, what: str) -> list[dict[str, Any]]:
    before = len(room.teams.activities)
    name = f"application/vnd.microsoft.meeting{what}"
    room.send(room.activity(GROUP, type="event", name=name, value={"Id": "m1", "Title": "Weekly"}))
    return [message for _, message in room.teams.activities[before:]]


def test_a_meeting_begins_with_the_open_tasks_of_its_chat_and_ends_with_what_came_of_it(room: Room) -> None:
    room.mention('task create "Before"', GROUP)
    room.mention('task create "Elsewhere"', CHANNEL)
    agenda = meeting(room, "Start")
    assert "Before" in words(agenda[0])
    assert "Elsewhere" not in words(agenda[0])
    about = message_payload("During").copy()
    about["messagePayload"]["linkToMessage"] = f"https://teams.microsoft.com/l/message/{quote(GROUP, safe='')}/1"
    card = form(room.invoke("composeExtension/fetchTask", about, GROUP))
    room.invoke("composeExtension/submitAction", {"data": {**card["actions"][0]["data"], **values(card)}}, GROUP)
    room.mention("task done AICRM-1", GROUP)
    told = meeting(room, "End")
    assert card_words(contents(told[0])[0]).splitlines()[1:] == [
        "  Created",
        f"  AICRM-3 {task(room, 3).priority}  During · todo",
        "  Closed",
        f"  AICRM-1 {task(room, 1).priority}  Before · done",
    ]


def test_a_meeting_about_which_nothing_is_known_is_told_nothing(room: Room) -> None:
    assert meeting(room, "Start") == []
    assert meeting(room, "End") == []
