"""Where people meet the bot besides commands: threads, direct messages, the home tab, links; and what comes twice."""

from __future__ import annotations

import re
from pathlib import Path

from tests.bots.slack.conftest import BASE_URL, Pair, environ, titles, words
from tests.doubles.hub import Hub
from tests.doubles.slack_workspace import ANN, BOB, DEV, GUEST, PARTNER, SlackWorkspace


def replied(slack: SlackWorkspace, before: int) -> dict[str, object]:
    return slack.until(lambda: [each for each in slack.messages[before:] if each.get("bot_id")], "a reply")[0]


def test_a_mention_in_a_thread_is_answered_there_and_the_task_knows_which(over_http: Pair) -> None:
    slack, key = over_http.slack, over_http.hub.key()
    first = slack.says("We should ship it")
    before = len(slack.messages)
    slack.mentions('create task "Ship it"', thread=first["ts"])
    reply = replied(slack, before)
    assert reply["thread_ts"] == first["ts"]
    task = re.findall(r"AICRM-\d+", words(reply))[0]
    known = over_http.hub.ask(f"/api/v1/tasks/{task}", key).json()
    assert known["description"] == f"https://acme.slack.com/archives/{DEV}/p{first['ts'].replace('.', '')}"
    slack.press(reply, "Done")
    slack.until(lambda: "Reopen" in titles(reply), "the moved task")


def test_what_is_personal_is_whispered_also_where_it_was_asked_in_public(slack: SlackWorkspace) -> None:
    before, known = len(slack.whispers), len(slack.messages)
    slack.mentions("whoami")
    told = slack.until(lambda: slack.whispers[before:], "a whisper")[0]
    assert "Who you are" in words(told)
    assert not [each for each in slack.messages[known:] if each.get("bot_id")]


def test_what_was_not_understood_is_whispered(slack: SlackWorkspace) -> None:
    before = len(slack.whispers)
    slack.mentions("frobnicate")
    assert "Not understood" in words(slack.until(lambda: slack.whispers[before:], "a whisper")[0])


def test_a_direct_message_needs_no_slash(everywhere: SlackWorkspace) -> None:
    before = len(everywhere.messages)
    everywhere.tells_bot("list tasks --status todo")
    reply = replied(everywhere, before)
    assert reply["channel"] == f"D{ANN[1:]}"
    assert "Tasks" in words(reply)


def test_what_the_bot_or_slack_itself_writes_is_no_command(slack: SlackWorkspace) -> None:
    before = len(slack.calls)
    for more in ({"bot_id": "B0AICRM"}, {"subtype": "message_changed"}, {"bot_id": "B0OTHER", "user": None}):
        message = {
            "type": "message",
            "channel_type": "im",
            "channel": "D0ANN",
            "ts": "1.2",
            "user": ANN,
            "text": "help",
        }
        assert slack.event({**message, **more}).status == 200
    assert (
        slack.event({"type": "app_mention", "channel": DEV, "ts": "1.3", "bot_id": "B0OTHER", "text": "x"}).status
        == 200
    )
    slack.asks("whoami")
    assert [each.method for each in slack.calls[before:] if each.method.startswith("chat.")] == []


def test_the_same_event_again_does_nothing(everywhere: SlackWorkspace) -> None:
    before = len(everywhere.messages)
    message = everywhere.tells_bot('create task "Only one"', event_id="Ev0AGAIN")
    replied(everywhere, before)
    again = {**message, "channel_type": "im"}
    retried = {"x-slack-retry-num": "1", "x-slack-retry-reason": "http_timeout"}
    assert everywhere.event(again, event_id="Ev0AGAIN", headers=retried).status == 200
    assert "1 task" in everywhere.asks('task list "Only one"')["text"]
    assert len([each for each in everywhere.messages[before:] if each.get("bot_id")]) == 1


def test_the_same_event_after_a_restart_makes_no_second_task(tmp_path: Path) -> None:
    with SlackWorkspace() as slack, Hub(tmp_path, environ(slack)) as hub:
        slack.heard_by(hub.url)
        message = slack.tells_bot('create task "Once and for all"', event_id="Ev1")
        first = replied(slack, 0)
        hub.stop()
        hub.start()
        slack.heard_by(hub.url)
        slack.event({**message, "channel_type": "im"}, event_id="Ev1")
        second = slack.until(lambda: [each for each in slack.messages if each.get("bot_id")][1:], "an answer")[0]
        assert second["text"] == first["text"]
        assert "1 task" in slack.asks("task list")["text"]


