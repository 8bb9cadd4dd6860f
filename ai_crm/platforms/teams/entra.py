"""Whether somebody is who they say: an access token for our app that Entra ID made for a person of a tenant."""

from __future__ import annotations

from datetime import datetime

import msgspec
from jwt.utils import base64url_decode
from msgspec import Struct

from ai_crm.platforms.teams.login import Cloud, is_app_id
from ai_crm.platforms.teams.verify import SigningKey, is_current, opened, refused

# What the app lets Teams ask for in a person's name. It is called so in the registration, and opens nothing of Microsoft's.
SCOPE = "access_as_user"
# Who may ask for it without asking the person: Teams on desktops and phones, Teams in browsers.
CLIENTS = ("1fec8e78-bce4-4aaf-ab1b-5451cc387264", "5e3ce6c0-2b1f-4285-8d4b-75ee78787346")


class Authority(Struct, frozen=True, kw_only=True):
    """Who signs for the people of a tenant: `issuer` in tokens of version 2, `before` in those of version 1. The document
    at `metadata_url` leads to the keys of both.
    """

    tenant: str
    issuer: str
    before: str
    metadata_url: str


class Identity(Struct, frozen=True, kw_only=True):
    """Somebody as their tenant knows them: `id` stays, `name` is what people call them. A guest's home is elsewhere."""

    tenant: str
    id: str
    name: str
    guest: bool


def authority_of(cloud: Cloud, tenant: str) -> Authority:
    """https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens (read 2026-11)."""
    home = f"{cloud.login_url}/{tenant}/v2.0"
    return Authority(
        tenant=tenant,
        issuer=home,
        before=f"https://sts.windows.net/{tenant}/",
        metadata_url=f"{home}/.well-known/openid-configuration",
    )


def resource_of(host: str, app_id: str) -> str:
    """The address that Entra ID knows the app by: of an app with a tab and a bot at `host`.

    https://learn.microsoft.com/en-us/microsoftteams/platform/tabs/how-to/authentication/tab-sso-register-aad (read 2026-11)
    """
    return f"api://{host.lower()}/botid-{app_id.lower()}"


def tenant_of(token: str) -> str:
    """Where a token says that it is from, in lower case: proven by nothing yet. Raises SignatureInvalid."""
    try:
        tenant = msgspec.json.decode(base64url_decode(token.split(".")[1]), type=_Place).tid.lower()
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise refused() from error
    if not is_app_id(tenant):
        raise refused()
    return tenant


def identify(token: str, key: SigningKey, authority: Authority, audiences: frozenset[str], now: datetime) -> Identity:
    """Whom a token is about, once it is genuine, of this tenant, for one of our names and of today. Pure.

    A token that an app got for itself is about nobody, and one for another purpose proves nothing here.
    https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference (read 2026-11).
    Raises SignatureInvalid.
    """
    try:
        said = msgspec.json.decode(opened(token, key), type=_Said)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise refused() from error
    issuers = {"1.0": authority.before, "2.0": authority.issuer}
    fits = (
        _signs_for(key, authority)
        and said.iss == issuers.get(said.ver)
        and said.tid.lower() == authority.tenant
        and said.aud.lower() in audiences
        and is_current(said.nbf, said.exp, now)
        and SCOPE in said.scp.split(" ")
        and said.idtyp in {"", "user"}
        and is_app_id(said.oid)
    )
    if not fits:
        raise refused()
    name = said.name or said.preferred_username or said.unique_name or said.oid
    return Identity(tenant=authority.tenant, id=said.oid.lower(), name=name, guest=_is_guest(said, authority))


class _Place(Struct, frozen=True):
    tid: str


class _Said(Struct, frozen=True, kw_only=True):
    """`acct` is there where the registration asks for it: 0 for a member, 1 for a guest. `idp` is who knows the person where
    that is not the tenant.
    """

    iss: str
    aud: str
    exp: float
    nbf: float
    ver: str
    tid: str
    oid: str
    scp: str
    idtyp: str = ""
    name: str = ""
    preferred_username: str = ""
    unique_name: str = ""
    acct: int | None = None
    idp: str = ""


def _signs_for(key: SigningKey, authority: Authority) -> bool:
    """Among a tenant's keys are those of private accounts, which are of a tenant of their own."""
    return not key.issuer or key.issuer.replace("{tenantid}", authority.tenant) == authority.issuer


def _is_guest(said: _Said, authority: Authority) -> bool:
    if said.acct is not None:
        return said.acct != 0
    return said.idp not in {"", authority.issuer, authority.before}
