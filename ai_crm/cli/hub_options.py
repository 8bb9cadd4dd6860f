"""What the commands that work on a hub have in common: its settings, and a moment with its database."""

from __future__ import annotations

import asyncio
import getpass
import os
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from ai_crm.config.hub_settings import HubSettings, read_hub_settings

if TYPE_CHECKING:
    from ai_crm.wiring.hub import Hub  # heavy: only the commands of a hub need it

T = TypeVar("T")

_WORKSPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class WorkspaceName(click.ParamType[str]):
    """The name of one of the hub's workspaces, which is also that of the folder with its rules."""

    name = "workspace"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not _WORKSPACE.fullmatch(value):
            self.fail(f"{value!r} is no name of a workspace: use letters, digits, dots, - and _", param, ctx)
        return value


WORKSPACE = WorkspaceName()


def settings() -> HubSettings:
    """Raises SettingsInvalid with everything that is wrong in the environment."""
    return read_hub_settings(os.environ)


def dashboard_of(settings: HubSettings) -> str:
    """Where people reach the dashboard; where nobody said, at the address that the hub listens on."""
    if settings.base_url:
        return settings.base_url.rstrip("/")
    host = _ANYWHERE.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def called(name: str | None, account: Callable[[], str] = getpass.getuser) -> str:
    """The name in histories: the one that was said, else that of the account. Raises UsageError where it has none."""
    try:
        return name or account()
    except (KeyError, OSError) as error:  # in a container with a user of a number alone; OSError from Python 3.13 on
        raise click.UsageError("this account has no name on this machine: say yours with --as NAME") from error


def with_hub(work: Callable[[Hub], Awaitable[T]]) -> T:
    """What `work` makes of the hub's parts. Nothing is served meanwhile."""
    from ai_crm.wiring import SystemClock  # noqa: PLC0415 - as above
    from ai_crm.wiring.hub import assemble  # noqa: PLC0415 - as above

    async def run() -> T:
        hub = assemble(settings(), SystemClock())
        try:
            return await work(hub)
        finally:
            hub.close()

    return asyncio.run(run())


# Who listens on all addresses is reached on this machine at these.
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - read, not listened on
