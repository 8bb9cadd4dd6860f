"""Who was refused how often of late: whoever guesses is told to wait, whoever proves to be genuine never notices."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

SECONDS = 60.0
_MOST_ADDRESSES = 4096


class Refusals:
    """Counts refused calls of an address within a minute, for so many addresses that a flood of them costs 1 MB.

    `clock` is in seconds and never goes back. Only what was refused counts, so that of two behind one address the
    genuine one is not hurt by the other.
    """

    def __init__(self, clock: Callable[[], float], most: int = 30) -> None:
        self._clock = clock
        self._most = most
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()  # the minute that began first comes first

    def wait(self, address: str) -> float:
        """Counts one more refused call; how many seconds its sender should wait, 0 while it may go on."""
        now, sender = self._clock(), _sender(address)
        began, count = self._counts.get(sender, (now, 0))
        if now - began >= SECONDS:
            began, count = now, 0
        if not count:
            self._counts.pop(sender, None)
        self._counts[sender] = (began, count + 1)
        self._forget(now)
        return began + SECONDS - now if count >= self._most else 0.0

    def _forget(self, now: float) -> None:
        while self._counts:
            oldest = next(iter(self._counts))
            if len(self._counts) <= _MOST_ADDRESSES and now - self._counts[oldest][0] < SECONDS:
                return
            del self._counts[oldest]


def _sender(address: str) -> str:
    """Whoever has one address of IPv6 has the 2^64 around it; what is no address at all is one sender."""
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or found.packed[:8].hex())
