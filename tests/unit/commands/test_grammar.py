"""What people type, and what the bot takes it for: every command of the plan, and every way to get one wrong."""

from __future__ import annotations

from datetime import date, time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from ai_crm.commands.catalogue import COMMANDS, NEEDS, Description
from ai_crm.commands.command import (
    AskAnalysis,
    Asked,
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
    StartTask,
    WhoAmI,
)
from ai_crm.commands.grammar import about, parse
from ai_crm.commands.query import TaskQuery
from ai_crm.commands.words import quoted, split
from ai_crm.errors import CommandRefused, Misunderstood
from ai_crm.model.analysis import Priority
from ai_crm.model.task import TaskId, TaskPatch, TaskStatus

TODAY = date(2026, 11, 24)  # a Tuesday
TASK = TaskId("AICRM-42")


def asked(text: str, me: str = "octocat") -> Command:
    return parse(text, me, TODAY).command


def refused(text: str) -> CommandRefused:
    with pytest.raises(Misunderstood) as caught:
        parse(text, "octocat", TODAY)
    return caught.value


# As the plan has them


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (
            'task create "Implement user auth" --agent security-auditor',
            NewTask(title="Implement user auth", agent="security-auditor"),
        ),
        (
            'task list --status "in-progress" --agent backend-architect',
            ListTasks(TaskQuery(statuses=(TaskStatus.IN_PROGRESS,), agents=("backend-architect",))),
        ),
        ('pm analyze "Build recommendation engine with ML"', AskAnalysis("Build recommendation engine with ML")),
        ("agents list --category development", ListAgents("development")),
        ("status dashboard", ShowDashboard()),
        ("help", Help()),
        ("@AI-CRM create task", StartTask(NewTask(title=""))),
        ("<at>AI-CRM</at> list tasks", ListTasks(TaskQuery())),
        ("@AI-CRM team status", ShowDashboard()),
        ("/ai-crm help", Help()),
    ],
)
def test_the_commands_of_the_plan_are_understood_as_written_there(typed: str, meant: Command) -> None:
    assert asked(typed) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("my tasks", ListTasks(TaskQuery(assignees=("octocat",)))),
        ("task list --assignee @me crash", ListTasks(TaskQuery(assignees=("octocat",), words=("crash",)))),
        ("task list label:“good first issue” --status todo,done", ListTasks(
            TaskQuery(labels=("good first issue",), statuses=(TaskStatus.TODO, TaskStatus.DONE))
        )),
        ("task list --updated '<7d'", ListTasks(TaskQuery(updated_within=7 * 86_400))),
        ("task show 42", ShowTask(TASK)),
        ("show aicrm-42", ShowTask(TASK)),
        ("task done #42", ChangeTask(task=TASK, patch=TaskPatch(status=TaskStatus.DONE))),
        ("task start 42", ChangeTask(task=TASK, patch=TaskPatch(status=TaskStatus.IN_PROGRESS))),
        ("task review 42", ChangeTask(task=TASK, patch=TaskPatch(status=TaskStatus.IN_REVIEW))),
        ("task block 42", ChangeTask(task=TASK, patch=TaskPatch(status=TaskStatus.BLOCKED))),
        ("task reopen 42", ChangeTask(task=TASK, patch=TaskPatch(status=TaskStatus.TODO))),
        ("task cancel 42", ChangeTask(task=TASK, patch=TaskPatch(status=TaskStatus.CANCELLED))),
        ("task assign 42 @me @hubot", ChangeTask(task=TASK, patch=TaskPatch(assignees=("octocat", "hubot")))),
        ("task assign 42 nobody", ChangeTask(task=TASK, patch=TaskPatch(assignees=()))),
        ("task assign 42 --agent debugger", ChangeTask(task=TASK, patch=TaskPatch(), agent="debugger")),
        ('task comment 42 "Look at this"', CommentTask(TASK, "Look at this")),
        ("task comment 42 first line\nsecond line", CommentTask(TASK, "first line\nsecond line")),
        ("explain 42", ExplainDecision("AICRM-42")),
        ("why 3f2a9c", ExplainDecision("3f2a9c")),
        ("status --since 7d", ShowDashboard(168)),
        ("digest now", DigestNow()),
        ("who am i", WhoAmI()),
        ("link @octocat", LinkLogin("octocat")),
        ("unlink", LinkLogin("")),
        ("doctor", CheckHealth()),
        ("help task create", Help("task create")),
        ("help create task", Help("task create")),
        ("task", Help("task")),
        ("task create --help", Help("task create")),
        ("", Help()),
        (" \n ", Help()),
    ],
)  # fmt: skip
def test_everything_else_is_understood_too(typed: str, meant: Command) -> None:
    assert asked(typed) == meant


