"""What the Action makes of a hub's answers, good and bad: which error, said how, and asked how often."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec import Struct

from ai_crm.errors import (
    AiCrmError,
    AnswerLost,
    CredentialsRefused,
    RateLimited,
    RecordMissing,
    StoreError,
    StoreUnavailable,
    UpstreamUnavailable,
    VersionClash,
)
from ai_crm.model.change import Notify
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.task import RuleId, Task, TaskId
from ai_crm.ports import FoundCard
from ai_crm.ports.shared import HandedIn
from ai_crm.store.remote import RemoteStore
from ai_crm.wiring import inline
from tests.doubles.decisions import ISSUE, NOON, Decisions

if TYPE_CHECKING:
    from tests.conftest import Finish

OPENED = Decisions().opened("e1", "triage")
MESSAGE = next(change.key for change in OPENED.changes if isinstance(change, Notify))


class Told(Struct, frozen=True):
    status: int
    body: bytes = b'{"tasks": []}'
    headers: Mapping[str, str] = {}


class Away(Struct, frozen=True):
    """No answer; `refused` where nothing even listened."""

    refused: bool = False


class Line:
    """Gives what it was told to give, one after the other, the last again and again."""

    def __init__(self, *answers: Told | Away) -> None:
        self.asked: list[tuple[str, str]] = []
        self.sent = b""
        self._answers = list(answers)

    def request(self, method: str, path: str, body: bytes | None = None) -> Told:
        assert (body is None) == (method == "GET")
        self.asked.append((method, path))
        self.sent = body or b""
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Away):
            cause = ConnectionRefusedError() if answer.refused else TimeoutError()
            raise UpstreamUnavailable("no answer", where="hub.example") from cause
        return answer

    def close(self) -> None:
        """There is nothing to let go of."""


def problem(kind: str, detail: str = "") -> bytes:
    return msgspec.json.encode({"type": f"about:blank#{kind}", "title": "x", "status": 500, "detail": detail})


def store(line: Line, paused: Callable[[float], None] = lambda _: None) -> RemoteStore:
    return RemoteStore(line, inline, paused, holder="run 1", cards=None)


COMMITTED = b'{"claim": null, "tasks": [], "created": [], "updated": [], "outbox": []}'
DOWN = Told(503, problem("store-unavailable", "the disk is full"))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, CredentialsRefused),
        (403, CredentialsRefused),
        (404, RecordMissing),
        (409, VersionClash),
        (429, RateLimited),
        (400, StoreError),
        (413, StoreError),
        (302, StoreError),
        (500, StoreUnavailable),
        (502, StoreUnavailable),
        (503, StoreUnavailable),
    ],
)
def test_each_answer_is_an_error_of_ours_that_says_what_to_do(
    finish: Finish, status: int, error: type[AiCrmError]
) -> None:
    with pytest.raises(error) as raised:
        finish(store(Line(Told(status, problem("x", "the reason")))).tasks_of(ISSUE))
    assert type(raised.value) is error
    assert "the reason" in str(raised.value) or status == 429
    assert raised.value.hint or status >= 500


def test_a_hub_that_wants_us_to_wait_says_how_long(finish: Finish) -> None:
    with pytest.raises(RateLimited, match="in 30 seconds") as raised:
        finish(store(Line(Told(429, b"", {"retry-after": "30"}))).tasks_of(ISSUE))
    assert raised.value.retry_after == 30


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{", b'{"tasks": 1}', b"\xff", b"[" * 100_000])
def test_what_is_no_hub_is_told_from_one(finish: Finish, body: bytes) -> None:
    with pytest.raises(StoreError, match="no AI-CRM hub") as raised:
        finish(store(Line(Told(200, body))).tasks_of(ISSUE))
    assert not raised.value.retry


def test_a_hubs_words_are_one_plain_line_and_no_novel(finish: Finish) -> None:
    words = "::error::x\r\n\x1b[31mred\u202e " + "y" * 5000
    with pytest.raises(CredentialsRefused) as raised:
        finish(store(Line(Told(401, problem("x", words)))).tasks_of(ISSUE))
    assert raised.value.what.isprintable()
    assert "\n" not in raised.value.what
    assert len(raised.value.what) < 400


def test_a_hub_that_is_away_is_asked_once_more_after_a_moment(finish: Finish) -> None:
    line, pauses = Line(Away(), Told(200)), list[float]()
    assert finish(store(line, pauses.append).tasks_of(ISSUE)) == ()
    assert (len(line.asked), pauses) == (2, [1.0])


def test_a_refused_key_is_not_asked_about_twice(finish: Finish) -> None:
    line = Line(Told(401))
    with pytest.raises(CredentialsRefused):
        finish(store(line).commit(OPENED, NOON))
    assert len(line.asked) == 1


def test_a_commit_follows_a_question_so_that_an_outage_is_known_before_it(finish: Finish) -> None:
    line = Line(Away())
    with pytest.raises(StoreUnavailable):
        finish(store(line).commit(OPENED, NOON))
    assert {method for method, _ in line.asked} == {"GET"}


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ((Away(refused=True),), StoreUnavailable),
        ((DOWN,), StoreUnavailable),
        ((DOWN, Away(refused=True)), StoreUnavailable),
        ((Away(),), AnswerLost),
        ((Away(), Away(refused=True)), AnswerLost),
        ((Away(), DOWN), AnswerLost),
        ((Told(502, b"bad gateway"),), AnswerLost),
        ((Told(500, problem("internal-server-error")),), AnswerLost),
    ],
)
def test_only_a_hub_that_cannot_have_heard_the_decision_is_done_without(
    finish: Finish, answers: tuple[Told | Away, ...], error: type[AiCrmError]
) -> None:
    with pytest.raises(error) as raised:
        finish(store(Line(Told(200), *answers)).commit(OPENED, NOON))
    assert type(raised.value) is error
    assert raised.value.retry


def test_an_answer_that_got_lost_is_asked_for_again(finish: Finish) -> None:
    line = Line(Told(200), Away(), Told(200, COMMITTED))
    assert finish(store(line).commit(OPENED, NOON)).outbox == ()
    assert [method for method, _ in line.asked] == ["GET", "POST", "POST"]


def test_names_of_items_are_percent_encoded(finish: Finish) -> None:
    line = Line(Told(200))
    finish(store(line).tasks_of(ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.REF, "a b&id=1#ü")))
    assert line.asked == [
        ("GET", "/api/v1/items/tasks?platform=github&project=octo%2Fhello&kind=ref&id=a%20b%26id%3D1%23%C3%BC")
    ]


class Card:
    """A card with the task of a run without the hub, one of the hub's own rules, and one of an issue that moved."""

    def __init__(self) -> None:
        ours = Task(id=TaskId("AICRM-12"), rule=RuleId("triage"), item=ISSUE, title="x")
        moved = msgspec.structs.replace(ours, item=msgspec.structs.replace(ISSUE, project="octo/old"))
        self.tasks = (ours, msgspec.structs.replace(ours, rule=RuleId("hub/security")), moved)

    async def read_card(self, item: ItemRef) -> FoundCard:
        assert item == ISSUE
        return FoundCard(
            where="1", url="https://github.example/1", tasks=self.tasks, applied=(MESSAGE, OPENED.changes[0].key)
        )


def test_only_what_can_move_into_the_hub_is_brought_along(finish: Finish) -> None:
    line = Line(Told(200), Told(200, COMMITTED))
    remote = RemoteStore(line, inline, lambda _: None, holder="run 1", cards=Card())
    assert [task.rule for task in finish(remote.tasks_of(ISSUE))] == ["triage"]

    finish(remote.commit(OPENED, NOON))

    handed = msgspec.json.decode(line.sent, type=HandedIn)
    assert [(task.rule, task.item) for task in handed.tasks] == [("triage", ISSUE)]
    assert handed.sent == (MESSAGE,)
