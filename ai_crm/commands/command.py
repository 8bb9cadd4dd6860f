"""What a person asked for in Slack, Teams, the terminal, the API or the dashboard, once it is understood."""

from __future__ import annotations

from datetime import date, time
from enum import StrEnum

from msgspec import Struct

from ai_crm.commands.query import TaskQuery
from ai_crm.model.analysis import Priority
from ai_crm.model.task import TaskId, TaskPatch


class NewTask(Struct, frozen=True, kw_only=True):
    """What is not named is what the analysis recommends; `description` may be empty."""

    title: str
    description: str = ""
    agent: str = ""
    priority: Priority | None = None
    assignees: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    due: date | None = None


class StartTask(Struct, frozen=True):
    """`task create` without a title: whoever has forms opens one, filled in with the draft."""

    draft: NewTask


class ListTasks(Struct, frozen=True):
    """`query` as `parse_query` reads it; the flags of `task list` mean the same. `cursor` is a later page's."""

    query: TaskQuery
    cursor: str = ""


class ShowTask(Struct, frozen=True):
    task: TaskId


class ChangeTask(Struct, frozen=True, kw_only=True):
    """`agent` is a name, as the patch has no choice without a reason. `version` is the one that the person saw, or 0."""

    task: TaskId
    patch: TaskPatch
    agent: str = ""
    version: int = 0


class CommentTask(Struct, frozen=True):
    task: TaskId
    text: str


class WatchTasks(Struct, frozen=True):
    """To hear of tasks that are not one's own; or no more."""

    tasks: tuple[TaskId, ...]
    watching: bool = True


class AskAnalysis(Struct, frozen=True):
    """`detailed`: with what was seen in the text."""

    title: str
    body: str = ""
    detailed: bool = False


class ListAgents(Struct, frozen=True):
    """`category` is empty for all."""

    category: str = ""


class ShowDashboard(Struct, frozen=True):
    """`hours` back from now."""

    hours: int = 24


class ExplainDecision(Struct, frozen=True):
    """`subject` is an event's id or a task's."""

    subject: str


class DigestNow(Struct, frozen=True):
    """The summary that comes once a day, at once."""


class WhoAmI(Struct, frozen=True):
    """Who the hub takes the person for, what they may do and what they are told."""


class LinkLogin(Struct, frozen=True):
    """`login` on GitHub, so that `@me` and notifications mean this person; empty to forget it."""

    login: str


class NoticeKind(StrEnum):
    """What somebody can be told personally."""

    ASSIGNED = "assigned"
    STATUS = "status"
    COMMENT = "comment"
    WATCHED = "watched"
    RECOMMENDED = "recommended"
    ALERT = "alert"
    DIGEST = "digest"


class SetPreferences(Struct, frozen=True, kw_only=True):
    """None leaves a setting as it is. `quiet` is from and to, the same twice for never; `digest_at` is local time."""

    on: tuple[NoticeKind, ...] = ()
    off: tuple[NoticeKind, ...] = ()
    quiet: tuple[time, time] | None = None
    time_zone: str | None = None
    digest_at: time | None = None


class SignIn(Struct, frozen=True):
    """A link with which whoever opens it is the person who asked, in a browser."""


class CheckHealth(Struct, frozen=True):
    """`doctor`: whether every connection is well, and what to do where one is not."""


class Help(Struct, frozen=True):
    """`about` is a command's words, such as `task create`; empty for all."""

    about: str = ""


Command = (
    NewTask
    | StartTask
    | ListTasks
    | ShowTask
    | ChangeTask
    | CommentTask
    | WatchTasks
    | AskAnalysis
    | ListAgents
    | ShowDashboard
    | ExplainDecision
    | DigestNow
    | WhoAmI
    | LinkLogin
    | SetPreferences
    | SignIn
    | CheckHealth
    | Help
)


class Asked(Struct, frozen=True):
    """A command, and whether everybody in the channel shall see the answer."""

    command: Command
    share: bool = False
