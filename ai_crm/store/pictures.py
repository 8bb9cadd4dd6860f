"""How figures travel inside the address of their picture: sealed, for two weeks, so that nothing of it is stored."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from ai_crm.cards.inert import address
from ai_crm.cards.picture import Figures, figures_of
from ai_crm.errors import StoreError
from ai_crm.model.record import Report
from ai_crm.model.secret import Secret
from ai_crm.ports import Clock
from ai_crm.store.vault import Vault

PATH = "/pictures/{token}.png"
_KEPT_FOR = timedelta(days=14)
_PLACE = "picture"
_LONGEST = 3_000
# A box has signs that mean something in an address.
_SAFE, _BOXED = str.maketrans("+/=:", "-_.~"), str.maketrans("-_.~", "+/=:")


class Pictures:
    """`base_url` is the hub's address from outside. Slack and Teams load nothing that is not at an https one."""

    def __init__(self, vault: Vault, base_url: str, clock: Clock) -> None:
        self._vault = vault
        self._base_url = base_url
        self._clock = clock

    def address(self, report: Report) -> str:
        """Whoever knows it may see these figures and no others; nobody can guess it. Nothing where no chat could load it."""
        if not self._base_url.startswith("https://"):
            return ""
        until = self._clock.now() + _KEPT_FOR
        figures = msgspec.json.encode(figures_of(report)).decode()
        box = self._vault.seal({"figures": Secret(figures), "until": Secret(until.isoformat())}, _PLACE)
        return address(self._base_url + PATH.format(token=box.translate(_SAFE)))

    def figures(self, token: str) -> Figures | None:
        """What the address was made for; None for one that is not ours, or too old."""
        if len(token) > _LONGEST:
            return None
        try:
            opened = self._vault.open(token.translate(_BOXED), _PLACE)
            until = datetime.fromisoformat(opened["until"].reveal())
            figures = msgspec.json.decode(opened["figures"].reveal(), type=Figures)
        except (StoreError, KeyError, ValueError, msgspec.DecodeError):
            return None
        return figures if self._clock.now() < until else None
