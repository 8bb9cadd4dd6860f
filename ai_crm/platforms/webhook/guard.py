"""What stands between a rule's URL and our own network: the addresses that a connection may be made to, and no others."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from ai_crm.errors import ChangeRefused
from ai_crm.model.target import is_public
from ai_crm.platforms.webhook import PORTS
from ai_crm.platforms.wire import Find, look_up

__all__ = ["Guard", "Network", "is_public"]

Network = IPv4Network | IPv6Network


class Guard:
    """Asked each time that a connection is made, so that a name which means something else by then gains nothing.

    `allowed` are networks that the operator trusts, whatever they are and at any port. `resolve` is how names are
    looked up.
    """

    def __init__(
        self, allowed: tuple[Network, ...] = (), ports: tuple[int, ...] = PORTS, resolve: Find = look_up
    ) -> None:
        self._allowed = allowed
        self._ports = ports
        self._resolve = resolve

    def find(self, host: str, port: int) -> tuple[str, ...]:
        """The addresses of the host, all of them checked. One that is not allowed refuses all: ChangeRefused.

        Raises OSError when the name cannot be looked up.
        """
        addresses = self._resolve(host, port)
        strangers = [address for address in addresses if not self._is_allowed(address)]
        if strangers and port not in self._ports:
            raise _refused(host, f"port {port} is not one that webhooks go to ({', '.join(map(str, self._ports))})")
        if not all(map(is_public, strangers)):
            raise _refused(host, "this name leads to an address that is not the public internet's")
        return addresses

    def _is_allowed(self, address: str) -> bool:
        try:
            found: IPv4Address | IPv6Address = ip_address(address)
        except ValueError:
            return False
        return any(found.version == network.version and found in network for network in self._allowed)


def _refused(host: str, what: str) -> ChangeRefused:
    # Not which address it was: the answer must not be a map of our own network.
    return ChangeRefused(what, where=f"webhook {host}", hint="Whoever runs the hub can allow networks of their own")
