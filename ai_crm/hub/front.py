"""What a chat bot is to the hub that carries it: some doors of its own, and work that runs beside the hub's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib.metadata import entry_points

from msgspec import Struct
from starlette.routing import Route

from ai_crm.hub.dashboard.policy import Framing
from ai_crm.wiring.hub import Hub

# Bots stand above the hub, which therefore must not import them: what is installed registers itself under this name.
GROUP = "ai_crm.fronts"


class Front(Struct, frozen=True, kw_only=True):
    """`run` works until the event is set. `routes` declare their policies like all others. `framing`: its platform shows
    our pages in windows of its own.
    """

    name: str
    routes: tuple[Route, ...]
    run: Callable[[asyncio.Event], Awaitable[None]]
    framing: Framing | None = None


# `wake` tells the worker that there may be something to carry out. None where nothing of a bot's settings is given: then
# it is not wanted.
Loader = Callable[[Hub, Callable[[], None]], Front | None]


def fronts(hub: Hub, wake: Callable[[], None]) -> tuple[Front, ...]:
    """Every bot that is installed and has its settings, by name. Raises SettingsInvalid for half-set ones."""
    found = sorted(entry_points(group=GROUP), key=lambda each: each.name)
    loaders: tuple[Loader, ...] = tuple(each.load() for each in found)
    return tuple(front for load in loaders if (front := load(hub, wake)) is not None)
