"""One delivery's conversation with GitHub: what it has read stays read, so that nothing is asked twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ai_crm.model.item import Item, ItemKind, ItemRef
from ai_crm.platforms.github.access import Access, Setup
from ai_crm.platforms.github.answers import Asked, Quota
from ai_crm.platforms.github.api import Api
from ai_crm.platforms.github.encode import Request
from ai_crm.platforms.github.fetch import fetch
from ai_crm.platforms.github.payload import Value
from ai_crm.platforms.github.reader import Comment, Reader

if TYPE_CHECKING:
    from ai_crm.platforms.github.client import Client  # cold start: PyGithub

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
    def __init__(self, access: Access, setup: Setup, sleep: Callable[[float], None]) -> None:
        self._access = access
        self.setup = setup
        self._quota = Quota()
        self._api = Api(access, self._quota, sleep)
        self.read = Reader(self._api)
        self._client: Client | None = None
        self._threads: dict[ItemRef, Thread] = {ref: Thread(iter(())) for ref in setup.fresh}

    def close(self) -> None:
        self._api.close()
        if self._client is not None:
            self._client.close()

    def fetch(self, ref: ItemRef) -> Item:
        return fetch(self._api, ref)

    def send(self, request: Request, asked: Asked) -> Value:
        if self._client is None:
            from ai_crm.platforms.github.client import Client  # noqa: PLC0415 - cold start: PyGithub

            self._client = Client(self._access, self._quota)
        return self._client.send(request, asked)

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
