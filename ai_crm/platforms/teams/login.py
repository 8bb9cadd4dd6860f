"""How a bot proves to the Bot Connector who it is, and where its token may be sent: there and nowhere else."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol
from urllib.parse import urlencode

from msgspec import Struct, structs

from ai_crm.errors import (
    AnswerUnintelligible,
    CredentialsRefused,
    Problem,
    RateLimited,
    SettingsInvalid,
    UpstreamError,
    UpstreamUnavailable,
)
from ai_crm.model.address import Address, is_loopback, parse_address
from ai_crm.platforms.transport import Answer, Transport


class BotAccount(Struct, frozen=True, kw_only=True):
    """A bot as its registration knows it. `tenant` is empty for an old multi-tenant bot; `certificate` is a PEM that stands
    for the password.

    `several`: it is registered for many tenants, and no tenant's own login knows it. `listens`: somebody hears it when a
    button of one of its messages is pressed.
    """

    app_id: str
    password: str = ""
    tenant: str = ""
    certificate: str = ""
    several: bool = False
    listens: bool = False

    def __repr__(self) -> str:
        return f"BotAccount({self.app_id})"


class Cloud(Struct, frozen=True, kw_only=True):
    """Who hands out the tokens for a Bot Connector, and for what; `issuer` signs what it sends, with keys that the
    document at `metadata_url` leads to.
    """

    login_url: str
    scope: str
    metadata_url: str
    issuer: str


def cloud_of(service: Address, login_url: str) -> Cloud:
    """The cloud that a connector's address belongs to. Raises SettingsInvalid for an address that is not one of theirs.

    A `login_url` is for tests: it and the service must then both be on this machine.
    """
    if login_url:
        if is_loopback(service) and is_loopback(parse_address(login_url)):
            return structs.replace(_PUBLIC, login_url=login_url, metadata_url=f"{login_url}{_METADATA}")
        raise _invalid("the Teams service URL", "another login is only for a connector on this machine")
    cloud = _CLOUDS.get(service.host)
    if cloud is None or service.port != 443:
        hosts = ", ".join(_CLOUDS)
        raise _invalid("the Teams service URL", "no Bot Connector that we know, so that it gets no token", hosts)
    return cloud


class Proof(Protocol):
    """What a connector is shown with each request."""

    def token(self) -> str:
        """Empty where nothing is shown. Raises UpstreamError."""
        ...

    def forget(self) -> None: ...

    def close(self) -> None: ...


class NoProof:
    """Implements Proof for an emulator on this machine, which asks for nothing."""

    def token(self) -> str:
        return ""

    def forget(self) -> None:
        pass

    def close(self) -> None:
        pass


class Login:
    """Implements Proof: gets tokens for one bot and keeps each until shortly before its end. `clock` counts seconds.

    Raises SettingsInvalid for an account that cannot be one.
    """

    def __init__(self, account: BotAccount, cloud: Cloud, clock: Callable[[], float], proxy: str) -> None:
        _check(account)
        self._path = f"/{_ANY_TENANT if account.several else account.tenant or _ANY_TENANT}/oauth2/v2.0/token"
        self._proof = _proof_of(account, f"{cloud.login_url}{self._path}")
        self._asked = {"grant_type": "client_credentials", "client_id": account.app_id, "scope": cloud.scope}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        self._transport = Transport(cloud.login_url, headers=headers, proxy=proxy)
        self._clock = clock
        self._token = ""
        self._good_until = 0.0
        self._turn = threading.Lock()

    def token(self) -> str:
        """Raises UpstreamError."""
        with self._turn:
            return self._renewed()

    def forget(self) -> None:
        """The token was refused: the next one is asked for anew."""
        self._token = ""

    def close(self) -> None:
        self._transport.close()

    def _renewed(self) -> str:
        if not self._token or self._clock() >= self._good_until:
            form = urlencode(self._asked | self._proof()).encode()
            answer = self._transport.request("POST", self._path, form)
            if answer.status != 200:
                raise _denied(answer)
            granted = answer.decoded(_Granted)
            if not _HEADER.fullmatch(granted.access_token):
                raise AnswerUnintelligible("the token is no token", where=answer.host)
            self._token = granted.access_token
            self._good_until = self._clock() + granted.expires_in - _EARLY
        return self._token


def is_app_id(text: str) -> bool:
    """Whether it can be the id of an application or a tenant."""
    return bool(_GUID.fullmatch(text))


_EARLY = 300  # seconds before its end at which a token counts as gone
_ANY_TENANT = "botframework.com"
_HEADER = re.compile("[!-~]{1,20000}")
_GUID = re.compile("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_TENANT = re.compile("[A-Za-z0-9]([A-Za-z0-9.-]{0,98}[A-Za-z0-9])?")

# Hosts: https://learn.microsoft.com/en-us/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages;
# the rest: https://learn.microsoft.com/en-us/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
# (both read 2026-11). The government cloud has a login of its own.
_METADATA = "/v1/.well-known/openidconfiguration"
_PUBLIC = Cloud(
    login_url="https://login.microsoftonline.com",
    scope="https://api.botframework.com/.default",
    metadata_url=f"https://login.botframework.com{_METADATA}",
    issuer="https://api.botframework.com",
)
_GOVERNMENT = Cloud(
    login_url="https://login.microsoftonline.us",
    scope="https://api.botframework.us/.default",
    metadata_url=f"https://login.botframework.azure.us{_METADATA}",
    issuer="https://api.botframework.us",
)
_CLOUDS: Mapping[str, Cloud] = MappingProxyType(
    {
        "smba.trafficmanager.net": _PUBLIC,
        "smba.infra.gcc.teams.microsoft.com": _PUBLIC,
        "smba.infra.gov.teams.microsoft.us": _GOVERNMENT,
    }
)

# In words that are right for a workflow's step and for a hub, which call their settings differently.
# https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes (read 2026-11)
_HINTS: Mapping[int, str] = MappingProxyType(
    {
        90002: "There is no such tenant: check the id of the tenant",
        700016: "The application is not in this tenant: check the ids of app and tenant. A bot of a single tenant "
        "needs its tenant's id, and no AI_CRM_TEAMS_MULTI_TENANT",
        7000215: "The app password is the client secret's value, not its id",
        7000222: "The client secret has expired: create a new one, which is the new app password",
    }
)


class _Granted(Struct, frozen=True):
    access_token: str
    expires_in: float


class _Denial(Struct, frozen=True):
    error_codes: tuple[int, ...] = ()


def _proof_of(account: BotAccount, audience: str) -> Callable[[], dict[str, str]]:
    """What the login is shown each time. Raises SettingsInvalid for a certificate that is none."""
    if not account.certificate:
        return lambda: {"client_secret": account.password}
    from ai_crm.platforms.teams.certificate import assertion, parse_certificate  # noqa: PLC0415 - cold start

    certificate = parse_certificate(account.certificate)
    return lambda: {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion(certificate, account.app_id, audience, time.time(), secrets.token_hex(16)),
    }


def _check(account: BotAccount) -> None:
    if not is_app_id(account.app_id):
        raise _invalid(
            "the Teams app id", "is not an application id", "it looks like 00000000-0000-0000-0000-000000000000"
        )
    if not account.password and not account.certificate:
        raise _invalid("the Teams app password", "is missing")
    if account.tenant and not _TENANT.fullmatch(account.tenant):
        raise _invalid("the Teams tenant id", "is neither a tenant's id nor its domain")


def _invalid(name: str, what: str, hint: str = "") -> SettingsInvalid:
    return SettingsInvalid((Problem(name, 0, 0, what, hint),))


def _denied(answer: Answer) -> UpstreamError:
    if answer.status == 429:
        return RateLimited("too many logins", retry_after=answer.retry_after(30), where=answer.host)
    if answer.status >= 500:
        return UpstreamUnavailable(
            f"the login answered {answer.status}", where=answer.host, hint="It may pass: run it again"
        )
    if answer.status not in (400, 401, 403):
        return AnswerUnintelligible(f"the login answered {answer.status}", where=answer.host)
    codes = answer.decoded(_Denial).error_codes
    hint = next(
        (_HINTS[code] for code in codes if code in _HINTS),
        "Check the app id, the app password and the id of the tenant",
    )
    named = "".join(f" AADSTS{code}" for code in codes[:3])
    return CredentialsRefused(f"the bot could not log in{named}", where=answer.host, hint=hint)
