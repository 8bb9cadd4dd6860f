"""What the GitHub tests share: recorded payloads, a fake GitHub that checks every request, and ways to make deliveries."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ai_crm.model.event import Event
from ai_crm.platforms.github import Access, GitHub, Setup
from ai_crm.platforms.github.decode import decode
from ai_crm.ports import RawRequest
from tests.doubles.github_contract import GitHubContract
from tests.doubles.github_server import FakeGitHub
from tests.doubles.notices import inline

_PAYLOADS = Path(__file__).parent / "payloads"
_ANSWERS = Path(__file__).parent / "openapi" / "api.github.com.answers.json.gz"

Payload = dict[str, Any]
Corpus = Mapping[str, list[Payload]]
Recorded = Callable[[str], Payload]
Decode = Callable[..., Event]
NewGitHub = Callable[..., GitHub]


def delivery(event: str, payload: object, **headers: str) -> RawRequest:
    """A delivery as GitHub sends it; `headers` replace or add, with underscores for dashes."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return RawRequest({"x-github-event": event, "x-github-delivery": hashlib.sha256(body).hexdigest(), **given}, body)


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """Event -> the examples of it that people sent to the octokit project."""
    events = json.loads(gzip.decompress((_PAYLOADS / "octokit-webhooks-examples-7.6.1.json.gz").read_bytes()))
    return {event["name"]: event["examples"] for event in events}


@pytest.fixture(scope="session")
def answers() -> Mapping[str, Mapping[str, Any]]:
    """Operation (`GET /repos/…`) -> the example answers in GitHub's own description."""
    found: Mapping[str, Mapping[str, Any]] = json.loads(gzip.decompress(_ANSWERS.read_bytes()))
    return found


@pytest.fixture
def recorded() -> Recorded:
    """A payload of the folder by its name, such as `issues.opened`; yours to change."""

    def read(name: str) -> Payload:
        found: Payload = json.loads((_PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))
        return found

    return read


@pytest.fixture
def one() -> Decode:
    """The one event that a delivery tells."""

    def decoded(event: str, payload: object, **headers: str) -> Event:
        (found,) = decode(delivery(event, payload, **headers))
        return found

    return decoded


@pytest.fixture(scope="session")
def contract() -> GitHubContract:
    return GitHubContract()


@pytest.fixture
def fake_github(contract: GitHubContract) -> Iterator[FakeGitHub]:
    """Everything that a test sends there must be what GitHub's description allows."""
    with FakeGitHub() as github:
        yield github
    sent = [seen for seen in github.requests if not seen.path.startswith("/graphql")]
    assert [wrong for seen in sent for wrong in contract.problems(seen.method, seen.target, seen.body)] == []


@pytest.fixture
def naps() -> list[float]:
    """How long the adapter would have slept, in order."""
    return []


@pytest.fixture
def new_github(fake_github: FakeGitHub, naps: list[float]) -> Iterator[NewGitHub]:
    """A GitHub as each delivery gets it, connected to the fake; `setup` as in ai_crm.platforms.github.Setup."""
    opened: list[GitHub] = []

    def connect(token: str = "", **setup: Any) -> GitHub:
        access = Access(
            token=lambda: token or fake_github.token, api_url=fake_github.url, graphql_url=fake_github.graphql_url
        )
        opened.append(GitHub(access, inline, naps.append, Setup(**setup)))
        return opened[-1]

    yield connect
    for github in opened:
        github.close()


@pytest.fixture
def github(new_github: NewGitHub) -> GitHub:
    return new_github()
