"""What the step is given: its inputs, as `action.yml` declares them, and what the runner says about the run."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec
from msgspec import Struct

from ai_crm.config.settings import Reader
from ai_crm.errors import Problem, SettingsInvalid
from ai_crm.model.address import parse_address
from ai_crm.model.secret import Secret
from ai_crm.wiring import ChatAccess, HubAccess


class ConfigSource(StrEnum):
    DEFAULT_BRANCH = "default_branch"
    WORKSPACE = "workspace"


class FailOn(StrEnum):
    CONFIG = "config"  # what a person must mend: inputs, rules file, permissions, refused changes
    ANY = "any"  # also what may work next time: outages and rate limits
    NONE = "none"


# Input -> default, as in action.yml; a test keeps both equal.
INPUTS: Mapping[str, str] = {
    "api_key": "",
    "pm_analysis": "true",
    "auto_assign": "false",
    "api_url": "",
    "github_token": "${{ github.token }}",
    "config_path": ".github/ai-crm.yml",
    "config_source": "default_branch",
    "dry_run": "false",
    "fail_on": "config",
    "database_url": "",
    "slack_bot_token": "",
    "teams_app_id": "",
    "teams_app_password": "",
    "teams_tenant_id": "",
    "teams_service_url": "https://smba.trafficmanager.net/teams/",
}
OUTPUTS = ("tasks_created", "tasks_updated", "task_ids", "matched_rules", "decision")


class Inputs(Struct, frozen=True, kw_only=True):
    """The step's inputs. A secret that was not given is empty and false."""

    api_key: Secret
    api_url: str
    api_proxy: Secret
    pm_analysis: bool
    auto_assign: bool
    github_token: Secret
    config_path: str
    config_source: ConfigSource
    dry_run: bool
    fail_on: FailOn
    database_url: Secret
    chat: ChatAccess

    @property
    def hub(self) -> HubAccess | None:
        """The hub that keeps tasks and sends messages; None where its address or its key is missing."""
        return HubAccess(self.api_url, self.api_key, self.api_proxy) if self.api_url and self.api_key else None

    @property
    def half_a_hub(self) -> str:
        """What is missing of a hub, as a sentence; empty when nothing is, or all of it."""
        if bool(self.api_url) == bool(self.api_key):
            return ""
        given, missing = ("api_url", "api_key") if self.api_url else ("api_key", "api_url")
        return (
            f"{given} is given and {missing} is not, so no hub is used: the issue or pull request itself keeps its tasks, "
            f"and nothing is missing for that. To use a hub, give its {missing} too"
        )

    @property
    def secrets(self) -> tuple[Secret, ...]:
        chat = (self.chat.slack_bot_token, self.chat.teams_app_password)
        given = (self.api_key, self.github_token, self.database_url, *chat)
        return tuple(secret for secret in given if secret)


class Run(Struct, frozen=True, kw_only=True):
    """The workflow run around the step. `attempt` is 1 unless somebody ran the job again; then `id` is still the same."""

    event_name: str
    event_path: str
    repository: str
    workspace: str
    api_url: str
    graphql_url: str
    server_url: str
    id: str
    job: str
    attempt: int
    output: str
    summary: str
    proxy: Secret


def read_inputs(environ: Mapping[str, str]) -> Inputs:
    """Raises SettingsInvalid with every problem at once. `config-path` is as good as `config_path`."""
    read = Reader(_in_one_spelling(environ))
    api_url = read.url("INPUT_API_URL")
    inputs = Inputs(
        api_key=read.secret("INPUT_API_KEY"),
        api_url=api_url,
        api_proxy=read.proxy(parse_address(api_url).host) if api_url else Secret(""),
        pm_analysis=read.flag("INPUT_PM_ANALYSIS", default=True),
        auto_assign=read.flag("INPUT_AUTO_ASSIGN", default=False),
        github_token=read.secret("INPUT_GITHUB_TOKEN"),
        config_path=_inside(read.text("INPUT_CONFIG_PATH", INPUTS["config_path"])),
        config_source=read.choice("INPUT_CONFIG_SOURCE", ConfigSource.DEFAULT_BRANCH),
        dry_run=read.flag("INPUT_DRY_RUN", default=False),
        fail_on=read.choice("INPUT_FAIL_ON", FailOn.CONFIG),
        database_url=read.secret("INPUT_DATABASE_URL"),
        chat=ChatAccess(
            slack_bot_token=read.secret("INPUT_SLACK_BOT_TOKEN"),
            teams_app_id=read.text("INPUT_TEAMS_APP_ID", ""),
            teams_app_password=read.secret("INPUT_TEAMS_APP_PASSWORD"),
            teams_tenant_id=read.text("INPUT_TEAMS_TENANT_ID", ""),
            teams_service_url=read.url("INPUT_TEAMS_SERVICE_URL", INPUTS["teams_service_url"]),
            proxy=read.proxy("slack.com"),
        ),
    )
    read.done("INPUT_")
    if inputs.hub and inputs.database_url:
        hint = "give either a database or a hub: the hub has a database of its own"
        raise SettingsInvalid((Problem("input database_url", 0, 0, "cannot stand beside api_url", hint),))
    return inputs


def read_run(environ: Mapping[str, str]) -> Run:
    """Raises SettingsInvalid away from a workflow: then the runner's variables are missing."""
    read = Reader(environ)
    run = Run(
        event_name=read.text("GITHUB_EVENT_NAME"),
        event_path=read.text("GITHUB_EVENT_PATH"),
        repository=read.text("GITHUB_REPOSITORY"),
        workspace=read.text("GITHUB_WORKSPACE", "."),
        api_url=read.url("GITHUB_API_URL", "https://api.github.com"),
        graphql_url=read.url("GITHUB_GRAPHQL_URL", "https://api.github.com/graphql"),
        server_url=read.url("GITHUB_SERVER_URL", "https://github.com"),
        id=read.text("GITHUB_RUN_ID", ""),
        job=read.text("GITHUB_JOB", ""),
        attempt=_attempt(read.text("GITHUB_RUN_ATTEMPT", "1")),
        output=read.text("GITHUB_OUTPUT", ""),
        summary=read.text("GITHUB_STEP_SUMMARY", ""),
        proxy=Secret(""),
    )
    read.done()
    host = parse_address(run.api_url).host
    return msgspec.structs.replace(run, proxy=read.proxy(host))


def _inside(path: str) -> str:
    """The path of a file inside the repository. Raises SettingsInvalid for one that leads out of it."""
    if path.startswith("/") or ".." in path.split("/"):
        hint = "write it from the repository's root, such as .github/ai-crm.yml"
        raise SettingsInvalid((Problem("input config_path", 0, 0, "leads out of the repository", hint),))
    return path


def _attempt(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 1


def _in_one_spelling(environ: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("-", "_") if name.startswith("INPUT_") else name: value for name, value in environ.items()}
