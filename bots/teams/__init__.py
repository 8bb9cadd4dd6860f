"""The Teams bot: transport only; what is said and done stands in `ai_crm`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ai_crm.errors import Problem, SettingsInvalid

if TYPE_CHECKING:  # the command line loads this package, and has no hub where only the Action is installed
    from ai_crm.hub.front import Front
    from ai_crm.wiring.hub import Hub


def front(hub: Hub, wake: Callable[[], None]) -> Front | None:
    """The bot as a part of the hub; None where neither an app nor the local mode is set."""
    settings = hub.settings
    if not settings.teams_app_id and not settings.teams_local:
        return None
    try:
        from ai_crm.hub.front import Front  # noqa: PLC0415 - as above
        from bots.teams.app import build  # noqa: PLC0415 - heavy: only where a bot is wanted
    except ModuleNotFoundError as error:
        hint = "install the extra `bots`: pip install 'ai-crm[hub,bots]'"
        missing = Problem("AI_CRM_TEAMS_…", 0, 0, f"is set, and the package {error.name} is not installed", hint)
        raise SettingsInvalid((missing,)) from error

    parts = build(hub, wake)
    return Front(name="teams", routes=parts.routes, run=parts.run, framing=parts.framing)
