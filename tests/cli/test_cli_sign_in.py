"""The way into the dashboard from the hub's own machine, and how an operator ends it for others."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from ai_crm.cli.hub_options import called, with_hub
from ai_crm.model.access import Role
from ai_crm.ports.sessions import Visitor, of_key
from ai_crm.wiring.hub import Hub
from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AI_CRM_DATA", str(tmp_path / "data"))
    return tmp_path


def enter(link: str) -> str:
    """The token that a browser gets for a link; empty for none."""

    async def accept(hub: Hub) -> str:
        return await hub.sessions.accept(link.strip().rpartition("/")[2], datetime.now(UTC)) or ""

    return with_hub(accept)


def known(token: str) -> Visitor | None:
    async def find(hub: Hub) -> Visitor | None:
        return await hub.sessions.find(token, datetime.now(UTC))

    return with_hub(find)


def test_a_link_is_all_that_is_written_and_makes_a_browser_an_operator_once(ai_crm: Run) -> None:
    told = ai_crm("sign-in", "--as", "ann")
    assert told.status == 0
    assert told.out.startswith("http://127.0.0.1:8080/sign-in/")
    assert told.out.count("\n") == 1
    assert "ann, operator of default" in told.err
    found = known(enter(told.out))
    assert found
    assert (found.name, found.principal.role, found.principal.workspace) == ("ann", Role.OPERATOR, "default")
    assert enter(told.out) == ""


@pytest.mark.parametrize(
    ("environ", "begins"),
    [
        ({"AI_CRM_BASE_URL": "https://hub.example.com"}, "https://hub.example.com/sign-in/"),
        ({"AI_CRM_PORT": "9000"}, "http://127.0.0.1:9000/sign-in/"),
        ({"AI_CRM_HOST": "0.0.0.0"}, "http://127.0.0.1:8080/sign-in/"),  # noqa: S104 - nothing listens
        ({"AI_CRM_HOST": "::"}, "http://[::1]:8080/sign-in/"),
        ({"AI_CRM_HOST": "fd00::2"}, "http://[fd00::2]:8080/sign-in/"),
    ],
)
def test_a_link_leads_to_where_the_hub_is(
    ai_crm: Run, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], begins: str
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert ai_crm("sign-in").out.startswith(begins)
    assert begins in ai_crm("do", "sign-in").out


def test_an_account_without_a_name_as_in_a_container_is_asked_for_one(ai_crm: Run) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 54321")

    assert called("ann", nameless) == "ann"
    with pytest.raises(click.UsageError, match="--as NAME"):
        called(None, nameless)
    assert ai_crm("sign-in").status == 0


def test_a_link_is_not_shared_from_a_terminal_either(ai_crm: Run) -> None:
    refused = ai_crm("do", "sign-in", "--share")
    assert refused.status == 1
    assert "/sign-in/" not in refused.out + refused.err


def test_an_operator_ends_sessions_of_one_person_or_of_all(ai_crm: Run) -> None:
    ann, bob, elsewhere = (
        enter(ai_crm("sign-in", "--as", name, "--workspace", workspace).out)
        for name, workspace in (("ann", "default"), ("bob", "default"), ("ann", "other"))
    )
    waiting = ai_crm("sign-in", "--as", "ann").out
    assert ai_crm("sessions", "end", "--name", "ann").out == "1 ended\n"
    assert known(ann) is None
    assert enter(waiting) == ""
    assert known(bob)
    assert ai_crm("sessions", "end", "--all").out == "1 ended\n"
    assert known(bob) is None
    assert known(elsewhere)


@pytest.mark.parametrize(("whose", "said"), [(("--name", "an"), "Nobody called an is"), (("--all",), "Nobody is")])
def test_an_operator_who_ends_no_session_is_told_where_was_looked(
    ai_crm: Run, whose: tuple[str, ...], said: str
) -> None:
    ended = ai_crm("sessions", "end", *whose, "--workspace", "other")
    assert ended.out == "0 ended\n"
    assert ended.err == f"{said} signed in to the workspace other\n"


def test_a_data_folder_that_cannot_be_made_is_said(
    ai_crm: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AI_CRM_DATA", str(tmp_path / "file"))
    refused = ai_crm("sign-in")
    assert refused.status == 2
    assert refused.err.startswith("ai-crm: AI_CRM_DATA: the folder ")
    assert "name a folder to write in" in refused.err


@pytest.mark.parametrize("arguments", [(), ("--all", "--name", "ann"), ("--name", "")])
def test_whose_sessions_end_has_to_be_said(ai_crm: Run, arguments: tuple[str, ...]) -> None:
    refused = ai_crm("sessions", "end", *arguments)
    assert refused.status == 2
    assert "--all, or --name" in refused.err


def test_a_revoked_key_takes_the_sessions_that_it_began_with_it(ai_crm: Run) -> None:
    def begun(key: str) -> str:
        async def begin(hub: Hub) -> str:
            principal = await hub.keys.principal(key)
            assert principal
            return await hub.sessions.begin(of_key(principal), datetime.now(UTC))

        return with_hub(begin)

    leaked, other = (ai_crm("keys", "create", name, "--role", "operator").out.strip() for name in ("ci", "me"))
    sessions = [begun(key) for key in (leaked, other)]
    assert ai_crm("keys", "revoke", leaked.split("_")[1]).status == 0
    assert known(sessions[0]) is None
    assert known(sessions[1])


@pytest.mark.parametrize("name", ["../elsewhere", "Bad Name!", "", ".hidden", "a/b", "x" * 64])
def test_what_can_be_no_workspace_is_refused_before_anything_is_made(ai_crm: Run, name: str) -> None:
    status, out, err = ai_crm("sign-in", "--workspace", name)
    assert (status, out) == (2, "")
    assert "is no name of a workspace" in err
