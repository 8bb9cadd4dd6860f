"""Who is in a browser, in both databases: let in once, known for a while, forgotten when it is time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, event, func, select, update

from ai_crm.errors import StoreError
from ai_crm.model.access import Principal, Role
from ai_crm.model.item import PlatformName
from ai_crm.ports.sessions import Visitor
from ai_crm.store import tables
from ai_crm.store.database import engine_for, reading, writing
from ai_crm.store.sessions import SqlSessions
from ai_crm.store.transactions import Direct

if TYPE_CHECKING:
    from tests.conftest import Finish
    from tests.contracts.conftest import Inline

T = TypeVar("T")
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
IDLE, LONGEST, INVITED = timedelta(minutes=30), timedelta(hours=12), timedelta(minutes=15)


def visitor(
    name: str = "ann", platform: PlatformName = PlatformName.SLACK, member: str = "U012", workspace: str = "default"
) -> Visitor:
    principal = Principal(name=name, workspace=workspace, role=Role.MEMBER)
    return Visitor(principal=principal, platform=platform, id=member, name=name)


ANN = visitor("Ann <!channel>")
BOB = visitor("Bob", member="U013")


@pytest.fixture
def sessions(engine: Engine, inline: Inline) -> SqlSessions:
    return SqlSessions(Direct(engine, inline))


def everything(engine: Engine) -> str:
    """All that is kept of browsers and links."""
    with reading(engine) as connection:
        return repr([connection.execute(select(table)).all() for table in (tables.session, tables.invitation)])


def rows(engine: Engine) -> int:
    with reading(engine) as connection:
        return sum(
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (tables.session, tables.invitation)
        )


def test_a_session_tells_whose_it_is(sessions: SqlSessions, finish: Finish) -> None:
    token = finish(sessions.begin(ANN, NOON))
    assert finish(sessions.find(token, NOON)) == ANN


def test_two_sessions_have_nothing_in_common(sessions: SqlSessions, finish: Finish) -> None:
    first, second = finish(sessions.begin(ANN, NOON)), finish(sessions.begin(ANN, NOON))
    assert first != second
    assert len(first) == len(second) == 43


def test_what_browsers_and_links_hold_is_nowhere_in_the_database(
    sessions: SqlSessions, engine: Engine, finish: Finish
) -> None:
    secret = (finish(sessions.begin(ANN, NOON)), finish(sessions.invite(ANN, NOON)))
    kept = everything(engine)
    assert not any(each in kept for each in secret)


def test_a_hash_from_the_database_lets_nobody_in(sessions: SqlSessions, engine: Engine, finish: Finish) -> None:
    finish(sessions.begin(ANN, NOON))
    finish(sessions.invite(ANN, NOON))
    with reading(engine) as connection:
        hashes = [connection.execute(select(each.c.id)).scalar_one() for each in (tables.session, tables.invitation)]
    for each in hashes:
        assert finish(sessions.find(each, NOON)) is None
        assert finish(sessions.accept(each, NOON)) is None


def test_what_is_not_exactly_a_token_is_nobodys(sessions: SqlSessions, finish: Finish) -> None:
    token, link = finish(sessions.begin(ANN, NOON)), finish(sessions.invite(ANN, NOON))
    for good in (token, link):
        for wrong in ("", good[:-1], good + "x", good + "\n", good.swapcase(), f" {good}", "\ud800\0é", "%" * 43):
            assert finish(sessions.find(wrong, NOON)) is None
            assert finish(sessions.invited(wrong, NOON)) is None
            assert finish(sessions.accept(wrong, NOON)) is None
            finish(sessions.end(wrong))
    assert finish(sessions.find(token, NOON)) == ANN


def test_a_link_is_no_session_and_a_session_no_link(sessions: SqlSessions, finish: Finish) -> None:
    token, link = finish(sessions.begin(ANN, NOON)), finish(sessions.invite(ANN, NOON))
    assert finish(sessions.find(link, NOON)) is None
    assert finish(sessions.accept(token, NOON)) is None


def test_a_session_without_a_sign_of_life_ends_after_half_an_hour(sessions: SqlSessions, finish: Finish) -> None:
    token = finish(sessions.begin(ANN, NOON))
    assert finish(sessions.find(token, NOON + IDLE)) is None


def test_signs_of_life_keep_a_session_for_twelve_hours_and_no_longer(sessions: SqlSessions, finish: Finish) -> None:
    token, now = finish(sessions.begin(ANN, NOON)), NOON
    while now + IDLE - SECOND < NOON + LONGEST:
        now += IDLE - SECOND
        assert finish(sessions.find(token, now)) == ANN
    assert finish(sessions.find(token, NOON + LONGEST - SECOND)) == ANN
    assert finish(sessions.find(token, NOON + LONGEST)) is None


def test_an_ended_session_is_not_revived_by_being_asked_for(sessions: SqlSessions, finish: Finish) -> None:
    token = finish(sessions.begin(ANN, NOON))
    assert finish(sessions.find(token, NOON + IDLE)) is None
    assert finish(sessions.find(token, NOON + IDLE + SECOND)) is None


def test_page_after_page_writes_once_a_minute(sessions: SqlSessions, engine: Engine, finish: Finish) -> None:
    token = finish(sessions.begin(ANN, NOON))
    written: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE session"):
            written.append(statement)

    for seconds in range(0, 180, 3):
        assert finish(sessions.find(token, NOON + timedelta(seconds=seconds))) == ANN
    assert 2 <= len(written) <= 3


def test_a_person_has_twenty_sessions_and_whichever_was_used_longest_ago_makes_room(
    sessions: SqlSessions, finish: Finish
) -> None:
    bob = finish(sessions.begin(BOB, NOON))
    tokens = [finish(sessions.begin(ANN, NOON + number * SECOND)) for number in range(20)]
    late = NOON + timedelta(minutes=5)
    assert finish(sessions.find(tokens[0], late)) == ANN
    tokens.append(finish(sessions.begin(ANN, late + SECOND)))
    known = [bool(finish(sessions.find(token, late + 2 * SECOND))) for token in (bob, *tokens)]
    assert known == [True, True, False, *[True] * 19]


def test_an_ended_session_is_nobodys_and_ending_it_again_does_no_harm(sessions: SqlSessions, finish: Finish) -> None:
    token, other = finish(sessions.begin(ANN, NOON)), finish(sessions.begin(ANN, NOON))
    finish(sessions.end(token))
    finish(sessions.end(token))
    assert finish(sessions.find(token, NOON)) is None
    assert finish(sessions.find(other, NOON)) == ANN


def test_somebody_signs_out_everywhere_and_nobody_else_does(sessions: SqlSessions, finish: Finish) -> None:
    namesakes = (
        BOB,
        msgspec.structs.replace(ANN, platform=PlatformName.TEAMS),
        visitor(ANN.name, workspace="other"),
        visitor(ANN.name, member="U0123"),
    )
    mine = [finish(sessions.begin(ANN, NOON)) for _ in range(3)]
    links = [finish(sessions.invite(each, NOON)) for each in (ANN, BOB)]
    theirs = [(each, finish(sessions.begin(each, NOON))) for each in namesakes]

    assert finish(sessions.end_all(ANN)) == 3
    assert [finish(sessions.find(token, NOON)) for token in mine] == [None] * 3
    assert [finish(sessions.invited(link, NOON)) for link in links] == [None, BOB]
    assert all(finish(sessions.find(token, NOON)) == each for each, token in theirs)
    assert finish(sessions.end_all(ANN)) == 0


@pytest.mark.parametrize(("name", "ended"), [("Bob", {"Bob"}), ("U012", {ANN.name}), ("U01", set()), ("", set())])
def test_an_operator_ends_those_of_one_person(
    sessions: SqlSessions, finish: Finish, name: str, ended: set[str]
) -> None:
    tokens = {each.name: finish(sessions.begin(each, NOON)) for each in (ANN, BOB)}
    elsewhere = finish(sessions.begin(visitor("Bob", workspace="other"), NOON))
    assert finish(sessions.end_of("default", name)) == len(ended)
    assert {each for each, token in tokens.items() if finish(sessions.find(token, NOON)) is None} == ended
    assert finish(sessions.find(elsewhere, NOON))


def test_an_operator_ends_those_of_all_even_of_rows_that_nobody_can_read(
    sessions: SqlSessions, engine: Engine, finish: Finish
) -> None:
    token, link = finish(sessions.begin(ANN, NOON)), finish(sessions.invite(BOB, NOON))
    elsewhere = finish(sessions.begin(visitor(workspace="other"), NOON))
    with writing(engine) as connection:
        connection.execute(update(tables.session).where(tables.session.c.workspace == "default").values(payload="{}"))
    with pytest.raises(StoreError, match="cannot be read"):
        finish(sessions.find(token, NOON))
    assert finish(sessions.end_of("default", None)) == 1
    assert finish(sessions.find(token, NOON)) is None
    assert finish(sessions.invited(link, NOON)) is None
    assert finish(sessions.find(elsewhere, NOON))


def test_a_link_lets_in_once_however_often_it_is_looked_at(sessions: SqlSessions, finish: Finish) -> None:
    link = finish(sessions.invite(ANN, NOON))
    assert [finish(sessions.invited(link, NOON)) for _ in range(3)] == [ANN] * 3
    token = finish(sessions.accept(link, NOON))
    assert token
    assert token != link
    assert finish(sessions.find(token, NOON)) == ANN
    assert finish(sessions.accept(link, NOON)) is None
    assert finish(sessions.invited(link, NOON)) is None


def test_a_link_is_good_for_a_quarter_of_an_hour(sessions: SqlSessions, finish: Finish) -> None:
    early, late = finish(sessions.invite(ANN, NOON)), finish(sessions.invite(ANN, NOON))
    assert finish(sessions.accept(early, NOON + INVITED - SECOND))
    assert finish(sessions.invited(late, NOON + INVITED)) is None
    assert finish(sessions.accept(late, NOON + INVITED)) is None


def test_of_many_browsers_at_once_one_is_let_in(
    engine: Engine, sessions: SqlSessions, inline: Inline, finish: Finish
) -> None:
    browsers, rounds = 4, 12
    links = [finish(sessions.invite(ANN, NOON)) for _ in range(rounds)]
    gate = threading.Barrier(browsers)

    def browse() -> list[str | None]:
        own = SqlSessions(Direct(engine, inline))
        got = []
        for link in links:
            gate.wait()
            got.append(finish(own.accept(link, NOON)))
        return got

    with ThreadPoolExecutor(browsers) as pool:
        answers = [each.result() for each in [pool.submit(browse) for _ in range(browsers)]]
    for number in range(rounds):
        tokens = [got[number] for got in answers if got[number]]
        assert len(tokens) == 1
    assert rows(engine) == rounds


def test_what_is_over_is_removed_and_nothing_else(sessions: SqlSessions, engine: Engine, finish: Finish) -> None:
    finish(sessions.begin(ANN, NOON - LONGEST))
    finish(sessions.begin(BOB, NOON - IDLE))
    finish(sessions.invite(ANN, NOON - INVITED))
    alive, link = finish(sessions.begin(ANN, NOON - IDLE + SECOND)), finish(sessions.invite(ANN, NOON))
    assert finish(sessions.forget(NOON)) == 3
    assert rows(engine) == 2
    assert finish(sessions.find(alive, NOON)) == ANN
    assert finish(sessions.invited(link, NOON)) == ANN
    assert finish(sessions.forget(NOON)) == 0


@given(words=st.tuples(st.text(), st.text(), st.text(min_size=1)), role=st.sampled_from(Role))
def test_whoever_somebody_is_a_session_says_the_same(words: tuple[str, str, str], role: Role, finish: Finish) -> None:
    """Platforms choose ids and people their names."""
    name, member, workspace = (word.encode(errors="replace").decode() for word in words)
    who = Visitor(
        principal=Principal(name=name, workspace=workspace, role=role),
        platform=PlatformName.TEAMS,
        id=member,
        name=name,
    )
    engine = engine_for("sqlite://")
    try:
        mine = SqlSessions(Direct(engine, _at_once))
        assert finish(mine.find(finish(mine.begin(who, NOON)), NOON)) == who
        assert finish(mine.end_all(who)) == 1
    finally:
        engine.dispose()


async def _at_once(work: Callable[[], T], /) -> T:
    return work()
