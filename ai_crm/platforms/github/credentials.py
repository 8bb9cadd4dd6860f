"""Who the hub is to GitHub: somebody with a token, or an app that proves itself with its key."""

from __future__ import annotations

import re

from msgspec import Struct

from ai_crm.errors import CredentialsRefused, Problem, SettingsInvalid
from ai_crm.model.secret import Secret

# GitHub takes none that is valid for longer than ten minutes, and clocks differ:
# https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
_BEFORE = 60
_AFTER = 9 * 60


class Hook(Struct, frozen=True):
    """A webhook of a repository; `id` is the number at the end of its settings' address."""

    project: str
    id: int


def parse_hooks(written: str) -> tuple[Hook, ...]:
    """Of `octo/hello=12`, and of several with blanks between. Raises SettingsInvalid."""
    return tuple(map(_hook, written.split()))


class TokenCredentials(Struct, frozen=True, kw_only=True):
    """A personal or machine user's token. `hooks` are the webhooks whose failed deliveries can be asked for."""

    token: Secret
    hooks: tuple[Hook, ...] = ()


class AppCredentials(Struct, frozen=True, kw_only=True):
    """A GitHub App. `app_id` is its id or client id, `private_key` the PEM file that its settings give once."""

    app_id: str
    private_key: Secret


def _hook(written: str) -> Hook:
    found = _HOOK.fullmatch(written)
    if found is None:
        what, hint = (
            f"{written} is no webhook of a repository",
            "write OWNER/NAME=ID; the id ends its settings' address",
        )
        raise SettingsInvalid((Problem("a webhook", 0, 0, what, hint),))
    return Hook(found[1], int(found[2]))


_HOOK = re.compile(r"([A-Za-z0-9_-]{1,100}/[A-Za-z0-9._-]{1,100})=([0-9]{1,18})")


def app_token(credentials: AppCredentials, now: float) -> str:
    """What proves for nine minutes to be the app; `now` in seconds since 1970. Raises CredentialsRefused."""
    import jwt  # noqa: PLC0415 - cold start: cryptography, only for apps

    claims = {"iat": int(now) - _BEFORE, "exp": int(now) + _AFTER, "iss": credentials.app_id}
    try:
        return jwt.encode(claims, credentials.private_key.reveal(), algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        raise CredentialsRefused(  # from None: what a parser says about a key may hold some of it
            "the app's private key cannot be used",
            where="GitHub",
            hint="It must be the whole PEM file from the app's settings, from -----BEGIN to END-----",
        ) from None
