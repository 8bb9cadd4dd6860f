"""Commands as people type them in Slack, over HTTP and over a socket, against a hub that runs as an operator runs it."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from ai_crm.commands.catalogue import COMMANDS
from tests.bots.slack.conftest import Pair, at_hub, images, titles, words
from tests.doubles.http import ask
from tests.doubles.pictures import look
from tests.doubles.slack_workspace import ANN, BOB, DEV, GONE, GUEST, PARTNER, ROBOT, SlackWorkspace

# The commands of the first plan, as they stand there, and what an answer must say.
PLANNED = (
    ('task create "Implement user auth" --agent security-auditor', "Implement user auth"),
    ('task list --status "in-progress" --agent backend-architect', "Tasks"),
    ('pm analyze "Build recommendation engine with ML"', "recommendation"),
    ("agents list --category development", "Agents: development"),
    ("status dashboard", "Team status"),
    ("help", "What you can ask for"),
)


def created(slack: SlackWorkspace, title: str, flags: str = "", user: str = ANN) -> str:
    """The id of a task that somebody makes."""
    found = re.search(r"AICRM-\d+", slack.asks(f'task create "{title}" {flags}', user)["text"])
    assert found
    return found[0]


@pytest.mark.parametrize(("command", "expected"), PLANNED, ids=[text.split(" ")[0] for text, _ in PLANNED])
def test_a_command_of_the_plan_is_answered_to_who_asked(
    everywhere: SlackWorkspace, command: str, expected: str
) -> None:
    answer = everywhere.asks(command)
    assert expected in words(answer)
    assert answer["response_type"] == "ephemeral"


@pytest.mark.parametrize("command", [each.example for each in COMMANDS], ids=lambda text: text.partition('"')[0])
def test_every_example_of_the_help_is_understood(slack: SlackWorkspace, command: str) -> None:
    assert "Not understood" not in words(slack.asks(command))


def test_help_shows_every_command(slack: SlackWorkspace) -> None:
    shown = words(slack.asks("help"))
    assert [each.usage for each in COMMANDS if each.usage not in shown] == []


def test_phones_and_slack_change_what_was_typed_and_it_is_understood(slack: SlackWorkspace) -> None:
    typed = "task create “Pay &amp; ship <https://x.example|x.example> &lt;b&gt;” —priority=high".replace("—", "--")
    assert "Pay & ship" in words(slack.asks(typed)).replace("&amp;", "&")


def test_the_word_payload_in_a_command_does_not_make_it_a_press(everywhere: SlackWorkspace) -> None:
    """Bolt takes every form in which the word stands for one of interactivity."""
    assert "Check the payload" in words(everywhere.asks('task create "Check the payload=1 &amp; more"'))


def test_what_is_misspelled_is_guessed_and_nothing_is_done(slack: SlackWorkspace) -> None:
    said = words(slack.asks('tsk create "x"'))
    assert "Not understood" in said
    assert "task create" in said


def test_share_shows_the_answer_to_everybody_and_a_failure_only_to_who_asked(everywhere: SlackWorkspace) -> None:
    assert everywhere.asks('task create "For all" --share')["response_type"] == "in_channel"
    assert everywhere.asks("task show AICRM-99999 --share")["response_type"] == "ephemeral"


def test_a_shared_task_is_moved_by_its_buttons_and_the_message_shows_it(everywhere: SlackWorkspace) -> None:
    slack = everywhere
    slack.asks('task create "Move me" --share')
    message = slack.messages[-1]
    assert titles(message) == ["Start", "Done"]
    slack.press(message, "Start")
    slack.until(lambda: "Undo" in titles(message), "the moved task")
    assert titles(message) == ["To review", "Done", "Undo"]
    assert "todo → in-progress" in message["text"]


def test_undo_takes_back_what_a_button_did(slack: SlackWorkspace) -> None:
    slack.asks('task create "Undo me" --share')
    message = slack.messages[-1]
    slack.press(message, "Done")
    slack.until(lambda: "Undo" in titles(message), "an undo")
    slack.press(message, "Undo")
    slack.until(lambda: "Start" in titles(message), "the task as it was")
    assert "done → todo" in message["text"]


def test_whoever_presses_a_stale_card_is_told_what_happened_and_nothing_is_changed(slack: SlackWorkspace) -> None:
    slack.asks('task create "Stale" --share')
    message = slack.messages[-1]
    stale = dict(message)
    slack.press(message, "Start", ANN)
    slack.until(lambda: "Undo" in titles(message), "the moved task")
    before = len(slack.answers)
    slack.press(stale, "Done", BOB)
    told = slack.until(lambda: slack.answers[before:], "an answer")[0]
    assert "Changed meanwhile" in words(told)
    assert "todo → in-progress" in words(told)
    assert told["replace_original"] is False
    assert "In progress" in words(message)


def test_of_two_who_press_at_once_one_is_first_and_the_other_hears_of_it(slack: SlackWorkspace) -> None:
    slack.asks('task create "Both" --share')
    message, before = slack.messages[-1], len(slack.answers)
    same = dict(message)
    slack.together(lambda: slack.press(same, "Start", ANN), lambda: slack.press(same, "Done", BOB))
    slack.until(lambda: len(slack.answers) == before + 2, "two answers")
    told = [words(each) for each in slack.answers[before:]]
    assert sum("Changed meanwhile" in each for each in told) == 1


def test_a_double_click_does_nothing_twice(slack: SlackWorkspace) -> None:
    slack.asks('task create "Twice" --share')
    message, before = slack.messages[-1], len(slack.answers)
    same = dict(message)
    slack.together(lambda: slack.press(same, "Done"), lambda: slack.press(same, "Done"))
    slack.until(lambda: len(slack.answers) == before + 2, "two answers")
    task = re.findall(r"AICRM-\d+", words(message))[0]
    history = words(slack.asks(f"task show {task}"))
    assert "Done" in history
    told = sorted(each["text"].partition(": ")[2] or "is like that already" for each in slack.answers[before:-1])
    assert told == ["is like that already", "status: todo → done"]


def test_a_long_list_is_turned_page_by_page(slack: SlackWorkspace) -> None:
    for number in range(12):
        created(slack, f"Page me {number}", "--label pages")
    first = slack.asks("task list --label pages")
    assert "12 found" in words(first)
    before = len(slack.answers)
    slack.press(first, "Next page")
    second = slack.until(lambda: slack.answers[before:], "the second page")[0]
    numbers = [set(re.findall(r"Page me (\d+)", words(each))) for each in (first, second)]
    assert all(not (a & b) for a, b in pairwise(numbers))
    assert set().union(*numbers) == {str(number) for number in range(12)}


def test_an_analysis_becomes_a_task_by_its_button_and_shows_why(slack: SlackWorkspace) -> None:
    answer = slack.asks('pm analyze "Build recommendation engine with ML"')
    before = len(slack.answers)
    slack.press(answer, "Create Task")
    made = slack.until(lambda: slack.answers[before:], "a task")[0]
    assert "Build recommendation engine with ML" in words(made)
    assert titles(made) == ["Start", "Done", "Watch"]


def test_what_somebody_watches_is_their_own_business(everywhere: SlackWorkspace) -> None:
    slack = everywhere
    task = created(slack, "Watched from afar")
    mine = slack.asks(f"task show {task}", BOB)
    before = len(slack.answers)
    slack.press(mine, "Watch", BOB)
    watched = slack.until(lambda: slack.answers[before:], "the card")[0]
    assert watched["replace_original"]
    assert titles(watched) == ["Start", "Done", "Unwatch"]
    assert "Watched from afar" in words(slack.asks("my watched", BOB))
    assert "Watched from afar" not in words(slack.asks("task list --watched"))
    assert titles(slack.asks(f"task show {task}")) == ["Start", "Done", "Watch"]


def test_a_card_that_all_see_cannot_know_who_watches(everywhere: SlackWorkspace) -> None:
    slack = everywhere
    task = created(slack, "For all to see")
    slack.asks(f"task show {task} --share")
    shared = slack.messages[-1]
    asked = slack.mentions(f"task show {task}")
    (told,) = slack.until(lambda: [each for each in slack.messages if each.get("thread_ts") == asked["ts"]], "it")
    assert titles(told) == ["Start", "Done"]
    assert titles(shared) == ["Start", "Done"]
    slack.press(shared, "Start")
    slack.until(lambda: shared.get("edited"), "the card as it is now")
    assert titles(shared) == ["To review", "Done", "Undo"]
    whispers = len(slack.whispers)
    slack.mentions(f"task watch {task}", BOB)
    whisper = slack.until(lambda: slack.whispers[whispers:], "an answer for one")[0]
    assert (whisper["user"], titles(whisper)[-1]) == (BOB, "Unwatch")


def test_a_guest_may_look_and_not_write(everywhere: SlackWorkspace) -> None:
    assert "Tasks" in words(everywhere.asks("task list", GUEST))
    assert "may not make or change tasks" in words(everywhere.asks('task create "x"', GUEST))
    everywhere.asks('task create "Not for guests" --share')
    message, before = everywhere.messages[-1], len(everywhere.answers)
    everywhere.press(message, "Done", GUEST)
    told = everywhere.until(lambda: everywhere.answers[before:], "an answer")[0]
    assert "may not make or change tasks" in words(told)
    assert titles(message) == ["Start", "Done"]


@pytest.mark.parametrize("user", [PARTNER, ROBOT, GONE])
def test_who_is_none_of_the_workspaces_people_is_refused(everywhere: SlackWorkspace, user: str) -> None:
    """Somebody of another company in a shared channel, an app, and somebody who has left."""
    assert "only people of this Slack workspace can ask me" in words(everywhere.asks("task list", user))


def test_a_foreign_team_is_refused(slack: SlackWorkspace) -> None:
    asked = len(slack.calls)
    assert "this Slack workspace is not connected" in words(slack.asks("task list", team="T0FOREIGN"))
    assert len(slack.calls) == asked  # nobody's token is used for them


def test_people_are_named_by_mention_once_they_said_who_they_are(slack: SlackWorkspace) -> None:
    refused = words(slack.asks(f'task create "For Bob" --assign <@{BOB}|bob>'))
    assert "has not said which login" in refused
    slack.asks("link bob-gh", BOB)
    assert "bob-gh" in words(slack.asks(f'task create "For Bob" --assign <@{BOB}|bob>'))


def test_a_task_is_updated_assigned_commented_and_explained(slack: SlackWorkspace) -> None:
    task = created(slack, "All verbs")
    assert "high" in words(slack.asks(f"task update {task} --priority high --due 2026-12-31")).lower()
    assert "octocat" in words(slack.asks(f"task assign {task} octocat"))
    assert "Looks fine" in words(slack.asks(f'task comment {task} "Looks fine"'))
    assert "Looks fine" in words(slack.asks(f"task show {task}"))
    assert "No rule made this task" in words(slack.asks(f"explain {task}"))
    assert "Done" in words(slack.asks(f"task done {task}"))


def test_an_answer_comes_also_where_the_app_is_not_in_the_channel(slack: SlackWorkspace) -> None:
    answer = slack.asks("whoami", channel="C0UNKNOWN")
    assert "Ann" in words(answer)
    assert DEV not in words(answer)


def test_the_figures_are_those_of_the_api(over_http: Pair, key: str) -> None:
    created(over_http.slack, "One more")
    shown = words(over_http.slack.asks("status dashboard")).split("\n")
    report = over_http.hub.ask("/api/v1/analytics/report", key).json()
    figures = [part.strip() for part in shown if part.strip()]
    for title, value in (("Open", "tasks_open"), ("Created", "tasks_created"), ("Done", "tasks_done")):
        assert figures[figures.index(title) + 1] == f"{report[value]:,}"


def test_the_figures_are_there_as_a_picture_with_the_same_figures_in_words(over_http: Pair, key: str) -> None:
    answer = over_http.slack.asks("status dashboard")
    report = over_http.hub.ask("/api/v1/analytics/report", key).json()
    (picture,) = images(answer)
    assert f"UTC: {report['total_events']:,} event" in picture["alt_text"]
    fetched = ask("GET", at_hub(picture["image_url"], over_http.hub))
    assert (fetched.status, fetched.headers["content-type"]) == (200, "image/png")
    assert look(fetched.body).width == 640
    assert ask("GET", at_hub(picture["image_url"], over_http.hub).replace("v1~", "v1~A")).status == 404
    assert picture["image_url"].rpartition("/")[2] not in over_http.hub.log()


def test_the_figures_come_without_a_picture_that_slack_cannot_fetch(everywhere: SlackWorkspace) -> None:
    before = len(everywhere.answers)
    everywhere.refuses("respond", "invalid_blocks")
    answer = everywhere.asks("status dashboard")
    assert (len(everywhere.answers), images(answer)) == (before + 1, [])
    assert "Team status" in words(answer)

    everywhere.refuses("chat.postMessage", "invalid_blocks")
    asked = everywhere.mentions("status dashboard")
    told = everywhere.until(
        lambda: [each for each in everywhere.messages if each.get("thread_ts") == asked["ts"]], "the figures"
    )
    assert [images(each) for each in told] == [[]]
    assert "Team status" in words(told[0])
