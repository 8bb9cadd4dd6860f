"""The stand-in for a chat platform that was given no credentials: it says which ones it would need."""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar, NoReturn

from ai_crm.errors import Unsupported
from ai_crm.model.change import Notify, OutboundChange
from ai_crm.model.item import PlatformName
from ai_crm.ports import Capabilities


class Unconnected:
    """Implements ports.Applier for one platform. `hint` says what to give to whom, so that it is connected."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        changes=(Notify,),
        absent=MappingProxyType({}),
        ignored_events=MappingProxyType({}),
        signature="none: nothing comes in this way",
        text_limit=0,
    )

    def __init__(self, name: PlatformName, hint: str) -> None:
        self.name = name
        self._hint = hint

    async def apply(self, change: OutboundChange) -> NoReturn:
        target = change.target if isinstance(change, Notify) else str(change.item)
        raise Unsupported(
            f"{target} on {self.name.capitalize()} was told nothing: there are no credentials for it",
            hint=f"{self._hint}, or take the action out of the rule",
        )

    def close(self) -> None:
        """There is nothing to let go of."""
