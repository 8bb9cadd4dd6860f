"""Connections on the command line: secrets change without a break, and what is wrong is said before anything is kept."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from ai_crm.config.hub_settings import read_hub_settings
from ai_crm.ports.receiver import Connection
from ai_crm.wiring import SystemClock
from ai_crm.wiring.hub import assemble
from tests.cli.conftest import Run

TOKEN, OTHER = "canary-token-one", "canary-token-two"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [each for each in os.environ if each.startswith("AI_CRM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AI_CRM_DATA", str(tmp_path))
    monkeypatch.setenv("AI_CRM_GITHUB_TOKEN", TOKEN)
    return tmp_path


def kept(name: str = "main") -> Connection:
    """As a hub that starts now finds it."""

    async def find() -> Connection | None:
        hub = assemble(read_hub_settings(os.environ), SystemClock())
        try:
            return await hub.connections.find(name)
        finally:
            hub.close()

    found = asyncio.run(find())
    assert found
    return found


def shown_secret(out: str) -> str:
    (line,) = [line for line in out.splitlines() if line.startswith("Secret")]
    return line.split()[1]


def test_a_secret_is_changed_while_the_old_one_still_opens(ai_crm: Run) -> None:
    first = shown_secret(ai_crm("connections", "add-github", "main").out)
    second = shown_secret(ai_crm("connections", "rotate", "main").out)
    assert kept().webhook_secrets == (second, first)

    again = ai_crm("connections", "rotate", "main")
    assert again.status == 2
    assert "--finish" in again.err
    assert kept().webhook_secrets == (second, first)

    assert ai_crm("connections", "rotate", "main", "--finish").status == 0
    assert kept().webhook_secrets == (second,)
    assert ai_crm("connections", "rotate", "main", "--finish").status == 2
    assert kept().secrets["token"].reveal() == TOKEN


def test_a_token_is_replaced_by_a_token_and_never_shown(ai_crm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ai_crm("connections", "add-github", "main")
    monkeypatch.setenv("AI_CRM_GITHUB_TOKEN", OTHER)

    ran = ai_crm("connections", "token", "main")

    assert ran.status == 0
    assert OTHER not in ran.out + ran.err
    assert kept().secrets["token"].reveal() == OTHER


def test_a_key_is_replaced_by_a_key_and_a_token_by_none(ai_crm: Run, data: Path) -> None:
    (data / "one.pem").write_text("canary-key-one")
    (data / "two.pem").write_text("canary-key-two")
    (data / "odd.pem").write_bytes(b"canary\xff")
    ai_crm("connections", "add-github", "app", "--app-id", "7", "--private-key", str(data / "one.pem"))
    ai_crm("connections", "add-github", "main")

    assert ai_crm("connections", "token", "app", "--private-key", str(data / "two.pem")).status == 0
    assert kept("app").secrets["private_key"].reveal() == "canary-key-two"
    for arguments, why in (
        (("app",), "--private-key"),
        (("main", "--private-key", str(data / "two.pem")), "no GitHub App"),
        (("app", "--private-key", str(data / "odd.pem")), "PEM"),
    ):
        ran = ai_crm("connections", "token", *arguments)
        assert ran.status == 2
        assert why in ran.err
        assert "canary" not in ran.err.replace(str(data), "")
    assert "token" not in kept("app").secrets
    assert "private_key" not in kept().secrets


def test_webhooks_are_named_with_the_connection_or_later(ai_crm: Run) -> None:
    ai_crm("connections", "add-github", "main", "--hook", "octo/hello=12", "--hook", "octo/world=13")
    assert kept().settings["hooks"] == "octo/hello=12 octo/world=13"

    assert ai_crm("connections", "hooks", "main", "octo/other=14").status == 0
    assert kept().settings["hooks"] == "octo/other=14"
    assert kept().settings["api_url"] == "https://api.github.com"

    assert ai_crm("connections", "hooks", "main").status == 0
    assert "hooks" not in kept().settings


@pytest.mark.parametrize("hook", ["octo/hello", "octo=12", "octo/hello=x", "octo/hello=1/../2", "https://x/a/b=1"])
def test_what_is_no_webhook_is_not_kept(ai_crm: Run, hook: str) -> None:
    ai_crm("connections", "add-github", "main")

    ran = ai_crm("connections", "hooks", "main", hook)

    assert ran.status == 2
    assert "OWNER/NAME=ID" in ran.err
    assert "hooks" not in kept().settings


def test_an_app_has_one_webhook_and_knows_it(ai_crm: Run, data: Path) -> None:
    (data / "one.pem").write_text("canary-key-one")
    app = ("connections", "add-github", "app", "--app-id", "7", "--private-key", str(data / "one.pem"))

    assert ai_crm(*app, "--hook", "octo/hello=1").status == 2
    ai_crm(*app)
    assert ai_crm("connections", "hooks", "app", "octo/hello=1").status == 2


@pytest.mark.parametrize("command", [("rotate",), ("rotate", "--finish"), ("token",), ("hooks",)])
def test_a_connection_that_is_not_there_is_said_so(ai_crm: Run, command: tuple[str, ...]) -> None:
    ran = ai_crm("connections", command[0], "nobody", *command[1:])

    assert ran.status == 2
    assert "connections list" in ran.err
