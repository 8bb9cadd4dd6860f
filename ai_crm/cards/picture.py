"""How a report looks as a picture: bars as long as their figures, and the same figures as a sentence for who sees none."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from ai_crm.cards import letters, png
from ai_crm.cards.inert import one_line
from ai_crm.cards.png import Color
from ai_crm.model.record import Report

_MOST_PLATFORMS, _MOST_WORKFLOWS, _NAME = 4, 5, 40


class Bar(Struct, frozen=True):
    name: str
    count: int


class Figures(Struct, frozen=True, kw_only=True):
    """What the picture shows of a report. `success` is in percent; None where nothing came to an end."""

    since: datetime
    until: datetime
    events: int
    success: int | None
    platforms: tuple[Bar, ...]
    workflows: tuple[Bar, ...]


def figures_of(report: Report) -> Figures:
    platforms = tuple(Bar(_named(one.platform), one.events) for one in report.platform_breakdown[:_MOST_PLATFORMS])
    workflows = tuple(Bar(_named(one.rule), one.matched) for one in report.top_workflows[:_MOST_WORKFLOWS])
    return Figures(
        since=report.since,
        until=report.until,
        events=report.total_events,
        success=None if report.success_rate is None else round(report.success_rate * 100),
        platforms=platforms,
        workflows=workflows,
    )


def told(figures: Figures) -> str:
    """The text in the picture's place: everything that it shows, in at most 1,000 characters."""
    parts = (
        f"{_at(figures.since)} to {_at(figures.until)} UTC: {_headline(figures)}",
        *(
            f"{title.lower()}: {', '.join(f'{bar.name} {bar.count:,}' for bar in bars)}"
            for title, bars, _ in _sections(figures)
        ),
    )
    return "; ".join(parts)


def draw(figures: Figures) -> bytes:
    """A PNG, WIDTH pixels wide and at most 320 high. It brings its own background, so it can stand on any."""
    sections = _sections(figures)
    height = _TOP + sum(_SECTION + _ROW * len(bars) for _, bars, _ in sections) + _MARGIN // 2
    canvas = _Canvas(height)
    canvas.write(_MARGIN, 18, f"{_at(figures.since)} - {_at(figures.until)} UTC", _MUTED)
    canvas.write(_MARGIN, 42, _headline(figures), _INK)
    top = _TOP
    for title, bars, color in sections:
        canvas.write(_MARGIN, top + 8, title, _MUTED)
        _rows(canvas, top + _SECTION, bars, color)
        top += _SECTION + _ROW * len(bars)
    return png.indexed(WIDTH, height, PALETTE, bytes(canvas.pixels))


# Layout, in pixels.
WIDTH = 640
_MARGIN, _TOP, _SECTION, _ROW, _BAR = 20, 68, 30, 20, 14
_SCALE = 2
_ADVANCE = _SCALE * (letters.WIDTH + 1)
_LABEL, _LINE = 18, 50  # letters

# Ink and muted ink are readable on the background (WCAG AA), whatever is around the picture.
PALETTE: tuple[Color, ...] = (
    (0xF6, 0xF8, 0xFA),
    (0xD0, 0xD7, 0xDE),
    (0x1F, 0x29, 0x37),
    (0x57, 0x60, 0x6A),
    (0xE3, 0xE8, 0xEE),
    (0x25, 0x63, 0xEB),
    (0x7C, 0x3A, 0xED),
)
_BACK, _BORDER, _INK, _MUTED, _TRACK, PLATFORM, WORKFLOW = range(7)


class _Canvas:
    """Pixels as numbers of colors."""

    def __init__(self, height: int) -> None:
        self.pixels = bytearray(WIDTH * height)
        self.fill(0, 0, WIDTH, height, _BORDER)
        self.fill(1, 1, WIDTH - 2, height - 2, _BACK)

    def fill(self, left: int, top: int, width: int, height: int, color: int) -> None:
        for start in range(top * WIDTH + left, (top + height) * WIDTH + left, WIDTH):
            self.pixels[start : start + width] = bytes((color,)) * width

    def write(self, left: int, top: int, text: str, color: int, most: int = _LINE) -> None:
        """One line of at most so many letters, from its upper left corner."""
        signs = letters.letters(text)  # some characters become several
        for sign in signs if len(signs) <= most else (*signs[: most - 2], *letters.letters("..")):
            for row, dots in enumerate(sign):
                for column, dot in enumerate(dots):
                    if dot == "#":
                        self.fill(left + column * _SCALE, top + row * _SCALE, _SCALE, _SCALE, color)
            left += _ADVANCE


def _rows(canvas: _Canvas, top: int, bars: tuple[Bar, ...], color: int) -> None:
    """A name, a bar and a figure in each row. The longest bar is the largest figure."""
    most = max(bar.count for bar in bars)
    written = [f"{bar.count:,}" for bar in bars]
    widest = max(map(len, written))
    start = _MARGIN + (_LABEL + 1) * _ADVANCE
    figure = WIDTH - _MARGIN - widest * _ADVANCE
    full = figure - _ADVANCE - start
    for bar, count in zip(bars, written, strict=True):
        canvas.write(_MARGIN, top, bar.name, _INK, _LABEL)
        canvas.fill(start, top, full, _BAR, _TRACK)
        canvas.fill(start, top, _length(bar.count, most, full), _BAR, color)
        canvas.write(figure + (widest - len(count)) * _ADVANCE, top, count, _INK)
        top += _ROW


def _length(count: int, most: int, full: int) -> int:
    """Something can be seen of all that is not nothing."""
    return max(2, round(full * count / most)) if count else 0


def _sections(figures: Figures) -> tuple[tuple[str, tuple[Bar, ...], int], ...]:
    every = (("Events by platform", figures.platforms, PLATFORM), ("Top workflows", figures.workflows, WORKFLOW))
    return tuple(each for each in every if each[1])


def _headline(figures: Figures) -> str:
    rate = "" if figures.success is None else f", {figures.success} % without a failure"
    return f"{figures.events:,} {'event' if figures.events == 1 else 'events'}{rate}"


def _named(name: str) -> str:
    return one_line(name, _NAME) or "…"


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"
