"""The people of chat platforms in both databases: found by id and by login, each workspace for itself."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING

import msgspec
import pytest
from sqlalchemy import Engine, update

from ai_crm.commands.command import NoticeKind
from ai_crm.errors import StoreError
from ai_crm.model.item import PlatformName
from ai_crm.ports.members import Member, Preferences
from ai_crm.store import tables
from ai_crm.store.database import writing
from ai_crm.store.members import SqlMembers
from ai_crm.store.transactions import Direct

if TYPE_CHECKING:
    from tests.conftest import Finish
    from tests.contracts.conftest import Inline

SLACK, TEAMS = PlatformName.SLACK, PlatformName.TEAMS
ANN = Member(
    platform=SLACK,
    id="U012",
    name="Ann <!channel>",
    login="Octocat",
    preferences=Preferences(
        off=(NoticeKind.STATUS,), quiet=(time(22), time(7)), time_zone="Europe/Berlin", digest_at=time(8, 30)
    ),
)
BOB = Member(platform=TEAMS, id="29:1abc", name="Bob")


@pytest.fixture
def members(engine: Engine, inline: Inline) -> SqlMembers:
    return SqlMembers(Direct(engine, inline))


def test_a_member_is_found_as_it_was_kept(members: SqlMembers, finish: Finish) -> None:
    finish(members.keep("default", ANN))
    assert finish(members.find("default", SLACK, "U012")) == ANN
    assert finish(members.find("default", SLACK, "U013")) is None
    assert finish(members.find("default", TEAMS, "U012")) is None


def test_the_last_word_counts(members: SqlMembers, finish: Finish) -> None:
    finish(members.keep("default", ANN))
    finish(members.keep("default", msgspec.structs.replace(ANN, login="hubot", preferences=Preferences())))
    kept = finish(members.find("default", SLACK, "U012"))
    assert kept
    assert (kept.login, kept.preferences) == ("hubot", Preferences())
    assert finish(members.of_logins("default", ("octocat",))) == ()
    assert finish(members.with_digest("default")) == ()


def test_a_login_finds_its_people_on_every_platform_whatever_its_case(members: SqlMembers, finish: Finish) -> None:
    elsewhere = msgspec.structs.replace(BOB, login="OCTOCAT")
    for member in (ANN, elsewhere):
        finish(members.keep("default", member))
    assert finish(members.of_logins("default", ("octocat", "nobody"))) == (ANN, elsewhere)


def test_nobody_is_found_by_no_login(members: SqlMembers, finish: Finish) -> None:
    finish(members.keep("default", BOB))
    assert finish(members.of_logins("default", ())) == ()
    assert finish(members.of_logins("default", ("",))) == ()


def test_who_wants_a_summary_is_listed(members: SqlMembers, finish: Finish) -> None:
    off = msgspec.structs.replace(ANN.preferences, off=(NoticeKind.DIGEST,))
    for member in (ANN, BOB, msgspec.structs.replace(ANN, id="U013", preferences=off)):
        finish(members.keep("default", member))
    assert finish(members.with_digest("default")) == (ANN,)


def test_a_workspace_sees_its_own_people_only(members: SqlMembers, finish: Finish) -> None:
    finish(members.keep("default", ANN))
    assert finish(members.find("other", SLACK, "U012")) is None
    assert finish(members.of_logins("other", ("octocat",))) == ()
    assert finish(members.with_digest("other")) == ()


def test_a_row_that_nobody_can_read_is_an_error_with_a_hint(
    members: SqlMembers, finish: Finish, engine: Engine
) -> None:
    finish(members.keep("default", ANN))
    with writing(engine) as connection:
        connection.execute(update(tables.member).values(payload="{}"))
    with pytest.raises(StoreError, match="cannot be read"):
        finish(members.find("default", SLACK, "U012"))
