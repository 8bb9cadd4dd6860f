"""What answers say, and that no answer is more than a chat takes, whatever is in it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.cards import adaptive, answers, blockkit, markdown, text
from ai_crm.cards.adaptive import MOST_BYTES
from ai_crm.cards.answers import Button, Fact, Picture, Section, answer_card, task_list_card
from ai_crm.cards.blockkit import MOST_BLOCKS
from ai_crm.cards.elements import Card
from ai_crm.commands import presses
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.record import TaskPage
from ai_crm.model.task import RuleId, Task, TaskId
from tests.doubles.answer_cards import TODAY, a_task, health, report

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LONG = st.text(max_size=20) | st.sampled_from(["<", "ü", "🙂", "\n", "*", "\\", "@channel "]).map(
    lambda sign: sign * 700
)


def fits(card: Card) -> bool:
    message = blockkit.render(card)
    encoded = msgspec.json.encode(adaptive.render(card)).decode().encode("utf-16-le")
    assert markdown.render(card)
    assert text.render(card)
    return 0 < len(message.blocks) <= MOST_BLOCKS and len(encoded) <= MOST_BYTES


@settings(max_examples=40, deadline=None)
@given(heading=LONG, intro=LONG, foot=LONG, word=LONG, sections=st.integers(0, 40), facts=st.integers(0, 90))
def test_an_answer_is_never_more_than_a_chat_takes(
    heading: str, intro: str, foot: str, word: str, sections: int, facts: int
) -> None:
    many = tuple(Section(word, (Fact(word, word),) * facts) for _ in range(sections))
    buttons = tuple(Button(word, presses.show_task(TaskId(f"AICRM-{number}"))) for number in range(9))
    picture = Picture(f"https://x.y/{'z' * 2_900}", word)
    assert fits(answer_card(heading, intro, many, foot, buttons, picture))


@pytest.mark.parametrize("sign", ["<", "🙂", "\\"])
def test_the_longest_answer_there_can_be_fits(sign: str) -> None:
    word = sign * 700
    many = (Section(word, (Fact(word, word),) * 4),) * 18
    buttons = tuple(Button(word, presses.show_task(TaskId(f"AICRM-{number}"))) for number in range(9))
    assert fits(answer_card(word, word, many, word, buttons, Picture(f"https://x.y/{'z' * 2_900}", word)))


@settings(max_examples=20, deadline=None)
@given(title=LONG, heading=LONG, count=st.integers(0, 100))
def test_a_list_of_tasks_is_never_more_than_a_chat_takes(title: str, heading: str, count: int) -> None:
    item = ItemRef(PlatformName.HUB, "default", ItemKind.REQUEST, "0" * 32)
    task = Task(id=TaskId("AICRM-1"), rule=RuleId("r"), item=item, title=title, assignees=(title,) * 9, due=TODAY)
    page = TaskPage(tasks=(task,) * count, next="", total=count)
    assert fits(task_list_card(heading, page, TODAY))


def test_what_has_no_room_is_counted() -> None:
    card = answer_card("Many", "", tuple(Section(str(at), (Fact("a", "b"),) * 30) for at in range(4)))
    assert "… and 60 more." in text.render(card)
    assert "more" not in text.render(answer_card("Few", "", (Section("", (Fact("a", "b"),)),)))


@pytest.mark.parametrize(
    ("due", "said"),
    [
        (TODAY - timedelta(days=2), "overdue since 2026-11-22"),
        (TODAY, "due today"),
        (TODAY + timedelta(days=1), "due tomorrow"),
        (date(2027, 1, 1), "due 2027-01-01"),
    ],
)
def test_a_list_says_when_a_task_is_due(due: date, said: str) -> None:
    task = msgspec.structs.replace(a_task(1), due=due)
    assert said in text.render(task_list_card("Tasks", TaskPage(tasks=(task,), next="", total=1), TODAY))


def test_figures_that_nobody_has_are_left_out() -> None:
    bare = msgspec.structs.replace(report(rules=0), success_rate=None, average_response_ms=None, platform_breakdown=())
    told = text.render(answers.dashboard_card(bare, (), NOON))
    assert "1,247" in told
    for absent in ("Average response", "Without a failure", "Active workflows", "Systems", "Platform connections"):
        assert absent not in told


def test_bars_are_as_long_as_their_figures() -> None:
    told = text.render(answers.dashboard_card(report(), (), NOON))
    assert "██████████ 120" in told
    assert "█████░░░░░ 60" in told


def test_a_connection_that_is_well_needs_nothing() -> None:
    told = text.render(answers.health_card((health("gh-1"),), NOON))
    assert "🟢 All connections are well" in told
    assert "✅ github  gh-1: last heard of 3 minutes ago" in told
    assert "What to do" not in told


def test_a_connection_that_is_not_well_says_what_to_do() -> None:
    off = msgspec.structs.replace(health("old"), active=False, last_received=None)
    told = text.render(answers.health_card((health("gh-1", problem="The token was revoked."), off), NOON))
    assert "The token was revoked. When that is mended" in told
    assert "old: switched off, never heard of" in told
    assert "An operator can add it again" in told


def test_a_digest_of_nothing_is_empty() -> None:
    quiet = msgspec.structs.replace(report(), tasks_created=0, tasks_done=0)
    nothing = answers.Digest(day=TODAY, open=(), total_open=0, due=(), changed=(), watched=(), team=quiet)
    assert nothing.is_empty
    assert not msgspec.structs.replace(nothing, open=(a_task(1),)).is_empty
    assert not msgspec.structs.replace(nothing, watched=(a_task(1),)).is_empty
    assert not msgspec.structs.replace(nothing, team=report()).is_empty
