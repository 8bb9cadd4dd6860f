"""Several organisations on one hub: each is let in by name, sees its own tasks alone, and is gone when it is sent away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from ai_crm.cli.diagnosis import Finding
from ai_crm.model.item import PlatformName
from bots.teams.doctor import of_tenants
from tests.doubles.hub import Hub
from tests.doubles.hub_parts import Answer
from tests.doubles.teams_room import Room, words
from tests.doubles.teams_server import ANN, APP, CHANNEL, CHAT, GROUP, PASSWORD, TENANT, TeamsServer

GLOBEX, STRANGER = "bbbbbbbb-9999-4999-8999-999999999999", "cccccccc-9999-4999-8999-999999999999"
OTTO, OTTOS_CHAT = "29:1otto", "a:chat-between-the-bot-and-otto"
OTTO_ENTRA = "55555555-5555-4555-8555-555555555555"
ENVIRON = {
    "AI_CRM_TEAMS_APP_ID": APP,
    "AI_CRM_TEAMS_APP_PASSWORD": PASSWORD,
    "AI_CRM_TEAMS_TENANT_ID": TENANT,
    "AI_CRM_TEAMS_MULTI_TENANT": "1",
}


class Two(Struct, frozen=True):
    """Ann is of the app's own tenant, Otto of Globex. `operator` runs `ai-crm` on the same data."""

    room: Room
    operator: Hub

    def tell(self, *arguments: str) -> str:
        """What an operator does, and the hub takes up."""
        told = self.operator.command("teams", *arguments).stdout
        self.room.clock.ahead += timedelta(seconds=6)
        return told

    def otto(self, text: str, sender: str = OTTO) -> str:
        """Somebody of Globex writes; what the bot writes then."""
        before = len(self.room.teams.activities)
        assert self.room.send(_of(GLOBEX, self.room.activity(OTTOS_CHAT, sender, text=text))).status == 202
        return words(self.room.teams.activities[before][1])

    def knocks(self, tenant: str) -> Answer:
        return self.room.send(_of(tenant, self.room.activity(OTTOS_CHAT, OTTO, text="task list")))


def _of(tenant: str, activity: dict[str, Any], other: str = "") -> dict[str, Any]:
    """The activity as it comes from a tenant; with another one where a call contradicts itself."""
    place = {**activity["conversation"], "tenantId": other or tenant}
    return {**activity, "channelData": {"tenant": {"id": tenant}}, "conversation": place}


def _multi(teams: TeamsServer) -> None:
    teams.authority = "botframework.com"
    teams.people[OTTO] = {"id": OTTO, "name": "Otto", "aadObjectId": OTTO_ENTRA, "tenantId": GLOBEX}
    teams.chats[GLOBEX, OTTO] = OTTOS_CHAT
    teams.rosters[OTTOS_CHAT] = (OTTO,)


@pytest.fixture
def two(tmp_path: Path, teams: TeamsServer) -> Iterator[Two]:
    _multi(teams)
    with Room(tmp_path, teams, ENVIRON) as room:
        yield Two(room, Hub(tmp_path, ENVIRON))


@pytest.fixture
def met(two: Two) -> Two:
    """Globex is let in, for tasks of its own."""
    assert f"{GLOBEX} works with the tasks of globex" in two.tell("allow", GLOBEX.upper(), "--workspace", "globex")
    return two


def test_a_tenant_that_nobody_let_in_stays_outside_and_hears_what_an_operator_does(two: Two) -> None:
    answer = two.knocks(STRANGER)
    assert answer.status == 403
    assert f"ai-crm teams allow {STRANGER} --workspace NAME" in answer.body.decode()
    assert two.room.teams.sent == []


def test_what_is_no_tenant_at_all_is_not_repeated(two: Two) -> None:
    answer = two.knocks("<script>")
    assert (answer.status, "script" in answer.body.decode()) == (403, False)


