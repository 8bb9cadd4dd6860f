"""What people type to find tasks, and what becomes of typing that makes no sense."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.commands.query import LONGEST, TaskQuery, parse_query, spelled
from ai_crm.errors import CommandRefused
from ai_crm.model.analysis import Priority
from ai_crm.model.status_name import StatusName
from ai_crm.model.task import TaskStatus

OWN = (StatusName("doing", TaskStatus.IN_PROGRESS), StatusName("qa-check", TaskStatus.IN_REVIEW))


def test_every_field_is_understood_together_with_words() -> None:
    text = "status:in-progress agent:backend-architect assignee:@me label:bug project:octo/hello updated:<7d crash"

    assert parse_query(text, "octocat") == TaskQuery(
        statuses=(TaskStatus.IN_PROGRESS,),
        agents=("backend-architect",),
        assignees=("octocat",),
        labels=("bug",),
        projects=("octo/hello",),
        words=("crash",),
        updated_within=7 * 86_400,
    )


def test_nothing_typed_finds_everything() -> None:
    assert parse_query("  ", "octocat") == TaskQuery()


@pytest.mark.parametrize("typed", ["status:todo,done", "status:todo, done", "status:todo status:DONE,todo"])
def test_commas_and_repeated_fields_are_any_of(typed: str) -> None:
    assert parse_query(typed, "").statuses == (TaskStatus.TODO, TaskStatus.DONE)


@pytest.mark.parametrize("typed", ["Status:In-Progress", "status:IN_PROGRESS", 'status:"in progress"'])
def test_case_blanks_and_underscores_of_a_status_do_not_matter(typed: str) -> None:
    assert parse_query(typed, "").statuses == (TaskStatus.IN_PROGRESS,)


@pytest.mark.parametrize("typed", ["status:doing", "status:'QA Check'", "status:qa_check,DOING", "status:in-review"])
def test_a_teams_own_name_means_the_status_it_stands_for(typed: str) -> None:
    found = parse_query(typed, "", statuses=OWN).statuses

    assert set(found) <= {TaskStatus.IN_PROGRESS, TaskStatus.IN_REVIEW}
    assert spelled(parse_query(typed, "", statuses=OWN)) == f"status:{','.join(found)}"


def test_open_is_every_status_that_is_not_over() -> None:
    over = {TaskStatus.DONE, TaskStatus.CANCELLED}
    assert parse_query("status:open", "").statuses == tuple(each for each in TaskStatus if each not in over)
    assert parse_query("status:Open,done", "").statuses[-1] is TaskStatus.DONE


def test_a_team_may_call_one_status_open() -> None:
    assert parse_query("status:open", "", (), (StatusName("open", TaskStatus.TODO),)).statuses == (TaskStatus.TODO,)


@pytest.mark.parametrize("typed", ["assignee:me", "assignee:@me", "assignee:ME"])
def test_me_is_me_with_and_without_a_sign(typed: str) -> None:
    assert parse_query(typed, "octocat").assignees == ("octocat",)


def test_a_status_that_is_asked_for_under_two_names_is_one() -> None:
    assert parse_query("status:doing,in-progress", "", statuses=OWN).statuses == (TaskStatus.IN_PROGRESS,)


def test_a_teams_own_names_are_among_those_that_may_have_been_meant() -> None:
    with pytest.raises(CommandRefused) as refused:
        parse_query("status:dong", "", statuses=OWN)

    assert refused.value.hint == (
        'Did you mean "doing"? Possible are todo, in-progress, in-review, blocked, done, cancelled, doing, qa-check'
    )


def test_the_case_of_a_priority_does_not_matter() -> None:
    assert parse_query("priority:urgent,High", "").priorities == (Priority.URGENT, Priority.HIGH)


@pytest.mark.parametrize(
    "typed", ['label:"good first, issue"', "label:“good first, issue”", 'label:"good first, issue']
)
def test_quotation_marks_keep_blanks_and_commas(typed: str) -> None:
    assert parse_query(typed, "").labels == ("good first, issue",)


def test_a_quoted_word_is_a_phrase_even_where_it_looks_like_a_field() -> None:
    assert parse_query('"status:todo now" don\'t', "") == TaskQuery(words=("status:todo now", "don't"))


def test_what_is_not_like_a_field_is_a_word() -> None:
    assert parse_query("https://example.com/a TypeError: x", "").words == ("https://example.com/a", "TypeError:", "x")


@pytest.mark.parametrize(("typed", "seconds"), [("<90m", 5400), ("<1h", 3600), ("<7D", 604_800), ("<2w", 1_209_600)])
def test_ages_have_units(typed: str, seconds: int) -> None:
    assert parse_query(f"updated:{typed}", "").updated_within == seconds


def test_of_several_ages_the_strictest_counts() -> None:
    query = parse_query("updated:<7d,<1d updated:>1h updated:>2h", "")

    assert (query.updated_within, query.not_updated_within) == (86_400, 7200)


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("statsu:done", 'Did you mean "status:"'),
        ("labels:bug", 'Did you mean "label:"'),
        ("status:doen", 'Did you mean "done"'),
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
        parse_query(typed, "")

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
        query = parse_query(typed, "octocat")
        for values in (query.agents, query.assignees, query.labels, query.projects, query.words):
            assert all(value.strip() for value in values)
