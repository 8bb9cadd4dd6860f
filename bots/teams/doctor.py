"""What is wrong with the Teams app: asked of Microsoft itself, with what to click about it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from msgspec import structs

from ai_crm.cli.diagnosis import Finding
from ai_crm.config.hub_settings import HubSettings
from ai_crm.errors import AiCrmError
from ai_crm.model.address import parse_address
from ai_crm.platforms.teams.entra import CLIENTS, SCOPE, authority_of, resource_of
from ai_crm.platforms.teams.login import Cloud, Login, cloud_of, is_app_id
from ai_crm.platforms.transport import Transport
from bots.teams.account import account_of
from bots.teams.door import PATH
from bots.teams.tokens import fetch


def examine(settings: HubSettings, login_url: str = "") -> tuple[Finding, ...]:
    """Everything that can be looked at with these settings, in the order in which it is set up. Blocks.

    `login_url` is for tests, as in `cloud_of`.
    """
    if settings.teams_local:
        return (Finding("the bot listens to an emulator on this machine; Teams itself is not asked", well=True),)
    if not settings.teams_app_id:
        hint = (
            "Azure portal, Azure Bot, Create (Single Tenant, F0); then set AI_CRM_TEAMS_APP_ID, _PASSWORD, _TENANT_ID"
        )
        return (Finding("no app is set", well=False, hint=hint),)
    return tuple(_findings(settings, login_url))


def of_tenants(tenants: Sequence[tuple[str, str, str]]) -> Iterator[Finding]:
    """Who is let in beside the app's own tenant, as `tenants.listed` tells it."""
    for tenant, workspace, state in tenants:
        if state == "on":
            yield Finding(f"the tenant {tenant} works with the tasks of {workspace}", well=True)
    if not any(state == "on" for _tenant, _workspace, state in tenants):
        hint = "`ai-crm teams allow TENANT_ID --workspace NAME` lets one in"
        yield Finding("the app is for many tenants, and its own one alone is let in", well=True, hint=hint)


def _findings(settings: HubSettings, login_url: str) -> Iterator[Finding]:
    proxy = settings.proxy.reveal()
    try:
        cloud = cloud_of(parse_address(settings.teams_service_url), login_url)
        login = Login(account_of(settings), cloud, time.monotonic, proxy)
    except AiCrmError as error:
        yield Finding(str(error), well=False)
        return
    if not is_app_id(settings.teams_tenant_id):
        hint = "The hub does not start with it: set the Directory (tenant) id, by which Teams names tenants"
        yield Finding("AI_CRM_TEAMS_TENANT_ID is a name and no id", well=False, hint=hint)
    try:
        login.token()
        yield Finding("Microsoft gives the bot a token", well=True)
    except AiCrmError as error:
        yield Finding(f"Microsoft gives the bot no token: {error}", well=False)
    finally:
        login.close()
    try:
        yield Finding(f"{len(fetch(cloud, proxy))} signing keys are published", well=True)
    except AiCrmError as error:
        yield Finding(f"the signing keys cannot be read, so nobody can be let in: {error}", well=False)
    yield _service(settings.teams_service_url, proxy)
    yield _address(settings.base_url)
    if settings.base_url.startswith("https://") and is_app_id(settings.teams_tenant_id):
        yield from _tab(settings, cloud)


def _tab(settings: HubSettings, cloud: Cloud) -> Iterator[Finding]:
    """Whoever asks for a token for the app finds out whether Entra ID knows it by its address."""
    resource = resource_of(parse_address(settings.base_url).netloc, settings.teams_app_id)
    account = structs.replace(account_of(settings), several=False)
    proxy = settings.proxy.reveal()
    login = Login(account, structs.replace(cloud, scope=f"{resource}/.default"), time.monotonic, proxy)
    try:
        login.token()
        hint = f"Its scope must be {SCOPE}, and its authorized client applications {' and '.join(CLIENTS)}"
        yield Finding(f"Entra ID knows the app as {resource}", well=True, hint=hint)
    except AiCrmError as error:
        hint = (
            f"App registrations, the app, Expose an API: Application ID URI {resource}, scope {SCOPE}, authorized "
            f"client applications {' and '.join(CLIENTS)}"
        )
        yield Finding(f"the tab in Teams lets nobody in: {error.what}", well=False, hint=hint)
    finally:
        login.close()
    try:
        fetch(authority_of(cloud, settings.teams_tenant_id.lower()), proxy)
        yield Finding("the keys that Entra ID signs with can be read", well=True)
    except AiCrmError as error:
        yield Finding(f"the keys that Entra ID signs with cannot be read: {error}", well=False)


def _service(url: str, proxy: str) -> Finding:
    """Without a token: any answer at all shows that the way is free."""
    try:
        with Transport(url, headers={}, proxy=proxy) as transport:
            transport.request("GET", "/v3/conversations")
    except AiCrmError as error:
        return Finding(f"the Bot Connector cannot be reached: {error}", well=False)
    return Finding("the Bot Connector answers", well=True)


def _address(base_url: str) -> Finding:
    if not base_url.startswith("https://"):
        hint = "set AI_CRM_BASE_URL to the https address at which Teams reaches this hub"
        return Finding("Teams calls https addresses only", well=False, hint=hint)
    hint = "Azure Bot, Configuration, Messaging endpoint must name it; Channels must have Microsoft Teams"
    return Finding(f"Teams has to call {base_url}{PATH}", well=True, hint=hint)
