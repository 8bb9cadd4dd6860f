"""What whole hubs are tried with: rules, a GitHub on loopback that has them, and recorded events about its issues."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from ai_crm.store.database import engine_for
from tests.doubles.github_server import FakeGitHub
from tests.doubles.hub import Hub

# A GitHub of our own has no limits.
UNPACED = {"AI_CRM_GITHUB_PER_MINUTE": "100000", "AI_CRM_GITHUB_PER_HOUR": "100000"}

RULES = """
auto_task_creation:
  rules:
    - name: triage
      trigger: issue_opened
      task: {title_template: "Triage: {issue.title}", priority: high}
workflows:
  greet:
    trigger: {platform: github, event: issues.opened}
    actions: [{action: github_comment, params: {message: "Thank you, {issue.author}"}}]
"""


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        fake.put_file(".github/ai-crm.yml", RULES)
        yield fake


@pytest.fixture
def database_url(postgres_url: str, tmp_path: Path) -> str:
    """A PostgreSQL database in which there is nothing yet."""
    name = f"hub_{abs(hash(tmp_path))}"
    engine = engine_for(postgres_url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{postgres_url.rpartition('/')[0]}/{name}"


@pytest.fixture
def hub(tmp_path: Path, github: FakeGitHub) -> Iterator[Hub]:
    running = Hub(tmp_path, {"AI_CRM_LEASE_SECONDS": "2", **UNPACED})
    running.connect(github.url)
    with running:
        yield running


@pytest.fixture
def key(hub: Hub) -> str:
    return hub.key()


def opened(github: FakeGitHub, root: Path, title: str) -> bytes:
    """A recorded `issues.opened`, about an issue that this GitHub has."""
    recorded = root / "tests" / "platforms" / "github" / "payloads" / "issues.opened.json"
    payload: Any = msgspec.json.decode(recorded.read_bytes())
    number = github.open_issue(title)
    payload["issue"] |= {"number": number, "title": title, "comments": 0}
    payload["repository"] |= {"full_name": "octo/hello", "default_branch": "main"}
    return msgspec.json.encode(payload)
