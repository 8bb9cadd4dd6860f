"""What people type to find tasks, and what becomes of typing that makes no sense."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.commands.query import LONGEST, ME, Due, TaskQuery, is_overdue, overdue, parse_query, spelled
from ai_crm.errors import CommandRefused
from ai_crm.model.analysis import Priority
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.status_name import StatusName
from ai_crm.model.task import RuleId, Task, TaskId, TaskStatus

TODAY = date(2026, 11, 24)  # a Tuesday
TOMORROW, YESTERDAY = TODAY + timedelta(days=1), TODAY - timedelta(days=1)
OWN = (StatusName("doing", TaskStatus.IN_PROGRESS), StatusName("qa-check", TaskStatus.IN_REVIEW))


def test_every_field_is_understood_together_with_words() -> None:
    text = "status:in-progress agent:backend-architect assignee:@me label:bug project:octo/hello updated:<7d crash"

    assert parse_query(text, "octocat", TODAY) == TaskQuery(
        statuses=(TaskStatus.IN_PROGRESS,),
        agents=("backend-architect",),
        assignees=("octocat",),
        labels=("bug",),
        projects=("octo/hello",),
        words=("crash",),
        updated_within=7 * 86_400,
    )


def test_nothing_typed_finds_everything() -> None:
    assert parse_query("  ", "octocat", TODAY) == TaskQuery()


@pytest.mark.parametrize("typed", ["status:todo,done", "status:todo, done", "status:todo status:DONE,todo"])
def test_commas_and_repeated_fields_are_any_of(typed: str) -> None:
    assert parse_query(typed, "", TODAY).statuses == (TaskStatus.TODO, TaskStatus.DONE)


@pytest.mark.parametrize("typed", ["Status:In-Progress", "status:IN_PROGRESS", 'status:"in progress"'])
def test_case_blanks_and_underscores_of_a_status_do_not_matter(typed: str) -> None:
    assert parse_query(typed, "", TODAY).statuses == (TaskStatus.IN_PROGRESS,)


@pytest.mark.parametrize("typed", ["status:doing", "status:'QA Check'", "status:qa_check,DOING", "status:in-review"])
def test_a_teams_own_name_means_the_status_it_stands_for(typed: str) -> None:
    found = parse_query(typed, "", TODAY, statuses=OWN).statuses

    assert set(found) <= {TaskStatus.IN_PROGRESS, TaskStatus.IN_REVIEW}
    assert spelled(parse_query(typed, "", TODAY, statuses=OWN)) == f"status:{','.join(found)}"


def test_open_is_every_status_that_is_not_over() -> None:
    over = {TaskStatus.DONE, TaskStatus.CANCELLED}
    assert parse_query("status:open", "", TODAY).statuses == tuple(each for each in TaskStatus if each not in over)
    assert parse_query("status:Open,done", "", TODAY).statuses[-1] is TaskStatus.DONE


def test_a_team_may_call_one_status_open() -> None:
    assert parse_query("status:open", "", TODAY, (), (StatusName("open", TaskStatus.TODO),)).statuses == (
        TaskStatus.TODO,
    )


@pytest.mark.parametrize("typed", ["assignee:me", "assignee:@me", "assignee:ME"])
def test_me_is_me_with_and_without_a_sign(typed: str) -> None:
    assert parse_query(typed, "octocat", TODAY).assignees == ("octocat",)


def test_a_status_that_is_asked_for_under_two_names_is_one() -> None:
    assert parse_query("status:doing,in-progress", "", TODAY, statuses=OWN).statuses == (TaskStatus.IN_PROGRESS,)


def test_a_teams_own_names_are_among_those_that_may_have_been_meant() -> None:
    with pytest.raises(CommandRefused) as refused:
        parse_query("status:dong", "", TODAY, statuses=OWN)

    assert refused.value.hint.startswith(
        'Did you mean "doing"? Possible are todo, in-progress, in-review, blocked, done, cancelled, doing, qa-check. '
    )


def test_the_case_of_a_priority_does_not_matter() -> None:
    assert parse_query("priority:urgent,High", "", TODAY).priorities == (Priority.URGENT, Priority.HIGH)


@pytest.mark.parametrize(
    "typed", ['label:"good first, issue"', "label:“good first, issue”", 'label:"good first, issue']
)
def test_quotation_marks_keep_blanks_and_commas(typed: str) -> None:
    assert parse_query(typed, "", TODAY).labels == ("good first, issue",)


def test_a_quoted_word_is_a_phrase_even_where_it_looks_like_a_field() -> None:
    assert parse_query('"status:todo now" don\'t', "", TODAY) == TaskQuery(words=("status:todo now", "don't"))


def test_what_is_not_like_a_field_is_a_word() -> None:
    assert parse_query("https://example.com/a TypeError: x", "", TODAY).words == (
        "https://example.com/a",
        "TypeError:",
        "x",
    )


@pytest.mark.parametrize(("typed", "seconds"), [("<90m", 5400), ("<1h", 3600), ("<7D", 604_800), ("<2w", 1_209_600)])
def test_ages_have_units(typed: str, seconds: int) -> None:
    assert parse_query(f"updated:{typed}", "", TODAY).updated_within == seconds


def test_of_several_ages_the_strictest_counts() -> None:
    query = parse_query("updated:<7d,<1d updated:>1h updated:>2h", "", TODAY)

    assert (query.updated_within, query.not_updated_within) == (86_400, 7200)


@pytest.mark.parametrize(
    ("typed", "due"),
    [
        ("2026-12-01", (Due(first=date(2026, 12, 1), last=date(2026, 12, 1)),)),
        ("today", (Due(first=TODAY, last=TODAY),)),
        ("week", (Due(first=TODAY, last=TODAY + timedelta(days=6)),)),
        ("none", (Due(),)),
        ("overdue", (Due(last=YESTERDAY, unfinished=True),)),
        ("<2026-12-01", (Due(last=date(2026, 11, 30)),)),
        ("<=2026-12-01", (Due(last=date(2026, 12, 1)),)),
        (">friday", (Due(first=date(2026, 11, 28)),)),
        (">today,<3d", (Due(first=TOMORROW, last=date(2026, 11, 26)),)),
        ("<3d,<2026-11-26", (Due(last=date(2026, 11, 25)),)),
        ("none,<=today,Overdue", (Due(), overdue(TODAY), Due(last=TODAY))),
    ],
)
def test_days_are_understood(typed: str, due: tuple[Due, ...]) -> None:
    assert parse_query(f"due:{typed}", "", TODAY).due == due


@pytest.mark.parametrize(
    "typed", ["2026-12-01", "none", "overdue", "<3d", ">=today", ">today,<3w", "week", "none,today"]
)
def test_what_was_understood_of_days_is_spelled_so_that_it_means_the_same(typed: str) -> None:
    query = parse_query(f"due:{typed}", "", TODAY)
    assert parse_query(spelled(query), "", TODAY) == query


@pytest.mark.parametrize("status", TaskStatus)
@pytest.mark.parametrize("due", [None, YESTERDAY, TODAY])
def test_overdue_is_what_should_be_finished_and_is_not(due: date | None, status: TaskStatus) -> None:
    item = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.ISSUE, "1")
    task = Task(id=TaskId("AICRM-1"), rule=RuleId("r"), item=item, title="x", due=due, status=status)
    over = {TaskStatus.DONE, TaskStatus.CANCELLED}
    assert is_overdue(task, TODAY) == (due == YESTERDAY and status not in over)


def test_who_watches_stays_whoever_asks_and_needs_no_login() -> None:
    assert parse_query("watched:@me,@octocat", "", TODAY).watchers == (ME, "octocat")


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("due:tody", 'Did you mean "today"'),
        ("due:overdu", 'Did you mean "overdue"'),
        ("due:>9999-12-31", "Write 2026-12-31"),
        ("due:<0001-01-01", "Write 2026-12-31"),
        ("due:2026-02-30", "overdue, week, none"),
        ("statsu:done", 'Did you mean "status:"'),
        ("labels:bug", 'Did you mean "label:"'),
        ("status:doen", 'Did you mean "done"'),
        ("status:doing", "a project's own .github/ai-crm.yml"),
        ("priority:urgnt", 'Did you mean "urgent"'),
        ("status:", "without a blank"),
        ('label:""', "without a blank"),
        ("updated:7d", "updated:<7d"),
        ("updated:<99999w", "updated:<7d"),
        ("assignee:@me", "login"),
        ("x" * (LONGEST + 1), "fewer words"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(typed: str, hint: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        parse_query(typed, "", TODAY)

    assert hint in refused.value.hint


@given(
    st.text(max_size=LONGEST + 5)
    | st.lists(
        st.sampled_from(
            [
                "status:",
                "todo",
                ",",
                '"',
                "“",
                "”",
                "'",
                " ",
                "updated:",
                "<",
                "7d",
                "@me",
                "label:",
                "due:",
                ">=",
                "week",
                "watched:",
                ":",
                "\0",
                "\ud800",
            ]
        )
    ).map("".join)
)
@settings(max_examples=200)
def test_whatever_is_typed_is_understood_or_refused(typed: str) -> None:
    with suppress(CommandRefused):
        query = parse_query(typed, "octocat", TODAY)
        for values in (query.agents, query.assignees, query.labels, query.projects, query.words):
            assert all(value.strip() for value in values)
