"""What an operator can set about the hub: read from the environment once, every problem told at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import ip_network
from urllib.parse import urlsplit

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

    `keep` says how many days what is behind us stays, in the words of `store.retention.DAYS`, where somebody said so.
    `webhook_networks` may be called by rules although they are not public, and the `X-Forwarded-For` of
    `trusted_proxies` is believed: addresses and networks.
    """

    data: str
    database_url: Secret
    redis_url: Secret
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
    slack_signing_secret: Secret
    slack_app_token: Secret
    slack_client_id: str
    slack_client_secret: Secret
    slack_api_url: str
    slack_alerts_channel: str
    teams_app_id: str
    teams_app_password: Secret
    teams_certificate: str
    teams_tenant_id: str
    teams_service_url: str
    teams_emulator: str
    teams_tenants: str
    proxy: Secret
    webhook_signing_secret: Secret
    webhook_networks: tuple[str, ...]
    keep: Mapping[str, int]
    trusted_proxies: tuple[str, ...]

    @property
    def rules_folder(self) -> str:
        return os.path.join(self.data, "rules")

    @property
    def learned_analysis(self) -> str:
        """What `ai-crm analysis learn` made of this team's closed work; most hubs have none."""
        return os.path.join(self.data, "analysis.json")

    @property
    def teams_local(self) -> bool:
        """Whether the Teams bot listens to an emulator on this machine."""
        return self.teams_emulator == "1"

    @property
    def teams_multi_tenant(self) -> bool:
        """Whether the Teams app is registered for many tenants."""
        return self.teams_tenants == "1"

    @property
    def key_file(self) -> str:
        return os.path.join(self.data, "secret.key")


# Variable -> what it is for, as the operator's guide lists them.
VARIABLES: Mapping[str, str] = {
    "AI_CRM_DATA": "folder of the database, the key file and the rules; `data` where the program is started",
    "AI_CRM_DATABASE_URL": "postgresql://… for several machines; otherwise SQLite in the data folder",
    "AI_CRM_REDIS_URL": "redis://… or rediss://…: takes in what comes before the database has it; with `appendfsync always`",
    "AI_CRM_SECRET_KEY": "32 bytes in base64 that seal stored tokens; otherwise made once, in the data folder",
    "AI_CRM_HOST": "address to listen on, 127.0.0.1",
    "AI_CRM_PORT": "port to listen on, 8080",
    "AI_CRM_BASE_URL": "how the hub is reached from outside, https://hub.example.com",
    "AI_CRM_LEASE_SECONDS": "how long what a dead process had in hand stays untouched, 180; longer than any call takes",
    "AI_CRM_GITHUB_PER_MINUTE": "how many changes a connection makes in a minute, 80; an Enterprise Server may allow more",
    "AI_CRM_GITHUB_PER_HOUR": "how many in an hour, 500",
    "AI_CRM_GITHUB_TOKEN": "read by `ai-crm connections add-github` and `connections token` alone",
    "AI_CRM_GITHUB_WEBHOOK_SECRET": "read by `ai-crm connections add-github` alone",
    "AI_CRM_SLACK_BOT_TOKEN": "xoxb-…: lets rules and the bot write to Slack",
    "AI_CRM_SLACK_APP_TOKEN": "xapp-…: the bot listens by Socket Mode, which needs no public address",
    "AI_CRM_SLACK_SIGNING_SECRET": "the bot listens on /slack/… of this hub; what comes in is signed with it",
    "AI_CRM_SLACK_CLIENT_ID": "lets several Slack workspaces install the app at /slack/install",
    "AI_CRM_SLACK_CLIENT_SECRET": "the secret of that client",
    "AI_CRM_SLACK_API_URL": "https://slack.com/api; GovSlack has another",
    "AI_CRM_SLACK_ALERTS_CHANNEL": "#ops or a channel's id: hears what is wrong with the hub",
    "AI_CRM_TEAMS_APP_ID": "lets rules write to Teams and the bot listen on /teams/messages, together with the next two",
    "AI_CRM_TEAMS_APP_PASSWORD": "the client secret of the Teams app",
    "AI_CRM_TEAMS_CERTIFICATE": "instead of it: the path of a PEM file with the private key and its certificate",
    "AI_CRM_TEAMS_TENANT_ID": "the tenant of the Teams app",
    "AI_CRM_TEAMS_MULTI_TENANT": "1: the app is registered for many tenants; `ai-crm teams allow` lets each of them in",
    "AI_CRM_TEAMS_SERVICE_URL": "where the Teams connector is",
    "AI_CRM_TEAMS_LOCAL": "1: the bot listens to an emulator on this machine, without tokens; for development alone",
    "AI_CRM_WEBHOOK_SIGNING_SECRET": "whsec_…: signs what rules send to webhooks; two with a comma while one is changed",
    "AI_CRM_WEBHOOK_NETWORKS": "networks that rules may call although they are not public: 10.1.0.0/16,fd00::/8",
    "AI_CRM_TRUSTED_PROXIES": "addresses or networks of proxies whose X-Forwarded-For is believed",
    "AI_CRM_KEEP_DELIVERIES_DAYS": "how long what was received is kept once it is settled, 30; at least 4",
    "AI_CRM_KEEP_DECISIONS_DAYS": "how long decisions are kept, 90",
    "AI_CRM_KEEP_DEAD_LETTERS_DAYS": "how long what was given up is kept, 90",
    "AI_CRM_KEEP_AUDIT_DAYS": "how long the audit is kept, 365",
}

