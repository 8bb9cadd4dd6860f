"""What an event is: one thing that happened to one item, in the same words whatever platform told us."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from ai_crm.model.item import Item, Person, PlatformName, Project


class FieldChange(Struct, frozen=True):
    """One field that the event changed, such as `labels` with `after="bug"` when a label was added."""

    field: str
    before: str | None = None
    after: str | None = None


class Remark(Struct, frozen=True, kw_only=True):
    """The comment or review that an event is about. `verdict` is a review's: approved, changes_requested, commented."""

    author: Person
    body: str
    url: str
    verdict: str = ""


class Event(Struct, frozen=True, kw_only=True):
    """`id` is the delivery's and the same when it is delivered again.

    `names` are all the triggers that the event answers to, the platform's own name first: a merged pull request is
    both `pull_request.closed` and `pull_request.merged`. `echo` marks what we ourselves caused; it is never evaluated.
    """

    id: str
    platform: PlatformName
    names: tuple[str, ...]
    actor: Person
    project: Project
    item: Item
    changed: tuple[FieldChange, ...] = ()
    remark: Remark | None = None
    at: datetime | None = None
    echo: bool = False

    @property
    def name(self) -> str:
        return self.names[0]
