"""The pages and menus that are made of the registry."""

from __future__ import annotations

from pathlib import Path

from ai_crm.commands.catalogue import COMMANDS
from ai_crm.commands.manual import manual, menu


def test_the_page_is_made_from_the_registry(root: Path) -> None:
    assert (root / "docs" / "commands.md").read_text(encoding="utf-8") == manual()


def test_the_page_names_every_command_flag_and_permission() -> None:
    page = manual()
    for command in COMMANDS:
        assert f"`{command.example}`" in page
        assert all(f"`{f'--{flag.name} {flag.takes}'.strip()}`" in page for flag in command.flags)
        assert not command.permission or f"`{command.permission}`" in page


def test_a_menu_fits_into_what_teams_shows_and_has_the_commands_of_the_plan() -> None:
    entries = menu()
    assert len(entries) <= 10
    assert all(0 < len(entry.title) <= 32 and 0 < len(entry.summary) <= 128 for entry in entries)
    titles = {entry.title for entry in entries}
    assert {"create task", "list tasks", "pm analyze", "team status", "help"} <= titles
    assert all(any(title in command.spellings for command in COMMANDS) for title in titles)
