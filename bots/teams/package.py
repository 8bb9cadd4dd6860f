"""The app's package: what Teams has to know of the bot before anybody can install it, as a zip of the same bytes each time."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from ai_crm import __version__
from ai_crm.commands.catalogue import COMMANDS, PERSONAL
from ai_crm.errors import Problem, SettingsInvalid
from ai_crm.platforms.teams.entra import resource_of
from ai_crm.platforms.teams.login import is_app_id
from bots.teams.ears import CREATE, SEARCH
from bots.teams.icons import ACCENT, color_icon, outline_icon
from bots.teams.tab import PATH

_VERSION = "1.17"
_SCHEMA = f"https://developer.microsoft.com/json-schemas/teams/v{_VERSION}/MicrosoftTeams.schema.json"
DASHBOARD = "dashboard"
_SCOPES = ("personal", "team", "groupChat")
_MINE = "my tasks"  # works everywhere, and is offered where somebody is alone with the bot
MOST_ORGANISATION = 32
_MOST_COMMANDS, _MOST_TITLE, _MOST_DESCRIPTION = 10, 32, 128


class Consent(Struct, frozen=True):
    """A permission that the app gets for the chat or team where it is installed, and why it needs it."""

    name: str
    why: str


# https://learn.microsoft.com/en-us/microsoftteams/platform/graph-api/rsc/resource-specific-consent (read 2026-11)
CONSENTS: tuple[Consent, ...] = (
    Consent(
        "OnlineMeeting.ReadBasic.Chat",
        "Teams tells the bot when a meeting of the chat begins and ends: for the agenda and the summary",
    ),
)


def app_manifest(app_id: str, base_url: str, organisation: str) -> dict[str, Any]:
    """The manifest. `base_url` is the hub's address from outside. Raises SettingsInvalid.

    `organisation` has 1 to MOST_ORGANISATION characters.
    """
    _check(app_id, base_url)
    return {
        "$schema": _SCHEMA,
        "manifestVersion": _VERSION,
        "version": ".".join(__version__.split(".")[:3]),
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://ai-crm.invalid/teams/{app_id.lower()}")),
        "name": {"short": "AI-CRM", "full": "AI-CRM: the tasks of your repositories"},
        "description": {
            "short": "Tasks of your repositories, where your team talks about them",
            "full": "Makes tasks of what happens in your repositories and of what people write, says how much work "
            "each is and whom it suits, and keeps everybody up to date. Write to it, mention it in a channel, make a "
            "task of any message, or look a task up while you write.",
        },
        "developer": {
            "name": organisation,
            "websiteUrl": base_url,
            "privacyUrl": base_url,
            "termsOfUseUrl": base_url,
        },
        "icons": {"color": "color.png", "outline": "outline.png"},
        "accentColor": "#" + "".join(f"{part:02X}" for part in ACCENT),
        "bots": [{"botId": app_id, "scopes": list(_SCOPES), "commandLists": [_commands(scope) for scope in _SCOPES]}],
        "composeExtensions": [
            {
                "botId": app_id,
                "commands": [_create(), _search()],
                "messageHandlers": [{"type": "link", "value": {"domains": [urlsplit(base_url).hostname]}}],
            }
        ],
        "staticTabs": _tabs(base_url),
        "validDomains": [urlsplit(base_url).netloc],
        # With single sign-on the resource is the address that Entra ID knows the app by; consents take any.
        "webApplicationInfo": {"id": app_id, "resource": resource_of(urlsplit(base_url).netloc, app_id)},
        "authorization": {
            "permissions": {"resourceSpecific": [{"name": each.name, "type": "Application"} for each in CONSENTS]}
        },
        "defaultInstallScope": "personal",
    }


def package(manifest: dict[str, Any]) -> bytes:
    """The zip to upload."""
    files = {
        "manifest.json": json.dumps(manifest, indent=2, ensure_ascii=False).encode(),
        "color.png": color_icon(),
        "outline.png": outline_icon(),
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, content)
    return made.getvalue()


def _check(app_id: str, base_url: str) -> None:
    problems = []
    if not is_app_id(app_id):
        hint = "the Microsoft App ID of the Azure Bot"
        problems.append(Problem("AI_CRM_TEAMS_APP_ID", 0, 0, "is missing or no application id", hint))
    if not base_url.startswith("https://"):
        hint = "the https address at which Teams reaches this hub, such as https://hub.example.com"
        problems.append(Problem("AI_CRM_BASE_URL", 0, 0, "is missing or not https", hint))
    if problems:
        raise SettingsInvalid(tuple(problems))


def _commands(scope: str) -> dict[str, Any]:
    alone = scope == "personal"
    wanted = [each for each in COMMANDS if each.menu and (alone or (each.makes not in PERSONAL and each.menu != _MINE))]
    return {
        "scopes": [scope],
        "commands": [
            {"title": each.menu[:_MOST_TITLE], "description": each.summary.replace("`", "")[:_MOST_DESCRIPTION]}
            for each in wanted[:_MOST_COMMANDS]
        ],
    }


def _tabs(base_url: str) -> list[dict[str, Any]]:
    """The dashboard beside the chat with the bot and what the app says of itself, which Teams knows by their names."""
    dashboard = {
        "entityId": DASHBOARD,
        "name": "Dashboard",
        "contentUrl": f"{base_url}{PATH}",
        "websiteUrl": base_url,
        "scopes": ["personal"],
    }
    return [dashboard, *({"entityId": name, "scopes": ["personal"]} for name in ("conversations", "about"))]


def _create() -> dict[str, Any]:
    return {
        "id": CREATE,
        "type": "action",
        "title": "Create AI-CRM task",
        "description": "Make a task of what somebody wrote",
        "context": ["message", "compose", "commandBox"],
        "fetchTask": True,
    }


def _search() -> dict[str, Any]:
    hint = "Words, or status:todo, agent:backend-architect, assignee:@me"
    return {
        "id": SEARCH,
        "type": "query",
        "title": "Find a task",
        "description": "Put the card of a task into your message",
        "context": ["compose", "commandBox"],
        "initialRun": True,
        "parameters": [{"name": "query", "title": "Search", "description": hint, "inputType": "text"}],
    }
