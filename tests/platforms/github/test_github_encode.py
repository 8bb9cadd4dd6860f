"""What we send to GitHub: allowed by its own description, quoted, and never longer than it takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_crm.platforms.github import encode
from ai_crm.platforms.github.encode import Request
from tests.doubles.github_contract import GitHubContract

Make = Callable[[str], Request]
EVERY: tuple[Make, ...] = (
    lambda text: encode.create_comment("octo/hello", "7", text),
    lambda text: encode.update_comment("octo/hello", "1001", text),
    lambda _: encode.delete_comment("octo/hello", "1001"),
    lambda text: encode.add_labels("octo/hello", "7", (text, "bug")),
    lambda text: encode.remove_label("octo/hello", "7", text),
    lambda text: encode.assign("octo/hello", "7", (text,)),
    lambda text: encode.request_review("octo/hello", "7", (text,), ()),
    lambda text: encode.request_review("octo/hello", "7", (), (f"octo/{text}",)),
    lambda text: encode.create_issue("octo/hello", text, text, ()),
    lambda text: encode.create_issue("octo/hello", text, text, (text,)),
    lambda text: encode.update_issue("octo/hello", "7", text, ()),
    lambda text: encode.update_issue("octo/hello", "7", text, (text,)),
    lambda _: encode.close_as_duplicate("octo/hello", "8", "7"),
)


def problems(contract: GitHubContract, request: Request) -> list[str]:
    body = None if request.body is None else msgspec.json.encode(request.body)
    return contract.problems(request.method, request.path, body)


@pytest.mark.parametrize("make", EVERY)
def test_every_request_is_one_that_github_describes(make: Make, contract: GitHubContract) -> None:
    for text in ("bug", "a/b c?d#e%f", "..", "\u26a0\ufe0f", "x" * 70_000):
        assert problems(contract, make(text)) == []


@given(st.text(min_size=1, max_size=300))
def test_no_text_leaves_its_place_in_an_address(text: str) -> None:
    clean = text.encode("utf-8", "replace").decode()
    for make in EVERY:
        path = make(clean).path
        assert path.isascii()
        assert path.isprintable()
        assert path.count("/") == make("x").path.count("/")
        assert not {"?", "#", " ", "\\"} & set(path)


def test_dots_do_not_climb() -> None:
    assert encode.remove_label("octo/hello", "7", "..").path.endswith("/labels/%2E%2E")
    assert encode.repository("octo/..") == "/repos/octo/%2E%2E"


def test_a_body_that_is_too_long_loses_its_end() -> None:
    assert encode.clipped("x" * 65_536) == "x" * 65_536
    assert len(encode.clipped("x" * 65_537)) == 65_536
    assert encode.clipped("x" * 65_537).endswith("x…")


@pytest.mark.parametrize(
    ("title", "line"), [("a\nb\t c ", "a b c"), ("", "Untitled"), (" \n", "Untitled"), ("x" * 300, "x" * 255 + "…")]
)
def test_a_title_is_one_line_of_a_length_that_github_takes(title: str, line: str) -> None:
    assert encode.headline(title) == line


def test_teams_are_asked_by_the_second_half_of_their_name() -> None:
    request = encode.request_review("octo/hello", "7", ("ann",), ("octo/core", "docs"))
    assert request.body == {"reviewers": ("ann",), "team_reviewers": ("core", "docs")}


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "/repos/o/r/issues", {"nope": 1}),
        ("POST", "/repos/o/r/issues", {"title": "x", "labels": "bug"}),
        ("POST", "/repos/o/r/issues", None),
        ("POST", "/repos/o/r/issues", {"title": "x", "surprise": 1}),
        ("GET", "/repos/o/r/contents/a/b.yml?ref=x&zzz=1", None),
        ("GET", "/repos/o/r/issues?state=every", None),
        ("DELETE", "/repos/o/r/issues/7", None),
        ("POST", "/nope", {}),
    ],
)
def test_the_contract_notices_what_github_would_refuse(
    contract: GitHubContract, method: str, target: str, body: object
) -> None:
    assert contract.problems(method, target, json.dumps(body).encode() if body else None)


def test_the_committed_excerpt_holds_every_operation_that_it_promises(root: Path) -> None:
    folder = root / "tests" / "platforms" / "github" / "openapi"
    described = json.loads((folder / "api.github.com.excerpt.json").read_text(encoding="utf-8"))
    promised = {
        line.strip(' ",')
        for line in (folder / "excerpt.py").read_text(encoding="utf-8").splitlines()
        if line.startswith(('    "GET /', '    "POST /', '    "PATCH /', '    "DELETE /'))
    }
    held = {f"{method.upper()} {path}" for path, operations in described["paths"].items() for method in operations}
    assert held == promised