def test_the_bots_token_comes_from_where_bots_of_many_tenants_are_registered(met: Two) -> None:
    met.otto("help")
    logins = [request.path for request in met.room.teams.requests if request.path.endswith("/token")]
    assert logins == ["/botframework.com/oauth2/v2.0/token"]


def test_neither_organisation_sees_a_task_of_the_other(met: Two) -> None:
    met.room.say('task create "Ours: the merger"')
    assert "AICRM-1" in met.otto('task create "Theirs: the takeover"')
    for ask, mine, other, word in (
        (met.otto, "Theirs", "Ours", "merger"),
        (lambda text: words(met.room.say(text)), "Ours", "Theirs", "takeover"),
    ):
        asked = ("task list", "task show AICRM-1", "status dashboard", f"task list {word}", "explain AICRM-1")
        seen = "\n".join(map(ask, asked))
        assert mine in seen
        assert other not in seen
        assert "there is no such task" in ask("task show AICRM-2")


def test_neither_finds_nor_moves_a_task_of_the_other_by_extension_and_button(met: Two) -> None:
    met.room.say('task create "Ours: the merger"')
    shown = met.room.teams.activities[-1][1]
    button = next(each for each in shown["attachments"][0]["content"]["actions"] if each["title"] == "Start")
    value = {"action": {"type": "Action.Execute", "verb": button["verb"], "data": button["data"]}}
    for name, asked in (
        ("adaptiveCard/action", value),
        ("composeExtension/query", {"commandId": "findTask", "parameters": [{"name": "query", "value": "merger"}]}),
    ):
        activity = met.room.activity(OTTOS_CHAT, OTTO, type="invoke", name=name, value=asked)
        assert "Ours" not in met.room.send(_of(GLOBEX, activity)).body.decode()
    assert "todo" in words(met.room.say("task show AICRM-1")).lower()


def test_a_meeting_of_the_one_says_nothing_of_the_other_in_a_chat_of_the_same_id(met: Two) -> None:
    met.room.mention('create task "Ours: the agenda"', GROUP)
    before = len(met.room.teams.activities)
    event = {"type": "event", "name": "application/vnd.microsoft.meetingStart", "value": {}}
    assert met.room.send(_of(GLOBEX, met.room.activity(GROUP, OTTO, **event))).status == 202
    assert met.room.teams.activities[before:] == []
    assert met.room.send(met.room.activity(GROUP, ANN, **event)).status == 202
    assert "agenda" in words(met.room.teams.activities[-1][1])


def test_who_is_where_is_known_so_that_they_can_be_told(met: Two) -> None:
    met.otto("link otto-gh")
    met.room.say("link ann-gh")
    members = met.room.hub.members
    otto = met.room.run(members.find("globex", PlatformName.TEAMS, OTTO_ENTRA))
    (ann,) = met.room.run(members.of_logins("default", ("ann-gh", "otto-gh")))
    assert otto
    assert otto.address == f"{GLOBEX}/{OTTO_ENTRA}"
    assert ann.address == met.room.teams.people[ANN]["aadObjectId"]
    assert met.room.run(members.of_logins("globex", ("ann-gh",))) == ()


def test_what_otto_is_told_is_planned_for_the_connection_of_his_tenant(met: Two) -> None:
    met.otto("link otto-gh")
    met.room.teams.people["29:1ida"] = {
        "id": "29:1ida", "name": "Ida", "aadObjectId": "66666666-6666-4666-8666-666666666666", "tenantId": GLOBEX,
    }  # fmt: skip
    met.otto('task create "For Otto" --assign otto-gh', "29:1ida")
    taken = met.room.run(met.room.hub.desk.outbox.take("test", met.room.clock.now(), 5))
    planned = [(each.connection, getattr(each.change, "target", "")) for each in taken]
    assert planned == [(f"teams-{GLOBEX}", f"{GLOBEX}/{OTTO_ENTRA}")]