def test_a_task_can_be_described_at_once() -> None:
    typed = (
        'task create "Fix the login" --priority high --assign @me,hubot --label "needs, care" --label ui '
        "--due friday --description “Nobody gets in”"
    )
    assert asked(typed) == NewTask(
        title="Fix the login",
        description="Nobody gets in",
        priority=Priority.HIGH,
        assignees=("octocat", "hubot"),
        labels=("needs, care", "ui"),
        due=date(2026, 11, 27),
    )


def test_further_lines_are_the_description() -> None:
    assert asked("task create Fix the login\nNobody gets in\n\nSince Monday") == NewTask(
        title="Fix the login", description="Nobody gets in\n\nSince Monday"
    )


def test_what_is_already_known_without_a_title_is_a_draft() -> None:
    assert asked("task create --agent debugger") == StartTask(NewTask(title="", agent="debugger"))


def test_an_update_changes_what_it_names_and_empties_what_is_none() -> None:
    change = asked("task update 42 --title 'Another' --priority low --label none --due none --assign nobody")
    assert change == ChangeTask(
        task=TASK,
        patch=TaskPatch(title="Another", priority=Priority.LOW, labels=(), due=None, assignees=()),
    )
    assert isinstance(change, ChangeTask)
    assert change.patch.status is UNSET


def test_settings_say_what_is_told_and_when() -> None:
    typed = "settings --on assigned,alert --off status --quiet 22:00–7 --tz Europe/Berlin --digest 8:30"  # noqa: RUF001
    assert asked(typed) == SetPreferences(
        on=(NoticeKind.ASSIGNED, NoticeKind.ALERT, NoticeKind.DIGEST),
        off=(NoticeKind.STATUS,),
        quiet=(time(22), time(7)),
        time_zone="Europe/Berlin",
        digest_at=time(8, 30),
    )
    assert asked("settings --digest never --quiet never") == SetPreferences(
        off=(NoticeKind.DIGEST,), quiet=(time(), time())
    )
    assert asked("settings") == SetPreferences()


@pytest.mark.parametrize(
    ("named", "day"),
    [
        ("2026-12-31", date(2026, 12, 31)),
        ("today", TODAY),
        ("tomorrow", date(2026, 11, 25)),
        ("tuesday", date(2026, 12, 1)),
        ("Fri", date(2026, 11, 27)),
        ("3d", date(2026, 11, 27)),
        ("+2w", date(2026, 12, 8)),
    ],
)
def test_days_are_named_in_many_ways(named: str, day: date) -> None:
    assert asked(f"task create x --due {named}") == NewTask(title="x", due=day)


# As people and their phones write


@pytest.mark.parametrize(
    "typed",
    [
        'task create "Fix it" --agent=debugger',
        "task create “Fix it” --agent “debugger”",
        "task create „Fix it“ —agent debugger",
        "task create 'Fix it' –agent=debugger",  # noqa: RUF001
        'TASK Create "Fix it" --Agent debugger',
        'tas cr "Fix it" --ag debugger',
        'create task "Fix it" --agent="debugger"',
        "task create --agent debugger -- Fix it",
        'ai-crm: task create "Fix it" --agent debugger',
    ],
)
def test_quotation_marks_dashes_and_beginnings_do_not_matter(typed: str) -> None:
    assert asked(typed) == NewTask(title="Fix it", agent="debugger")


