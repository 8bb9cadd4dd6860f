"""What an operator can set about the hub: read from the environment once, every problem told at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from ai_crm.config.settings import Reader
from ai_crm.errors import Problem, SettingsInvalid
from ai_crm.model.secret import Secret


class Role(StrEnum):
    WEB = "web"  # receives and answers
    WORKER = "worker"  # decides and carries out
    ALL = "all"


class HubSettings(Struct, frozen=True, kw_only=True):
    """`data` is the folder of whatever is kept in files: the SQLite database, the key of the vault, the rules.

    `base_url` is how people and platforms reach the hub; `lease_seconds` must be longer than any call to a platform takes; `secret_key` is empty where the data folder holds the key.
    """

    data: str
    database_url: Secret
    secret_key: Secret
    host: str
    port: int
    lease_seconds: int
    github_per_minute: int
    github_per_hour: int
    base_url: str
    github_token: Secret
    github_webhook_secret: Secret
    slack_bot_token: Secret
    teams_app_id: str
    teams_app_password: Secret
    teams_tenant_id: str
    teams_service_url: str
    proxy: Secret

    @property
    def rules_folder(self) -> str:
        return os.path.join(self.data, "rules")

    @property
    def key_file(self) -> str:
        return os.path.join(self.data, "secret.key")


# Variable -> what it is for, as the operator's guide lists them.
VARIABLES: Mapping[str, str] = {
    "AI_CRM_DATA": "folder of the database, the key file and the rules; `data` where the program is started",
    "AI_CRM_DATABASE_URL": "postgresql://… for several machines; otherwise SQLite in the data folder",
    "AI_CRM_SECRET_KEY": "32 bytes in base64 that seal stored tokens; otherwise made once, in the data folder",
    "AI_CRM_HOST": "address to listen on, 127.0.0.1",
    "AI_CRM_PORT": "port to listen on, 8080",
    "AI_CRM_BASE_URL": "how the hub is reached from outside, https://hub.example.com",
    "AI_CRM_LEASE_SECONDS": "how long what a dead process had in hand stays untouched, 180; longer than any call takes",
    "AI_CRM_GITHUB_PER_MINUTE": "how many changes a connection makes in a minute, 80; an Enterprise Server may allow more",
    "AI_CRM_GITHUB_PER_HOUR": "how many in an hour, 500",
    "AI_CRM_GITHUB_TOKEN": "read by `ai-crm connections add-github` alone",
    "AI_CRM_GITHUB_WEBHOOK_SECRET": "read by `ai-crm connections add-github` alone",
    "AI_CRM_SLACK_BOT_TOKEN": "lets rules write to Slack",
    "AI_CRM_TEAMS_APP_ID": "lets rules write to Teams, together with the next two",
    "AI_CRM_TEAMS_APP_PASSWORD": "the client secret of the Teams app",
    "AI_CRM_TEAMS_TENANT_ID": "the tenant of the Teams app",
    "AI_CRM_TEAMS_SERVICE_URL": "where the Teams connector is",
}


def read_hub_settings(environ: Mapping[str, str]) -> HubSettings:
    """Raises SettingsInvalid with every problem at once, half-set platforms included."""
    read = Reader(environ)
    data = read.text("AI_CRM_DATA", "data")
    app, password = read.text("AI_CRM_TEAMS_APP_ID", ""), read.secret("AI_CRM_TEAMS_APP_PASSWORD")
    tenant = read.text("AI_CRM_TEAMS_TENANT_ID", "")
    settings = HubSettings(
        data=data,
        database_url=read.secret("AI_CRM_DATABASE_URL") or Secret(f"sqlite:///{os.path.join(data, 'hub.db')}"),
        secret_key=read.secret("AI_CRM_SECRET_KEY"),
        host=read.text("AI_CRM_HOST", "127.0.0.1"),
        port=_number(read.text("AI_CRM_PORT", "8080")),
        lease_seconds=_number(read.text("AI_CRM_LEASE_SECONDS", "180")),
        github_per_minute=_number(read.text("AI_CRM_GITHUB_PER_MINUTE", "80")),
        github_per_hour=_number(read.text("AI_CRM_GITHUB_PER_HOUR", "500")),
        base_url=read.url("AI_CRM_BASE_URL"),
        github_token=read.secret("AI_CRM_GITHUB_TOKEN"),
        github_webhook_secret=read.secret("AI_CRM_GITHUB_WEBHOOK_SECRET"),
        slack_bot_token=read.secret("AI_CRM_SLACK_BOT_TOKEN"),
        teams_app_id=app,
        teams_app_password=password,
        teams_tenant_id=tenant,
        teams_service_url=read.url("AI_CRM_TEAMS_SERVICE_URL", "https://smba.trafficmanager.net/teams/"),
        proxy=read.proxy("api.github.com"),
    )
    problems = (*_half_set(app, password, tenant), *_unusable(settings))
    try:
        read.done("AI_CRM_")
    except SettingsInvalid as error:
        problems = (*error.problems, *problems)
    if problems:
        raise SettingsInvalid(tuple(sorted(problems)))
    return settings


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1


def _unusable(settings: HubSettings) -> tuple[Problem, ...]:
    problems: list[Problem] = []
    if not 0 <= settings.port < 65536:
        hint = "a number from 1 to 65535, or 0 for any that is free"
        problems.append(Problem("AI_CRM_PORT", 0, 0, "is not a port", hint))
    if settings.lease_seconds < 1:
        problems.append(
            Problem(
                "AI_CRM_LEASE_SECONDS", 0, 0, "is not a number of seconds", "usually 180: longer than the slowest call"
            )
        )
    for name, amount in (
        ("AI_CRM_GITHUB_PER_MINUTE", settings.github_per_minute),
        ("AI_CRM_GITHUB_PER_HOUR", settings.github_per_hour),
    ):
        if amount < 1:
            problems.append(Problem(name, 0, 0, "is not a number of changes", "GitHub's own limits are 80 and 500"))
    return tuple(problems)


def _half_set(app: str, password: Secret, tenant: str) -> tuple[Problem, ...]:
    """Teams needs all three; a half of it would fail at the first message instead of now."""
    names = {"AI_CRM_TEAMS_APP_ID": app, "AI_CRM_TEAMS_APP_PASSWORD": password, "AI_CRM_TEAMS_TENANT_ID": tenant}
    if not any(names.values()) or all(names.values()):
        return ()
    hint = "set all three of a Teams app, or none"
    return tuple(Problem(name, 0, 0, "is missing", hint) for name, value in names.items() if not value)
