"""Who the hub is to GitHub: somebody with a token, or an app that proves itself with its key."""

from __future__ import annotations

from msgspec import Struct

from ai_crm.errors import CredentialsRefused
from ai_crm.model.secret import Secret

# GitHub takes none that is valid for longer than ten minutes, and clocks differ:
# https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
_BEFORE = 60
_AFTER = 9 * 60


class Hook(Struct, frozen=True):
    """A webhook of a repository; `id` is the number at the end of its settings' address."""

    project: str
    id: int


class TokenCredentials(Struct, frozen=True, kw_only=True):
    """A personal or machine user's token. `hooks` are the webhooks whose failed deliveries can be asked for."""

    token: Secret
    hooks: tuple[Hook, ...] = ()


class AppCredentials(Struct, frozen=True, kw_only=True):
    """A GitHub App. `app_id` is its id or client id, `private_key` the PEM file that its settings give once."""

    app_id: str
    private_key: Secret


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
