"""Tokens of a GitHub App: which installation a project belongs to, what may be asked for, and until when it is valid."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MappingProxyType

import msgspec
from msgspec import Struct

from ai_crm.errors import AnswerUnintelligible, ChangeRefused, CredentialsRefused, ItemMissing
from ai_crm.model.secret import Secret
from ai_crm.platforms.github.access import Access
from ai_crm.platforms.github.answers import Asked, Quota
from ai_crm.platforms.github.api import Api
from ai_crm.platforms.github.credentials import AppCredentials, app_token
from ai_crm.platforms.github.encode import repository
from ai_crm.platforms.github.kept import Kept
from ai_crm.platforms.github.lines import Line

_EARLY = 300.0  # seconds before its end at which a token is not lent any more

# The most that is asked for: writing what rules write, reading what they read about. What an installation was not
# granted is left out, and what needs it says so when it is refused.
WANTED = MappingProxyType(
    {
        "issues": "write",
        "pull_requests": "write",
        "contents": "read",
        "metadata": "read",
        "members": "read",
        "discussions": "read",
        "actions": "read",
        "checks": "read",
        "deployments": "read",
        "security_events": "read",
        "vulnerability_alerts": "read",
        "secret_scanning_alerts": "read",
    }
)


class _Token(Struct, frozen=True):
    secret: Secret
    until: float


class _Installation(Struct, frozen=True):
    id: int
    permissions: dict[str, str]


class Installations:
    """One token for each account that installed the app, asked for once however many wait. Thread-safe; blocks.

    `access` says where GitHub is; its token is not used. Raises UpstreamError.
    """

    def __init__(
        self,
        credentials: AppCredentials,
        access: Access,
        sleep: Callable[[float], None],
        now: Callable[[], float],
    ) -> None:
        self._credentials = credentials
        self._access = access
        self._sleep = sleep
        self._now = now
        self._tokens: dict[str, _Token] = {}
        self._turns: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def token(self, project: str) -> str:
        """A token that is valid for some minutes yet. Raises CredentialsRefused where the app is not installed."""
        owner = project.partition("/")[0].lower()  # an account has one installation of an app
        with self._turn(owner):
            known = self._tokens.get(owner)
            if known is None or known.until <= self._now():
                known = self._tokens[owner] = self._renewed(project)
            return known.secret.reveal()

    def forget(self, token: str) -> None:
        """GitHub did not accept it: the next who asks gets another."""
        refused = Secret(token)
        with self._lock:
            for owner, known in tuple(self._tokens.items()):
                if known.secret == refused:
                    self._tokens.pop(owner, None)

    @contextmanager
    def as_app(self) -> Iterator[Api]:
        """What the app itself may ask, whoever installed it."""
        access = msgspec.structs.replace(self._access, token=lambda: app_token(self._credentials, self._now()))
        with Line(access, access.token()) as line:
            yield Api(line, Quota(), self._sleep, Kept())

    def _turn(self, owner: str) -> threading.Lock:
        with self._lock:
            return self._turns.setdefault(owner, threading.Lock())

    def _renewed(self, project: str) -> _Token:
        with self.as_app() as api:
            try:
                return _granted(api, _installation(api, project), project)
            except ChangeRefused:  # the owner took a permission away between the two answers
                return _granted(api, _installation(api, project), project)


def _installation(api: Api, project: str) -> _Installation:
    asked = Asked("find the app's installation", project, "")
    try:
        found = api.get(f"{repository(project)}/installation", asked)
    except ItemMissing as error:
        raise CredentialsRefused(
            "the GitHub App is not installed there",
            where=project,
            hint="Install it for this repository, and check that the app's id is the one whose key this is",
        ) from error
    except CredentialsRefused as error:
        raise CredentialsRefused(
            "GitHub does not accept the app's signature",
            where=project,
            hint="Check the app's id and private key, and this machine's clock",
        ) from error
    granted = found["permissions"]
    return _Installation(found["id"].number(), {scope: granted[scope].name_or("") for scope in WANTED})


def _granted(api: Api, installation: _Installation, project: str) -> _Token:
    """https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app"""
    permissions = {
        scope: level if installation.permissions[scope] != "read" else "read"
        for scope, level in WANTED.items()
        if installation.permissions[scope]
    }
    if not permissions:  # none named would mean all of them
        raise CredentialsRefused("the app may do nothing there", missing="issues: write", where=project)
    asked = Asked("get a token for the app", project, "")
    found = api.post(f"/app/installations/{installation.id}/access_tokens", {"permissions": permissions}, asked)
    secret, until = Secret(found["token"].raw()), found["expires_at"].time()
    if not secret or until is None:
        raise AnswerUnintelligible("GitHub's answer holds no token, or not until when it is valid", where=project)
    return _Token(secret, until.timestamp() - _EARLY)
