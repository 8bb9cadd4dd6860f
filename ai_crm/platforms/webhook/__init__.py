"""Webhooks out: any address that a rule names is called, signed, once for each change, and never inside our own network."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from ai_crm.errors import Unsupported
from ai_crm.model.change import Applied, CallWebhook, Notify, OutboundChange, Outcome, ShowCard
from ai_crm.model.item import PlatformName
from ai_crm.platforms.outward import outward
from ai_crm.ports import Capabilities, Offload

if TYPE_CHECKING:
    from ai_crm.platforms.webhook.client import Lines  # cold start: http.client
    from ai_crm.platforms.webhook.guard import Network  # cold start: ipaddress, http.client
    from ai_crm.platforms.wire import Find  # cold start: ssl

# In bytes. Standard Webhooks advises to stay below 20 kB.
MOST_BODY = 256_000
PORTS = (443, 80, 8443)
_NO_ITEMS = "A webhook is called and has no items of its own"


class Webhooks:
    """Implements ports.Applier. `now` dates each call; `signing_secret` is `whsec_…`, or several with blanks between.

    `allowed` are networks that may be called at any port although they are not public; everybody else only at `ports`.
    `resolve` gives the addresses of a name, as `wire.look_up` does where it is None. Nothing is set up before the first call,
    which raises SettingsInvalid for a secret that is none.
    """

    name: ClassVar[PlatformName] = PlatformName.WEBHOOK
    capabilities: ClassVar[Capabilities] = outward(
        CallWebhook,
        {
            ShowCard: "A task's card is kept where its item lives; a webhook gets the task in its body",
            Notify: "A webhook is no chat: what it gets is a call with a body",
        },
        no_items=_NO_ITEMS,
        text_limit=MOST_BODY,
    )

    def __init__(
        self,
        offload: Offload,
        now: Callable[[], datetime],
        *,
        signing_secret: str = "",
        allowed: tuple[Network, ...] = (),
        ports: tuple[int, ...] = PORTS,
        resolve: Find | None = None,
    ) -> None:
        self._offload = offload
        self._now = now
        self._secret = signing_secret
        self._allowed = allowed
        self._ports = ports
        self._resolve = resolve
        self._talks: dict[str, tuple[Lines, tuple[bytes, ...]]] = {}

    async def apply(self, change: OutboundChange) -> Applied:
        """Calls the webhook. At least once: see README.md for what tells the receiver that it had the call before."""
        if not isinstance(change, CallWebhook):
            raise Unsupported(self.capabilities.absent[type(change)], where=f"webhook {type(change).__name__}")
        await self._offload(lambda: self._call(change))
        return Applied(key=change.key, outcome=Outcome.DONE)

    def close(self) -> None:
        while self._talks:
            self._talks.popitem()[1][0].close()

    def _call(self, change: CallWebhook) -> None:
        from ai_crm.platforms.webhook.client import call  # noqa: PLC0415 - cold start

        lines, keys = self._talking
        call(change, lines, keys, int(self._now().timestamp()))

    @property
    def _talking(self) -> tuple[Lines, tuple[bytes, ...]]:
        """Made by the first call. Of two at once one makes it in vain: a dict takes the first and no other."""
        if not self._talks:
            from ai_crm.platforms.webhook.client import Lines  # noqa: PLC0415 - cold start
            from ai_crm.platforms.webhook.encode import keys_of  # noqa: PLC0415 - cold start
            from ai_crm.platforms.webhook.guard import Guard  # noqa: PLC0415 - cold start
            from ai_crm.platforms.wire import look_up  # noqa: PLC0415 - cold start

            guard = Guard(self._allowed, self._ports, self._resolve or look_up)
            return self._talks.setdefault("", (Lines(guard), keys_of(self._secret)))
        return self._talks[""]
