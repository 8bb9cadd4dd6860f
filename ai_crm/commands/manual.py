"""Where people read which commands there are: a bot's short menu, and docs/commands.md.

`python -m ai_crm.commands.manual FILE` writes the page anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from msgspec import Struct

from ai_crm.commands.catalogue import COMMANDS, Description
from ai_crm.commands.flags import SWITCHES, Flag


class MenuEntry(Struct, frozen=True):
    """`title` is what is typed when somebody picks it: at most 32 characters, and `summary` at most 128."""

    title: str
    summary: str


def menu() -> tuple[MenuEntry, ...]:
    """The short menu, at most ten entries: as many as Teams shows."""
    return tuple(MenuEntry(command.menu, command.summary) for command in COMMANDS if command.menu)


def manual() -> str:
    """The whole page, byte-equal for the same commands."""
    return "\n".join((_HEAD, *_sections())) + "\n"


_HEAD = """# Commands

Made from `ai_crm/commands/catalogue.py` by `make schemas`; do not edit.

The same in Slack (`/ai-crm task list`), in Teams (`@AI-CRM task list`) and in a terminal (`ai-crm do 'task list'`).

- Quotation marks, straight or curly, keep words together; `\\"` inside of them is one. What stands on further lines
  is the description.
- `--flag value` and `--flag=value` are the same, and so is the long dash that phones make of two short ones. Behind a
  bare `--` everything is text.
- Beginnings are enough where they are unique: `task cr` is `task create`, `--prio` is `--priority`.
- `AICRM-42`, `#42` and `42` are the same task. `@me` is the login that you named with `link`.
- In Slack only you see the answer to `/ai-crm`, unless you add `--share`. In Teams everybody in the chat sees it; what is
  about you alone is answered in your own chat with the bot.
"""


def _sections() -> Iterator[str]:
    for group in dict.fromkeys(command.group for command in COMMANDS):
        yield f"## {group}\n"
        yield "| command | what it does | needs |"
        yield "|---|---|---|"
        yield from (_row(command) for command in COMMANDS if command.group == group)
        yield ""
        for command in COMMANDS:
            if command.group == group:
                yield from _details(command)
    yield "## Every command\n"
    yield from _table(SWITCHES)


def _row(command: Description) -> str:
    needs = f"`{command.permission}`" if command.permission else ""
    return f"| `{_cell(command.usage)}` | {_cell(command.summary)} | {needs} |"


def _details(command: Description) -> Iterator[str]:
    also = f" Also: {', '.join(f'`{spelling}`' for spelling in command.also)}." if command.also else ""
    yield f"### `{command.words}`\n"
    yield f"`{command.example}`{'.' if also else ''}{also}\n"
    if command.flags:
        yield from _table(command.flags)


def _table(flags: tuple[Flag, ...]) -> Iterator[str]:
    yield "| flag | what it says |"
    yield "|---|---|"
    yield from (f"| `{f'--{flag.name} {flag.takes}'.strip()}` | {_cell(flag.summary)} |" for flag in flags)
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(manual())
