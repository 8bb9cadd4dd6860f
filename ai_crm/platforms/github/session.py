"""One delivery's conversation with GitHub: what it has read stays read, so that nothing is asked twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ai_crm.model.item import Item, ItemKind, ItemRef
from ai_crm.platforms.github.access import Setup
from ai_crm.platforms.github.answers import Asked, Quota
from ai_crm.platforms.github.api import Api
from ai_crm.platforms.github.encode import Request
from ai_crm.platforms.github.fetch import fetch
from ai_crm.platforms.github.lines import Line, Lines
from ai_crm.platforms.github.payload import Value
from ai_crm.platforms.github.reader import Comment, Reader

if TYPE_CHECKING:
    from ai_crm.platforms.github.history import ClosedIssue

# What people talk under, and where a card can be a comment.
THREADED = frozenset({ItemKind.ISSUE, ItemKind.PULL_REQUEST})


class Thread:
    """Comments that are fetched page by page as far as somebody looks, and kept."""

    def __init__(self, pages: Iterator[tuple[Comment, ...]]) -> None:
        self._pages = pages
        self._seen: list[Comment] = []

    def first(self, wanted: Callable[[Comment], bool]) -> Comment | None:
        """The first that is wanted, in the order in which GitHub lists them."""
        known = next((comment for comment in self._seen if wanted(comment)), None)
        return known or self._look_on(wanted)

    def _look_on(self, wanted: Callable[[Comment], bool]) -> Comment | None:
        for page in self._pages:
            self._seen.extend(page)
            found = next((comment for comment in page if wanted(comment)), None)
            if found:
                return found
        return None


class Session:
    """Uses `line` until it is closed, and gives it back to `lines` then."""

    def __init__(self, line: Line, lines: Lines, setup: Setup, sleep: Callable[[float], None]) -> None:
        self._line = line
        self._lines = lines
        self.setup = setup
        self._quota = Quota()
        self._api = Api(line, self._quota, sleep, lines.kept)
        self.read = Reader(self._api)
        self._threads: dict[ItemRef, Thread] = {ref: Thread(iter(())) for ref in setup.fresh}

    def close(self) -> None:
        self._lines.give(self._line, refused=self._quota.refused)

    def fetch(self, ref: ItemRef) -> Item:
        return fetch(self._api, ref)

    def closed_issues(self, project: str, limit: int) -> tuple[ClosedIssue, ...]:
        from ai_crm.platforms.github.history import closed_issues  # noqa: PLC0415 - cold start: no event asks for it

        return closed_issues(self._api, project, limit)

    def send(self, request: Request, asked: Asked) -> Value:
        self._quota.admit()
        return self._quota.understand(self._line.writer().send(request, asked), asked)

    def comments(self, item: ItemRef, *, again: bool = False) -> Thread:
        """The comments under an item; `again` forgets what was read before."""
        if again or item not in self._threads:
            self._threads[item] = Thread(self.read.comments(item.project, item.id))
        return self._threads[item]


def to_write(item: ItemRef, what: str) -> Asked:
    """What an answer to a write is about. Pull requests have a permission of their own."""
    if item.kind is ItemKind.PULL_REQUEST:
        return Asked(what, f"{item.project}#{item.id}", "pull-requests: write")
    where = f"{item.project}#{item.id}" if item.kind is ItemKind.ISSUE else item.project
    return Asked(what, where, "issues: write")
