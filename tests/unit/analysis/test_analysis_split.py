"""Subtasks that a text lists itself: found as they are worded, in their order, and never invented."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.analysis.split import split_task

_LAUNCH = """\
We want to launch in May.

## Tasks
- [x] Write the announcement
- [ ] Prepare the servers
    - [ ] Order two machines
- [ ] Flip the switch (after 2)

## Environment
- Linux
- Firefox
"""


def test_check_boxes_are_parts_with_their_section_state_and_parent() -> None:
    parts = split_task(_LAUNCH)
    assert [(part.number, part.title, part.done, part.parent) for part in parts] == [
        (1, "Write the announcement", True, 0),
        (2, "Prepare the servers", False, 0),
        (3, "Order two machines", False, 2),
        (4, "Flip the switch (after 2)", False, 0),
    ]
    assert {part.section for part in parts} == {"Tasks"}
    assert [part.after for part in parts] == [(), (), (), (2,)]


def test_in_a_numbered_plan_each_step_waits_for_the_one_before() -> None:
    parts = split_task("# Plan\n1. Add the column\n2. Fill it\n3. Drop the old one\n")
    assert [part.after for part in parts] == [(), (1,), (2,)]


@pytest.mark.parametrize(
    ("title", "after"),
    [
        ("Ship it after 1", (1,)),
        ("Ship it (depends on step 1)", (1,)),
        ("Ship it, blocked by #1.", (1,)),
        ("Ship it after 1 week", ()),
        ("Ship it after 10", ()),
        ("Ship it after lunch", ()),
    ],
)
def test_only_the_number_of_an_earlier_part_is_waited_for(title: str, after: tuple[int, ...]) -> None:
    assert split_task(f"- [ ] Build it\n- [ ] {title}\n")[1].after == after


def test_numbers_start_anew_in_every_list() -> None:
    parts = split_task("# Phase A\n1. One\n2. Two\n\n# Phase B\n1. Three\n2. Four\n")
    assert [(part.section, part.after) for part in parts] == [
        ("Phase A", ()),
        ("Phase A", (1,)),
        ("Phase B", ()),
        ("Phase B", (3,)),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Just prose about a plan.",
        "# Steps to reproduce\n1. Open it\n2. Click\n3. See the error\n",
        "# Ideas\n- one\n- two\n",
        "# Tasks\n- only one\n",
        "```\n# Tasks\n- [ ] in a code block\n- [ ] so it is no task\n```\n",
        "",
    ],
)
def test_what_is_no_list_of_work_gives_nothing(text: str) -> None:
    assert split_task(text) == ()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["# Tasks", "- [ ] a", "  - [x] b after 3", "1. c", "2. d depends on 9", "", "p"])))
def test_every_part_is_in_the_text_and_waits_for_earlier_ones_only(lines: list[str]) -> None:
    text = "\n".join(lines)
    for part in split_task(text):
        assert part.title in text
        assert all(0 < number < part.number for number in (*part.after, part.parent or 1) if part.number > 1)


@pytest.mark.parametrize("piece", ["- [ ] a\n", "1. ", "# ", "\t", "- ", "after 1 "])
def test_sixty_kilobytes_of_any_mark_are_read_to_the_end(piece: str) -> None:
    assert len(split_task(piece * (65_000 // len(piece)))) <= 100