@pytest.mark.parametrize(("one", "other"), [(TENANT, GLOBEX), (GLOBEX, TENANT), (GLOBEX, STRANGER)])
def test_a_call_that_names_two_tenants_is_of_none(met: Two, one: str, other: str) -> None:
    assert met.room.send(_of(one, met.room.activity(CHAT, ANN, text="task list"), other)).status == 403


def test_somebody_of_the_home_tenant_is_a_stranger_in_a_channel_of_the_other(met: Two) -> None:
    assert met.room.send(_of(GLOBEX, met.room.activity(CHANNEL, ANN, text="task list"))).status == 202
    assert "only people of this organisation can ask me" in words(met.room.teams.activities[-1][1])


def test_who_is_sent_away_stays_outside_until_they_are_let_in_again(met: Two) -> None:
    assert met.knocks(GLOBEX).status == 202
    assert "let in no more" in met.tell("forbid", GLOBEX)
    assert met.knocks(GLOBEX).status == 403
    assert met.room.send(met.room.activity(text="help")).status == 202
    met.tell("allow", GLOBEX, "--workspace", "globex")
    assert met.knocks(GLOBEX).status == 202


def test_a_registration_for_one_tenant_lets_nobody_else_in_whatever_was_allowed(
    tmp_path: Path, teams: TeamsServer
) -> None:
    Hub(tmp_path, ENVIRON).command("teams", "allow", GLOBEX)
    _multi(teams)
    one = {**ENVIRON, "AI_CRM_TEAMS_MULTI_TENANT": "0"}
    with Room(tmp_path, teams, one) as room:
        answer = room.send(_of(GLOBEX, room.activity(OTTOS_CHAT, OTTO, text="task list")))
    assert answer.status == 403
    assert "AI_CRM_TEAMS_TENANT_ID" in answer.body.decode()
    assert "off: AI_CRM_TEAMS_MULTI_TENANT" in Hub(tmp_path, one).command("teams", "tenants").stdout
    assert "let in no more" in Hub(tmp_path, one).command("teams", "forbid", GLOBEX).stdout


def test_the_list_says_who_works_with_whose_tasks(met: Two) -> None:
    rows = [line.split() for line in met.tell("tenants").splitlines()]
    assert [TENANT, "default", "on:", "the", "app's", "own"] in rows
    assert [GLOBEX, "globex", "on"] in rows
    met.tell("forbid", GLOBEX)
    assert [GLOBEX, "globex", "off"] in [line.split() for line in met.tell("tenants").splitlines()]


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        (("allow", "contoso.example"), {}, "is no tenant's id"),
        (("allow", TENANT), {}, "is the app's own tenant"),
        (("allow", GLOBEX), {"AI_CRM_TEAMS_MULTI_TENANT": ""}, "AI_CRM_TEAMS_MULTI_TENANT: is not set"),
        (("allow", GLOBEX, "--workspace", "other"), {}, "works with the tasks of globex"),
        (("forbid", STRANGER), {}, "is not let in anyway"),
        (("tenants",), {"AI_CRM_TEAMS_MULTI_TENANT": "yes"}, "is neither 1 nor 0"),
    ],
)
def test_what_cannot_be_is_said_to_the_operator(
    tmp_path: Path, arguments: tuple[str, ...], environ: dict[str, str], said: str
) -> None:
    Hub(tmp_path, ENVIRON).command("teams", "allow", GLOBEX, "--workspace", "globex")
    told = Hub(tmp_path, {**ENVIRON, **environ}).command("teams", *arguments, check=False)
    assert told.returncode == 2
    assert said in told.stderr


def test_the_doctor_says_who_is_let_in() -> None:
    rows = ((TENANT, "default", "on: the app's own"), (GLOBEX, "globex", "on"), (STRANGER, "x", "off"))
    assert list(of_tenants(rows)) == [Finding(f"the tenant {GLOBEX} works with the tasks of globex", well=True)]
    (alone,) = of_tenants(rows[:1])
    assert "ai-crm teams allow" in alone.hint
