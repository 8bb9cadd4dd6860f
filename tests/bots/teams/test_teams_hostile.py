"""What the bot must not get wrong when Teams, people or the clock are not as usual."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from msgspec import structs

from ai_crm.cli import cli
from ai_crm.config.hub_settings import read_hub_settings
from ai_crm.errors import RecordMissing, StoreUnavailable
from ai_crm.flow.commands import refusal
from ai_crm.model.status_name import StatusName
from ai_crm.model.task import Task, TaskId
from ai_crm.platforms.teams.client import Connector
from ai_crm.platforms.teams.login import NoProof
from bots.teams.dialog import plain_text
from bots.teams.doctor import examine
from bots.teams.door import PATH
from bots.teams.lines import Lines
from tests.doubles.hub_parts import call
from tests.doubles.teams_room import Room, buttons, titles, words
from tests.doubles.teams_server import ANN, APP, BOB, CHANNEL, CHAT, GROUP, GUEST, PEOPLE, TENANT, TeamsServer


def task(room: Room, number: int = 1) -> Task:
    return room.run(room.hub.records.task("default", TaskId(f"AICRM-{number}")))


def mention(id_: str, name: str) -> dict[str, Any]:
    return {"type": "mention", "text": f"<at>{name}</at>", "mentioned": {"id": id_, "name": name}}


def linked(room: Room, sender: str, login: str) -> None:
    room.mention(f"link {login}", GROUP, sender)


# Who somebody is


def test_somebody_is_known_as_the_documented_answer_tells_it(room: Room) -> None:
    room.teams.people[ANN] = {
        "id": ANN,
        "objectId": PEOPLE[ANN]["aadObjectId"],
        "givenName": "Ann",
        "surname": "Lee",
        "tenantId": TENANT,
        "userRole": "user",
    }
    shown = words(room.say("whoami"))
    assert "Ann Lee" in shown
    assert PEOPLE[ANN]["aadObjectId"] in shown


def test_of_two_who_are_called_the_same_each_gets_their_own(room: Room) -> None:
    linked(room, ANN, "ann-1")
    linked(room, BOB, "ann-2")
    entities = [mention(ANN, "Ann"), mention(BOB, "Ann")]
    room.say('task create "Ours"')
    room.say("task assign 1 <at>Ann</at> <at>Ann</at>", entities=entities)
    assert task(room).assignees == ("ann-1", "ann-2")


def test_somebody_who_is_named_twice_is_one(room: Room) -> None:
    linked(room, BOB, "bob-1")
    room.say('task create "Mine" --assign <at>Bob</at> for <at>Bob</at>', entities=[mention(BOB, "Bob")])
    assert task(room).assignees == ("bob-1",)
    assert "<at>" not in task(room).title


def test_a_name_names_nobody_else(room: Room) -> None:
    linked(room, ANN, "ann-1")
    linked(room, BOB, "bob-1")
    odd = f"x><@{PEOPLE[ANN]['aadObjectId']}|y"
    room.say('task create "Mine"')
    room.say(f"task assign 1 <at>{odd}</at>", entities=[mention(BOB, odd)])
    assert task(room).assignees == ("bob-1",)


@pytest.mark.parametrize("id_", ["19:5d1c2b3a4f@thread.tacv2", "28:another-bot", "tag-1"])
def test_a_channel_a_tag_or_another_bot_may_be_named(room: Room, id_: str) -> None:
    room.say("task create Tell <at>Everybody</at>", entities=[mention(id_, "Everybody")])
    assert task(room).title == "Tell @Everybody"


def test_who_is_named_and_not_known_is_said_to_be_so(room: Room) -> None:
    said = words(room.mention("help", GROUP))
    assert "What you can ask for" in said
    said = words(room.say("task assign 1 <at>Zoe</at>", entities=[mention("29:1zoe", "Zoe")]))
    assert "who Zoe is" in said


# What is nobody else's business


@pytest.mark.parametrize("command", ["whoami", "settings", "digest now", "link octocat"])
def test_what_is_about_one_person_is_answered_in_their_own_chat(room: Room, command: str) -> None:
    told = room.mention(command, CHANNEL)
    assert words(told) == "That is for you alone: the answer is in our own chat"
    where, answer = room.teams.activities[-2]
    assert where == CHAT
    assert words(answer).strip()
    assert "own chat" not in words(answer)


def test_who_has_no_chat_with_the_bot_is_told_how_to_get_one(room: Room) -> None:
    assert "Ask me in our own chat" in words(room.mention("whoami", CHANNEL, BOB))


def test_who_wants_it_shows_it_to_everybody(room: Room) -> None:
    assert "Ann Lee" in words(room.mention("whoami --share", CHANNEL))


# Who may


def test_a_guest_gets_no_form_that_they_could_not_send(room: Room) -> None:
    wanted: tuple[tuple[str, object], ...] = (("task/fetch", {"data": {}}), ("composeExtension/fetchTask", {}))
    for name, value in wanted:
        answer = room.invoke(name, value, GROUP, GUEST)["task"]
        assert answer["type"] == "message"
        assert "may not make or change tasks" in answer["value"]
    message = room.mention("task create", GROUP, GUEST)
    assert buttons(message) == []
    assert "may not make or change tasks" in words(message)


# What takes too long


def test_what_was_typed_into_a_form_comes_back_when_it_is_refused_too_late(room: Room) -> None:
    room.parts.bot._patience = 0.0
    answer = room.invoke(
        "task/submit", {"data": {"title": "Kept", "agent": "nobody-here", "link": "https://x.example/1"}}, GROUP
    )
    assert "It goes on" in answer["task"]["value"]
    (first, why), (second, again) = room.teams.activities
    assert (first, second) == (CHAT, CHAT)
    assert "nobody-here" in words(why)
    data = buttons(again)[0]["data"]
    assert (data["title"], data["agent"], data["link"]) == ("Kept", "nobody-here", "https://x.example/1")


def test_a_task_that_is_made_too_late_is_told_to_who_made_it_alone(room: Room) -> None:
    room.parts.bot._patience = 0.0
    room.invoke("task/submit", {"data": {"title": "Slow"}}, GROUP)
    ((where, message),) = room.teams.activities
    assert where == CHAT
    assert "Slow" in words(message)


def test_a_button_that_does_nothing_too_late_says_so(room: Room) -> None:
    message = room.say('task create "Stale"')
    room.press(message, "Start")
    room.parts.bot._patience = 0.0
    room.press(message, "Done", sender=BOB)
    assert task(room).status == "in-progress"
    # Bob has no chat with the bot where he could be told; Ann has.
    room.press(message, "Done")
    assert "changed meanwhile" in words(room.teams.activities[-1][1])


@pytest.mark.parametrize(
    ("name", "value"),
    [("task/fetch", {"data": {}}), ("composeExtension/fetchTask", {}), ("composeExtension/query", {})],
)
def test_what_only_looks_promises_nothing_and_writes_nothing(room: Room, name: str, value: object) -> None:
    room.parts.bot._patience = 0.0
    assert "Try it once more" in str(room.invoke(name, value))
    assert room.teams.activities == []


def test_what_comes_while_the_hub_stops_is_done_before_it_is_acknowledged(room: Room) -> None:
    room.run(room.parts.bot.leave())

    async def said() -> int:
        body = msgspec.json.encode(room.activity(text='task create "Last"'))
        headers = (("content-type", "application/json"), ("authorization", f"Bearer {room.teams.token()}"))
        answer = await call(room.app, "POST", PATH, headers, body)
        assert answer.status == 202
        return len(room.teams.activities)

    assert room.run(said()) == 1
    assert task(room).title == "Last"


def test_those_who_wait_for_a_line_get_one_although_all_were_closed() -> None:
    async def asked() -> list[str]:
        lines = Lines(lambda _url: True, NoProof(), "")
        urls = [f"http://127.0.0.1:{number}" for number in range(1000, 1012)]

        def work(_connector: Connector) -> str:
            return "done"

        waiting = [asyncio.ensure_future(lines.ask(url, work)) for url in urls]
        await asyncio.sleep(0)
        lines.close()
        return await asyncio.wait_for(asyncio.gather(*waiting), 10)

    assert asyncio.run(asked()) == ["done"] * 12


# What goes wrong here


def test_a_fault_of_ours_is_no_silence(room: Room) -> None:
    def broken(_workspace: str) -> tuple[StatusName, ...]:
        raise LookupError("a bug")

    bot = room.parts.bot
    bot._desk = structs.replace(bot._desk, statuses=broken)
    assert "it is my fault" in words(room.say("help"))


def test_nobody_in_a_chat_is_told_where_the_database_is() -> None:
    told = refusal(StoreUnavailable("does not answer", where="/srv/secret/hub.db", hint="Try again"))
    assert told.text == "does not answer. Try again"
    assert "/srv" not in str(told.cards)
    assert "AICRM-9" in refusal(RecordMissing("there is no such task", where="AICRM-9")).text


# Texts


@pytest.mark.parametrize("piece", ["<a ", "<!--", "</", "<![CDATA[", "&", "<p", "<"])
def test_a_message_without_end_is_read_in_one_pass(piece: str) -> None:
    """What reads these again and again takes minutes."""
    assert isinstance(plain_text(piece * 100_000), str)


def test_a_task_that_a_button_makes_links_to_the_message_that_it_stood_on(room: Room) -> None:
    message = room.mention('pm analyze "Build it"', GROUP)
    room.press(message, "Create Task", GROUP)
    assert task(room).description.endswith(f"/{room.last_id[:11]}01")


def test_a_draft_of_any_length_fits_into_the_button_that_opens_its_form(room: Room) -> None:
    message = room.say(f"""task create --label '{'"' * 3500}' --agent '{'"' * 3500}'""")
    assert titles(message) == ["Fill in the form"]
    assert sum(len(str(each["data"])) for each in buttons(message)) < 5_000


# Set-up


def test_the_doctor_says_that_a_tenants_name_is_no_id(teams: TeamsServer) -> None:
    settings = read_hub_settings(
        {
            "AI_CRM_TEAMS_APP_ID": APP,
            "AI_CRM_TEAMS_APP_PASSWORD": "x",
            "AI_CRM_TEAMS_TENANT_ID": "contoso.com",
            "AI_CRM_TEAMS_SERVICE_URL": teams.url,
            "AI_CRM_BASE_URL": "https://hub.example.com",
        }
    )
    found = [each for each in examine(settings, teams.url) if "TENANT" in each.what]
    assert len(found) == 1
    assert not found[0].well


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--organisation", " "), "1 to 32 characters"),
        (("--organisation", "x" * 33), "1 to 32 characters"),
        (("--output", "nowhere/here/x.zip"), "No such file or directory"),
    ],
)
def test_a_package_that_cannot_be_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {
        "AI_CRM_TEAMS_APP_ID": APP,
        "AI_CRM_TEAMS_APP_PASSWORD": "x",
        "AI_CRM_TEAMS_TENANT_ID": TENANT,
        "AI_CRM_BASE_URL": "https://hub.example.com",
    }
    done = CliRunner().invoke(cli, ["teams", "package", *arguments], env=environ)
    assert done.exit_code != 0
    assert said in done.output
    assert not list(tmp_path.rglob("*.zip"))
