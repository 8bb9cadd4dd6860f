"""The app's manifest: what the bot hears and may do in Slack, made of the same tuple that its ears are made of."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import yaml

from ai_crm.commands.catalogue import COMMANDS
from bots.slack.door import PATH
from bots.slack.ears import COMMAND, EARS, Kind

# What the bot does of itself, and the scope that each needs. https://docs.slack.dev/reference/scopes (read 2026-11)
_OWN_SCOPES = ("chat:write", "im:write", "users:read")
# Looking whether a message was sent already, instead of sending it twice after an answer that got lost.
LOOKING_SCOPES = ("channels:history", "channels:read", "groups:history", "groups:read")
_MOST_HINT = 100


def scopes(*, looking: bool = True) -> tuple[str, ...]:
    """The bot token's scopes, sorted."""
    heard = (scope for ear in EARS for scope in ear.scopes)
    return tuple(sorted({*_OWN_SCOPES, *heard, *(LOOKING_SCOPES if looking else ())}))


def app_manifest(base_url: str, *, socket_mode: bool, looking: bool = True) -> dict[str, Any]:
    """The manifest as https://docs.slack.dev/reference/app-manifest describes it; `base_url` is of the hub for HTTP mode."""
    request = {} if socket_mode else {"request_url": f"{base_url}{PATH}"}
    options = {} if socket_mode else {"message_menu_options_url": f"{base_url}{PATH}"}
    redirect = {"redirect_urls": [f"{base_url}/slack/oauth"]} if base_url else {}
    return {
        "display_information": {
            "name": "AI-CRM",
            "description": "Tasks of your repositories, where your team talks about them",
            "background_color": "#1f2937",
        },
        "features": _features(base_url, socket_mode=socket_mode),
        "oauth_config": {**redirect, "scopes": {"bot": list(scopes(looking=looking))}},
        "settings": {
            "event_subscriptions": {
                **request,
                "bot_events": sorted(ear.name for ear in EARS if ear.kind is Kind.EVENT),
            },
            "interactivity": {"is_enabled": True, **request, **options},
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket_mode,
            "token_rotation_enabled": False,
        },
    }


def _features(base_url: str, *, socket_mode: bool) -> dict[str, Any]:
    command = {
        "command": COMMAND,
        **({} if socket_mode else {"url": f"{base_url}{PATH}"}),
        "description": "Tasks, analyses and how things are",
        "usage_hint": _hint(),
        "should_escape": True,
    }
    shortcuts = [
        {"name": ear.title, "type": "message", "callback_id": ear.name, "description": ear.about}
        for ear in EARS
        if ear.kind is Kind.MESSAGE_SHORTCUT
    ]
    host = urlsplit(base_url).hostname
    return {
        "app_home": {
            "home_tab_enabled": True,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": False,
        },
        "bot_user": {"display_name": "AI-CRM", "always_online": True},
        "slash_commands": [command],
        "shortcuts": shortcuts,
        **({"unfurl_domains": [host]} if host else {}),
    }


def as_yaml(made: dict[str, Any]) -> str:
    return yaml.safe_dump(made, sort_keys=False, allow_unicode=True)


def _hint() -> str:
    """As many commands as fit."""
    hint = ""
    for words in dict.fromkeys(each.words for each in COMMANDS):
        longer = f"{hint} | {words}" if hint else words
        if len(longer) > _MOST_HINT:
            break
        hint = longer
    return hint
