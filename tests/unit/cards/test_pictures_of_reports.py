"""The picture of a report: its bars, its letters, its words, and the same bytes everywhere."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.cards import png
from ai_crm.cards.letters import HEIGHT, letters
from ai_crm.cards.letters import WIDTH as LETTER
from ai_crm.cards.picture import PALETTE, PLATFORM, WIDTH, WORKFLOW, Bar, Figures, draw, figures_of, told
from ai_crm.model.item import PlatformName
from ai_crm.model.record import PlatformFigures, Workflow
from tests.doubles.answer_cards import NOON, report
from tests.doubles.pictures import Color, look

HOSTILE = "<!channel> \u202e漢字 ﷺﷺﷺ\x1b[31m\n" + "W" * 500
COUNTS = st.integers(0, 2**63 - 1)


def figures(platforms: tuple[int, ...] = (), workflows: tuple[int, ...] = (), name: str = "rule") -> Figures:
    return Figures(
        since=NOON - timedelta(hours=24),
        until=NOON,
        events=sum(platforms),
        success=98,
        platforms=tuple(Bar("github", count) for count in platforms),
        workflows=tuple(Bar(name, count) for count in workflows),
    )


def bars(drawn: bytes, color: Color) -> list[int]:
    """How long each bar of this color is, from the top; a bar is 14 pixels high."""
    seen = look(drawn)
    lengths = [seen.run(row, color) for row in range(seen.height)]
    starts = [row for row in range(1, seen.height) if lengths[row] and not lengths[row - 1]]
    assert all(lengths[row : row + 15] == [lengths[row]] * 14 + [0] for row in starts)
    return [lengths[row] for row in starts]


def test_a_bar_is_as_long_as_its_figure() -> None:
    drawn = draw(figures((1_200, 600, 300, 0), (320, 160, 80, 40, 1)))
    longest, half, quarter = bars(drawn, PALETTE[PLATFORM])
    assert (half, quarter) == (longest // 2, longest // 4)
    longest, *others, least = bars(drawn, PALETTE[WORKFLOW])
    assert others == [round(longest / part) for part in (2, 4, 8)]
    assert least == 2  # something can be seen of what happened once


def test_nothing_has_no_bar_and_is_a_picture_all_the_same() -> None:
    drawn = draw(figures((0, 0), (0,)))
    assert (bars(drawn, PALETTE[PLATFORM]), bars(drawn, PALETTE[WORKFLOW])) == ([], [])
    assert look(draw(figures())).height < look(drawn).height


@settings(max_examples=30, deadline=None)
@given(
    platforms=st.lists(COUNTS, max_size=4).map(tuple),
    workflows=st.lists(COUNTS, max_size=5).map(tuple),
    name=st.text(max_size=60) | st.sampled_from([HOSTILE, "ﷺ" * 40, "ß" * 40]),
)
def test_whatever_the_figures_and_names_are_nothing_leaves_its_place(
    platforms: tuple[int, ...], workflows: tuple[int, ...], name: str
) -> None:
    drawn = draw(figures(platforms, workflows, name))
    seen = look(drawn)
    assert (seen.width, seen.height <= 320, len(drawn) < 110_000) == (WIDTH, True, True)
    background, border = PALETTE[0], PALETTE[1]
    for row in seen.pixels[1:-1]:
        assert (row[0], *set(row[1:20]), *set(row[-20:-1]), row[-1]) == (border, background, background, border)
    expected = [count for count in workflows if count]
    assert len(bars(drawn, PALETTE[WORKFLOW])) == len(expected)
    assert len(told(figures(platforms, workflows, "x" * 40))) <= 1_000


def test_the_same_figures_are_the_same_bytes_everywhere() -> None:
    drawn = draw(figures_of(report(rules=5)))
    assert hashlib.sha256(drawn).hexdigest() == "87e148463892830f92e686c3b2549ac29e2e4ec29b25fa23371891e367d89847"


def test_the_words_say_what_the_picture_shows_and_the_report_has() -> None:
    assert told(figures_of(report())) == (
        "2026-11-23 12:00 to 2026-11-24 12:00 UTC: 1,247 events, 98 % without a failure; "
        "events by platform: github 1,200, slack 47; top workflows: rule-0 120, rule-1 60"
    )
    bare = msgspec.structs.replace(report(rules=0), total_events=1, success_rate=None, platform_breakdown=())
    assert told(figures_of(bare)) == "2026-11-23 12:00 to 2026-11-24 12:00 UTC: 1 event"


def test_of_a_long_report_the_first_are_shown_with_names_that_can_be_seen() -> None:
    many = msgspec.structs.replace(
        report(),
        top_workflows=tuple(Workflow(rule=HOSTILE if at else "\u200b", matched=9) for at in range(40)),
        platform_breakdown=tuple(
            PlatformFigures(platform=name, events=1, failed=0, average_response_ms=None) for name in PlatformName
        ),
    )
    found = figures_of(many)
    assert (len(found.platforms), len(found.workflows)) == (4, 5)
    assert found.workflows[0].name == "…"
    assert found.workflows[1].name.startswith("<!channel> 漢字")
    assert all(len(bar.name) <= 40 and bar.name.isprintable() for bar in found.workflows)


# Letters and pixels


def test_every_letter_differs_from_every_other_and_small_ones_are_capitals() -> None:
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,%-/_: "
    drawn = letters(signs)
    assert len(set(drawn)) == len(signs)
    assert {(len(sign), *{len(row) for row in sign}) for sign in drawn} == {(HEIGHT, LETTER)}
    assert {dot for sign in drawn for row in sign for dot in row} == {"#", " "}
    assert letters("bug-triäge") == letters("BUG-TRIAGE")
    assert len(set(letters("漢@<🙂"))) == 1
    assert letters("漢") != letters("O")


def test_what_is_written_can_be_read_on_its_background() -> None:
    """WCAG 2.2: 4.5 to 1 for text, 3 to 1 for bars against what they lie on."""
    background, _, ink, muted, track, platform, workflow = PALETTE
    assert min(contrast(ink, background), contrast(muted, background)) >= 4.5
    assert min(contrast(bar, ground) for bar in (platform, workflow) for ground in (background, track)) >= 3


def contrast(one: Color, two: Color) -> float:
    def light(color: Color) -> float:
        parts = [value / 255 for value in color]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, bright = sorted((light(one), light(two)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("width", [1, 2, 5, 640])
def test_pixels_come_out_as_they_went_in(width: int) -> None:
    colors = tuple((at, 2 * at, 255 - at) for at in range(png.MOST_COLORS))
    pixels = bytes(at % 16 for at in range(width * 300))
    seen = look(png.indexed(width, 300, colors, pixels))
    assert [pixel for row in seen.pixels for pixel in row] == [colors[each] for each in pixels]