@pytest.mark.parametrize("typed", ["AICRM-42", "#42", "42", "@AI-CRM aicrm-42", "show 42.", "task show #42?"])
def test_a_tasks_number_alone_shows_it(typed: str) -> None:
    assert asked(typed) == ShowTask(TASK)


@pytest.mark.parametrize("typed", ["hello", "Hi!", "hey @AI-CRM", "?"])
def test_a_greeting_is_answered_with_what_can_be_asked_for(typed: str) -> None:
    assert asked(typed) == Help()


@pytest.mark.parametrize("typed", ["close task 42", "task close 42", "finish 42", "task finish AICRM-42", "Done: 42"])
def test_what_is_closed_or_finished_is_done(typed: str) -> None:
    assert asked(typed) == asked("task done 42")


@pytest.mark.parametrize("typed", ["assign 42 to octocat", "assign 42 to me", "assign #42 @me", "assign 42 me"])
def test_a_task_is_given_to_people_as_one_says_it(typed: str) -> None:
    assert asked(typed) == ChangeTask(task=TASK, patch=TaskPatch(assignees=("octocat",)))


def test_somebody_may_be_called_to() -> None:
    assert asked("assign 42 to") == ChangeTask(task=TASK, patch=TaskPatch(assignees=("to",)))


def test_signs_behind_a_command_do_not_matter() -> None:
    assert asked("who am I?") == WhoAmI()


def test_an_apostrophe_is_no_quotation() -> None:
    assert asked("task create Don't lose the users' data") == NewTask(title="Don't lose the users' data")


def test_what_slack_escaped_is_readable_and_people_stay_who_they_are() -> None:
    typed = (
        'task create "Ask <@U012|ann> in <#C01|general> about <https://x.example/a|the page>, <!here>" '
        "--assign <@U012|ann> --assign <@U013>"
    )
    assert asked(typed) == NewTask(
        title="Ask @ann in #general about the page (https://x.example/a), @here",
        assignees=("<@U012|ann>", "<@U013>"),
    )


def test_an_answer_is_for_everybody_when_somebody_says_so() -> None:
    assert parse("task list --share", "", TODAY) == Asked(ListTasks(TaskQuery()), share=True)
    assert not parse("task list", "", TODAY).share


