"""Every command that there is: its words, its flags, an example that works, and what it takes to be allowed to use it.

Parser, help, the hints of Slack, the menu of Teams and docs/commands.md are all made of this one tuple.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec import Struct

from ai_crm.commands import meanings
from ai_crm.commands.command import (
    AskAnalysis,
    ChangeTask,
    CheckHealth,
    Command,
    CommentTask,
    DigestNow,
    ExplainDecision,
    Help,
    LinkLogin,
    ListAgents,
    ListTasks,
    NewTask,
    NoticeKind,
    SetPreferences,
    ShowDashboard,
    ShowTask,
    SignIn,
    StartTask,
    WatchTasks,
    WhoAmI,
)
from ai_crm.commands.filters import FILTERS
from ai_crm.commands.flags import Flag, Given
from ai_crm.model.access import Permission

# What it takes to use a command; None for what everybody may who is somebody here. What does not stand here, nobody may.
NEEDS: Mapping[type[Command], Permission | None] = MappingProxyType(
    {
        NewTask: Permission.TASKS_WRITE,
        StartTask: Permission.TASKS_WRITE,
        ChangeTask: Permission.TASKS_WRITE,
        CommentTask: Permission.TASKS_WRITE,
        ListTasks: Permission.TASKS_READ,
        ShowTask: Permission.TASKS_READ,
        WatchTasks: Permission.TASKS_READ,
        DigestNow: Permission.TASKS_READ,
        AskAnalysis: Permission.ANALYSES_WRITE,
        ListAgents: Permission.RULES_READ,
        ShowDashboard: Permission.ANALYTICS_READ,
        ExplainDecision: Permission.EVENTS_READ,
        CheckHealth: Permission.CONNECTIONS_READ,
        WhoAmI: None,
        LinkLogin: None,
        SignIn: None,
        SetPreferences: None,
        Help: None,
    }
)


# What is about one person, and nobody else's business where others listen.
PERSONAL: tuple[type[Command], ...] = (WhoAmI, LinkLogin, SignIn, SetPreferences, DigestNow, WatchTasks)


class Description(Struct, frozen=True, kw_only=True):
    """One command. `words` are its first spelling, `also` the others; `about` is what goes behind them.

    `example` is a whole command that works; `menu` says that chats offer it in their short menus.
    """

    group: str
    words: str
    summary: str
    example: str
    makes: type[Command]
    meaning: Callable[[Given], Command]
    about: str = ""
    also: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    menu: str = ""

    @property
    def spellings(self) -> tuple[str, ...]:
        return (self.words, *self.also)

    @property
    def usage(self) -> str:
        return " ".join(part for part in (self.words, self.about) if part)

    @property
    def permission(self) -> Permission | None:
        return NEEDS[self.makes]


TASKS, ANALYSIS, STATE, YOU = "Tasks", "Analysis and agents", "How things are", "You and this bot"

_AGENT = Flag(name="agent", takes="AGENT", summary="whose kind of work it is; `agents list` shows all")
_ASSIGN = Flag(
    name="assign", takes="LOGIN", summary="who does it; `@me` is you", also=("assignee", "assignees"), many=True
)
_PRIORITY = Flag(name="priority", takes="PRIORITY", summary="low, medium, high or urgent")
_LABEL = Flag(name="label", takes="LABEL", summary="labels, with commas between them", also=("labels",), many=True)
_DUE = Flag(name="due", takes="DAY", summary="2026-12-31, today, tomorrow, friday, 3d or 2w")
_STATUS = Flag(name="status", takes="STATUS", summary="todo, in-progress, in-review, blocked, done or cancelled")


def _move(word: str, summary: str, meaning: Callable[[Given], Command], *more: str) -> Description:
    """`more` are other words for the same."""
    others = (spelling for each in more for spelling in (f"task {each}", f"{each} task", each))
    return Description(
        group=TASKS,
        words=f"task {word}",
        also=(f"{word} task", word, *others),
        about="TASK",
        summary=summary,
        example=f"task {word} AICRM-42",
        makes=ChangeTask,
        meaning=meaning,
    )


COMMANDS: tuple[Description, ...] = (
    Description(
        group=TASKS,
        words="task create",
        also=("create task", "new task", "task new", "task add", "add task"),
        about='"TITLE"',
        summary="Make a task; what you leave out is what the analysis recommends",
        example='task create "Implement user auth" --agent security-auditor',
        makes=NewTask,
        meaning=meanings.create_task,
        flags=(
            _AGENT,
            _PRIORITY,
            _ASSIGN,
            _LABEL,
            _DUE,
            Flag(name="description", takes='"TEXT"', summary="more than the title says", also=("body",)),
        ),
        menu="create task",
    ),
    Description(
        group=TASKS,
        words="task list",
        also=("list tasks", "tasks", "tasks list"),
        about="[WORDS]",
        summary="Find tasks by status, agent, person, label, project, due day, age and words",
        example='task list --status "in-progress" --agent backend-architect',
        makes=ListTasks,
        meaning=meanings.list_tasks,
        flags=FILTERS,
        menu="list tasks",
    ),
    Description(
        group=TASKS,
        words="my tasks",
        also=("list my tasks", "tasks mine", "mine"),
        about="[WORDS]",
        summary="The same, of those that are yours",
        example="my tasks --status todo",
        makes=ListTasks,
        meaning=meanings.my_tasks,
        flags=tuple(flag for flag in FILTERS if flag.name != "assignee"),
        menu="my tasks",
    ),
    Description(
        group=TASKS,
        words="my watched",
        also=("watched", "watched tasks", "list watched"),
        about="[WORDS]",
        summary="The same, of those that you watch",
        example="my watched --status open",
        makes=ListTasks,
        meaning=meanings.my_watched,
        flags=tuple(flag for flag in FILTERS if flag.name != "watched"),
    ),
    Description(
        group=TASKS,
        words="task show",
        also=("show task", "show", "task view", "open task"),
        about="TASK",
        summary="Show a task with its buttons",
        example="task show AICRM-42",
        makes=ShowTask,
        meaning=meanings.show_task,
    ),
    Description(
        group=TASKS,
        words="task update",
        also=("update task", "update", "task edit", "edit task", "change task", "task change"),
        about="TASK",
        summary="Change a task; `none` empties labels, people or the day",
        example="task update AICRM-42 --priority high --due friday",
        makes=ChangeTask,
        meaning=meanings.update_task,
        flags=(
            Flag(name="title", takes='"TITLE"', summary="another title"),
            _STATUS,
            _PRIORITY,
            _AGENT,
            _ASSIGN,
            _LABEL,
            _DUE,
        ),
    ),
    _move("done", "Mark a task as done", meanings.finish_task, "close", "finish"),
    _move("start", "Say that somebody works on it", meanings.start_task),
    _move("review", "Say that it waits for a review", meanings.review_task),
    _move("block", "Say that something is in its way", meanings.block_task),
    _move("reopen", "Put a task that was over back to the others", meanings.reopen_task),
    _move("cancel", "Say that nobody will do it", meanings.cancel_task),
    Description(
        group=TASKS,
        words="task assign",
        also=("assign task", "assign"),
        about="TASK LOGIN…",
        summary="Give a task to people, instead of those who have it; `nobody` takes it from all",
        example="task assign AICRM-42 octocat",
        makes=ChangeTask,
        meaning=meanings.assign_task,
        flags=(_AGENT,),
    ),
    Description(
        group=TASKS,
        words="task comment",
        also=("comment task", "comment on", "comment"),
        about='TASK "TEXT"',
        summary="Write something under a task",
        example='task comment AICRM-42 "Needs a second pair of eyes"',
        makes=CommentTask,
        meaning=meanings.comment_task,
    ),
    Description(
        group=TASKS,
        words="task watch",
        also=("watch task", "watch"),
        about="TASK…",
        summary="Hear of a task that is not yours: its status, who has it, and comments",
        example="task watch AICRM-42",
        makes=WatchTasks,
        meaning=meanings.watch_tasks,
    ),
    Description(
        group=TASKS,
        words="task unwatch",
        also=("unwatch task", "unwatch"),
        about="TASK…",
        summary="Hear of it no more",
        example="task unwatch AICRM-42",
        makes=WatchTasks,
        meaning=meanings.unwatch_tasks,
    ),
    Description(
        group=ANALYSIS,
        words="pm analyze",
        also=("pm analyse", "analyze", "analyse", "pm"),
        about='"TEXT"',
        summary="What kind of work a text asks for, how much, how urgent, and for whom",
        example='pm analyze "Build recommendation engine with ML"',
        makes=AskAnalysis,
        meaning=meanings.analyse,
        menu="pm analyze",
    ),
    Description(
        group=ANALYSIS,
        words="agents list",
        also=("list agents", "agents", "agent list"),
        about="[CATEGORY]",
        summary="Who work can be given to",
        example="agents list --category development",
        makes=ListAgents,
        meaning=meanings.list_agents,
        flags=(Flag(name="category", takes="CATEGORY", summary="one kind of agents, such as development"),),
        menu="agents list",
    ),
    Description(
        group=STATE,
        words="status dashboard",
        also=("team status", "dashboard", "status", "status team"),
        summary="Connections, workflows and figures of the last day",
        example="status dashboard",
        makes=ShowDashboard,
        meaning=meanings.dashboard,
        flags=(Flag(name="since", takes="TIME", summary="24h, 7d or 4w; 24h without it", also=("hours",)),),
        menu="team status",
    ),
    Description(
        group=STATE,
        words="digest now",
        also=("digest", "my digest", "summary"),
        summary="Your open tasks, what is due and what changed since yesterday, at once",
        example="digest now",
        makes=DigestNow,
        meaning=meanings.digest_now,
        menu="digest now",
    ),
    Description(
        group=STATE,
        words="explain",
        also=("why",),
        about="TASK or EVENT",
        summary="Why rules did or did not act: every condition, the nearest miss first",
        example="explain AICRM-42",
        makes=ExplainDecision,
        meaning=meanings.explain,
    ),
    Description(
        group=STATE,
        words="doctor",
        also=("health", "check health"),
        summary="Whether every connection is well, and what to do where one is not",
        example="doctor",
        makes=CheckHealth,
        meaning=meanings.check_health,
        menu="doctor",
    ),
    Description(
        group=YOU,
        words="whoami",
        also=("who am i",),
        summary="Who you are here, what you may do and what you are told",
        example="whoami",
        makes=WhoAmI,
        meaning=meanings.who_am_i,
    ),
    Description(
        group=YOU,
        words="link",
        also=("link login", "link github"),
        about="LOGIN",
        summary="Say which login on GitHub is yours, so that `@me` means you",
        example="link octocat",
        makes=LinkLogin,
        meaning=meanings.link,
    ),
    Description(
        group=YOU,
        words="unlink",
        also=("unlink login", "unlink github"),
        summary="Forget that login",
        example="unlink",
        makes=LinkLogin,
        meaning=meanings.unlink,
    ),
    Description(
        group=YOU,
        words="sign-in",
        also=("sign in", "signin", "login", "log in", "open dashboard"),
        summary="A link that opens the dashboard for you: yours alone, for a quarter of an hour, once",
        example="sign-in",
        makes=SignIn,
        meaning=meanings.sign_in,
    ),
    Description(
        group=YOU,
        words="settings",
        also=("preferences", "settings show"),
        summary="What you are told and when; without flags it shows that",
        example="settings --off status --quiet 22:00-07:00 --time-zone Europe/Berlin --digest 08:30",
        makes=SetPreferences,
        meaning=meanings.preferences,
        flags=(
            Flag(name="on", takes="KIND", summary=f"{', '.join(NoticeKind)}, all", many=True),
            Flag(name="off", takes="KIND", summary="the same: what you do not want to be told", many=True),
            Flag(name="quiet", takes="TIMES", summary="`22:00-07:00`: what comes then waits; `never`"),
            Flag(name="time-zone", takes="ZONE", summary="such as Europe/Berlin", also=("timezone", "tz")),
            Flag(name="digest", takes="TIME", summary="`08:30`: when the daily summary comes; `never`"),
        ),
        menu="settings",
    ),
    Description(
        group=YOU,
        words="help",
        also=("commands", "?"),
        about="[COMMAND]",
        summary="This list, or everything about one command",
        example="help task create",
        makes=Help,
        meaning=meanings.help_about,
        menu="help",
    ),
)
