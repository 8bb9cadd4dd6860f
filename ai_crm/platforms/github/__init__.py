"""GitHub: what it tells us, what it can be asked, and what it does for us. README.md beside this file says the rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import msgspec

from ai_crm.model.change import (
    AddLabels,
    Applied,
    Assign,
    CallWebhook,
    Comment,
    CreateItem,
    Notify,
    OutboundChange,
    RemoveLabels,
    RequestReview,
    ShowCard,
)
from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemKind, ItemRef, Needs, PlatformName
from ai_crm.platforms.github.access import Access, Setup
from ai_crm.platforms.github.decode import IGNORED, decode
from ai_crm.platforms.github.encode import MOST_BODY
from ai_crm.platforms.github.verify import verify
from ai_crm.ports import Capabilities, FoundCard, Offload, RawRequest, RulesText

if TYPE_CHECKING:
    from ai_crm.platforms.github.card import Cards  # cold start: http.client
    from ai_crm.platforms.github.history import ClosedIssue
    from ai_crm.platforms.github.lines import Lines  # cold start
    from ai_crm.platforms.github.reader import ChangedFiles
    from ai_crm.platforms.github.session import Session  # cold start

__all__ = ["Access", "GitHub", "Setup"]

CAPABILITIES = Capabilities(
    changes=(ShowCard, Comment, AddLabels, RemoveLabels, Assign, RequestReview, CreateItem),
    absent=MappingProxyType(
        {
            Notify: "GitHub has no messages to people: a comment that mentions them is what reaches them",
            CallWebhook: "A webhook goes to the address that its rule names, not through GitHub",
        }
    ),
    ignored_events=IGNORED,
    signature="HMAC-SHA256 over the raw body, in the header X-Hub-Signature-256",
    text_limit=MOST_BODY,
)


class GitHub:
    """Implements ports.Platform, ports.CardReader and ports.RulesSource for the length of one delivery.

    What it has read stays read. `sleep` waits between attempts of a question; a write is never repeated. `lines` are
    where its connection comes from and goes back to when it is closed; without any it has one of its own.
    """

    name: ClassVar[PlatformName] = PlatformName.GITHUB
    capabilities: ClassVar[Capabilities] = CAPABILITIES

    def __init__(
        self,
        access: Access,
        offload: Offload,
        sleep: Callable[[float], None],
        setup: Setup | None = None,
        lines: Lines | None = None,
    ) -> None:
        self._access = access
        self._offload = offload
        self._sleep = sleep
        self._setup = setup or Setup()
        self._lines = lines
        self._talk: tuple[Session, Cards] | None = None

    def close(self) -> None:
        talk, self._talk = self._talk, None
        if talk is not None:
            talk[0].close()

    def verify(self, request: RawRequest) -> None:
        verify(request, self._setup.webhook_secret())

    def decode(self, request: RawRequest) -> tuple[Event, ...]:
        return decode(request)

    async def fetch(self, ref: ItemRef) -> Item:
        return await self._offload(lambda: self._session.fetch(ref))

    async def complete(self, item: Item, needs: Needs) -> Item:
        return await self._offload(lambda: self._complete(item, needs))

    async def untouched(self, project: str, since: datetime, limit: int) -> tuple[Item, ...]:
        return await self._offload(lambda: self._session.read.untouched(project, since, limit))

    async def rules(self, project: str) -> RulesText | None:
        """Always from the default branch, never from a pull request's head. Raises RulesInvalid for no plain file."""
        branch, path = self._setup.default_branch, self._setup.rules_path
        return await self._offload(lambda: self._session.read.rules(project, path, branch))

    async def learned(self, project: str, path: str) -> RulesText | None:
        """From where the rules are."""
        branch = self._setup.default_branch
        return await self._offload(lambda: self._session.read.learned(project, path, branch))

    async def closed_issues(self, project: str, limit: int) -> tuple[ClosedIssue, ...]:
        """What the analysis learns from: the `limit` closed issues that were opened last. Raises UpstreamError."""
        return await self._offload(lambda: self._session.closed_issues(project, limit))

    async def read_card(self, item: ItemRef) -> FoundCard | None:
        return await self._offload(lambda: self._cards.read(item))

    async def apply(self, change: OutboundChange) -> Applied:
        from ai_crm.platforms.github.apply import apply  # noqa: PLC0415 - cold start

        return await self._offload(lambda: apply(change, self._session, self._cards))

    def _complete(self, item: Item, needs: Needs) -> Item:
        if needs.files and item.files is None:
            found = self._files(item)
            if found is not None:
                item = msgspec.structs.replace(item, files=found.paths, files_cut=found.cut)
        if needs.teams:
            item = msgspec.structs.replace(item, author_teams=self._teams(item, needs.teams))
        return item

    def _files(self, item: Item) -> ChangedFiles | None:
        project, read = item.ref.project, self._session.read
        match item.ref.kind:
            case ItemKind.PULL_REQUEST:
                return read.changed_files(project, item.ref.id)
            case ItemKind.PUSH:
                before, after = item.facts["before"], item.facts["sha"]
                return read.pushed_files(project, before, after, self._setup.default_branch)
            case _:
                return None

    def _teams(self, item: Item, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """Of the wanted teams (`org/team`, or `team` of the repository's owner) those that the author is in."""
        if item.author is None or item.author.is_bot:
            return ()
        login, owner = item.author.login, item.ref.project.partition("/")[0]
        found = []
        for team in wanted:
            organisation, _, slug = team.rpartition("/")
            if self._session.read.is_member(organisation or owner, slug, login):
                found.append(team)
        return tuple(found)

    @property
    def _session(self) -> Session:
        return self._talking[0]

    @property
    def _cards(self) -> Cards:
        return self._talking[1]

    @property
    def _talking(self) -> tuple[Session, Cards]:
        """The conversation, begun when the first thing is asked: an event that nothing reads costs no connection."""
        if self._talk is None:
            from ai_crm.platforms.github.card import Cards  # noqa: PLC0415 - cold start: http.client
            from ai_crm.platforms.github.lines import Lines  # noqa: PLC0415 - cold start
            from ai_crm.platforms.github.session import Session  # noqa: PLC0415 - cold start

            lines = self._lines or Lines()
            session = Session(lines.take(self._access), lines, self._setup, self._sleep)
            self._talk = (session, Cards(session))
        return self._talk