# As they get it wrong


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("task craete x", 'Did you mean "task create"?'),
        ("task lst", 'Did you mean "task list"?'),
        ("lsit tasks", 'Did you mean "list tasks"?'),
        ("taks create x", 'Did you mean "task create"?'),
        ("agnets list", 'Did you mean "agents list"?'),
        ("helo", 'Did you mean "help"?'),
        ("task create x --agnet debugger", "Did you mean --agent?"),
        ("task create x -agent debugger", "Did you mean --agent?"),
        ("task list --status prgress", 'Did you mean "in-progress"?'),
        ("task create x --priority hihg", 'Did you mean "high"?'),
        ("settings --off statsu", 'Did you mean "status"?'),
        ("task create x --a debugger", "Write more of it"),
        ("task create x --agent", "Write --agent AGENT"),
        ("task create x --agent --due today", "Write --agent AGENT"),
        ("task create x --agent a --agent b", "Say it once"),
        ("task create x --share=no", "Write --share alone"),
        ('task create "x', "Write one behind the words, too"),
        ("task create x --due sometime", "Write 2026-12-31, today"),
        ("task create x --due 2026-02-31", "Write 2026-12-31, today"),
        ("task create x --due 2020-01-01", "Today is 2026-11-24"),
        ("task done", "Write its number"),
        ("task done x", "Write its number"),
        ("task done 42 43", "Leave it out"),
        ("task update 42", "Name it with a flag"),
        ("task assign 42", "Name people"),
        ("task comment 42", "Write what you want to say"),
        ("pm analyze", "Write behind it"),
        ("explain", "Name a task"),
        ("link", "Write yours"),
        ("link not a login", "Leave it out"),
        ("settings --quiet night", "Write 22:00-07:00"),
        ("settings --digest 25:00", "Write it as 08:30"),
        ("status --since forever", "Write 24h"),
        ("help flurb", "help shows all"),
        ("flurb", "help shows all"),
        ("delete task 42", 'Did you mean "task cancel"?'),
        ("mark 42 as done", 'Did you mean "task done"?'),
        ("42 done", "Write the task behind"),
        ("task update 42 priority high", "Flags begin with two dashes"),
        ("task create x --due tommorow", 'Did you mean "tomorrow"?'),
        ("task create x --due yesterday", "Today is 2026-11-24"),
        ("pm analyze x --detailed", "Flags are --share, --help"),
        ("task c 1", "Try: "),
        ("x" * 9_000, "8000 are possible"),
    ],
)
def test_a_mistake_is_answered_with_what_was_probably_meant_and_an_example_that_works(typed: str, hint: str) -> None:
    error = refused(typed)
    assert hint in error.hint
    _, _, example_ = error.hint.partition("Try: ")
    assert parse(example_, "octocat", TODAY)


def test_nobody_is_me_where_nobody_said_who_they_are() -> None:
    with pytest.raises(Misunderstood, match="@me stands for nobody") as caught:
        parse("my tasks", "", TODAY)
    assert "link LOGIN" in caught.value.hint


# The registry


@pytest.mark.parametrize("command", COMMANDS, ids=[command.words for command in COMMANDS])
def test_every_example_is_a_command_of_its_own_kind(command: Description) -> None:
    assert type(asked(command.example)) is command.makes
    assert command.example.startswith((command.words, "help "))


def test_every_spelling_leads_to_one_command() -> None:
    spellings = [spelling for command in COMMANDS for spelling in command.spellings]
    assert len(spellings) == len(set(spellings))


@pytest.mark.parametrize("command", COMMANDS, ids=[command.words for command in COMMANDS])
def test_every_spelling_is_helped_with(command: Description) -> None:
    for spelling in command.spellings:
        assert asked(f"{spelling} --help") == Help(command.words)
        assert asked(f"help {spelling}") in (Help(command.words), Help(spelling))
    assert command in about(command.words)


def test_every_kind_of_command_has_its_permission_in_the_table() -> None:
    assert set(NEEDS) == set(Command.__args__)


# Anything


WORDS = st.sampled_from(
    [word for command in COMMANDS for spelling in command.spellings for word in spelling.split()]
    + [f"--{flag.name}" for command in COMMANDS for flag in command.flags]
    + ["42", "@me", "none", "--", "—due", "friday", '"', "“a b”", "=x", "--share", "--help", "\n", "<@U1|a>", "<7d"]
)


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=60) | st.lists(WORDS | st.text(max_size=8), max_size=8).map(" ".join))
@example("settings --quiet -")
@example("task list '")
@example("\ud800 <at>x</at> \0")
def test_anything_is_either_understood_or_refused_with_a_hint(typed: str) -> None:
    assert outcome(typed)


def outcome(typed: str) -> Asked | str:
    try:
        return parse(typed, "octocat", TODAY)
    except Misunderstood as error:
        return error.what and error.hint


# What only a chat writes is turned into words; everything else is kept.
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="<>"), min_size=1, max_size=80)


@settings(max_examples=200, deadline=None)
@given(TEXT)
@example('a "b\\" c\\')
@example("“x” „y“ «z»")
def test_what_was_quoted_is_one_word_again(text: str) -> None:
    (word,) = split(quoted(text))
    assert word.text == text