# What may be kept for how many days -> the variable that says so.
KEEP: Mapping[str, str] = {
    "deliveries": "AI_CRM_KEEP_DELIVERIES_DAYS",
    "decisions": "AI_CRM_KEEP_DECISIONS_DAYS",
    "dead_letters": "AI_CRM_KEEP_DEAD_LETTERS_DAYS",
    "audit": "AI_CRM_KEEP_AUDIT_DAYS",
}

# GitHub sends something again for three days: until then it must be known.
_SHORTEST = {"deliveries": 4}
_LONGEST = 36_500


def read_hub_settings(environ: Mapping[str, str]) -> HubSettings:
    """Raises SettingsInvalid with every problem at once, half-set platforms included."""
    read = Reader(environ)
    data = read.text("AI_CRM_DATA", "data")
    settings = HubSettings(
        data=data,
        database_url=read.secret("AI_CRM_DATABASE_URL") or Secret(f"sqlite:///{os.path.join(data, 'hub.db')}"),
        redis_url=read.secret("AI_CRM_REDIS_URL"),
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
        slack_signing_secret=read.secret("AI_CRM_SLACK_SIGNING_SECRET"),
        slack_app_token=read.secret("AI_CRM_SLACK_APP_TOKEN"),
        slack_client_id=read.text("AI_CRM_SLACK_CLIENT_ID", ""),
        slack_client_secret=read.secret("AI_CRM_SLACK_CLIENT_SECRET"),
        slack_api_url=read.url("AI_CRM_SLACK_API_URL", "https://slack.com/api"),
        slack_alerts_channel=read.text("AI_CRM_SLACK_ALERTS_CHANNEL", ""),
        teams_app_id=read.text("AI_CRM_TEAMS_APP_ID", ""),
        teams_app_password=read.secret("AI_CRM_TEAMS_APP_PASSWORD"),
        teams_certificate=read.text("AI_CRM_TEAMS_CERTIFICATE", ""),
        teams_tenant_id=read.text("AI_CRM_TEAMS_TENANT_ID", ""),
        teams_service_url=read.url("AI_CRM_TEAMS_SERVICE_URL", "https://smba.trafficmanager.net/teams/"),
        teams_emulator=read.text("AI_CRM_TEAMS_LOCAL", ""),
        teams_tenants=read.text("AI_CRM_TEAMS_MULTI_TENANT", ""),
        proxy=read.proxy("api.github.com"),
        webhook_signing_secret=read.secret("AI_CRM_WEBHOOK_SIGNING_SECRET"),
        webhook_networks=_listed(read.text("AI_CRM_WEBHOOK_NETWORKS", "")),
        keep={name: _number(text) for name, variable in KEEP.items() if (text := read.text(variable, ""))},
        trusted_proxies=_listed(read.text("AI_CRM_TRUSTED_PROXIES", "")),
    )
    problems = (
        *_half_teams(settings),
        *_half_slack(settings),
        *_exposed(settings),
        *_homeless(settings),
        *_unusable(settings),
    )
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
    return (*problems, *_unkept(settings.keep), *_no_networks(settings))


def _unkept(keep: Mapping[str, int]) -> tuple[Problem, ...]:
    return tuple(
        Problem(KEEP[name], 0, 0, "is not a number of days that will do", f"from {shortest} to {_LONGEST:,}")
        for name, days in keep.items()
        if not (shortest := _SHORTEST.get(name, 1)) <= days <= _LONGEST
    )


