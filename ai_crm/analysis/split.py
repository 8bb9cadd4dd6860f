"""Which subtasks a text lists itself, and which of them wait for which: its task lists and headings, and no invention."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

# Parts of a line are bounded, so that hostile lines cost no more than their length.
_HEADING = re.compile(r"^#{1,6}\s{1,8}(.{1,200})$")
_ITEM = re.compile(
    r"^(?P<indent>[ \t]{0,40})(?:[-*+]|(?P<order>\d{1,3})[.)])\s{1,8}(?:\[(?P<box>[ xX])\]\s{1,8})?(?P<text>\S.{0,400})$"
)
# `after 2` and `depends on step 3`, but not `after 2 weeks`.
_AFTER = re.compile(
    r"\b(?:after|depends on|blocked by)\s{1,4}(?:step|task|part|item|number)?\s{0,2}#?(\d{1,3})(?=\s{0,4}(?:[).,;\]]|$))",
    re.IGNORECASE,
)
_READ = 65_536
_MOST = 100
# Lists under headings of these words are no plan of work.
_NO_PLAN = """
    reproduc expected actual environment version screenshot context log checklist alternative browser system device
    platform describe
"""
_NOT_PLANS = tuple(_NO_PLAN.split())
_PLANS = ("task", "subtask", "to do", "todo", "plan", "step", "checklist", "deliverable", "scope", "milestone", "phase")
_NO_STEPS = ("steps to", "repro")


class Part(Struct, frozen=True, kw_only=True):
    """One subtask as the text words it. `after` are the numbers of the parts that it waits for, all of them lower.

    `parent` is the number of the part it is indented under, 0 for none.
    """

    number: int
    title: str
    section: str = ""
    done: bool = False
    parent: int = 0
    after: tuple[int, ...] = ()


class _Item(Struct, frozen=True):
    title: str
    section: str
    box: str
    order: int
    depth: int
    run: int


def split_task(text: str) -> tuple[Part, ...]:
    """The parts in the order of the text; () when it lists fewer than two.

    Check boxes are parts wherever they stand. Numbered and plain lists are parts only under a heading that says so
    (`Tasks`, `Plan`). In a numbered list each waits for the one before; a part that names another's number waits for
    that; an indented part belongs to the one above it.
    """
    items = [item for item in _items(text[:_READ]) if item.box or _is_plan(item)][:_MOST]
    return tuple(_parts(items)) if len(items) > 1 else ()


def _items(text: str) -> Iterator[_Item]:
    section, fenced, run, gap = "", False, 0, False
    for line in text.replace("\r\n", "\n").split("\n"):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
            continue
        heading, item = _HEADING.match(line), _ITEM.match(line)
        if fenced or not (heading or item):
            gap = gap or bool(line.strip())
            continue
        if heading:
            section, gap = heading[1].strip(" #*:"), True
        elif item:
            run, gap = run + gap, False
            depth = len(item["indent"].replace("\t", "    "))
            yield _Item(_plain(item["text"]), section, item["box"] or "", int(item["order"] or 0), depth, run)


def _is_plan(item: _Item) -> bool:
    section = item.section.casefold()
    if any(word in section for word in (*_NOT_PLANS, *_NO_STEPS)):
        return False
    return any(re.search(rf"\b{word}s?\b", section) for word in _PLANS)


def _parts(items: list[_Item]) -> Iterator[Part]:
    above: list[tuple[int, int]] = []
    by_order: dict[tuple[int, int], int] = {}
    for number, item in enumerate(items, 1):
        while above and above[-1][0] >= item.depth:
            above.pop()
        parent = above[-1][1] if above else 0
        above.append((item.depth, number))
        if item.order:
            by_order[item.run, item.order] = number
        waits = {by_order.get((item.run, int(named)), int(named)) for named in _AFTER.findall(item.title)}
        before = by_order.get((item.run, item.order - 1)) if item.order else None
        after = tuple(sorted(each for each in {*waits, before or 0} if 0 < each < number))
        done = item.box in {"x", "X"}
        yield Part(number=number, title=item.title, section=item.section, done=done, parent=parent, after=after)


def _plain(text: str) -> str:
    return text.strip().strip("*_ ").rstrip()
