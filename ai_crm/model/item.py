"""What an item is: the thing on a platform that work is about, such as an issue, a pull request or a release."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class PlatformName(StrEnum):
    GITHUB = "github"
    SLACK = "slack"
    TEAMS = "teams"
    HUB = "hub"  # our own: what people ask us for directly, and what a schedule asks
    WEBHOOK = "webhook"  # any address that a rule calls: it has no items and tells us nothing


class ItemKind(StrEnum):
    ISSUE = "issue"
    PULL_REQUEST = "pull_request"
    DISCUSSION = "discussion"
    RELEASE = "release"
    PUSH = "push"
    REF = "ref"  # a branch or a tag, created or deleted
    REPOSITORY = "repository"
    DEPLOYMENT = "deployment"
    WORKFLOW_RUN = "workflow_run"
    CHECK = "check"
    ALERT = "alert"  # a code scanning, dependency or secret finding
    LABEL = "label"
    MILESTONE = "milestone"
    REQUEST = "request"  # what a person asked for, with no item on any platform
    REPORT = "report"  # the hub's figures of a stretch of time


# Items that people talk under: a card and labels can go there. What has none gets an issue of its own.
HAS_THREAD = frozenset({ItemKind.ISSUE, ItemKind.PULL_REQUEST})


class ItemState(StrEnum):
    OPEN = "open"
    DONE = "done"  # closed as completed, answered, published
    DROPPED = "dropped"  # closed as not planned or a duplicate, a pull request closed without merging, deleted
    MERGED = "merged"


class ItemRef(Struct, frozen=True):
    """Names one item for ever. `id` is the platform's own: a number, a sha, a branch name."""

    platform: PlatformName
    project: str
    kind: ItemKind
    id: str

    def __str__(self) -> str:
        return f"{self.platform}:{self.project}:{self.kind}:{self.id}"


class Project(Struct, frozen=True, kw_only=True):
    """Where items live, such as a repository. `name` is unique on its platform (`owner/repository`)."""

    name: str
    url: str
    default_branch: str = ""
    private: bool = False


class Person(Struct, frozen=True):
    """`trusted` means the platform says that this person may write to the project."""

    login: str
    is_bot: bool = False
    trusted: bool = False


class Item(Struct, frozen=True, kw_only=True):
    """An item as an event or a fetch showed it. Texts are strangers' words: inert only after `cards` made them so.

    `None` always means "not looked up", never "empty". `facts` holds what only this kind of item has, under exactly
    the names that `model.facts.FACTS` lists for the kind.
    """

    ref: ItemRef
    title: str
    url: str
    body: str = ""
    state: ItemState = ItemState.OPEN
    author: Person | None = None
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    milestone: str | None = None
    draft: bool = False
    base: str | None = None
    head: str | None = None
    files: tuple[str, ...] | None = None
    files_cut: bool = False  # the platform lists no more: there may be others
    lines_changed: int | None = None
    author_teams: tuple[str, ...] | None = None
    reviewers: tuple[str, ...] | None = None  # asked or heard already; teams as `org/team`
    comments: int | None = None
    votes: int | None = None  # people who said +1
    created_at: datetime | None = None
    updated_at: datetime | None = None
    facts: Mapping[str, str] = {}

    @property
    def is_open(self) -> bool:
        return self.state is ItemState.OPEN


class Needs(Struct, frozen=True):
    """What rules ask about an item that its event does not carry."""

    files: bool = False
    teams: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.files or bool(self.teams)