def _no_networks(settings: HubSettings) -> tuple[Problem, ...]:
    named = {
        "AI_CRM_WEBHOOK_NETWORKS": settings.webhook_networks,
        "AI_CRM_TRUSTED_PROXIES": settings.trusted_proxies,
    }
    hint = "such as 10.1.0.0/16 or fd00::1, with commas between; a network ends where its bits do"
    return tuple(
        Problem(name, 0, 0, "holds something that is no network", hint)
        for name, networks in named.items()
        if not all(map(_is_network, networks))
    )


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _half_slack(settings: HubSettings) -> tuple[Problem, ...]:
    """What the bot needs to listen is of no use without a way to answer, and the other way round it cannot be installed."""
    client, secret = settings.slack_client_id, settings.slack_client_secret
    token, app, signing = settings.slack_bot_token, settings.slack_app_token, settings.slack_signing_secret
    problems = []
    if bool(client) != bool(secret):
        missing = "AI_CRM_SLACK_CLIENT_SECRET" if client else "AI_CRM_SLACK_CLIENT_ID"
        problems.append(Problem(missing, 0, 0, "is missing", "set both of an app's client, or none"))
    if (app or signing) and not token and not client:
        hint = "the bot token of the installed app, or the client that lets workspaces install it"
        problems.append(Problem("AI_CRM_SLACK_BOT_TOKEN", 0, 0, "is missing: the bot could hear and not answer", hint))
    if client and not (settings.base_url and (app or signing)):
        hint = "set AI_CRM_BASE_URL and one of AI_CRM_SLACK_SIGNING_SECRET and AI_CRM_SLACK_APP_TOKEN, too"
        problems.append(Problem("AI_CRM_SLACK_CLIENT_ID", 0, 0, "is not enough to install the app", hint))
    for name, value, prefix in (
        ("AI_CRM_SLACK_BOT_TOKEN", token, "xoxb-"),
        ("AI_CRM_SLACK_APP_TOKEN", app, "xapp-"),
    ):
        if value and not value.reveal().startswith(prefix):
            problems.append(Problem(name, 0, 0, f"does not begin with {prefix}", "it may be another secret of the app"))
    return tuple(problems)


def _half_teams(settings: HubSettings) -> tuple[Problem, ...]:
    """Teams needs all three; a half of it would fail at the first message instead of now."""
    has_password, certificate = bool(settings.teams_app_password), settings.teams_certificate
    if has_password and certificate:
        hint = "one of both proves who the bot is"
        return (Problem("AI_CRM_TEAMS_CERTIFICATE", 0, 0, "is set beside AI_CRM_TEAMS_APP_PASSWORD", hint),)
    names = {
        "AI_CRM_TEAMS_APP_ID": bool(settings.teams_app_id),
        "AI_CRM_TEAMS_APP_PASSWORD": has_password or bool(certificate),
        "AI_CRM_TEAMS_TENANT_ID": bool(settings.teams_tenant_id),
    }
    if not any(names.values()) or all(names.values()):
        return ()
    hint = "set all three of a Teams app, or none"
    return tuple(Problem(name, 0, 0, "is missing", hint) for name, is_set in names.items() if not is_set)


def _exposed(settings: HubSettings) -> tuple[Problem, ...]:
    """Without tokens anybody who reaches the bot is believed: so nobody but this machine may reach it."""
    if settings.teams_emulator not in {"", "0", "1"}:
        return (Problem("AI_CRM_TEAMS_LOCAL", 0, 0, "is neither 1 nor 0", "1 switches the emulator's mode on"),)
    if not settings.teams_local:
        return ()
    hint = "unset it; it lets whoever reaches the bot be anybody"
    reached = {
        "an app's id is set as well": bool(settings.teams_app_id),
        "the hub listens on more than this machine": settings.host not in _LOOPBACK,
        "the hub has an address for others": bool(settings.base_url) and not _is_local(settings.base_url),
        "the hub stands behind a proxy": bool(settings.trusted_proxies),
    }
    return tuple(
        Problem("AI_CRM_TEAMS_LOCAL", 0, 0, f"is for an emulator on this machine alone, and {why}", hint)
        for why, is_so in reached.items()
        if is_so
    )


def _homeless(settings: HubSettings) -> tuple[Problem, ...]:
    """Many tenants are an app's, and there is no app without its own one."""
    if settings.teams_tenants not in {"", "0", "1"}:
        hint = "1 says that the app is registered for many tenants"
        return (Problem("AI_CRM_TEAMS_MULTI_TENANT", 0, 0, "is neither 1 nor 0", hint),)
    if settings.teams_multi_tenant and not settings.teams_app_id:
        hint = "set the three variables of the Teams app, or unset this one"
        return (Problem("AI_CRM_TEAMS_MULTI_TENANT", 0, 0, "is set without an app", hint),)
    return ()


_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _is_local(url: str) -> bool:
    return (urlsplit(url).hostname or "") in _LOOPBACK
