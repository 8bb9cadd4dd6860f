"""What the hub needs to take in webhooks: how a platform's calls are told from forgeries, and to whom they belong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from msgspec import Struct

from ai_crm.model.access import Principal
from ai_crm.model.item import PlatformName
from ai_crm.model.secret import Secret
from ai_crm.ports import Handshake, RawRequest


class Envelope(Struct, frozen=True, kw_only=True):
    """What is written on a delivery: the same fields as `model.delivery.Delivery`, read without understanding it."""

    name: str
    vendor_id: str
    lane: str
    headers: Mapping[str, str]


class Receiver(Protocol):
    """One platform's door. `limit` is the largest body in bytes that the platform sends."""

    platform: ClassVar[PlatformName]
    limit: ClassVar[int]

    def verify(self, request: RawRequest, secrets: tuple[str, ...]) -> Handshake | None:
        """None when the request is genuine under any of the secrets (two while one is being changed).

        Pure, over the bytes as they came, in constant time, and the same work without secrets. Raises SignatureInvalid.
        """
        ...

    def envelope(self, request: RawRequest) -> Envelope:
        """Pure and cheap; only called for genuine requests. Raises PayloadInvalid where the kind is not even named."""
        ...


class Connection(Struct, frozen=True, kw_only=True):
    """An installation of a platform that a workspace was connected to. `settings` may be shown, `secrets` never.

    Names of secrets: `webhook_secret` and `webhook_secret_before` (still accepted), `token`, `private_key`.
    """

    workspace: str
    id: str
    platform: PlatformName
    settings: Mapping[str, str]
    secrets: Mapping[str, Secret]
    active: bool = True

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        named = (self.secrets.get("webhook_secret"), self.secrets.get("webhook_secret_before"))
        return tuple(secret.reveal() for secret in named if secret)


class Connections(Protocol):
    """Raises StoreUnavailable."""

    async def find(self, connection: str) -> Connection | None:
        """By its id, which is unique among all workspaces; what is switched off counts as not there."""
        ...

    async def of(self, workspace: str) -> tuple[Connection, ...]:
        """Those that are switched on, the oldest first."""
        ...

    async def all(self) -> tuple[Connection, ...]: ...


class Keys(Protocol):
    """Who may use the API."""

    async def principal(self, key: str) -> Principal | None:
        """Whose API key this is; None for one that is unknown, expired or revoked. Raises StoreUnavailable."""
        ...
