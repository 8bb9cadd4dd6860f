"""`ai-crm analysis learn --repository`: the closed issues come from GitHub, whole or not at all, and no token leaks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ai_crm.cards.state import card_mark
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from tests.doubles.github_server import FakeGitHub, Fault
from tests.doubles.taught import MEANINGS, history, taught_file

Run = Callable[..., Any]
OURS = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.RELEASE, "1")


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[FakeGitHub]:
    monkeypatch.chdir(folder)  # what is learned is written where one is
    with FakeGitHub() as github:
        monkeypatch.setenv("GITHUB_TOKEN", github.token)
        monkeypatch.setenv("GITHUB_API_URL", github.url)
        yield github


def _close(github: FakeGitHub, most: int = 40, **fields: Any) -> None:
    for number in range(most):
        kind, word = MEANINGS[number % 2]
        github.open_issue(f"{word} panel {number}", state="closed", labels=[kind], closed_at=_day(number), **fields)


def _day(number: int) -> str:
    return f"2026-01-01T{number // 60:02}:{number % 60:02}:00Z"


def test_a_repository_teaches_what_its_export_teaches(ai_crm: Run, github: FakeGitHub, folder: Path) -> None:
    _close(github)
    status, out, err = ai_crm("analysis", "learn", "--repository", "octo/hello", "--output", "learned.json")
    assert status == 0, err
    assert "octo/hello: 40 closed issues read (all that there are)" in err
    assert "type: learned from 40 issues" in out
    assert (folder / "learned.json").read_bytes() == taught_file(40)
    assert github.token not in out + err


def test_pages_are_read_as_far_as_the_limit_and_the_newest_count(ai_crm: Run, github: FakeGitHub, folder: Path) -> None:
    _close(github, 130)
    status, out, err = ai_crm("analysis", "fetch", "octo/hello", "--limit", "60")
    assert (status, github.calls()) == (0, 2), err
    assert [json.loads(line)["closedAt"] for line in out.splitlines()] == [
        _day(number) for number in range(129, 69, -1)
    ]
    (folder / "kept.jsonl").write_text(out, encoding="utf-8")
    assert ai_crm("analysis", "learn", "kept.jsonl", "--output", "again.json").status == 0
    assert ai_crm("analysis", "learn", "--repository", "octo/hello", "--limit", "60").status == 0
    assert (folder / "again.json").read_bytes() == (folder / "ai-crm-analysis.json").read_bytes()


def test_neither_pull_requests_nor_open_ones_nor_our_own_are_learned_from(ai_crm: Run, github: FakeGitHub) -> None:
    _close(github)
    github.open_issue("quaddle", state="closed", labels=["bug"], pull_request={})
    github.open_issue("quaddle", labels=["bug"])
    github.open_issue("quaddle", f"{card_mark(OURS)}\n", state="closed", labels=["bug"], author="github-actions[bot]")
    github.open_issue("by somebody who is gone", state="closed", user=None)
    _, _, err = ai_crm("analysis", "learn", "--repository", "octo/hello")
    assert "41 closed issues" in err


@pytest.mark.parametrize("known", [True, False])
def test_the_type_of_an_issue_counts_like_a_label_where_there_are_types(
    ai_crm: Run, github: FakeGitHub, *, known: bool
) -> None:
    github.issue_types = known
    for number in range(40):
        kind, word = MEANINGS[number % 2]
        github.open_issue(f"{word} panel {number}", state="closed", type={"name": kind.title()}, closed_at=_day(number))
    assert ("type: learned from 40 issues" in ai_crm("analysis", "learn", "--repository", "octo/hello").out) is known
    first = json.loads(ai_crm("analysis", "fetch", "octo/hello").out.partition("\n")[0])
    assert first["labels"] == (["Question"] if known else [])


def test_our_own_labels_teach_nothing(ai_crm: Run, folder: Path) -> None:
    lines = [json.loads(line) for line in history().splitlines()]
    ours = [{**line, "labels": [*line["labels"], "ai-crm/high", "ai-crm/security-auditor"]} for line in lines]
    (folder / "closed.jsonl").write_text("\n".join(map(json.dumps, ours)), encoding="utf-8")
    assert ai_crm("analysis", "learn", "closed.jsonl", "--output", "learned.json").status == 0
    assert (folder / "learned.json").read_bytes() == taught_file(40)


def test_a_list_that_breaks_off_teaches_nothing(ai_crm: Run, github: FakeGitHub, folder: Path) -> None:
    _close(github, 130)
    limited = Fault(status=403, headers={"x-ratelimit-remaining": "0"}, body=b"{}")
    github.before = lambda seen: github.fail(limited) if b'"after"' in seen.body else None
    status, _, err = ai_crm("analysis", "learn", "--repository", "octo/hello")
    assert status == 1
    assert "could not list the closed issues" in err
    assert list(folder.glob("*.json*")) == []


def _page(*nodes: dict[str, Any] | None, cursor: str = "x") -> Fault:
    issues = {"pageInfo": {"hasNextPage": True, "endCursor": cursor}, "nodes": nodes}
    return Fault(200, json.dumps({"data": {"repository": {"issues": issues}}}).encode())


def test_what_github_leaves_out_of_a_list_is_left_out_and_a_list_without_an_end_is_refused(
    ai_crm: Run, github: FakeGitHub
) -> None:
    github.fail(_page(None, {"title": "quaddle", "user": None, "label_list": None}), "POST", "/graphql", times=2)
    status, out, err = ai_crm("analysis", "fetch", "octo/hello")
    assert (status, out) == (1, "")
    assert "has no end" in err
    assert github.calls() == 2


def test_a_permission_that_is_missing_is_named(ai_crm: Run, github: FakeGitHub) -> None:
    refused = {"data": {"repository": None}, "errors": [{"type": "FORBIDDEN", "message": "no"}]}
    github.fail(Fault(200, json.dumps(refused).encode()), "POST", "/graphql")
    status, _, err = ai_crm("analysis", "fetch", "octo/hello")
    assert (status, "issues: read" in err) == (1, True)


def test_a_repository_that_nobody_sees_is_named(ai_crm: Run, github: FakeGitHub) -> None:
    status, _, err = ai_crm("analysis", "learn", "--repository", "octo/elsewhere")
    assert status == 1
    assert "octo/elsewhere" in err
    assert github.calls() == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "either HISTORY"),
        (("closed.jsonl", "--repository", "octo/hello"), "either HISTORY"),
        (("--repository", "octo"), "OWNER/NAME"),
        (("--repository", "octo/hello/../x"), "OWNER/NAME"),
        (("--repository", "octo/hello", "--limit", "0"), "--limit"),
    ],
)
def test_what_was_asked_wrongly_asks_github_nothing(
    ai_crm: Run, github: FakeGitHub, arguments: tuple[str, ...], why: str
) -> None:
    status, _, err = ai_crm("analysis", "learn", *arguments)
    assert status == 2
    assert why in err
    assert github.calls() == 0


def test_a_token_goes_over_https_alone(ai_crm: Run, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "http://github.example/api/v3")
    status, _, err = ai_crm("analysis", "fetch", "octo/hello")
    assert (status, "only sent over https" in err) == (2, True)
    assert github.token not in err


def test_without_a_token_it_says_where_to_get_one(
    ai_crm: Run, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    status, _, err = ai_crm("analysis", "learn", "--repository", "octo/hello")
    assert status == 2
    assert "gh auth token" in err
    assert github.calls() == 0


def test_agents_of_your_own_are_learned_where_the_rules_name_them(ai_crm: Run, folder: Path) -> None:
    agents = ("fax-team", "dock-team")
    rules = "agents: [{name: fax-team, skills: [fax]}, {name: dock-team, skills: [dock]}]\n"
    (folder / "rules.yml").write_text(rules, encoding="utf-8")
    lines = [{"title": f"{MEANINGS[n % 2][1]} {n}", "agent": agents[n % 2]} for n in range(40)]
    (folder / "closed.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert "agents: not learned" in ai_crm("analysis", "learn", "closed.jsonl").out
    assert "agents: learned from 40" in ai_crm("analysis", "learn", "closed.jsonl", "--rules", "rules.yml").out