def test_the_home_tab_shows_what_is_mine_and_its_buttons_work(everywhere: SlackWorkspace) -> None:
    slack = everywhere
    slack.asks("link ann-gh")
    slack.asks('task create "Mine to do" --assign @me')
    home = slack.opens_home()
    assert home["type"] == "home"
    shown = words(home)
    assert "Mine to do" in shown
    assert "What you are told" in shown
    assert "ann-gh" in shown
    task = re.findall(r"AICRM-\d+", shown)[0]
    before = len(slack.messages)
    slack.press(home, task)
    card = slack.until(lambda: slack.messages[before:], "the task, told directly")[0]
    assert (card["channel"], titles(card)) == (f"D{ANN[1:]}", ["Start", "Done", "Watch"])


def test_the_home_tab_shows_what_somebody_watches_however_much_there_is(slack: SlackWorkspace) -> None:
    slack.asks("link bob-gh", BOB)
    for number in range(11):
        task = re.findall(r"AICRM-\d+", slack.asks(f'task create "Bob {number}" --assign @me', BOB)["text"])[0]
        other = re.findall(r"AICRM-\d+", slack.asks(f'task create "Other {number}"')["text"])[0]
        slack.asks(f"watch {task} {other}", BOB)
    shown = words(slack.opens_home(BOB))
    assert "watched:@me" in shown
    assert "Other 10" in shown
    assert "What you are told" in shown  # there is room for all of it


def test_a_guest_has_a_home_tab_with_what_guests_may_see(slack: SlackWorkspace) -> None:
    assert "viewer" in words(slack.opens_home(GUEST))


def test_a_link_to_a_task_unfolds_for_who_may_see_it_and_no_other_does(everywhere: SlackWorkspace) -> None:
    slack = everywhere
    task = re.findall(r"AICRM-\d+", slack.asks('task create "Unfold me"')["text"])[0]
    link = f"{BASE_URL}/tasks/{task}"
    links = [
        {"url": link, "domain": "hub.example.com"},
        {"url": "https://evil.example/tasks/AICRM-1", "domain": "evil.example"},
    ]
    shared = {"type": "link_shared", "channel": DEV, "message_ts": "1.1", "links": links}
    before = len(slack.unfurls)
    slack.event({**shared, "user": PARTNER})
    slack.event({**shared, "user": BOB}, is_ext_shared_channel=True)
    slack.event({**shared, "user": BOB})
    unfurl = slack.until(lambda: slack.unfurls[before:], "an unfurl")[0]
    assert list(unfurl["unfurls"]) == [link]
    assert "Unfold me" in words(unfurl["unfurls"])
    slack.asks("whoami")
    assert len(slack.unfurls) == before + 1


def test_answers_wait_when_slack_wants_fewer_calls(slack: SlackWorkspace) -> None:
    slack.slows("users.info", 1)
    slack.event({"type": "app_home_opened", "user": "U0NEWCOMER", "tab": "messages"})
    slack.slows("views.publish", 1)
    assert slack.opens_home(BOB)["type"] == "home"


def test_a_scope_that_is_missing_is_said_with_who_can_add_it(tmp_path: Path) -> None:
    with SlackWorkspace(scopes=("chat:write",)) as slack, Hub(tmp_path, environ(slack)) as hub:
        slack.heard_by(hub.url)
        assert "`ai-crm slack doctor` says which" in words(slack.asks("whoami"))


def test_an_app_token_that_is_refused_keeps_the_hub_running(tmp_path: Path) -> None:
    with (
        SlackWorkspace() as slack,
        Hub(tmp_path, {**environ(slack, socket=True), "AI_CRM_SLACK_APP_TOKEN": "xapp-wrong"}) as hub,
    ):
        slack.until(lambda: slack.asked("apps.connections.open")[1:], "a second attempt")
        assert hub.ask("/healthz", "").status == 200
        assert "invalid_auth" in hub.log()


def test_a_socket_that_slack_closes_is_opened_again(tmp_path: Path) -> None:
    with SlackWorkspace() as slack, Hub(tmp_path, environ(slack, socket=True)):
        slack.heard_on_a_socket()
        slack.drop_sockets()
        slack.heard_on_a_socket()
        assert "What you can ask for" in words(slack.asks("help"))
