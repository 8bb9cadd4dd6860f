"""Marks and the hidden block: what is written is read back, what is damaged is nothing, and nothing gets out of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ai_crm.cards.inert import HIDDEN
from ai_crm.cards.state import State, card_mark, has_mark, key_mark, read_state, write_state
from ai_crm.model.change import ChangeKey
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.task import HistoryEntry, RuleId, Task, TaskId

MARKDOWN = MarkdownIt("commonmark", {"html": True})
KEY = ChangeKey("0123456789abcdef0123456789abcdef")
MOMENT = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)

# Everything that could end a comment, in orders that no one would think of.
words = st.text(alphabet="-><!&@#/\\\"'{}[]:*` \n\r\t\u2028\u202e\u200b\x7f\U000e0041aé🚀v1", max_size=30)
tasks = st.lists(
    st.builds(
        Task,
        id=st.builds(TaskId, words),
        rule=st.builds(RuleId, st.sampled_from(["a", "b", "c", "d"])),
        item=st.builds(ItemRef, st.just(PlatformName.GITHUB), st.just("acme/app"), st.sampled_from(ItemKind), words),
        title=words,
        description=words,
        assignees=st.lists(words, max_size=2).map(tuple),
        seen_at=st.none() | st.just(MOMENT),
        history=st.just((HistoryEntry(at=MOMENT, actor="x", what="y", because="--> z"),)),
    ),
    max_size=3,
).map(tuple)
keys = st.lists(st.builds(ChangeKey, st.text("0123456789abcdef", min_size=32, max_size=32)), max_size=3).map(tuple)


@settings(max_examples=150, deadline=None)
@given(tasks, keys)
def test_what_is_written_is_read_back_from_anywhere_in_a_text(
    some: tuple[Task, ...], applied: tuple[ChangeKey, ...]
) -> None:
    block = write_state(some, applied)
    for body in (
        block,
        f"words\n\n{block}",
        f"words\r\n\r\n{block}\r\n",
        f"{write_state((), ())}\n{block}\n\nmore words",
    ):
        assert read_state(body) == State(some, applied)


@pytest.mark.parametrize("slashes", ["//", "///", "////"])
def test_no_number_of_slashes_makes_an_address(slashes: str) -> None:
    block = write_state((), (ChangeKey(f"https:{slashes}x"),))
    assert "//" not in block
    assert read_state(block) == State((), (ChangeKey(f"https:{slashes}x"),))


@settings(max_examples=150, deadline=None)
@given(tasks, keys)
def test_the_block_is_one_hidden_comment_whatever_is_in_it(
    some: tuple[Task, ...], applied: tuple[ChangeKey, ...]
) -> None:
    block = write_state(some, applied)
    inside = block.removeprefix("<!-- ").removesuffix(" -->")
    assert not [sign for sign in ("<", ">", "&", "--", "@", "#", "//", "\n", "\r") if sign in inside]
    assert not re.search(HIDDEN, inside)
    tokens = MARKDOWN.parse(f"before\n\n{block}\n\nafter")
    assert [token.type for token in tokens if token.level == 0 and token.nesting >= 0] == [
        "paragraph_open",
        "html_block",
        "paragraph_open",
    ]


def test_the_last_block_counts_even_when_it_is_damaged(a_task: Callable[..., Task]) -> None:
    good, other = write_state((a_task(),), (KEY,)), write_state((), ())
    assert read_state(f"{good}\n{other}") == State((), ())
    assert read_state(f"{good}\n{other[:-9]} -->") is None


def test_every_damaged_block_is_nothing(a_task: Callable[..., Task]) -> None:
    block = write_state((a_task(),), (KEY,))
    for at in range(len(block) - 1):
        assert read_state(block[:at]) is None
    for broken in (
        block.replace(" v1 ", " v2 "),
        block.replace('"todo"', '"nonsense"'),
        block.replace('"tasks"', '"other"'),
        block.replace('"version":1', '"version":"one"'),
        block.replace("-->", "--> x"),
        block.replace("state v1 {", "state v1 [" * 5000 + "{"),
    ):
        assert read_state(broken) is None


def test_a_block_from_a_newer_minor_change_is_read_for_what_we_know(a_task: Callable[..., Task]) -> None:
    block = write_state((a_task(),), (KEY,)).replace('{"tasks"', '{"new":{"field":1},"tasks"')
    assert read_state(block) == State((a_task(),), (KEY,))


def test_a_moment_without_a_zone_makes_a_block_nothing(a_task: Callable[..., Task]) -> None:
    block = write_state((a_task(seen_at=MOMENT),), ())
    assert read_state(block) is not None
    assert read_state(block.replace("08:30:00Z", "08:30:00")) is None


@pytest.mark.parametrize(
    "text", ["", "words", "<!-- ai-crm:state", "<!-- ai-crm:state  -->", "<!-- ai-crm:state v1 {} -->", "\ud800"]
)
def test_a_text_without_a_block_has_no_state(text: str) -> None:
    assert read_state(text) is None


def test_a_lone_surrogate_does_not_keep_a_task_from_being_stored(a_task: Callable[..., Task]) -> None:
    state = read_state(write_state((a_task(title="half \ud83d of an emoji"),), ()))
    assert state is not None
    assert state.tasks[0].title == "half ? of an emoji"


def test_a_mark_names_the_item_so_that_a_quoted_card_is_not_anothers(item: ItemRef) -> None:
    assert card_mark(item) == "<!-- ai-crm:card github:acme/app:issue:42 -->"
    assert card_mark(item) != card_mark(msgspec.structs.replace(item, id="43"))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
def test_a_mark_stays_a_hidden_line_and_tells_items_apart(one: str, two: str) -> None:
    def mark(name: str) -> str:
        return card_mark(ItemRef(PlatformName.GITHUB, "o/r", ItemKind.REF, name))

    assert (mark(one) == mark(two)) == (one == two)
    assert "--" not in mark(one).removeprefix("<!--").removesuffix("-->")
    assert [token.type for token in MARKDOWN.parse(f"{mark(one)}\n\nx")][:1] == ["html_block"]
    assert has_mark(mark(one))


def test_a_text_is_marked_when_a_whole_line_of_it_is_a_mark(item: ItemRef) -> None:
    for mark in (card_mark(item), key_mark(KEY), write_state((), ())):
        assert has_mark(f"{mark}\nwords")
        assert has_mark(f"words\r\n{mark}\r\nwords")
        assert not has_mark(f"> {mark}\nwords")
        assert not has_mark(f"`{mark}`")
    assert not has_mark("")
    assert not has_mark("<!-- ai-crm -->")
