"""`ai-crm do`: the commands of the chats in a terminal, on the hub of this machine."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ai_crm.cards import text as text_face
from ai_crm.cards.inert import plain
from ai_crm.cli.hub_options import WORKSPACE, called, dashboard_of, with_hub
from ai_crm.cli.screen import show
from ai_crm.commands.words import quoted
from ai_crm.model.access import Principal, Role
from ai_crm.model.item import PlatformName

if TYPE_CHECKING:
    from ai_crm.flow.commands import Reply
    from ai_crm.wiring.hub import Hub


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.option("--as", "name", help="the name in histories; without it, yours on this machine")
@click.option("--workspace", type=WORKSPACE, default="default", show_default=True)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def do(name: str | None, workspace: str, words: tuple[str, ...]) -> None:
    """Do what you would ask the bot for: `ai-crm do 'task create "Fix the login" --due friday'`.

    Without words it shows everything that you can ask for. Whoever can read the hub's data folder is an operator.
    """
    from ai_crm.flow.commands import Asker, answer  # noqa: PLC0415 - only this command needs it
    from ai_crm.wiring.hub import command_desk  # noqa: PLC0415 - heavy: the same
    from ai_crm.wiring.way_in import links_of  # noqa: PLC0415 - the same

    name = called(name)
    who = Asker(
        principal=Principal(name=name, workspace=workspace, role=Role.OPERATOR),
        platform=PlatformName.HUB,
        id=name,
        name=name,
    )
    request = secrets.token_hex(16)

    async def answered(hub: Hub) -> Reply:
        desk = command_desk(hub, _nobody_listens, links_of(hub.sessions, hub.clock, dashboard_of(hub.settings)))
        return await answer(_typed(words), who, desk, request)

    reply = with_hub(answered)
    show("\n\n".join(_shown(reply)), error=not reply.ok)
    sys.exit(0 if reply.ok else 1)


def _shown(reply: Reply) -> Iterator[str]:
    """What became different, then the cards."""
    if reply.ok and all(reply.text != card.fallback_text for card in reply.cards):
        yield plain(reply.text)
    yield from map(text_face.render, reply.cards)


def _typed(words: tuple[str, ...]) -> str:
    """One line: a command as a whole, or the words that a shell made of it, whose quotation marks are gone."""
    if len(words) == 1:
        return words[0]
    return " ".join(map(_word, words))


def _word(word: str) -> str:
    name, equals, value = word.partition("=")
    if name.startswith("--") and equals:
        return f"{name}={quoted(value)}"
    return quoted(word) if any(sign.isspace() or sign in "\"'\\" for sign in word) else word


def _nobody_listens() -> None:
    """A hub that runs finds new changes by looking."""
