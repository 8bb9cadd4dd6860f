"""One live message for each item: what comes first, what goes below it, and what is shown in its place."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from ai_crm.model.change import Notify, Outcome, Text
from ai_crm.model.item import PlatformName
from ai_crm.platforms.teams import Teams
from tests.conftest import Finish
from tests.doubles.notices import inline, notice, task
from tests.doubles.teams_server import ACCOUNT, ANN, CHANNEL, TeamsServer


@pytest.fixture
def server() -> Iterator[TeamsServer]:
    with TeamsServer() as running:
        yield running


@pytest.fixture
def teams(server: TeamsServer) -> Iterator[Teams]:
    listening = msgspec.structs.replace(ACCOUNT, listens=True)
    client = Teams(listening, inline, service_url=server.url, login_url=server.url)
    yield client
    client.close()


def told(text: str, *, where: str = "", to: str = CHANNEL) -> Notify:
    change = notice(PlatformName.TEAMS, to, text, tasks=(task(),))
    return msgspec.structs.replace(change, where=where)


def test_what_comes_later_goes_into_the_thread_and_the_card_is_renewed(
    teams: Teams, server: TeamsServer, finish: Finish
) -> None:
    first = finish(teams.apply(told("New task")))
    second = finish(teams.apply(told("Closed", where=first.where)))

    assert second.where == first.where
    assert [place for place, _ in server.activities] == [CHANNEL, f"{CHANNEL};messageid=1700000000001"]
    assert server.activities[1][1]["text"] == "Closed"
    assert "attachments" not in server.activities[1][1]
    assert [message for message, _ in server.updates] == ["1700000000001"]


def test_in_a_chat_it_goes_below(teams: Teams, server: TeamsServer, finish: Finish) -> None:
    first = finish(teams.apply(told("New task", to=ANN)))
    finish(teams.apply(told("Closed", where=first.where, to=ANN)))
    places = {place for place, _ in server.activities}
    assert len(places) == 1
    assert len(server.updates) == 1


def test_without_a_text_only_the_card_is_renewed(teams: Teams, server: TeamsServer, finish: Finish) -> None:
    first = finish(teams.apply(told("New task")))
    silent = msgspec.structs.replace(told("", where=first.where), text=Text(()))
    assert finish(teams.apply(silent)).outcome is Outcome.DONE
    assert (len(server.activities), len(server.updates)) == (1, 1)


def test_a_message_that_is_gone_is_replaced_by_the_next_word_and_not_by_a_renewal(
    teams: Teams, server: TeamsServer, finish: Finish
) -> None:
    first = finish(teams.apply(told("New task")))
    server.gone.add("1700000000001")
    silent = msgspec.structs.replace(told("", where=first.where), text=Text(()))
    assert finish(teams.apply(silent)).detail == "the message is gone"
    assert finish(teams.apply(told("Closed", where=first.where))).where == f"{CHANNEL}|1700000000002"


def test_the_buttons_are_there_where_somebody_answers(teams: Teams, server: TeamsServer, finish: Finish) -> None:
    silent = Teams(ACCOUNT, inline, service_url=server.url, login_url=server.url)
    for client in (teams, silent):
        finish(client.apply(told("New task")))
    silent.close()
    titles = [[each["title"] for each in sent["attachments"][0]["content"]["actions"]] for _, sent in server.activities]
    assert "Done" in titles[0]
    assert "Done" not in titles[1]
